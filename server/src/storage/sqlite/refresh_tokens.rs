//! Refresh tokens in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::SqliteUnitOfWork;
use super::columns::{Columns as _, json, millis};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{GrantId, SessionId};
use crate::domain::refresh::{PresentedRefresh, RefreshToken, Rotation, StoredRefresh};
use crate::domain::secret::SecretHash;
use crate::storage::{RefreshTokens, StorageError};

#[async_trait]
impl RefreshTokens for SqliteUnitOfWork {
    async fn insert(&mut self, token: &RefreshToken) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT INTO refresh_tokens (token_hash, grant_id, client_id, session_id, grant_json,
                                         issued_at, idle_until, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(token.hash.as_bytes())
        .bind(token.grant.id.as_str())
        .bind(token.grant.client.as_str())
        .bind(token.session.as_ref().map(SessionId::as_str))
        .bind(json(&token.grant)?)
        .bind(millis(token.issued_at))
        // Never later than the expiry: so one column says when a row goes.
        .bind(millis(token.idle_until.min(token.expires_at)))
        .bind(millis(token.expires_at))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn find(
        &mut self,
        token: &SecretHash,
        now: Timestamp,
    ) -> Result<PresentedRefresh, StorageError> {
        let row = sqlx::query(
            "SELECT grant_json, session_id, issued_at, expires_at, used_at
             FROM refresh_tokens WHERE token_hash = $1 AND idle_until > $2",
        )
        .bind(token.as_bytes())
        .bind(millis(now))
        .fetch_optional(self.connection())
        .await?;
        let Some(row) = row else {
            return Ok(PresentedRefresh::Unknown);
        };
        let stored = Box::new(stored_refresh(&row)?);
        Ok(match row.optional_instant("used_at")? {
            None => PresentedRefresh::Live(stored),
            Some(_) => PresentedRefresh::Used(stored),
        })
    }

    async fn rotate(
        &mut self,
        old: &SecretHash,
        new: &RefreshToken,
        now: Timestamp,
    ) -> Result<Rotation, StorageError> {
        // The guard and the mark are one statement: whoever comes second finds the mark. A used token idles no more:
        // it is remembered for as long as a successor can live.
        let rotated = sqlx::query(
            "UPDATE refresh_tokens SET used_at = $2, last_used_at = $2, idle_until = expires_at
             WHERE token_hash = $1 AND used_at IS NULL AND idle_until > $2
             RETURNING grant_json, session_id, issued_at, expires_at",
        )
        .bind(old.as_bytes())
        .bind(millis(now))
        .fetch_optional(self.connection())
        .await?;
        if let Some(row) = rotated {
            self.insert(new).await?;
            return Ok(Rotation::Rotated(Box::new(stored_refresh(&row)?)));
        }
        let earlier = sqlx::query(
            "SELECT grant_id FROM refresh_tokens
             WHERE token_hash = $1 AND used_at IS NOT NULL AND idle_until > $2",
        )
        .bind(old.as_bytes())
        .bind(millis(now))
        .fetch_optional(self.connection())
        .await?;
        match earlier {
            Some(row) => Ok(Rotation::Reused(GrantId::new(row.text("grant_id")?))),
            None => Ok(Rotation::Unknown),
        }
    }

    async fn touch(
        &mut self,
        token: &SecretHash,
        idle_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query(
            "UPDATE refresh_tokens
             SET last_used_at = $2,
                 idle_until = CASE WHEN $3 < expires_at THEN $3 ELSE expires_at END
             WHERE token_hash = $1 AND used_at IS NULL AND idle_until > $2",
        )
        .bind(token.as_bytes())
        .bind(millis(now))
        .bind(millis(idle_until))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn revoke_grant(&mut self, grant: &GrantId) -> Result<u64, StorageError> {
        let done = sqlx::query("DELETE FROM refresh_tokens WHERE grant_id = $1")
            .bind(grant.as_str())
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected())
    }

    async fn revoke_session(&mut self, session: &SessionId) -> Result<u64, StorageError> {
        let done = sqlx::query("DELETE FROM refresh_tokens WHERE session_id = $1")
            .bind(session.as_str())
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected())
    }

    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let done = sqlx::query(
            "DELETE FROM refresh_tokens WHERE token_hash IN
                 (SELECT token_hash FROM refresh_tokens WHERE idle_until <= $1
                  ORDER BY idle_until LIMIT $2)",
        )
        .bind(millis(now))
        .bind(i64::from(limit))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}

fn stored_refresh(row: &SqliteRow) -> Result<StoredRefresh, StorageError> {
    Ok(StoredRefresh {
        grant: row.json("grant_json")?,
        session: row.optional_text("session_id")?.map(SessionId::new),
        issued_at: row.instant("issued_at")?,
        expires_at: row.instant("expires_at")?,
    })
}
