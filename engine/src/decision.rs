//! What the engine answers: permit, step up or deny, with everything that led to it. Plain data.

use serde::{Deserialize, Serialize};

use crate::policy::PolicyRef;
use crate::revision::Revision;

/// The answer to one [`AccessRequest`](crate::AccessRequest), with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The answer.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The policies that caused the answer: the permits that matched, or the forbids. Empty where no
    /// permit matched.
    pub determining: Vec<PolicyRef>,
    /// Policies whose evaluation failed.
    pub errors: Vec<PolicyError>,
    /// Why the request does not fit the schema, where that denied it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub invalid: Option<String>,
    /// Report-only policies whose scope could match, and what each would have done.
    pub report_only: Vec<ReportOnly>,
    /// The bundle that decided.
    pub revision: Revision,
    /// How much was evaluated.
    pub work: Work,
}

/// The three answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The user may.
    Permit,
    /// Not as things stand, but after what is demanded: completing exactly that yields a permit.
    StepUp {
        /// What the user must still do.
        demand: Demand,
        /// Why the answer is not a permit already.
        instead_of: DenyReason,
    },
    /// The user may not, and nothing that was offered would change it.
    Deny {
        /// Why.
        because: DenyReason,
    },
}

/// Why a request is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DenyReason {
    /// A forbid matched.
    Forbidden,
    /// No permit matched.
    NoPermit,
    /// A forbid could not be evaluated. Cedar would skip it; a door that cannot read its rule stays shut.
    PolicyError,
    /// The request does not fit the schema.
    InvalidRequest,
}

/// What a step-up asks for: all of it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// Enter the password again.
    pub password: bool,
    /// Present the certificate of one of these devices. Empty where no device is asked for.
    pub devices: Vec<String>,
}

/// A policy whose evaluation failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PolicyError {
    /// The policy.
    pub policy: PolicyRef,
    /// What Cedar said.
    pub message: String,
}

/// What a report-only policy would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportOnly {
    /// The policy.
    pub policy: PolicyRef,
    /// Whether it matched.
    pub matched: bool,
    /// What Cedar said, where evaluation failed.
    pub error: Option<String>,
    /// Whether enforcing it alone would have changed the answer.
    pub would_change: bool,
}

/// How much was evaluated for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Work {
    /// Policies evaluated for the answer itself, report-only ones included.
    pub policies: usize,
    /// Hypothetical requests tried for a step-up.
    pub hypotheticals: usize,
}

impl Outcome {
    /// The outcome in one word, for records and counters.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::StepUp { .. } => "step-up",
            Self::Deny { .. } => "deny",
        }
    }
}
