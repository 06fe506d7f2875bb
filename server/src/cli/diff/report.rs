//! A comparison in words: the verdict, what changed in the text (`entries`), which answers changed (`answers`),
//! what is proved of it (`proof`), and how much was asked. How that looks is left to `human` and `markdown`.

use doorward_engine::diff::FlipKind;

use super::answers::{KINDS, answers};
use super::comparison::Comparison;
use super::entries::{entries, unimportant};
use super::proof::Told;
use super::sides::Shown;
use crate::cli::render::{Tone, count, harmless_line};

/// Digits of a commit that are enough to find it.
const COMMIT: usize = 12;

/// A comparison in words.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) verdict: String,
    pub(super) tone: Tone,
    /// Where both sides were read.
    pub(super) sides: [(&'static str, String); 2],
    pub(super) structure: Vec<Entry>,
    pub(super) answers: Vec<Answers>,
    /// What is proved, in one line, and for each action.
    pub(super) proof: (String, Vec<Told>),
    /// How much was asked.
    pub(super) asked: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Something that changed in the text.
#[derive(Debug)]
pub(super) struct Entry {
    /// What became of it.
    pub(super) what: &'static str,
    pub(super) name: String,
    pub(super) place: String,
    pub(super) details: Vec<String>,
}

/// The answers that changed in one way.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) title: String,
    pub(super) tone: Tone,
    pub(super) groups: Vec<Group>,
    /// Groups that are not told.
    pub(super) more: usize,
}

/// Answers about the same applications, groups and platform.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) about: String,
    pub(super) number: String,
    /// One of the questions.
    pub(super) example: String,
    /// What it was answered, and what it is.
    pub(super) answers: String,
    /// The people whose answers changed, if they may be named.
    pub(super) names: Option<String>,
}

impl Report {
    pub(super) fn of(comparison: &Comparison) -> Self {
        let (verdict, tone) = verdict(comparison);
        Self {
            verdict,
            tone,
            sides: [
                ("old", side(&comparison.old)),
                ("new", side(&comparison.new)),
            ],
            structure: entries(comparison),
            answers: answers(comparison),
            proof: (comparison.proof.summary(), comparison.proof.told()),
            asked: asked(comparison),
            notes: comparison
                .notes
                .iter()
                .map(|note| harmless_line(note))
                .collect(),
        }
    }
}

fn side(shown: &Shown) -> String {
    let commit = shown.commit.as_ref().map_or_else(String::new, |commit| {
        let short: String = commit.chars().take(COMMIT).collect();
        format!(" ({short})")
    });
    let revision = shown.revision.short();
    harmless_line(&format!("{}{commit}, revision {revision}", shown.place))
}

/// The first line: what the change does, as far as it was asked.
fn verdict(comparison: &Comparison) -> (String, Tone) {
    let asked: usize = comparison.asked().map(|data| data.asked).sum();
    let of = |kind: FlipKind| comparison.flips().filter(|flip| flip.kind == kind).count();
    let said: Vec<String> = KINDS
        .into_iter()
        .filter(|(kind, ..)| of(*kind) > 0)
        .map(|(kind, verb, ..)| format!("{verb} {}", of(kind)))
        .collect();
    if !said.is_empty() {
        let questions = count(asked, "question");
        return (
            format!("{} of {questions}", said.join(", ")),
            Tone::Doubtful,
        );
    }
    let structure = &comparison.structure;
    if comparison.old.revision == comparison.new.revision {
        return ("no change: both are the same".to_owned(), Tone::Good);
    }
    if !structure.touches_behaviour() {
        let only = unimportant(comparison).join(", ");
        return (format!("no change in behaviour: only {only}"), Tone::Good);
    }
    if comparison.proof.shows_a_change() {
        let examples = "of which the solver has an example";
        return (format!("a change in behaviour, {examples}"), Tone::Doubtful);
    }
    if comparison.proof.holds() {
        return (
            "no change in behaviour, which is proved".to_owned(),
            Tone::Good,
        );
    }
    if comparison.questions.every {
        let questions = count(comparison.questions.asked, "question");
        let all = "which are all that these policies tell apart";
        return (format!("no change found in {questions}, {all}"), Tone::Good);
    }
    let questions = count(asked, "question");
    let examples = "which are examples, no proof";
    (
        format!("no change found in {questions}, {examples}"),
        Tone::Doubtful,
    )
}

fn asked(comparison: &Comparison) -> Vec<String> {
    let mut lines = Vec::new();
    let questions = &comparison.questions;
    let asked = count(questions.asked, "question");
    lines.push(if !comparison.structure.touches_behaviour() {
        "no question was made up: no policy that decides has changed".to_owned()
    } else if questions.every {
        format!("{asked} made up, which are all that these policies tell apart")
    } else if questions.cut {
        format!("{asked} made up, and there are more: `--most` asks more of them")
    } else {
        format!("{asked} made up, and the policies tell more apart than these")
    });
    if let Some(cases) = &comparison.cases {
        lines.push(format!("{} of suites", count(cases.asked, "case")));
    }
    if let Some(people) = &comparison.people {
        let asked = count(people.data.asked, "question");
        let cut = if people.data.cut {
            ", and there are more: `--most` asks more of them"
        } else {
            ""
        };
        let users = count(people.number, "user");
        lines.push(format!("{asked} about {users}{cut}"));
    }
    if let Some(records) = &comparison.records {
        let decisions = count(records.asked, "decision");
        let cut = if records.cut {
            ", of which more are answered otherwise than are told: `--most` tells more of them"
        } else {
            ""
        };
        lines.push(format!("{decisions} of logs{cut}"));
    }
    lines
}
