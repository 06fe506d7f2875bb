//! OpenID Connect Back-Channel Logout 1.0: which clients hear that a session has ended, and what they are told. When a
//! session ends is decided by `session`; when a message is sent, and how often, is left to `app`.

use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::provider::Provider;
use crate::directory::clients::ClientRecord;
use crate::domain::clock::Timestamp;
use crate::domain::grant::Grant;
use crate::domain::ids::{DeliveryId, SessionId};
use crate::domain::logout::{Delivery, SessionClient};
use crate::storage::{StorageError, UnitOfWork};
use crate::tokens::{TokenError, sign};

/// The type of a logout token (section 2.4).
const TYPE: &str = "logout+jwt";
/// What has happened (section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Section 2.4: preferably at most two minutes. Each attempt to send a message signs it anew.
const TOKEN_LIFETIME: TimeDelta = TimeDelta::minutes(2);
/// How long a message waits for a server that is not running.
const DELIVERY_LIFETIME: TimeDelta = TimeDelta::days(1);

/// Wakes whoever sends the messages, so that nobody who has signed out waits for the next look at the database.
#[derive(Debug, Default)]
pub struct Backchannel {
    written: Notify,
}

impl Backchannel {
    /// There may be messages to send: a unit of work that ends a session was committed.
    pub(super) fn wake(&self) {
        self.written.notify_one();
    }

    /// Waits until there may be messages to send.
    pub async fn woken(&self) {
        self.written.notified().await;
    }
}

/// Remembers until `until` that the client was given this, if it wants to hear of the end of its session.
pub(super) async fn note(
    work: &mut dyn UnitOfWork,
    client: &ClientRecord,
    grant: &Grant,
    until: Timestamp,
) -> Result<(), StorageError> {
    let (Some(session), Some(_)) = (&grant.session, &client.backchannel_logout_uri) else {
        return Ok(());
    };
    let told = SessionClient {
        client: grant.client.clone(),
        subject: grant.subject.clone(),
    };
    work.logouts().note(session, &told, until).await
}

/// Writes a message down for each client of a session that ends in the same unit of work.
pub(super) async fn announce(
    cx: &Provider,
    work: &mut dyn UnitOfWork,
    session: &SessionId,
    now: Timestamp,
) -> Result<(), StorageError> {
    for told in work.logouts().take_clients(session).await? {
        let delivery = Delivery {
            id: DeliveryId::generate(cx.entropy.as_ref()),
            client: told.client,
            session: session.clone(),
            subject: told.subject,
            attempts: 0,
            due_at: now,
            expires_at: now + DELIVERY_LIFETIME,
        };
        work.logouts().enqueue(&delivery).await?;
    }
    Ok(())
}

/// The message to this client as it is sent at `now`: a logout token (section 2.4), by the key that signs the client's ID
/// tokens (section 2.6).
pub fn logout_token(
    cx: &Provider,
    client: &ClientRecord,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<String, TokenError> {
    let key = cx.keys.wanted(client.id_token_algorithm)?;
    sign(&key, TYPE, &claims(&cx.issuer_text, delivery, now))
}

/// Section 2.4. There is never a `nonce`, so that nobody takes it for an ID token. However often a message is sent, its
/// `jti` is the same: whoever has acted upon it can tell.
fn claims(issuer: &str, delivery: &Delivery, now: Timestamp) -> Map<String, Value> {
    let claims = [
        ("iss", json!(issuer)),
        ("aud", json!([delivery.client.as_str()])),
        ("iat", json!(now.timestamp())),
        ("exp", json!((now + TOKEN_LIFETIME).timestamp())),
        ("jti", json!(delivery.id.as_str())),
        ("events", json!({ EVENT: {} })),
        ("sub", json!(delivery.subject)),
        ("sid", json!(delivery.session.as_str())),
    ];
    claims
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::clients::Clients;
    use crate::domain::ids::ClientId;
    use crate::storage::Storage as _;
    use crate::storage::sqlite::SqliteStorage;

    fn now() -> Timestamp {
        "2026-11-24T09:00:00.789Z".parse().unwrap()
    }

    #[test]
    fn a_message_says_who_and_which_session_and_nothing_else() {
        let delivery = Delivery {
            id: DeliveryId::new("d1"),
            client: ClientId::new("wiki-web"),
            session: SessionId::new("s1"),
            subject: "u-ana".to_owned(),
            attempts: 1,
            due_at: now(),
            expires_at: now() + DELIVERY_LIFETIME,
        };
        let sent = now().timestamp();
        let expected = json!({
            "iss": "https://id.example.com",
            "aud": ["wiki-web"],
            "iat": sent,
            "exp": sent + 120,
            "jti": "d1",
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
            "sub": "u-ana",
            "sid": "s1",
        });
        let claims = claims("https://id.example.com", &delivery, now());
        assert_eq!(Value::Object(claims), expected);
    }

    fn grant(session: Option<&str>) -> Grant {
        let mut grant = json!({
            "id": "g1",
            "client": "wiki-web",
            "user": "u-ana",
            "subject": "ana-of-the-wiki",
            "application": "wiki",
            "scope": "openid",
            "reference": "7F3K-29QD",
        });
        if let Some(session) = session {
            grant["session"] = json!(session);
        }
        serde_json::from_value(grant).unwrap()
    }

    /// Who is told, by the word that the client's entry ends with.
    async fn told(word: &str, grant: &Grant) -> Vec<SessionClient> {
        let text = format!(
            "[[client]]\nid = 'wiki-web'\npublic = true\n\
             redirect_uris = ['https://wiki.example.com/callback']\n{word}\n"
        );
        let clients = Clients::parse(&text, "clients.toml").unwrap().value;
        let client = clients.by_id("wiki-web").unwrap();
        let storage = SqliteStorage::in_memory().await.unwrap();
        let mut work = storage.begin().await.unwrap();
        let until = now() + DELIVERY_LIFETIME;
        note(work.as_mut(), client, grant, until).await.unwrap();
        let session = SessionId::new("s1");
        work.logouts().take_clients(&session).await.unwrap()
    }

    #[tokio::test]
    async fn a_client_hears_of_the_end_of_a_session_if_it_wants_to() {
        let wants = "backchannel_logout_uri = 'https://wiki.example.com/logout'";
        let wiki = SessionClient {
            client: ClientId::new("wiki-web"),
            subject: "ana-of-the-wiki".to_owned(),
        };
        assert_eq!(told(wants, &grant(Some("s1"))).await, [wiki]);
        assert!(told("", &grant(Some("s1"))).await.is_empty());
        assert!(told(wants, &grant(None)).await.is_empty());
    }
}
