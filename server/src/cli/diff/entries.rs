//! What changed in the text, entry by entry, and how it is called where no answer can change with it.

use doorward_engine::PolicyRef;
use doorward_engine::diff::{Moved, PartKind};

use super::comparison::Comparison;
use super::report::Entry;
use crate::cli::render::harmless_line;

/// What changed, where nothing of it can make a difference to an answer.
pub(super) fn unimportant(comparison: &Comparison) -> Vec<&'static str> {
    let structure = &comparison.structure;
    let has = |is_wanted: fn(PartKind) -> bool| {
        let parts = structure.changed.iter().flat_map(|changed| &changed.parts);
        parts.map(|part| part.kind).any(is_wanted)
    };
    let texts = has(|kind| kind == PartKind::Text);
    let says_otherwise = has(|kind| kind != PartKind::Text);
    let came_or_gone = !structure.added.is_empty() || !structure.removed.is_empty();
    let all = [
        (!structure.renamed.is_empty(), "names of policies"),
        (texts, "texts for people"),
        (
            says_otherwise || came_or_gone,
            "policies that only report or say what others do",
        ),
        (!structure.moved.is_empty(), "places of policies"),
        (structure.reordered, "order"),
        (
            !structure.entities.is_empty(),
            "declarations that no changed answer depends on",
        ),
        (structure.schema_changed, "the text of the schema"),
        (!structure.reformatted.is_empty(), "layout"),
    ];
    let found: Vec<&'static str> = all
        .into_iter()
        .filter_map(|(is_so, words)| is_so.then_some(words))
        .collect();
    if found.is_empty() {
        vec!["layout"]
    } else {
        found
    }
}

/// Everything that changed in the text.
pub(super) fn entries(comparison: &Comparison) -> Vec<Entry> {
    let structure = &comparison.structure;
    let mut entries = Vec::new();
    for policy in &structure.added {
        entries.push(entry("added", policy, policy.reason.as_slice()));
    }
    for policy in &structure.removed {
        entries.push(entry("removed", policy, policy.reason.as_slice()));
    }
    for changed in &structure.changed {
        let words: Vec<String> = changed.parts.iter().map(|it| it.words.clone()).collect();
        entries.push(entry("changed", &changed.new, &words));
    }
    for Moved { old, new } in &structure.renamed {
        entries.push(entry("renamed", new, &[format!("was `{}`", old.id)]));
    }
    for Moved { old, new } in &structure.moved {
        entries.push(entry("moved", new, &[format!("was at {}", place(old))]));
    }
    for policy in &structure.reformatted {
        entries.push(entry("reformatted", policy, &[]));
    }
    if structure.reordered {
        entries.push(other("the order of policies", &[]));
    }
    if !structure.entities.is_empty() {
        entries.push(other("entity data", &structure.entities));
    }
    if structure.schema_changed {
        entries.push(other("the schema", &[]));
    }
    entries
}

fn entry(what: &'static str, policy: &PolicyRef, details: &[String]) -> Entry {
    Entry {
        what,
        name: harmless_line(&policy.id),
        place: place(policy),
        details: details.iter().map(|it| harmless_line(it)).collect(),
    }
}

fn other(name: &str, details: &[String]) -> Entry {
    Entry {
        what: "changed",
        name: name.to_owned(),
        place: String::new(),
        details: details.iter().map(|it| harmless_line(it)).collect(),
    }
}

fn place(policy: &PolicyRef) -> String {
    harmless_line(&format!("{}:{}", policy.origin.file, policy.origin.line))
}
