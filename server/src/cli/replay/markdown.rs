//! The report as a comment on a pull request: what it came to first, and the decisions folded.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::report::{Report, answered, by_policy, most, who};
use crate::cli::Exit;
use crate::cli::render::machine::cell;

/// The comment. It ends with a line break.
pub(super) fn comment(report: &Report) -> String {
    let mark = match report.exit() {
        Exit::Yes => "✅",
        Exit::No => "⚠️",
        Exit::Unanswered => "❌",
    };
    let mut text = format!("### {mark} Replay: {}\n", cell(&report.summary()));
    // INVARIANT: writing into a string cannot fail.
    let _ = writeln!(text, "\nPolicies: {}", cell(&report.policies()));
    if report.flips > 0 {
        sums(report, &mut text);
    }
    if !report.listed.is_empty() {
        decisions(report, &mut text);
    }
    if !report.broken.is_empty() {
        text.push_str("\n| broken line | |\n|---|---|\n");
        for broken in &report.broken {
            let (place, problem) = (cell(&broken.place), cell(&broken.problem));
            let _ = writeln!(text, "| {place} | {problem} |");
        }
    }
    for note in report.notes() {
        let _ = writeln!(text, "\n> {}", cell(&note));
    }
    text
}

fn sums(report: &Report, text: &mut String) {
    text.push_str("\n| kind | decisions |\n|---|---:|\n");
    for (kind, number) in &report.by_kind {
        let _ = writeln!(text, "| {} | {number} |", kind.words());
    }
    table("application", &report.by_application, text);
    table("group of the user", &report.by_group, text);
    let (rows, more) = by_policy(report);
    if !rows.is_empty() {
        text.push_str(
            "\n| policy | causes the answer before | causes the answer now |\n|---|---:|---:|\n",
        );
    }
    for (id, turns) in rows {
        let _ = writeln!(text, "| {} | {} | {} |", cell(&id), turns.before, turns.now);
    }
    beyond(more, text);
}

fn table(title: &str, numbers: &BTreeMap<String, usize>, text: &mut String) {
    let _ = writeln!(text, "\n| {title} | decisions |\n|---|---:|");
    let (rows, more) = most(numbers);
    for (name, number) in rows {
        let _ = writeln!(text, "| {} | {number} |", cell(&name));
    }
    beyond(more, text);
}

fn decisions(report: &Report, text: &mut String) {
    text.push_str(
        "\n<details>\n<summary>Decisions</summary>\n\n\
         | reference | | who | recorded | now |\n|---|---|---|---|---|\n",
    );
    for flip in &report.listed {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            flip.reference,
            flip.kind.words(),
            cell(&who(flip)),
            cell(&answered(&flip.recorded)),
            cell(&answered(&flip.now)),
        );
    }
    beyond(report.flips - report.listed.len(), text);
    text.push_str("\n</details>\n");
}

fn beyond(more: usize, text: &mut String) {
    if more > 0 {
        let _ = writeln!(text, "\nand {more} more");
    }
}
