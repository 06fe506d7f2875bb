//! Access tokens in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::SqliteUnitOfWork;
use super::columns::{Columns as _, json, millis};
use crate::domain::clock::Timestamp;
use crate::domain::code::{AccessToken, TokenFormat};
use crate::domain::ids::GrantId;
use crate::domain::secret::SecretHash;
use crate::storage::{AccessTokens, StorageError};

#[async_trait]
impl AccessTokens for SqliteUnitOfWork {
    async fn insert(&mut self, token: &AccessToken) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT INTO access_tokens (token_hash, grant_id, client_id, grant_json, jti,
                                        issued_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(token.hash.as_bytes())
        .bind(token.grant.id.as_str())
        .bind(token.client().as_str())
        .bind(json(&token.grant)?)
        .bind(jti(&token.format))
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
            "SELECT grant_json, jti, issued_at, expires_at
             FROM access_tokens WHERE token_hash = $1 AND expires_at > $2",
        )
        .bind(token.as_bytes())
        .bind(millis(now))
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| access_token(*token, &row)).transpose()
    }

    async fn revoke(&mut self, token: &SecretHash) -> Result<bool, StorageError> {
        let done = sqlx::query("DELETE FROM access_tokens WHERE token_hash = $1")
            .bind(token.as_bytes())
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() == 1)
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

/// Only a JWT has an identifier, so the identifier says what the token looks like.
fn jti(format: &TokenFormat) -> Option<&str> {
    match format {
        TokenFormat::Opaque => None,
        TokenFormat::Jwt { jti } => Some(jti),
    }
}

fn access_token(hash: SecretHash, row: &SqliteRow) -> Result<AccessToken, StorageError> {
    Ok(AccessToken {
        hash,
        grant: row.json("grant_json")?,
        format: match row.optional_text("jti")? {
            Some(jti) => TokenFormat::Jwt { jti },
            None => TokenFormat::Opaque,
        },
        issued_at: row.instant("issued_at")?,
        expires_at: row.instant("expires_at")?,
    })
}
