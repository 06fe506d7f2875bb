//! Counters of attempts in SQLite.

use async_trait::async_trait;
use chrono::TimeDelta;

use super::SqliteUnitOfWork;
use super::columns::{Columns as _, millis};
use crate::domain::clock::Timestamp;
use crate::domain::secret::SecretHash;
use crate::storage::{Attempt, StorageError, Throttle};

#[async_trait]
impl Throttle for SqliteUnitOfWork {
    async fn attempt(
        &mut self,
        key: &SecretHash,
        now: Timestamp,
        window: TimeDelta,
        limit: u32,
    ) -> Result<Attempt, StorageError> {
        // A window never ends later than one begun now would: neither a clock that was set back
        // nor a setting that was shortened can lock anybody out for longer than the setting says.
        let row = sqlx::query(
            "INSERT INTO throttle (key_hash, attempts, window_ends_at) VALUES ($1, 1, $3)
             ON CONFLICT (key_hash) DO UPDATE SET
                 attempts = CASE WHEN window_ends_at <= $2 THEN 1 ELSE attempts + 1 END,
                 window_ends_at = CASE WHEN window_ends_at <= $2 THEN $3
                                       ELSE min(window_ends_at, $3) END
             RETURNING attempts, window_ends_at",
        )
        .bind(key.as_bytes())
        .bind(millis(now))
        .bind(millis(now).saturating_add(window.num_milliseconds()))
        .fetch_one(self.connection())
        .await?;
        let left = i64::from(limit).saturating_sub(row.number("attempts")?);
        match u32::try_from(left) {
            Ok(remaining) => Ok(Attempt::Allowed { remaining }),
            Err(_) => Ok(Attempt::Blocked {
                until: row.instant("window_ends_at")?,
            }),
        }
    }

    async fn clear(&mut self, key: &SecretHash) -> Result<(), StorageError> {
        sqlx::query("DELETE FROM throttle WHERE key_hash = $1")
            .bind(key.as_bytes())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn give_back(&mut self, key: &SecretHash) -> Result<(), StorageError> {
        // A count of nothing is no row: the last attempt that is given back ends the window.
        let counted = sqlx::query(
            "UPDATE throttle SET attempts = attempts - 1 WHERE key_hash = $1 AND attempts > 1",
        )
        .bind(key.as_bytes())
        .execute(self.connection())
        .await?;
        if counted.rows_affected() == 0 {
            self.clear(key).await?;
        }
        Ok(())
    }

    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let done = sqlx::query(
            "DELETE FROM throttle WHERE key_hash IN
                 (SELECT key_hash FROM throttle WHERE window_ends_at <= $1
                  ORDER BY window_ends_at LIMIT $2)",
        )
        .bind(millis(now))
        .bind(i64::from(limit))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}
