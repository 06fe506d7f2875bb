//! The answer in the server's types: the engine's decision, holding the permit where there is one.

use std::time::Duration;

use doorward_engine::{AccessRequest, Decision, Demand, DenyReason, Explanation, FactRow, Offered};

use super::permit::AccessPermit;

/// The three answers, each with its grounds.
#[derive(Debug)]
pub enum Answer {
    /// The user may.
    Permit(AccessPermit, Box<Grounds>),
    /// The user may after doing what is demanded.
    StepUp(StepUp),
    /// The user may not.
    Deny(Denial),
}

/// What the user must still do, and why.
#[derive(Debug)]
pub struct StepUp {
    /// What is demanded.
    pub demand: Demand,
    /// Why.
    pub grounds: Box<Grounds>,
}

/// That the user may not, and why.
#[derive(Debug)]
pub struct Denial {
    /// Why, in one word.
    pub because: DenyReason,
    /// Why, in full.
    pub grounds: Box<Grounds>,
}

/// Everything that an answer rests on, for records and explanations.
#[derive(Debug)]
pub struct Grounds {
    /// The engine's decision.
    pub decision: Decision,
    /// The question as the engine was asked.
    pub request: AccessRequest,
    /// What was on offer for a step-up, as far as anybody looked.
    pub offered: Option<Offered>,
    /// The facts it was made from.
    pub facts: Vec<FactRow>,
    /// Which conditions held and which failed, where the answer was not a permit.
    pub explanation: Option<Explanation>,
    /// The bundle that decided.
    pub revision: String,
    /// How long deciding took.
    pub took: Duration,
}

impl Answer {
    /// What the answer rests on.
    #[must_use]
    pub fn grounds(&self) -> &Grounds {
        match self {
            Self::Permit(_, grounds) => grounds,
            Self::StepUp(step_up) => &step_up.grounds,
            Self::Deny(denial) => &denial.grounds,
        }
    }
}
