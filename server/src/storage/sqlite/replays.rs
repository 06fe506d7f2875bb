//! Keys of what was shown already, in SQLite.

use async_trait::async_trait;

use super::SqliteUnitOfWork;
use super::columns::millis;
use crate::domain::clock::Timestamp;
use crate::domain::secret::SecretHash;
use crate::storage::{Replays, StorageError};

#[async_trait]
impl Replays for SqliteUnitOfWork {
    async fn claim(
        &mut self,
        key: &SecretHash,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        // A key that has expired is free again, whether it was deleted yet or not.
        let done = sqlx::query(
            "INSERT INTO replays (key_hash, expires_at) VALUES ($1, $2)
             ON CONFLICT (key_hash) DO UPDATE SET expires_at = $2 WHERE replays.expires_at <= $3",
        )
        .bind(key.as_bytes())
        .bind(millis(expires_at))
        .bind(millis(now))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let done = sqlx::query(
            "DELETE FROM replays WHERE key_hash IN
                 (SELECT key_hash FROM replays WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        )
        .bind(millis(now))
        .bind(i64::from(limit))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}
