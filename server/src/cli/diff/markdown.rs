//! A comparison as a comment on a pull request: the verdict as heading, the changed answers counted, and the
//! details folded.

use std::fmt::Write as _;

use super::proof::Told;
use super::report::{Answers, Entry, Report};
use crate::cli::render::count;
use crate::cli::render::machine::cell;

pub(super) fn comment(report: &Report) -> String {
    let mut text = format!("### Policies: {}\n", cell(&report.verdict));
    if !report.answers.is_empty() {
        text.push('\n');
    }
    // INVARIANT: writing into a string cannot fail.
    for answers in &report.answers {
        let first = answers.groups.first().map_or("", |group| &group.example);
        let _ = writeln!(text, "- **{}**, such as {}", answers.title, cell(first));
    }
    let (proved, told) = &report.proof;
    let _ = writeln!(text, "\nProof: {}", cell(proved));
    if told.iter().any(|told| !told.examples.is_empty()) {
        folded(&mut text, "What is proved", |text| proof(text, told));
    }
    if !report.structure.is_empty() {
        let summary = count(report.structure.len(), "entry");
        folded(
            &mut text,
            &format!("What changed in the text: {summary}"),
            |text| {
                structure(text, &report.structure);
            },
        );
    }
    for answers in &report.answers {
        folded(&mut text, &answers.title, |text| table(text, answers));
    }
    folded(&mut text, "What was asked", |text| {
        for (label, value) in &report.sides {
            let _ = writeln!(text, "- {label}: {}", cell(value));
        }
        for line in report.asked.iter().chain(&report.notes) {
            let _ = writeln!(text, "- {}", cell(line));
        }
    });
    text
}

fn folded(text: &mut String, summary: &str, inside: impl FnOnce(&mut String)) {
    let _ = writeln!(text, "\n<details>\n<summary>{summary}</summary>\n");
    inside(text);
    text.push_str("\n</details>\n");
}

fn structure(text: &mut String, entries: &[Entry]) {
    text.push_str("| | what | place | how |\n|---|---|---|---|\n");
    for entry in entries {
        let how: Vec<String> = entry.details.iter().map(|detail| cell(detail)).collect();
        let _ = writeln!(
            text,
            "| {} | **{}** | {} | {} |",
            entry.what,
            cell(&entry.name),
            cell(&entry.place),
            how.join("<br>"),
        );
    }
}

fn proof(text: &mut String, told: &[Told]) {
    text.push_str("| | action | such as | was |\n|---|---|---|---|\n");
    for told in told {
        let (verdict, actions) = (told.verdict, cell(&told.actions));
        if told.examples.is_empty() {
            let _ = writeln!(text, "| {verdict} | {actions} | {} | |", cell(&told.means));
        }
        for example in &told.examples {
            let _ = writeln!(
                text,
                "| {verdict} | {actions} | {}: {} | {} |",
                example.kind,
                cell(&example.request),
                cell(&example.answers),
            );
        }
    }
}

fn table(text: &mut String, answers: &Answers) {
    text.push_str("| about | how many | such as | was |\n|---|---|---|---|\n");
    for group in &answers.groups {
        let names = group
            .names
            .as_ref()
            .map_or_else(String::new, |names| format!("<br>{}", cell(names)));
        let _ = writeln!(
            text,
            "| {} | {}{names} | {} | {} |",
            cell(&group.about),
            cell(&group.number),
            cell(&group.example),
            cell(&group.answers),
        );
    }
    if answers.more > 0 {
        let _ = writeln!(text, "\nand {}", count(answers.more, "more group"));
    }
}
