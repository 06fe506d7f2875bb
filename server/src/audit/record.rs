//! The decision record: plain data, one JSON line each, complete enough to understand the answer later, and to
//! ask for it again.

use chrono::{DateTime, Utc};
use doorward_engine::{AccessRequest, Action, Decision, Explanation, FactRow, Offered};
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use crate::domain::ids::Reference;

/// One request that ended, with or without a decision, or that was decided to need more: an authorization request, or
/// one by which a client renews tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// The reference that pages, errors and logs share.
    pub reference: Reference,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// How it ended.
    #[serde(flatten)]
    pub ending: Ending,
    /// What was asked for.
    pub action: Action,
    /// The client, as far as it was known; unverified where the request was refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client: Option<String>,
    /// The application that the client belongs to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub application: Option<String>,
    /// The End-User's permanent identifier.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<String>,
    /// The End-User's name for signing in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub username: Option<String>,
    /// The public identifier of the session.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub session: Option<String>,
    /// What the other side calls the request.
    #[serde(skip_serializing_if = "Caller::is_empty", default)]
    pub caller: Caller,
    /// The facts, each with its source and time of observation.
    #[serde(default)]
    pub facts: Vec<FactRow>,
    /// How the address and the device came to be known.
    #[serde(default)]
    pub trail: SignalTrail,
    /// The engine's decision, where one was made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decision: Option<Decision>,
    /// The question as the engine was asked, where it was: to be asked again, of other policies.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request: Option<Box<AccessRequest>>,
    /// What was on offer for a step-up, where anybody looked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub offers: Option<Box<Offered>>,
    /// Why, condition by condition, where the answer was not a permit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub explanation: Option<Explanation>,
    /// Which inputs the decision was made from.
    #[serde(default)]
    pub inputs: Inputs,
    /// How long deciding took, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decided_in_microseconds: Option<u64>,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "kebab-case")]
pub enum Ending {
    /// A code was issued, or new tokens.
    Permitted,
    /// The user was shown why not, or the client was told that there are no new tokens.
    Denied,
    /// The user was asked to enter the password, to have the device checked, or both.
    #[serde(rename = "step-up")]
    StepUpAsked {
        /// Whether the password was asked for.
        password: bool,
        /// Whether the device was.
        device: bool,
    },
    /// The client asked for no interaction, and the user would have had to do something.
    InteractionRequired {
        /// The error code that went to the client.
        error: String,
    },
    /// The request itself was wrong: nobody was asked anything, and no policy.
    Refused {
        /// The error code.
        error: String,
        /// What was wrong.
        detail: String,
    },
    /// The client was told about the device, and decides by itself: nobody was let in.
    Reported {
        /// What it was told of management.
        managed: bool,
        /// What it was told of the policies' answer.
        compliant: bool,
    },
    /// The answer was the same as so often before that it was kept back: the browser goes round in circles.
    LoopStopped {
        /// What the client would have been told.
        outcome: String,
    },
    /// The user was asked for something and never came back.
    Abandoned {
        /// What the user had been asked for last.
        stage: String,
    },
}

/// How the address and the device came to be known, for whoever asks why they are as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalTrail {
    /// Each hop of the forwarded header and what was thought of it, nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub address: Vec<String>,
    /// Which of the certificate's names matched, or why the certificate did not count.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate: Option<String>,
    /// The address that the device host saw, where the device was checked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub device_host_address: Option<String>,
}

/// Digests of everything that the decision was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The policy bundle's revision.
    #[serde(default)]
    pub policies: String,
    /// The users file.
    #[serde(default)]
    pub users: String,
    /// The clients file.
    #[serde(default)]
    pub clients: String,
    /// The device inventory.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub inventory: Option<String>,
    /// The GeoIP databases.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub geoip: Option<String>,
    /// The device authorities and revocation lists.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub device_trust: Option<String>,
}

impl Ending {
    /// The ending in one word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Permitted => "permitted",
            Self::Denied => "denied",
            Self::StepUpAsked { .. } => "step-up",
            Self::InteractionRequired { .. } => "interaction-required",
            Self::Refused { .. } => "refused",
            Self::Reported { .. } => "reported",
            Self::LoopStopped { .. } => "loop-stopped",
            Self::Abandoned { .. } => "abandoned",
        }
    }
}

impl DecisionRecord {
    /// A record of an authorization request of which nothing more is known yet.
    #[must_use]
    pub fn new(reference: Reference, at: DateTime<Utc>, ending: Ending) -> Self {
        Self::about(Action::SignIn, reference, at, ending)
    }

    /// A record of a request for this, of which nothing more is known yet.
    #[must_use]
    pub fn about(action: Action, reference: Reference, at: DateTime<Utc>, ending: Ending) -> Self {
        Self {
            reference,
            at,
            ending,
            action,
            client: None,
            application: None,
            user: None,
            username: None,
            session: None,
            caller: Caller::default(),
            facts: Vec::new(),
            trail: SignalTrail::default(),
            decision: None,
            request: None,
            offers: None,
            explanation: None,
            inputs: Inputs::default(),
            decided_in_microseconds: None,
        }
    }
}
