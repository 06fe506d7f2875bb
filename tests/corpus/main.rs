//! A corpus of edits of whole bundles: what `doorward diff` says of each, with a solver beside it. Every answer it
//! shows is asked again here, of both bundles. The edits stand in tables under `edits/`.

mod answer;
mod edits;
mod files;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::edits::{Class, Edit, Table};
use crate::files::Files;

/// The server, as cargo has just built it.
const BINARY: &str = env!("CARGO_BIN_EXE_doorward-under-test");

/// One bundle at a time takes all cores: a solver that has to share one takes longer than it may.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn edits_of_the_starter_bundle_are_told_for_what_they_are() {
    judge(&below("../policies"), include_str!("edits/starter.toml"));
}

#[test]
fn edits_of_the_example_repository_are_told_for_what_they_are() {
    judge(
        &below("../examples/policy-repo/policies"),
        include_str!("edits/example.toml"),
    );
}

#[test]
fn edits_of_a_bank_are_told_for_what_they_are() {
    judge(&bundle("bank"), include_str!("edits/bank.toml"));
}

#[test]
fn edits_of_an_agency_with_attributes_of_its_own_are_told_for_what_they_are() {
    judge(&bundle("agency"), include_str!("edits/agency.toml"));
}

#[test]
fn nothing_is_found_in_the_bundles_of_the_corpus() {
    for name in ["bank", "agency"] {
        let found = answer::check(&bundle(name));
        assert!(found.is_ok(), "{name}: {found:?}");
    }
}

fn below(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn bundle(name: &str) -> PathBuf {
    below("corpus/bundles").join(name)
}

/// Tries every edit of the table, and fails with all that are not told for what they are.
fn judge(bundle: &Path, table: &str) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let files = Files::read(bundle);
    let table: Table = toml::from_str(table).expect("a table of edits");
    let edits: Vec<(Class, &Edit)> = table.all().collect();
    let names: BTreeSet<&str> = edits.iter().map(|(_, edit)| edit.name.as_str()).collect();
    assert_eq!(names.len(), edits.len(), "two edits have the same name");

    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let work = || {
        while let Some((class, edit)) = edits.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(why) = answer::judge(&files, *class, edit) {
                let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
                wrong.push((edit.name.as_str(), why));
            }
        }
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        for _ in 0..cores {
            scope.spawn(work);
        }
    });

    let wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut told = String::new();
    for (name, why) in &wrong {
        let _ = write!(told, "\n\n{name}:\n  {}", why.replace('\n', "\n  "));
    }
    assert!(
        wrong.is_empty(),
        "{} of {} edits:{told}",
        wrong.len(),
        edits.len()
    );
}
