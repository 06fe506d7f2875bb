//! Decisions that were recorded, asked again of both sides: what the change would have made of real sign-ins.

use std::path::PathBuf;
use std::sync::Arc;

use doorward_engine::PolicyBundle;
use doorward_engine::diff::{DataDiff, Flip, compare};

use crate::cli::Failure;
use crate::cli::render::count;
use crate::cli::replay::{Recorded, decisions};

/// Asks both sides every question of the logs, and keeps `most` of those that are answered differently. What
/// cannot be asked for again is worth a note.
pub(super) fn records(
    old: &PolicyBundle,
    new: &PolicyBundle,
    logs: &[PathBuf],
    most: usize,
    notes: &mut Vec<String>,
) -> Result<DataDiff, Failure> {
    let mut data = DataDiff::default();
    for log in logs {
        let skipped = decisions(log, |recorded| {
            data.asked += 1;
            if let Some(flip) = flip(old, new, recorded) {
                if data.flips.len() < most {
                    data.flips.push(flip);
                } else {
                    data.cut = true;
                }
            }
        })?;
        let shown = log.display();
        if skipped.unreplayable > 0 {
            let decisions = count(skipped.unreplayable, "decision");
            notes.push(format!(
                "{shown}: {decisions} not asked: the record lacks the question"
            ));
        }
        if skipped.broken > 0 {
            let lines = count(skipped.broken, "line");
            notes.push(format!("{shown}: {lines} could not be read"));
        }
    }
    Ok(data)
}

fn flip(old: &PolicyBundle, new: &PolicyBundle, recorded: Recorded) -> Option<Flip> {
    let [before, after] =
        [old, new].map(|bundle| bundle.decide(&recorded.request, || recorded.offers()));
    let who = recorded
        .username
        .unwrap_or_else(|| recorded.request.user.id.clone());
    let name = format!("decision {}", recorded.reference);
    let flip = compare(Some(name), recorded.request, before, after)?;
    Some(Flip {
        people: Arc::new([who]),
        ..flip
    })
}
