//! What a solver says of a change, for all requests: per action that nothing changes, or a request for which
//! something does. Where it was not asked, or could not tell, that is said: no proof is not implied.

use std::time::Duration;

use clap::ValueEnum;
use doorward_analysis::{Change, KindComparison, Solver, SolverError, Verdict, compare};
use doorward_engine::{AccessRequest, Action, Offers, PolicyBundle, describe};
use serde::Serialize;

use super::answers::answer;
use crate::cli::Failure;
use crate::cli::render::{Tone, harmless_line};

/// Whether a solver is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Wanted {
    /// If there is one
    #[default]
    Auto,
    /// Yes: without one there is no answer
    Always,
    /// No
    Never,
}

/// What the solver said.
#[derive(Debug)]
pub(super) enum Proof {
    /// Why it was not asked.
    NotRun(String),
    /// What it said about each action.
    Ran(Vec<Kind>),
}

/// What it said about one action.
#[derive(Debug)]
pub(super) struct Kind {
    action: Action,
    verdict: Verdict,
    why: Option<String>,
    newly_permitted: Option<Example>,
    newly_refused: Option<Example>,
}

/// A request that shows a change, and how both sides answer it.
#[derive(Debug, Serialize)]
struct Example {
    request: AccessRequest,
    #[serde(serialize_with = "super::json::decision")]
    old: doorward_engine::Decision,
    #[serde(serialize_with = "super::json::decision")]
    new: doorward_engine::Decision,
}

/// What is said of actions that have one verdict.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) actions: String,
    pub(super) verdict: &'static str,
    pub(super) tone: Tone,
    /// What it means, or why it could not be told.
    pub(super) means: String,
    pub(super) examples: Vec<ToldExample>,
}

/// An example in words.
#[derive(Debug)]
pub(super) struct ToldExample {
    pub(super) kind: &'static str,
    pub(super) request: String,
    /// What it was answered, and what it is.
    pub(super) answers: String,
}

impl Proof {
    pub(super) fn of(
        old: &PolicyBundle,
        new: &PolicyBundle,
        wanted: Wanted,
        solver: &Solver,
        within: Duration,
    ) -> Result<Self, Failure> {
        if wanted == Wanted::Never {
            return Ok(Self::NotRun("it was not wanted".to_owned()));
        }
        match compare(old, new, solver, within) {
            Ok(comparison) => {
                let kinds = comparison.kinds.into_iter();
                Ok(Self::Ran(
                    kinds.map(|kind| Kind::of(kind, old, new)).collect(),
                ))
            }
            Err(error) if wanted == Wanted::Always => Err(no_solver(&error)),
            Err(error) => Ok(Self::NotRun(error.to_string())),
        }
    }

    /// Whether it is proved that nothing changes.
    pub(super) fn holds(&self) -> bool {
        match self {
            Self::NotRun(_) => false,
            Self::Ran(kinds) => kinds.iter().all(|kind| kind.verdict == Verdict::Equivalent),
        }
    }

    /// Whether it is shown that something changes.
    pub(super) fn shows_a_change(&self) -> bool {
        let Self::Ran(kinds) = self else {
            return false;
        };
        let mut kinds = kinds.iter();
        kinds.any(|kind| kind.newly_permitted.is_some() || kind.newly_refused.is_some())
    }

    /// Whether the solver was asked, and could not tell about some action.
    pub(super) fn is_in_doubt(&self) -> bool {
        match self {
            Self::NotRun(_) => false,
            Self::Ran(kinds) => kinds.iter().any(|kind| kind.verdict == Verdict::Unknown),
        }
    }

    /// What was said, actions of one verdict together.
    pub(super) fn told(&self) -> Vec<Told> {
        let kinds = match self {
            Self::NotRun(_) => &[],
            Self::Ran(kinds) => kinds.as_slice(),
        };
        let mut rest: Vec<&Kind> = kinds.iter().collect();
        let mut told = Vec::new();
        while let Some(first) = rest.first().copied() {
            let same = |kind: &&Kind| kind.verdict == first.verdict && kind.why == first.why;
            let names: Vec<&str> = rest.iter().copied().filter(same).map(Kind::name).collect();
            told.push(first.told(&names.join(", ")));
            rest.retain(|kind| !same(kind));
        }
        told
    }

