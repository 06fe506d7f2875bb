//! Keeping who has to be told when a session ends, and the messages that wait to be sent.
//! Which clients want to hear of it, and how they are told, is left to `oidc` and `app`.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::clock::Timestamp;
use crate::domain::ids::SessionId;
use crate::domain::logout::{Delivery, SessionClient};

/// Clients of sessions, and messages to them.
#[async_trait]
pub trait Logouts: Send {
    /// Stores that the client has to be told when the session ends. It is remembered until `until`, and longer where
    /// the session lives longer.
    async fn note(
        &mut self,
        session: &SessionId,
        client: &SessionClient,
        until: Timestamp,
    ) -> Result<(), StorageError>;

    /// Whoever has to be told that the session has ended, in the order of their identifiers, and forgets them:
    /// of all who end one session, one gets them.
    async fn take_clients(
        &mut self,
        session: &SessionId,
    ) -> Result<Vec<SessionClient>, StorageError>;

    /// Stores a message that is to be sent.
    async fn enqueue(&mut self, delivery: &Delivery) -> Result<(), StorageError>;

    /// At most `limit` messages that are due, each counted as attempted once more: of all who ask, one gets each.
    /// Whoever is not done with it at `lease_until` has lost it to the next one who asks.
    /// Commit before sending: what is rolled back is due for everybody.
    async fn claim_due(
        &mut self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StorageError>;

    /// Forgets a message that was sent, or given up. False where there is no such message.
    async fn done(&mut self, delivery: &Delivery) -> Result<bool, StorageError>;

    /// Has the message sent again at `due_at`. False where somebody else has taken it since, or it is gone.
    async fn retry(&mut self, delivery: &Delivery, due_at: Timestamp)
    -> Result<bool, StorageError>;

    /// Deletes at most `limit` messages that have expired, and at most `limit` clients of sessions that are gone, and
    /// says how many.
    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError>;
}
