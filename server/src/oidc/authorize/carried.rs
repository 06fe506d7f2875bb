//! What a request proved once and cannot prove twice. It is kept with the stored request, as JSON that nobody else
//! reads. How it is proved is left to `arrival`, `request_object` and `profile`.

use std::ops::Not;

use serde::{Deserialize, Serialize};

use super::request_object::Once;
use crate::directory::guid::Guid;

/// What was proved before the request was stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::oidc) struct Carried {
    /// The client has pushed it.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(in crate::oidc) pushed: bool,
    /// The client has signed it.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(in crate::oidc) signed: bool,
    /// What makes a signed request count for one code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::oidc) once: Option<Once>,
    /// Whoever sent it was counted when it was stored, and is given back when it ends.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub(super) counted: bool,
    /// Whom Microsoft Entra asks about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) entra: Option<EntraAccount>,
}

/// An account at Microsoft Entra, as a hint of Entra's has named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EntraAccount {
    /// The tenant, `tid`.
    tenant: String,
    /// The account in the tenant, `oid`.
    object: String,
    /// What the answer has to call the account, `sub`.
    pub(super) subject: String,
}

impl Carried {
    /// What is kept with a stored request. What does not read has proved nothing.
    pub(in crate::oidc) fn read(stored: Option<&str>) -> Self {
        let Some(stored) = stored else {
            return Self::default();
        };
        serde_json::from_str(stored).unwrap_or_else(|error| {
            tracing::error!(%error, "what a stored request carries does not read");
            Self::default()
        })
    }

    /// That of a request which its client has pushed; signed as well, perhaps, and counted if the client is a stranger.
    pub(in crate::oidc) fn pushed(signed: bool, counted: bool) -> Self {
        Self {
            pushed: true,
            signed,
            counted,
            ..Self::default()
        }
    }

    /// The text to be stored; none where nothing was proved.
    pub(in crate::oidc) fn to_stored(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        serde_json::to_string(self).ok()
    }
}

impl EntraAccount {
    pub(super) fn new(tenant: &Guid, object: &Guid, subject: &str) -> Self {
        Self {
            tenant: tenant.to_string(),
            object: object.to_string(),
            subject: subject.to_owned(),
        }
    }

    /// Tenant and account, as users are found by them.
    pub(super) fn key(&self) -> Option<(Guid, Guid)> {
        Some((self.tenant.parse().ok()?, self.object.parse().ok()?))
    }

    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }

    pub(super) fn object(&self) -> &str {
        &self.object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_proved_reads_back_as_it_was() {
        let tenant: Guid = "0b5c7f1e-2222-4333-8444-555566667777".parse().unwrap();
        let object: Guid = "6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91".parse().unwrap();
        let account = EntraAccount::new(&tenant, &object, "pairwise");
        assert_eq!(account.key(), Some((tenant, object)));
        let carried = Carried {
            entra: Some(account),
            signed: true,
            ..Carried::default()
        };
        let stored = carried.to_stored().unwrap();
        assert_eq!(Carried::read(Some(&stored)), carried);
    }

    #[test]
    fn who_proved_nothing_carries_nothing() {
        assert_eq!(Carried::default().to_stored(), None);
        for stored in [None, Some("{}"), Some("rubbish"), Some(r#"{"entra":7}"#)] {
            assert_eq!(Carried::read(stored), Carried::default(), "{stored:?}");
        }
    }
}
