//! One line of a decision log, as far as asking again needs it: the question, what was on offer, the answer.

use doorward_engine::{AccessRequest, Decision, Offered, Offers};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::domain::clock::Timestamp;
use crate::domain::ids::Reference;

/// What a line turned out to be.
#[derive(Debug)]
pub(super) enum Line {
    /// A decision with all that it was made from.
    Decided(Box<Recorded>),
    /// A decision without its question: an older version wrote it.
    Unreplayable(Reference),
    /// A request that ended before anything was decided.
    Undecided,
    /// A record of another time than was asked for.
    Outside,
    /// Nothing but white space.
    Blank,
    /// No record, and why.
    Malformed(String),
}

/// A decision that can be asked for again.
#[derive(Debug)]
pub(in crate::cli) struct Recorded {
    pub(in crate::cli) reference: Reference,
    pub(super) at: Timestamp,
    pub(in crate::cli) username: Option<String>,
    pub(super) decision: Decision,
    pub(in crate::cli) request: AccessRequest,
    pub(super) offers: Option<Offered>,
}

/// The fields of a record that matter here. What else stands in it is passed over without being kept.
#[derive(Debug, Deserialize)]
struct Fields {
    reference: Reference,
    at: Timestamp,
    /// Every record has it: without it, the line is something else.
    #[serde(rename = "ending")]
    _ending: IgnoredAny,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    decision: Option<Decision>,
    #[serde(default)]
    request: Option<AccessRequest>,
    #[serde(default)]
    offers: Option<Offered>,
}

impl Line {
    /// Reads a line, which counts if it is of the time from `since` to `until`.
    pub(super) fn read(text: &[u8], since: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        if text.trim_ascii().is_empty() {
            return Self::Blank;
        }
        let fields: Fields = match serde_json::from_slice(text) {
            Ok(fields) => fields,
            Err(error) => return Self::Malformed(without_place(&error)),
        };
        let early = since.is_some_and(|since| fields.at < since);
        let late = until.is_some_and(|until| fields.at >= until);
        if early || late {
            return Self::Outside;
        }
        match (fields.decision, fields.request) {
            (None, _) => Self::Undecided,
            (Some(_), None) => Self::Unreplayable(fields.reference),
            (Some(decision), Some(request)) => Self::Decided(Box::new(Recorded {
                reference: fields.reference,
                at: fields.at,
                username: fields.username,
                decision,
                request,
                offers: fields.offers,
            })),
        }
    }
}

impl Recorded {
    /// What was on offer. Where nobody looked, that is what was at hand: the password, and the device that had
    /// proved itself.
    pub(in crate::cli) fn offers(&self) -> Offers {
        match &self.offers {
            Some(offered) => offered.offers(self.request.now),
            None => Offers {
                password: true,
                devices: self.request.device.value().cloned().into_iter().collect(),
            },
        }
    }

    /// Whether more was on offer than the record holds.
    pub(super) fn is_in_part(&self) -> bool {
        self.offers
            .as_ref()
            .is_some_and(|offered| offered.left_out > 0)
    }
}

/// What is wrong. Where, the place of the line says better: each text of one line has a line 1.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line 1 column ") {
        Some((message, column)) => format!("{message} at column {column}"),
        None => text,
    }
}
