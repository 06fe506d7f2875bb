//! Keeping sessions of End-Users. When a session ends, and what is done with it, is left to `oidc` and `web`.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::authentication::DeviceProof;
use crate::domain::clock::Timestamp;
use crate::domain::ids::SessionId;
use crate::domain::secret::SecretHash;
use crate::domain::session::Session;

/// Sessions of End-Users.
#[async_trait]
pub trait Sessions: Send {
    /// Stores a new session, to be found by the hash of its cookie.
    async fn insert(&mut self, session: &Session, cookie: &SecretHash) -> Result<(), StorageError>;

    /// The session of the cookie, unless it has expired.
    async fn find(
        &mut self,
        cookie: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StorageError>;

    /// Whether there is such a session and it has not expired, for those who have no cookie to show.
    async fn lives(&mut self, id: &SessionId, now: Timestamp) -> Result<bool, StorageError>;

    /// Gives the session another cookie; the previous one opens nothing any more. False where there is no such session.
    async fn rotate(&mut self, id: &SessionId, cookie: &SecretHash) -> Result<bool, StorageError>;

    /// Stores that the session was used, and nothing else about it. It never ends earlier for that.
    /// False where there is no such session.
    async fn touch(
        &mut self,
        id: &SessionId,
        last_seen_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, StorageError>;

    /// Stores, or forgets, what the device proved. False where there is no such session.
    async fn set_device(
        &mut self,
        id: &SessionId,
        proof: Option<&DeviceProof>,
    ) -> Result<bool, StorageError>;

    /// Ends the session. False where there is no such session.
    async fn delete(&mut self, id: &SessionId) -> Result<bool, StorageError>;

    /// Deletes at most `limit` sessions that have expired, and says how many.
    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError>;
}
