//! A pending sign-in: the stored authorization request that waits while the End-User looks at our pages.
//! What it was waiting for decides nothing later: every return walks from the request again.

use crate::domain::authentication::DeviceProof;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ClientId, Reference, SessionId, TransactionId};
use crate::domain::secret::SecretHash;

/// A stored authorization request, with what the pages in between have contributed so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The identifier that our pages carry in their URLs.
    pub id: TransactionId,
    /// The short number that people see.
    pub reference: Reference,
    /// The parameters in the order in which they were received (RFC 6749, section 3.1).
    pub parameters: Vec<(String, String)>,
    /// The stored request that the sign-in began with, which is used up where a code is issued.
    pub pushed: Option<SecretHash>,
    /// What was proved with the request and cannot be proved twice, as JSON that only `oidc` reads.
    pub carried: Option<String>,
    /// The client that asked.
    pub client: ClientId,
    /// The session that was live, or began, during this sign-in.
    pub session: Option<SessionId>,
    /// Whether the device was asked for its certificate.
    pub device_check: DeviceCheck,
    /// What the device proved during this sign-in.
    pub device: Option<DeviceProof>,
    /// When the user authenticated anew for this very request (`prompt=login`, `max_age`).
    pub reauthenticated_at: Option<Timestamp>,
    /// How far the user got.
    pub stage: Stage,
    /// When the request came in.
    pub created_at: Timestamp,
    /// From this instant on nobody can continue.
    pub expires_at: Timestamp,
}

/// Whether the device was asked for its certificate during this sign-in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum DeviceCheck {
    /// Nobody asked yet.
    #[default]
    NotDone,
    /// The browser visited the device host and had no certificate to show.
    Absent,
    /// The browser visited the device host and proved a certificate.
    Presented,
}

impl DeviceCheck {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::NotDone, Self::Absent, Self::Presented];

    /// The name under which storage keeps it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotDone => "not-done",
            Self::Absent => "absent",
            Self::Presented => "presented",
        }
    }

    /// The value that storage keeps under `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == name)
    }
}

/// How far the End-User got: what the record of an abandoned sign-in can still say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The request was accepted, and nothing asked yet.
    #[default]
    Started,
    /// The page for the password was shown.
    AskedPassword,
    /// The page for the device check was shown.
    AskedDevice,
    /// The page with a refusal was shown.
    Denied,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 4] = [
        Self::Started,
        Self::AskedPassword,
        Self::AskedDevice,
        Self::Denied,
    ];

    /// The name under which storage keeps it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::AskedPassword => "asked-password",
            Self::AskedDevice => "asked-device",
            Self::Denied => "denied",
        }
    }

    /// The stage that storage keeps under `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::{DeviceCheck, Stage};

    #[test]
    fn every_device_check_is_found_by_its_name() {
        for check in DeviceCheck::ALL {
            assert_eq!(DeviceCheck::from_name(check.as_str()), Some(check));
        }
    }

    #[test]
    fn every_stage_is_found_by_its_name() {
        for stage in Stage::ALL {
            assert_eq!(Stage::from_name(stage.as_str()), Some(stage));
        }
    }

    #[test]
    fn another_name_is_no_stage() {
        assert_eq!(Stage::from_name("Started"), None);
    }
}
