//! A comparison for a person at a terminal: the verdict first.

use super::proof::Told;
use super::report::{Answers, Entry, Report};
use crate::cli::render::{Style, Tone, count};

pub(super) fn text(report: &Report, style: Style) -> String {
    let mut lines = vec![style.paint(report.tone, &report.verdict), String::new()];
    for (label, value) in &report.sides {
        lines.push(format!("  {label}  {value}"));
    }
    if !report.structure.is_empty() {
        lines.extend(heading("Policies", style));
        let entries = report.structure.iter();
        lines.extend(entries.flat_map(|it| entry(it, style)));
    }
    for answers in &report.answers {
        lines.extend(heading(&answers.title, style));
        lines.extend(changed(answers, style));
    }
    lines.extend(heading("Proof", style));
    let (summary, told) = &report.proof;
    if told.is_empty() {
        lines.push(format!("  {summary}"));
    }
    lines.extend(told.iter().flat_map(|told| proved(told, style)));
    lines.extend(heading("Questions", style));
    for line in report.asked.iter().chain(&report.notes) {
        lines.push(format!("  {line}"));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn heading(words: &str, style: Style) -> [String; 2] {
    [String::new(), style.paint(Tone::Strong, words)]
}

fn entry(entry: &Entry, style: Style) -> Vec<String> {
    let Entry { what, place, .. } = entry;
    let name = style.paint(Tone::Strong, &entry.name);
    let line = format!("  {what:<11}  {name}  {place}");
    let details = entry.details.iter();
    std::iter::once(line.trim_end().to_owned())
        .chain(details.map(|detail| format!("    {detail}")))
        .collect()
}

fn proved(told: &Told, style: Style) -> Vec<String> {
    let verdict = style.paint(told.tone, told.verdict);
    let line = format!("  {verdict}  {}: {}", told.actions, told.means);
    let examples = told.examples.iter().flat_map(|example| {
        [
            format!("    {}: {}", example.kind, example.request),
            format!("    was {}", example.answers),
        ]
    });
    std::iter::once(line).chain(examples).collect()
}

fn changed(answers: &Answers, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    for group in &answers.groups {
        let about = style.paint(answers.tone, &group.about);
        lines.push(format!("  {about}: {}", group.number));
        lines.push(format!("    such as {}", group.example));
        lines.push(format!("    was {}", group.answers));
        let names = group.names.iter();
        lines.extend(names.map(|names| format!("    {names}")));
    }
    if answers.more > 0 {
        let groups = count(answers.more, "more group");
        lines.push(format!(
            "  and {groups} of applications, groups and platforms"
        ));
    }
    lines
}
