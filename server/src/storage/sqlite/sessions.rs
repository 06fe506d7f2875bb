//! Sessions in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::SqliteUnitOfWork;
use super::columns::{Columns as _, json, millis, optional_json};
use crate::domain::authentication::DeviceProof;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::secret::SecretHash;
use crate::domain::session::Session;
use crate::storage::{Sessions, StorageError};

#[async_trait]
impl Sessions for SqliteUnitOfWork {
    async fn insert(&mut self, session: &Session, cookie: &SecretHash) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT INTO sessions (id, cookie_hash, user_id, authentication, device,
                                   created_at, last_seen_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(session.id.as_str())
        .bind(cookie.as_bytes())
        .bind(session.user.as_str())
        .bind(json(&session.authentication)?)
        .bind(optional_json(session.device.as_ref())?)
        .bind(millis(session.created_at))
        .bind(millis(session.last_seen_at))
        .bind(millis(session.expires_at))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn find(
        &mut self,
        cookie: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StorageError> {
        let row = sqlx::query(
            "SELECT id, user_id, authentication, device, created_at, last_seen_at, expires_at
             FROM sessions WHERE cookie_hash = $1 AND expires_at > $2",
        )
        .bind(cookie.as_bytes())
        .bind(millis(now))
        .fetch_optional(self.connection())
        .await?;
        row.as_ref().map(session).transpose()
    }

    async fn lives(&mut self, id: &SessionId, now: Timestamp) -> Result<bool, StorageError> {
        let row = sqlx::query("SELECT id FROM sessions WHERE id = $1 AND expires_at > $2")
            .bind(id.as_str())
            .bind(millis(now))
            .fetch_optional(self.connection())
            .await?;
        Ok(row.is_some())
    }

    async fn rotate(&mut self, id: &SessionId, cookie: &SecretHash) -> Result<bool, StorageError> {
        let done = sqlx::query("UPDATE sessions SET cookie_hash = $2 WHERE id = $1")
            .bind(id.as_str())
            .bind(cookie.as_bytes())
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn touch(
        &mut self,
        id: &SessionId,
        last_seen_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query(
            "UPDATE sessions
             SET last_seen_at = $2,
                 expires_at = CASE WHEN expires_at < $3 THEN $3 ELSE expires_at END
             WHERE id = $1",
        )
        .bind(id.as_str())
        .bind(millis(last_seen_at))
        .bind(millis(expires_at))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn set_device(
        &mut self,
        id: &SessionId,
        proof: Option<&DeviceProof>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query("UPDATE sessions SET device = $2 WHERE id = $1")
            .bind(id.as_str())
            .bind(optional_json(proof)?)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn delete(&mut self, id: &SessionId) -> Result<bool, StorageError> {
        let done = sqlx::query("DELETE FROM sessions WHERE id = $1")
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let done = sqlx::query(
            "DELETE FROM sessions WHERE id IN
                 (SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
        )
        .bind(millis(now))
        .bind(i64::from(limit))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}

fn session(row: &SqliteRow) -> Result<Session, StorageError> {
    Ok(Session {
        id: SessionId::new(row.text("id")?),
        user: UserId::new(row.text("user_id")?),
        authentication: row.json("authentication")?,
        device: row.optional_json("device")?,
        created_at: row.instant("created_at")?,
        last_seen_at: row.instant("last_seen_at")?,
        expires_at: row.instant("expires_at")?,
    })
}
