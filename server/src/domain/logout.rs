//! Who has to be told when a session ends, and the messages that wait to be sent, as storage keeps them.
//! Signing and sending them (OpenID Connect Back-Channel Logout 1.0) is left to `oidc` and `app`.

use crate::domain::clock::Timestamp;
use crate::domain::ids::{ClientId, DeliveryId, SessionId};

/// A client that was given an ID token in a session, and wants to hear of its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionClient {
    /// The client.
    pub client: ClientId,
    /// The user as this client knows them.
    pub subject: String,
}

/// A message to one client that one session has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The identifier.
    pub id: DeliveryId,
    /// The client that is told.
    pub client: ClientId,
    /// The session that ended.
    pub session: SessionId,
    /// The user as this client knows them.
    pub subject: String,
    /// How often somebody has begun to send it.
    pub attempts: u32,
    /// When it is to be sent; while somebody is sending it, when somebody else may try.
    pub due_at: Timestamp,
    /// From this instant on nobody tries any more.
    pub expires_at: Timestamp,
}
