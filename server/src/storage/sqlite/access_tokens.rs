//! Access tokens in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::SqliteUnitOfWork;
use super::columns::{Columns as _, millis};
use crate::domain::clock::Timestamp;
use crate::domain::code::AccessToken;
use crate::domain::ids::{ClientId, GrantId, UserId};
use crate::domain::secret::SecretHash;
use crate::storage::{AccessTokens, StorageError};

#[async_trait]
impl AccessTokens for SqliteUnitOfWork {
    async fn insert(&mut self, token: &AccessToken) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT INTO access_tokens (token_hash, grant_id, client_id, user_id, scope,
                                        issued_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(token.hash.as_bytes())
        .bind(token.grant.as_str())
        .bind(token.client.as_str())
        .bind(token.user.as_str())
        .bind(token.scope.as_str())
        .bind(millis(token.issued_at))
        .bind(millis(token.expires_at))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn find(
        &mut self,
        token: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<AccessToken>, StorageError> {
        let row = sqlx::query(
            "SELECT grant_id, client_id, user_id, scope, issued_at, expires_at
             FROM access_tokens WHERE token_hash = $1 AND expires_at > $2",
        )
        .bind(token.as_bytes())
        .bind(millis(now))
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| access_token(*token, &row)).transpose()
    }

    async fn revoke_grant(&mut self, grant: &GrantId) -> Result<u64, StorageError> {
        let done = sqlx::query("DELETE FROM access_tokens WHERE grant_id = $1")
            .bind(grant.as_str())
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected())
    }

    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let done = sqlx::query(
            "DELETE FROM access_tokens WHERE token_hash IN
                 (SELECT token_hash FROM access_tokens WHERE expires_at <= $1
                  ORDER BY expires_at LIMIT $2)",
        )
        .bind(millis(now))
        .bind(i64::from(limit))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}

fn access_token(hash: SecretHash, row: &SqliteRow) -> Result<AccessToken, StorageError> {
    Ok(AccessToken {
        hash,
        grant: GrantId::new(row.text("grant_id")?),
        client: ClientId::new(row.text("client_id")?),
        user: UserId::new(row.text("user_id")?),
        scope: row.text("scope")?,
        issued_at: row.instant("issued_at")?,
        expires_at: row.instant("expires_at")?,
    })
}
