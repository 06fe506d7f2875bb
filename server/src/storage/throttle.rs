//! Counting attempts, so that guessing passwords takes longer than anybody has.
//! What is counted (an account, an address), and how often, is left to those who ask.

use async_trait::async_trait;
use chrono::TimeDelta;

use super::StorageError;
use crate::domain::clock::Timestamp;
use crate::domain::secret::SecretHash;

/// Whether one more attempt may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// Go ahead.
    Allowed {
        /// Attempts that are left in this window after this one.
        remaining: u32,
    },
    /// Too many.
    Blocked {
        /// When the window ends and attempts are allowed again.
        until: Timestamp,
    },
}

/// Counters of attempts.
#[async_trait]
pub trait Throttle: Send {
    /// Counts an attempt. The first one opens a window; until it ends, `limit` attempts are allowed.
    /// Commit before acting on the answer: an attempt that is rolled back was never counted.
    async fn attempt(
        &mut self,
        key: &SecretHash,
        now: Timestamp,
        window: TimeDelta,
        limit: u32,
    ) -> Result<Attempt, StorageError>;

    /// Forgets all attempts, after one that succeeded.
    async fn clear(&mut self, key: &SecretHash) -> Result<(), StorageError>;

    /// Takes one attempt off the count, after one that succeeded; a count is never less than nothing.
    async fn give_back(&mut self, key: &SecretHash) -> Result<(), StorageError>;

    /// Deletes at most `limit` counters whose window has ended, and says how many.
    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError>;
}
