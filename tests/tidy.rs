//! House rules that no compiler holds: length of files, arrows between rooms, where SQL and Cedar may
//! stand, and that the documents name what exists. What the code does is left to every other test.

#[path = "tidy/repository.rs"]
mod repository;

use std::collections::BTreeSet;

use repository::{
    SourceFile, cedar_statements, files, is_path, lines_with, quoted, root, rows_below, rust_files,
};

/// Longest file, in lines.
const LONGEST: usize = 400;

/// Files that are longer, and why they stay whole.
const LONGER: [(&str, &str); 0] = [];

/// The rooms of the server, from the front desk down. A room imports from lower levels only.
const LEVELS: [&[&str]; 7] = [
    &["cli"],
    &["app"],
    &["oidc"],
    &["access"],
    &["signals", "tokens", "audit", "web", "directory"],
    &["storage", "config", "reload", "remote", "jose"],
    &["domain"],
];

#[test]
fn every_file_begins_with_what_it_is_for() {
    let silent = rust_files()
        .into_iter()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| file.path);
    assert_none("say it in the first line, after `//! `", silent);
}

#[test]
fn no_file_is_too_long_to_read_at_once() {
    let files = rust_files();
    let long: Vec<&SourceFile> = files
        .iter()
        .filter(|file| file.text.lines().count() > LONGEST)
        .collect();
    let excused = |path: &str| LONGER.iter().any(|(known, _)| *known == path);
    let too_long = long.iter().filter(|file| !excused(&file.path));
    assert_none(
        "split it, or give a reason in `LONGER`",
        too_long.map(|file| format!("{}: {} lines", file.path, file.text.lines().count())),
    );
    let needless = LONGER
        .iter()
        .filter(|(path, _)| !long.iter().any(|file| file.path == *path));
    assert_none(
        "it is short enough now: remove it from `LONGER`",
        needless.map(|(path, _)| (*path).to_owned()),
    );
}

#[test]
fn rooms_import_from_lower_rooms_only() {
    let mut wrong = Vec::new();
    for file in rust_files() {
        let Some(room) = room_of(&file.path) else {
            continue;
        };
        let own = level(room).unwrap_or_else(|| panic!("`{room}` is no known room"));
        for (number, line) in file.code() {
            for other in rooms_named_in(line) {
                let allowed = other == room || level(&other).is_some_and(|level| level > own);
                if !allowed {
                    wrong.push(format!("{}:{number}: `{room}` uses `{other}`", file.path));
                }
            }
        }
    }
    assert_none(
        "arrows point down, and rooms of one level are strangers",
        wrong,
    );
}

#[test]
fn the_configuration_is_read_where_the_server_is_put_together() {
    let readers = ["config", "app", "cli"];
    let outside = rust_files().into_iter().filter(|file| {
        let room = room_of(&file.path);
        room.is_some_and(|room| !readers.contains(&room))
    });
    assert_none(
        "other rooms are given the few values they need",
        lines_with(outside, &["config::Config"]),
    );
}

#[test]
fn no_lint_is_silenced_without_being_expected() {
    let mut silenced = Vec::new();
    for file in rust_files() {
        for (number, line) in file.code() {
            let attribute =
                line.trim_start().starts_with("#[") || line.trim_start().starts_with("#![");
            if attribute && line.contains("allow(") {
                silenced.push(format!("{}:{number}", file.path));
            }
        }
    }
    assert_none("use `expect`, with a reason", silenced);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("unimpl", "emented!"),
        concat!("to", "do!("),
    ];
    let mut left = Vec::new();
    for file in rust_files() {
        for (number, line) in file.text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                left.push(format!("{}:{}", file.path, number + 1));
            }
        }
    }
    assert_none("do it, or write it down where plans are kept", left);
}

#[test]
fn every_policy_has_an_id() {
    let mut nameless = Vec::new();
    let policies = files("cedar")
        .into_iter()
        .filter(|file| file.path.starts_with("policies/") || file.path.starts_with("examples/"));
    for file in policies {
        for statement in cedar_statements(&file.text) {
            if !statement.contains("@id(") {
                let words: Vec<&str> = statement.split_whitespace().take(6).collect();
                nameless.push(format!("{}: {}", file.path, words.join(" ")));
            }
        }
    }
    assert_none("explanations, records and tests use the id", nameless);
}

