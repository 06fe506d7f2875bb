//! Authorization requests that wait for their browser, in SQLite.

use async_trait::async_trait;
use chrono::TimeDelta;
use sqlx::sqlite::SqliteRow;

use super::SqliteUnitOfWork;
use super::columns::{Columns as _, json, millis};
use crate::domain::clock::Timestamp;
use crate::domain::ids::ClientId;
use crate::domain::pushed::{PushedRequest, RequestOrigin};
use crate::domain::secret::SecretHash;
use crate::storage::{PushedRequests, StorageError};

/// How long a request that a browser came for is kept after its expiry: longer than any sign-in may take.
const SIGN_IN_MEMORY: TimeDelta = TimeDelta::days(1);

#[async_trait]
impl PushedRequests for SqliteUnitOfWork {
    async fn insert(
        &mut self,
        request: &SecretHash,
        pushed: &PushedRequest,
    ) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT INTO pushed_requests (request_hash, client_id, origin, parameters, carried,
                                          expires_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(request.as_bytes())
        .bind(pushed.client.as_str())
        .bind(pushed.origin.as_str())
        .bind(json(&pushed.parameters)?)
        .bind(pushed.carried.as_deref())
        .bind(millis(pushed.expires_at))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn claim(
        &mut self,
        request: &SecretHash,
        client: &ClientId,
        browser: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<PushedRequest>, StorageError> {
        // The guard and the mark are one statement: a browser that comes second finds the mark of the first.
        let row = sqlx::query(
            "UPDATE pushed_requests SET browser_hash = $3
             WHERE request_hash = $1 AND client_id = $2 AND expires_at > $4
               AND (browser_hash IS NULL OR browser_hash = $3)
             RETURNING client_id, origin, parameters, carried, expires_at",
        )
        .bind(request.as_bytes())
        .bind(client.as_str())
        .bind(browser.as_bytes())
        .bind(millis(now))
        .fetch_optional(self.connection())
        .await?;
        row.as_ref().map(pushed_request).transpose()
    }

    async fn end(&mut self, request: &SecretHash) -> Result<bool, StorageError> {
        let done = sqlx::query("DELETE FROM pushed_requests WHERE request_hash = $1")
            .bind(request.as_bytes())
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let done = sqlx::query(
            "DELETE FROM pushed_requests WHERE request_hash IN
                 (SELECT request_hash FROM pushed_requests
                  WHERE expires_at <= $1 AND (browser_hash IS NULL OR expires_at <= $2)
                  ORDER BY expires_at LIMIT $3)",
        )
        .bind(millis(now))
        .bind(millis(now).saturating_sub(SIGN_IN_MEMORY.num_milliseconds()))
        .bind(i64::from(limit))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}

fn pushed_request(row: &SqliteRow) -> Result<PushedRequest, StorageError> {
    Ok(PushedRequest {
        parameters: row.json("parameters")?,
        client: ClientId::new(row.text("client_id")?),
        origin: row.named("origin", RequestOrigin::from_name)?,
        carried: row.optional_text("carried")?,
        expires_at: row.instant("expires_at")?,
    })
}
