//! What the facts are about: one thing of each kind, at the time at which the facts play.

use chrono::{DateTime, TimeDelta};
use serde_json::json;
use zeroize::Zeroizing;

use crate::domain::authentication::{Authentication, DeviceProof};
use crate::domain::claims_request::{ClaimsRequest, RequestedClaim};
use crate::domain::clock::Timestamp;
use crate::domain::grant::{Confirmation, Grant, GrantKind, SeenAddress};
use crate::domain::ids::{
    ApplicationId, ClientId, GrantId, KeyId, Reference, SessionId, TransactionId, UserId,
};
use crate::domain::secret::SecretHash;
use crate::domain::session::Session;
use crate::domain::transaction::{DeviceCheck, Stage, Transaction};
use crate::storage::StoredKey;

/// An instant that many seconds after the time at which the facts play; with milliseconds, which must survive.
pub(crate) fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp_millis(1_800_000_000_123).unwrap() + TimeDelta::seconds(seconds)
}

pub(crate) fn hash(name: &str) -> SecretHash {
    SecretHash::of(name.as_bytes())
}

pub(crate) fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

pub(crate) fn proof() -> DeviceProof {
    DeviceProof {
        chain: vec![vec![0x30, 0x00, 0xff], vec![0x30, 0x01]],
        proved_at: at(-30),
        address: "2001:db8::7".parse().unwrap(),
    }
}

/// A grant of which nothing is left out.
pub(crate) fn grant(name: &str) -> Grant {
    let acr = RequestedClaim {
        essential: true,
        values: vec![json!("urn:example:managed")],
    };
    Grant {
        id: GrantId::new(name),
        client: ClientId::new("wiki"),
        user: UserId::new("ana"),
        session: Some(SessionId::new("s1")),
        subject: "pairwise-ana".to_owned(),
        application: ApplicationId::new("wiki-app"),
        kind: GrantKind::Posture,
        scope: "openid profile".to_owned(),
        nonce: Some("n-0S6_WzA2Mj".to_owned()),
        auth_time: Some(at(-60)),
        methods: vec!["pwd".to_owned(), "otp".to_owned()],
        acr: Some("urn:example:managed".to_owned()),
        reference: reference("7F3K-29QD"),
        authentication: session("s1").authentication,
        device: Some(proof()),
        address: Some(SeenAddress {
            address: "192.0.2.7".parse().unwrap(),
            seen_at: at(-5),
        }),
        audience: vec!["https://api.example".to_owned()],
        confirmation: Some(Confirmation::Key([7; 32])),
        claims: ClaimsRequest {
            id_token: [("acr".to_owned(), acr)].into(),
            userinfo: [("email".to_owned(), RequestedClaim::default())].into(),
        },
        extra: [("app_name".to_owned(), json!({"ü": [1, null]}))]
            .into_iter()
            .collect(),
    }
}

/// A session that expires at `at(100)`.
pub(crate) fn session(name: &str) -> Session {
    Session {
        id: SessionId::new(name),
        user: UserId::new("ana"),
        authentication: Authentication {
            password_at: Some(at(-60)),
            second_factor_at: None,
            methods: ["pwd".to_owned()].into(),
        },
        device: Some(proof()),
        created_at: at(-60),
        last_seen_at: at(-5),
        expires_at: at(100),
    }
}

/// A transaction that expires at `at(100)`.
pub(crate) fn transaction(name: &str) -> Transaction {
    Transaction {
        id: TransactionId::new(name),
        reference: reference("7F3K-29QD"),
        parameters: vec![("client_id".to_owned(), "wiki".to_owned())],
        pushed: None,
        carried: None,
        client: ClientId::new("wiki"),
        session: None,
        device_check: DeviceCheck::NotDone,
        device: None,
        reauthenticated_at: None,
        stage: Stage::Started,
        created_at: at(-10),
        expires_at: at(100),
    }
}

/// The first key of its algorithm.
pub(crate) fn key(name: &str) -> StoredKey {
    StoredKey {
        id: KeyId::new(name),
        algorithm: "ES256".to_owned(),
        generation: 1,
        pkcs8: Zeroizing::new(vec![0x30, 0x00, 0xff]),
        certificate: None,
        created_at: at(0),
        signs_from: at(0),
        retired_at: None,
    }
}
