//! Remembering what may be shown to the provider only once: assertions, proofs of possession, hints of others.
//! What the key is made of, and how long it counts, is left to those who ask.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::clock::Timestamp;
use crate::domain::secret::SecretHash;

/// Keys of what was shown already.
#[async_trait]
pub trait Replays: Send {
    /// Claims the key until `expires_at`: of all who try, one gets true. Let it expire no earlier than whatever was
    /// shown. Commit before acting on the answer: a claim that is rolled back was never made.
    async fn claim(
        &mut self,
        key: &SecretHash,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StorageError>;

    /// Deletes at most `limit` keys that have expired, and says how many.
    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError>;
}
