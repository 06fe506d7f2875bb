//! What a change of policies changes: in the text, and in the answers.
//!
//! - [`structure()`] compares the bundles policy by policy, by `@id`.
//! - [`representatives()`] asks both bundles the questions that the changed policies tell apart, and [`people()`]
//!   asks them for real users and devices.
//! - [`ask()`] asks both whatever the caller wants to know, and [`compare()`] compares what they said.
//! - [`symbolic()`] tells a solver of it, which can prove that there is none.
//!
//! Questions show that a change makes a difference, by one that makes it. That there is none they prove only
//! where they are all that the policies tell apart ([`DataDiff::every`]).

mod affected;
mod data;
mod meaning;
mod people;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod properties_bundles;
mod structure;
mod symbolic;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::Serialize;

pub use data::representatives;
pub use people::{Person, people};
pub use structure::structure;
pub use symbolic::{SymbolicChange, SymbolicKind, SymbolicPolicy, SymbolicSlice, symbolic};

use crate::bundle::PolicyBundle;
use crate::decision::{Decision, Outcome};
use crate::policy::PolicyRef;
use crate::request::{AccessRequest, Action};
use crate::step_up::Offers;

/// What changed in the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Structure {
    /// Policies whose `@id` is new.
    pub added: Vec<PolicyRef>,
    /// Policies whose `@id` is gone.
    pub removed: Vec<PolicyRef>,
    /// Policies that say something else.
    pub changed: Vec<Changed>,
    /// Policies that say the same under another `@id`.
    pub renamed: Vec<Moved>,
    /// Policies that are in another file.
    pub moved: Vec<Moved>,
    /// Policies that are written in another way and say the same.
    pub reformatted: Vec<PolicyRef>,
    /// Whether policies stand in another order.
    pub reordered: bool,
    /// Names and memberships that entity data declares now or no longer, in words.
    pub entities: Vec<String>,
    /// Whether the text of the schema is another.
    pub schema_changed: bool,
    touches_behaviour: bool,
}

/// A policy on either side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// As it was.
    pub old: PolicyRef,
    /// As it is.
    pub new: PolicyRef,
}

/// A policy that says something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// As it was.
    pub old: PolicyRef,
    /// As it is.
    pub new: PolicyRef,
    /// What differs; never empty.
    pub parts: Vec<ChangedPart>,
}

/// Something that differs between two versions of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedPart {
    /// Which part it is.
    pub kind: PartKind,
    /// How it differs, in words.
    pub words: String,
}

/// A part of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PartKind {
    /// Whether it permits or forbids.
    Effect,
    /// Whether it decides.
    Mode,
    /// Whom, what and which action it is about.
    Head,
    /// What it asks for.
    Condition,
    /// What people read, and findings that it allows.
    Text,
}

impl Structure {
    /// Whether the change can make a difference to an answer. Comments, layout, order, files, names of policies,
    /// texts for people and policies that only report cannot.
    #[must_use]
    pub fn touches_behaviour(&self) -> bool {
        self.touches_behaviour
    }

    /// Whether the policies, the entity data and the schema are the same to the last word, comments aside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.changed.is_empty()
            && self.renamed.is_empty()
            && self.moved.is_empty()
            && self.reformatted.is_empty()
            && !self.reordered
            && self.entities.is_empty()
            && !self.schema_changed
    }
}

/// One question that two bundles answer differently.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flip {
    /// The question.
    pub request: AccessRequest,
    /// What was answered.
    pub old: Decision,
    /// What is answered.
    pub new: Decision,
    /// How the answers differ.
    pub kind: FlipKind,
    /// The name of a case or a record that is the question.
    pub name: Option<String>,
    /// The people for whom the question was asked.
    pub people: Arc<[String]>,
    /// The applications and actions about which the answers are the same, that of the question first. Empty
    /// where the question was asked for itself.
    pub places: Arc<[Place]>,
}

/// What somebody does with which application.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The application.
    pub application: String,
    /// The action.
    pub action: Action,
}

/// How two answers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlipKind {
    /// It is a permit now.
    NewlyPermitted,
    /// It is a denial now.
    NewlyDenied,
    /// A step-up is asked for now.
    NewlyStepUp,
    /// Another step-up is asked for.
    OtherStepUp,
}

/// What asking both bundles came to.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct DataDiff {
    /// How many questions were asked.
    pub asked: usize,
    /// Those that are answered differently.
    pub flips: Vec<Flip>,
    /// Whether the questions are all that the policies tell apart: then no other question is permitted by
    /// one and not by the other.
    pub every: bool,
    /// Whether there were more questions than were to be asked.
    pub cut: bool,
}

/// Asks both bundles the same questions, each with its name and what the user could still do.
#[must_use]
pub fn ask(
    old: &PolicyBundle,
    new: &PolicyBundle,
    questions: impl Iterator<Item = (Option<String>, AccessRequest, Offers)>,
) -> DataDiff {
    let mut data = DataDiff::default();
    for (name, request, offers) in questions {
        data.asked += 1;
        let [before, after] = [old, new].map(|bundle| bundle.decide(&request, || offers.clone()));
        data.flips.extend(compare(name, request, before, after));
    }
    data
}

/// What two bundles decided, if it differs.
#[must_use]
pub fn compare(
    name: Option<String>,
    request: AccessRequest,
    old: Decision,
    new: Decision,
) -> Option<Flip> {
    let kind = kind(&old.outcome, &new.outcome)?;
    Some(Flip {
        request,
        old,
        new,
        kind,
        name,
        people: Arc::default(),
        places: Arc::default(),
    })
}

fn kind(old: &Outcome, new: &Outcome) -> Option<FlipKind> {
    match (old, new) {
        (Outcome::Permit, Outcome::Permit) | (Outcome::Deny { .. }, Outcome::Deny { .. }) => None,
        (_, Outcome::Permit) => Some(FlipKind::NewlyPermitted),
        (_, Outcome::Deny { .. }) => Some(FlipKind::NewlyDenied),
        (Outcome::StepUp { demand: before, .. }, Outcome::StepUp { demand: after, .. }) => {
            (before != after).then_some(FlipKind::OtherStepUp)
        }
        (_, Outcome::StepUp { .. }) => Some(FlipKind::NewlyStepUp),
    }
}
