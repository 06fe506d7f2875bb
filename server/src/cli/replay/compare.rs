//! How the answer of a bundle differs from the one on record.

use std::collections::BTreeSet;

use doorward_engine::{Decision, Demand, MAX_NAMED, Outcome, Revision};
use serde::Serialize;

use super::line::Recorded;
use crate::domain::clock::Timestamp;
use crate::domain::ids::Reference;

/// In which way an answer is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// A permit now.
    NewlyPermitted,
    /// A step-up now.
    NewlyStepUp,
    /// A denial now.
    NewlyDenied,
    /// A step-up as before, that asks for something else.
    OtherStepUp,
    /// The same answer, for another reason. Counts only where all is to be the same.
    OtherReason,
    /// The same answer for the same reason, by other policies. Counts only where all is to be the same.
    OtherPolicies,
}

/// A decision that is answered otherwise.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Flip {
    pub(super) reference: Reference,
    pub(super) kind: Kind,
    pub(super) at: Timestamp,
    /// Where the record stands: the log, and the line.
    pub(super) place: String,
    pub(super) user: String,
    pub(super) username: Option<String>,
    pub(super) groups: BTreeSet<String>,
    pub(super) application: String,
    pub(super) recorded: Answer,
    pub(super) now: Answer,
}

/// What matters of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Answer {
    #[serde(flatten)]
    pub(super) outcome: Outcome,
    /// The ids of the policies that caused it.
    pub(super) determining: Vec<String>,
    pub(super) revision: Revision,
}

impl Kind {
    /// In which way `now` differs from what was recorded; all of it counts where it has to be the `same`.
    pub(super) fn of(recorded: &Decision, now: &Decision, same: bool) -> Option<Self> {
        let flipped = match (&recorded.outcome, &now.outcome) {
            (Outcome::Permit, Outcome::Permit) | (Outcome::Deny { .. }, Outcome::Deny { .. }) => {
                None
            }
            (Outcome::StepUp { demand: old, .. }, Outcome::StepUp { demand: new, .. }) => {
                asks_for_more_or_less(old, new).then_some(Self::OtherStepUp)
            }
            (_, Outcome::Permit) => Some(Self::NewlyPermitted),
            (_, Outcome::StepUp { .. }) => Some(Self::NewlyStepUp),
            (_, Outcome::Deny { .. }) => Some(Self::NewlyDenied),
        };
        flipped.or_else(|| {
            if same {
                by_grounds(recorded, now)
            } else {
                None
            }
        })
    }

    /// The kind in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::NewlyPermitted => "newly permitted",
            Self::NewlyStepUp => "newly step-up",
            Self::NewlyDenied => "newly denied",
            Self::OtherStepUp => "other step-up",
            Self::OtherReason => "other reason",
            Self::OtherPolicies => "other policies",
        }
    }
}

impl Flip {
    pub(super) fn of(kind: Kind, recorded: &Recorded, now: &Decision, place: String) -> Self {
        let request = &recorded.request;
        Self {
            reference: recorded.reference,
            kind,
            at: recorded.at,
            place,
            user: request.user.id.clone(),
            username: recorded.username.clone(),
            groups: request.user.groups.clone(),
            application: request.application.id.clone(),
            recorded: Answer::of(&recorded.decision),
            now: Answer::of(now),
        }
    }
}

impl Answer {
    fn of(decision: &Decision) -> Self {
        Self {
            outcome: decision.outcome.clone(),
            determining: ids(decision).into_iter().map(ToOwned::to_owned).collect(),
            revision: decision.revision,
        }
    }
}

/// In which way the same answer has other grounds.
fn by_grounds(recorded: &Decision, now: &Decision) -> Option<Kind> {
    if recorded.outcome != now.outcome || ids(recorded) != ids(now) {
        return Some(Kind::OtherReason);
    }
    (recorded.revision != now.revision).then_some(Kind::OtherPolicies)
}

/// The policies that caused the answer, by id: the same policy may lie elsewhere by now.
pub(super) fn ids(decision: &Decision) -> Vec<&str> {
    decision
        .determining
        .iter()
        .map(|policy| policy.id.as_str())
        .collect()
}

/// A demand names so many devices at most; of two that name as many as they may, nobody knows what they left out.
fn asks_for_more_or_less(old: &Demand, new: &Demand) -> bool {
    let devices = |demand: &Demand| demand.devices.iter().cloned().collect::<BTreeSet<String>>();
    let full = |demand: &Demand| demand.devices.len() >= MAX_NAMED;
    old.password != new.password || (devices(old) != devices(new) && !(full(old) && full(new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(password: bool, devices: &[&str]) -> Demand {
        Demand {
            password,
            devices: devices.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    #[test]
    fn the_order_of_devices_is_no_other_demand() {
        let (one, other) = (demand(true, &["a", "b"]), demand(true, &["b", "a"]));
        assert!(!asks_for_more_or_less(&one, &other));
        assert!(asks_for_more_or_less(&one, &demand(true, &["a"])));
        assert!(asks_for_more_or_less(&one, &demand(false, &["a", "b"])));
    }

    #[test]
    fn demands_that_are_full_may_name_others() {
        let full = |first: usize| Demand {
            password: false,
            devices: (first..first + MAX_NAMED)
                .map(|number| format!("device-{number}"))
                .collect(),
        };
        assert!(!asks_for_more_or_less(&full(0), &full(7)));
    }
}