#[test]
fn cedar_stays_in_the_engine_and_the_analysis() {
    let outside = rust_files()
        .into_iter()
        .filter(|file| !file.path.starts_with("engine/") && !file.path.starts_with("analysis/"))
        .filter(|file| !file.path.ends_with("tidy.rs"));
    assert_none("ask the engine", lines_with(outside, &["cedar_policy"]));
    let manifests = files("toml")
        .into_iter()
        .filter(|file| file.path == "server/Cargo.toml" || file.path == "tests/Cargo.toml")
        .filter(|file| file.text.contains("cedar-policy"));
    assert_none("ask the engine", manifests.map(|file| file.path));
}

#[test]
fn the_engine_reads_no_clock_and_does_no_io() {
    let inside = rust_files()
        .into_iter()
        .filter(|file| file.path.starts_with("engine/src/"))
        .filter(|file| !file.path.ends_with("/tests.rs") && !file.path.ends_with("/properties.rs"));
    let ambient = [
        "std::fs",
        "std::io",
        "std::env",
        "std::process",
        "std::thread",
        "std::net::Tcp",
        "std::net::Udp",
        "SystemTime",
        "Instant::now",
        "Utc::now",
        "Local::now",
        "async fn",
        ".await",
        "tokio::",
        "tracing::",
        "static mut",
        "thread_local!",
    ];
    assert_none(
        "whoever calls the engine does that",
        lines_with(inside, &ambient),
    );
}

#[test]
fn sql_stays_in_storage() {
    let outside = rust_files().into_iter().filter(|file| {
        !file.path.starts_with("server/src/storage/") && !file.path.ends_with("tidy.rs")
    });
    let sql = [
        "sqlx::",
        "SELECT ",
        "INSERT INTO",
        "DELETE FROM",
        "CREATE TABLE",
        "PRAGMA ",
        "BEGIN IMMEDIATE",
    ];
    assert_none("storage has a trait for it", lines_with(outside, &sql));
}

#[test]
fn every_step_of_the_walk_names_an_existing_file() {
    let rows = rows_below("## The way of a request");
    assert!(rows.len() >= 5, "the table of the walk is gone: {rows:?}");
    let mut wrong = Vec::new();
    for row in rows {
        let paths: Vec<&str> = quoted(&row).filter(|text| is_path(text)).collect();
        if paths.is_empty() {
            wrong.push(format!("names no file: {row}"));
        }
        let missing = paths.iter().filter(|path| !root().join(path).exists());
        wrong.extend(missing.map(|path| format!("`{path}` does not exist")));
    }
    assert_none("correct ARCHITECTURE.md", wrong);
}

#[test]
fn every_invariant_names_tests_that_exist() {
    let functions: BTreeSet<String> = rust_files()
        .iter()
        .flat_map(|file| file.text.lines())
        .filter_map(|line| line.split_once("fn ")?.1.split(['(', '<']).next())
        .map(str::to_owned)
        .collect();
    let rows = rows_below("## Invariants");
    assert!(
        rows.len() >= 5,
        "the table of the invariants is gone: {rows:?}"
    );
    let mut wrong = Vec::new();
    for row in rows {
        for text in quoted(&row) {
            // Names of tests are sentences.
            let sentence = text.matches('_').count() >= 3 && !text.contains(['.', '/', ':', '!']);
            if sentence && !functions.contains(text) {
                wrong.push(format!("no test is called `{text}`"));
            }
            if is_path(text) && !root().join(text).exists() {
                wrong.push(format!("`{text}` does not exist"));
            }
        }
    }
    assert_none("correct ARCHITECTURE.md", wrong);
}

/// The room that a file of the server belongs to.
fn room_of(path: &str) -> Option<&str> {
    let (room, _) = path.strip_prefix("server/src/")?.split_once('/')?;
    Some(room)
}

fn level(room: &str) -> Option<usize> {
    LEVELS.iter().position(|rooms| rooms.contains(&room))
}

/// The rooms in `crate::room::…`. Rooms that are named in one group would hide from a reader too, so a
/// group counts as a room that nobody may use.
fn rooms_named_in(line: &str) -> impl Iterator<Item = String> {
    line.match_indices("crate::")
        .filter_map(move |(at, matched)| {
            let rest = &line[at + matched.len()..];
            let ends = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            match &rest[..ends.unwrap_or(rest.len())] {
                "" => Some("{…}".to_owned()),
                // A name of the library itself.
                name if name.starts_with(|c: char| c.is_ascii_uppercase()) => None,
                room => Some(room.to_owned()),
            }
        })
}

/// Fails with everything that was found.
fn assert_none(advice: &str, found: impl IntoIterator<Item = String>) {
    let found: Vec<String> = found.into_iter().collect();
    assert!(found.is_empty(), "{advice}:\n  {}", found.join("\n  "));
}
