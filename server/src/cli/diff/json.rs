//! A comparison for a machine: all that was found, with the questions themselves. Those of real people are told
//! only where people may be named.

use doorward_engine::diff::{DataDiff, Flip, FlipKind, Place, Structure};
use doorward_engine::{AccessRequest, Decision, Outcome};
use serde::{Serialize, Serializer};

use super::comparison::Comparison;
use super::proof;
use super::report::Report;
use super::sides::Shown;
use crate::cli::Exit;

/// All of the answer.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    /// The verdict in words.
    verdict: &'a str,
    /// Whether a change in behaviour was found.
    changes: bool,
    /// Whether it is proved that there is none.
    proved: bool,
    proof: proof::Document<'a>,
    old: &'a Shown,
    new: &'a Shown,
    structure: &'a Structure,
    questions: Questions<'a>,
    cases: Option<Questions<'a>>,
    people: Option<Questions<'a>>,
    records: Option<Questions<'a>>,
    notes: &'a [String],
}

#[derive(Debug, Serialize)]
struct Questions<'a> {
    asked: usize,
    /// Whether these are all questions that the policies tell apart.
    every: bool,
    /// Whether there were more than were to be asked.
    cut: bool,
    flips: Vec<Flipped<'a>>,
}

#[derive(Debug, Serialize)]
struct Flipped<'a> {
    kind: FlipKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a AccessRequest>,
    application: &'a str,
    groups: Vec<&'a str>,
    places: &'a [Place],
    /// For how many people it was asked.
    people: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    names: Option<&'a [String]>,
    old: Answered<'a>,
    new: Answered<'a>,
}

#[derive(Debug, Serialize)]
struct Answered<'a> {
    outcome: &'static str,
    /// Whether a step-up asks for the password.
    password: bool,
    /// Whether it asks for a device.
    device: bool,
    /// The determining policies.
    policies: Vec<&'a str>,
}

pub(super) fn document<'a>(comparison: &'a Comparison, report: &'a Report) -> Document<'a> {
    let asked = |data: &'a DataDiff| asked(data, comparison.names);
    Document {
        verdict: &report.verdict,
        changes: comparison.exit() == Exit::No,
        proved: comparison.proof.holds(),
        proof: proof::document(&comparison.proof),
        old: &comparison.old,
        new: &comparison.new,
        structure: &comparison.structure,
        questions: asked(&comparison.questions),
        cases: comparison.cases.as_ref().map(asked),
        people: comparison.people.as_ref().map(|it| asked(&it.data)),
        records: comparison.records.as_ref().map(asked),
        notes: &comparison.notes,
    }
}

fn asked(data: &DataDiff, names: bool) -> Questions<'_> {
    Questions {
        asked: data.asked,
        every: data.every,
        cut: data.cut,
        flips: data.flips.iter().map(|it| flipped(it, names)).collect(),
    }
}

fn flipped(flip: &Flip, names: bool) -> Flipped<'_> {
    let groups = flip.request.user.groups.iter();
    Flipped {
        kind: flip.kind,
        name: flip.name.as_deref(),
        request: (names || flip.people.is_empty()).then_some(&flip.request),
        application: &flip.request.application.id,
        groups: groups.map(String::as_str).collect(),
        places: &flip.places,
        people: flip.people.len(),
        names: (names && !flip.people.is_empty()).then_some(&*flip.people),
        old: answered(&flip.old),
        new: answered(&flip.new),
    }
}

/// A decision as it is told to a machine.
pub(super) fn decision<S: Serializer>(
    decision: &Decision,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    answered(decision).serialize(serializer)
}

fn answered(decision: &Decision) -> Answered<'_> {
    let (password, device) = match &decision.outcome {
        Outcome::StepUp { demand, .. } => (demand.password, !demand.devices.is_empty()),
        Outcome::Permit | Outcome::Deny { .. } => (false, false),
    };
    let determining = decision.determining.iter();
    Answered {
        outcome: decision.outcome.word(),
        password,
        device,
        policies: determining.map(|policy| policy.id.as_str()).collect(),
    }
}
