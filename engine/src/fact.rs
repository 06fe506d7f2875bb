//! Facts: a value, or the reason why it is not known, each with its source and time of observation.
//! What a policy may conclude from an unknown fact is decided in `entities.rs`, not here.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Something that may be known about a request.
///
/// Unknown is a value of its own: it carries the reason, and it never becomes a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Fact<T> {
    /// The value, where it came from, and when it was observed there.
    Known {
        /// The value.
        value: T,
        /// Where the value came from, in words an operator knows: `inventory`, `GeoIP`.
        source: String,
        /// When the source observed it.
        observed_at: DateTime<Utc>,
    },
    /// Not known, and why.
    Unknown {
        /// Why it is not known, in words a person understands.
        reason: String,
        /// The source that was asked.
        source: String,
    },
}

impl<T> Fact<T> {
    /// A value that `source` observed at `observed_at`.
    pub fn known(value: T, source: impl Into<String>, observed_at: DateTime<Utc>) -> Self {
        Self::Known {
            value,
            source: source.into(),
            observed_at,
        }
    }

    /// No value, for `reason`, although `source` was asked.
    pub fn unknown(reason: impl Into<String>, source: impl Into<String>) -> Self {
        Self::Unknown {
            reason: reason.into(),
            source: source.into(),
        }
    }

    /// The value, where there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Unknown { .. } => None,
        }
    }

    /// Why there is no value, where there is none.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Known { .. } => None,
            Self::Unknown { reason, .. } => Some(reason),
        }
    }

    /// The source that was asked.
    pub fn source(&self) -> &str {
        match self {
            Self::Known { source, .. } | Self::Unknown { source, .. } => source,
        }
    }

    /// When the value was observed, where there is one.
    pub fn observed_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Known { observed_at, .. } => Some(*observed_at),
            Self::Unknown { .. } => None,
        }
    }

    /// The same fact about something computed from the value.
    pub fn map<U>(&self, f: impl FnOnce(&T) -> U) -> Fact<U> {
        match self {
            Self::Known {
                value,
                source,
                observed_at,
            } => Fact::Known {
                value: f(value),
                source: source.clone(),
                observed_at: *observed_at,
            },
            Self::Unknown { reason, source } => Fact::Unknown {
                reason: reason.clone(),
                source: source.clone(),
            },
        }
    }

    /// The fact as unknown when it was observed longer than `lifetime` before `now`,
    /// or more than five minutes after it: a clock that ran ahead proves nothing.
    #[must_use]
    pub fn fresh_within(self, lifetime: chrono::TimeDelta, now: DateTime<Utc>) -> Self {
        match self {
            Self::Known {
                source,
                observed_at,
                ..
            } if now - observed_at > lifetime => Self::Unknown {
                reason: format!(
                    "stale: observed {}, older than {}",
                    crate::words::ago(observed_at, now),
                    crate::words::span(lifetime)
                ),
                source,
            },
            Self::Known {
                source,
                observed_at,
                ..
            } if observed_at - now > FUTURE_TOLERANCE => Self::Unknown {
                reason: "observed in the future".to_owned(),
                source,
            },
            fresh => fresh,
        }
    }
}

/// How far in the future an observation may lie and still count: clocks of sources differ a little.
pub const FUTURE_TOLERANCE: chrono::TimeDelta = chrono::TimeDelta::minutes(5);