    /// One line: what is proved, and what is not.
    pub(super) fn summary(&self) -> String {
        match self {
            Self::NotRun(why) => {
                harmless_line(&format!("not proved, since no solver was asked: {why}"))
            }
            Self::Ran(_) => {
                let told = self.told();
                let parts: Vec<String> = told
                    .iter()
                    .map(|told| format!("{} {}", told.actions, told.verdict))
                    .collect();
                format!("by the solver, for all requests: {}", parts.join("; "))
            }
        }
    }
}

impl Kind {
    fn of(kind: KindComparison, old: &PolicyBundle, new: &PolicyBundle) -> Self {
        let verdict = kind.verdict();
        let why = [&kind.wider, &kind.stricter]
            .into_iter()
            .find_map(|change| match change {
                Change::Unknown(why) => Some(why.clone()),
                Change::Never | Change::Example(_) => None,
            });
        let example = |change: Change| match change {
            Change::Example(request) => Some(Example {
                old: old.decide(&request, Offers::none),
                new: new.decide(&request, Offers::none),
                request: *request,
            }),
            Change::Never | Change::Unknown(_) => None,
        };
        Self {
            action: kind.action,
            verdict,
            why,
            newly_permitted: example(kind.wider),
            newly_refused: example(kind.stricter),
        }
    }

    /// The action's name in policies.
    fn name(&self) -> &'static str {
        match self.action {
            Action::SignIn => "signIn",
            Action::Refresh => "refresh",
            Action::Posture => "posture",
        }
    }

    fn told(&self, actions: &str) -> Told {
        let (tone, means) = match self.verdict {
            Verdict::Equivalent => (Tone::Good, "permits the same"),
            Verdict::Stricter => (Tone::Doubtful, "permits less, and nothing else"),
            Verdict::Wider => (Tone::Bad, "permits more, and all that it permitted"),
            Verdict::Both => (
                Tone::Bad,
                "permits some that it did not, and not all that it did",
            ),
            Verdict::Unknown => (
                Tone::Doubtful,
                self.why.as_deref().unwrap_or("it could not be told"),
            ),
        };
        let examples = [
            ("newly permitted", &self.newly_permitted),
            ("newly refused", &self.newly_refused),
        ];
        Told {
            actions: actions.to_owned(),
            verdict: word(self.verdict),
            tone,
            means: harmless_line(means),
            examples: examples
                .into_iter()
                .filter_map(|(kind, example)| Some((kind, example.as_ref()?)))
                .map(|(kind, example)| example.told(kind))
                .collect(),
        }
    }
}

impl Example {
    fn told(&self, kind: &'static str) -> ToldExample {
        let (old, new) = (answer(&self.old), answer(&self.new));
        ToldExample {
            kind,
            request: harmless_line(&describe(&self.request)),
            answers: harmless_line(&format!("{old}, and is now {new}")),
        }
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Equivalent => "equivalent",
        Verdict::Stricter => "stricter",
        Verdict::Wider => "wider",
        Verdict::Both => "both",
        Verdict::Unknown => "unknown",
    }
}

fn no_solver(error: &SolverError) -> Failure {
    Failure::of(error).with_help(crate::cli::prove::help(error))
}

/// What was said, for a machine.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    /// Whether the solver was asked.
    ran: bool,
    /// Why it was not.
    why: Option<&'a str>,
    kinds: Vec<KindDocument<'a>>,
}

#[derive(Debug, Serialize)]
struct KindDocument<'a> {
    action: &'static str,
    verdict: &'static str,
    /// Why it could not be told.
    why: Option<&'a str>,
    newly_permitted: Option<&'a Example>,
    newly_refused: Option<&'a Example>,
}

pub(super) fn document(proof: &Proof) -> Document<'_> {
    let (why, kinds) = match proof {
        Proof::NotRun(why) => (Some(why.as_str()), &[][..]),
        Proof::Ran(kinds) => (None, kinds.as_slice()),
    };
    let kinds = kinds.iter().map(|kind| KindDocument {
        action: kind.name(),
        verdict: word(kind.verdict),
        why: kind.why.as_deref(),
        newly_permitted: kind.newly_permitted.as_ref(),
        newly_refused: kind.newly_refused.as_ref(),
    });
    Document {
        ran: why.is_none(),
        why,
        kinds: kinds.collect(),
    }
}
