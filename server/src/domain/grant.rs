//! What a user allowed a client, once, as storage keeps it with codes and tokens. It is written as JSON and read back
//! whole, also where a former version wrote it. What a client makes of it is left to `oidc`.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::authentication::{Authentication, DeviceProof};
use crate::domain::claims_request::ClaimsRequest;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ApplicationId, ClientId, GrantId, Reference, SessionId, UserId};

/// What a user allowed a client, once: a code stands for it, and so do the tokens made from the code.
///
/// What came later than the first version may be missing in a row, and then reads as nothing. What must never be
/// nothing has no default: such a row is corrupt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The identifier, by which everything made from the code can be taken back.
    pub id: GrantId,
    /// The client.
    pub client: ClientId,
    /// The user.
    pub user: UserId,
    /// The session in which the user allowed it; nothing where somebody else vouched for the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The user as this client knows them: its `sub` (OpenID Connect Core 1.0, section 8).
    pub subject: String,
    /// The application that was decided on. Rows of the first version have the empty name, which no policy has.
    pub application: ApplicationId,
    /// What kind of answer it is.
    #[serde(default)]
    pub kind: GrantKind,
    /// The scope that was granted, as RFC 6749, section 3.3 writes it.
    pub scope: String,
    /// The client's `nonce` (OpenID Connect Core 1.0, section 3.1.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// When the user last authenticated.
    #[serde(
        default,
        with = "chrono::serde::ts_milliseconds_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub auth_time: Option<Timestamp>,
    /// How the user authenticated, as `amr` values of RFC 8176.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// The authentication context class that was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The short number of the sign-in, which finds its decision record.
    pub reference: Reference,
    /// How, and when, the user proved who they are: policies ask for it again at each refresh.
    #[serde(default)]
    pub authentication: Authentication,
    /// What the device proved. A certificate chain is long, so it is kept only where the client may refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceProof>,
    /// The address of the sign-in, where it is needed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<SeenAddress>,
    /// The resources that the tokens are for (RFC 8707); none where they are for us.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// What whoever uses the tokens has to prove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
    /// Single claims that the client asked for.
    #[serde(default, skip_serializing_if = "ClaimsRequest::is_empty")]
    pub claims: ClaimsRequest,
    /// Claims that the profile of the client adds.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An address, and when a request came from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenAddress {
    /// The address.
    pub address: IpAddr,
    /// When it was seen.
    pub seen_at: Timestamp,
}

/// What kind of answer a client was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantKind {
    /// The user was let in.
    #[default]
    SignIn,
    /// The client was told about the device, whatever the answer was. It lets nobody in.
    Posture,
}

/// What the holder of a token has to prove. It is written as the `cnf` claim is (RFC 7800, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Confirmation {
    /// The client certificate with this SHA-256 (RFC 8705, section 3.1).
    #[serde(rename = "x5t#S256")]
    Certificate(#[serde(with = "thumbprint")] [u8; 32]),
    /// The key with this thumbprint (RFC 9449, section 6.1).
    #[serde(rename = "jkt")]
    Key(#[serde(with = "thumbprint")] [u8; 32]),
}

/// Thumbprints as base64url text without padding.
mod thumbprint {
    use data_encoding::BASE64URL_NOPAD;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        thumbprint: &[u8; 32],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64URL_NOPAD.encode(thumbprint))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64URL_NOPAD
            .decode(text.as_bytes())
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or_else(|| D::Error::custom("a thumbprint is the base64url text of 32 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Confirmation, Grant, GrantKind};
    use crate::domain::authentication::Authentication;
    use crate::domain::claims_request::ClaimsRequest;
    use crate::domain::ids::{ApplicationId, ClientId, GrantId, UserId};
    use chrono::DateTime;
    use serde_json::{Map, json};

    fn bare() -> Grant {
        Grant {
            id: GrantId::new("g1"),
            client: ClientId::new("wiki-web"),
            user: UserId::new("u-ana"),
            session: None,
            subject: "u-ana".to_owned(),
            application: ApplicationId::new("wiki"),
            kind: GrantKind::SignIn,
            scope: "openid".to_owned(),
            nonce: None,
            auth_time: None,
            methods: Vec::new(),
            acr: None,
            reference: "7F3K-29QD".parse().unwrap(),
            authentication: Authentication::default(),
            device: None,
            address: None,
            audience: Vec::new(),
            confirmation: None,
            claims: ClaimsRequest::default(),
            extra: Map::new(),
        }
    }

    #[test]
    fn what_a_former_version_did_not_know_reads_as_nothing() {
        let json = json!({
            "id": "g1", "client": "wiki-web", "user": "u-ana", "subject": "u-ana",
            "scope": "openid", "reference": "7F3K-29QD", "application": "wiki",
        });
        assert_eq!(serde_json::from_value::<Grant>(json).unwrap(), bare());
    }

    #[test]
    fn a_grant_without_a_subject_is_no_grant() {
        let mut json = serde_json::to_value(bare()).unwrap();
        json.as_object_mut().unwrap().remove("subject");
        assert!(serde_json::from_value::<Grant>(json).is_err());
    }

    #[test]
    fn the_time_of_authentication_is_written_in_milliseconds() {
        let grant = Grant {
            auth_time: DateTime::from_timestamp_millis(1_800_000_000_123),
            ..bare()
        };
        let json = serde_json::to_value(&grant).unwrap();
        assert_eq!(json["auth_time"], json!(1_800_000_000_123_i64));
        assert_eq!(serde_json::from_value::<Grant>(json).unwrap(), grant);
    }

    #[test]
    fn a_confirmation_is_written_as_the_claim() {
        let certificate = Confirmation::Certificate([0; 32]);
        let key = Confirmation::Key([0xff; 32]);
        assert_eq!(
            serde_json::to_value(certificate).unwrap(),
            json!({"x5t#S256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})
        );
        assert_eq!(
            serde_json::to_value(key).unwrap(),
            json!({"jkt": "__________________________________________8"})
        );
        for confirmation in [certificate, key] {
            let json = serde_json::to_value(confirmation).unwrap();
            assert_eq!(
                serde_json::from_value::<Confirmation>(json).unwrap(),
                confirmation
            );
        }
    }

    #[test]
    fn a_thumbprint_of_another_length_is_refused() {
        assert!(serde_json::from_value::<Confirmation>(json!({"jkt": "AAAA"})).is_err());
    }
}
