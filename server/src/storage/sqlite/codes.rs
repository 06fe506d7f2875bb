//! Authorization codes in SQLite.

use async_trait::async_trait;
use chrono::TimeDelta;
use sqlx::sqlite::SqliteRow;

use super::SqliteUnitOfWork;
use super::columns::{Columns as _, json, millis};
use crate::domain::clock::Timestamp;
use crate::domain::code::{NewCode, Redemption, StoredCode};
use crate::domain::ids::GrantId;
use crate::domain::secret::SecretHash;
use crate::storage::{Codes, StorageError};

/// How long a redeemed code is remembered after its expiry.
const REPLAY_MEMORY: TimeDelta = TimeDelta::days(1);

#[async_trait]
impl Codes for SqliteUnitOfWork {
    async fn insert(&mut self, code: &NewCode) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT INTO codes (code_hash, grant_id, grant_json, redirect_uri, code_challenge,
                                dpop_jkt, issued_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(code.hash.as_bytes())
        .bind(code.grant.id.as_str())
        .bind(json(&code.grant)?)
        .bind(code.redirect_uri.as_str())
        .bind(code.code_challenge.as_deref())
        .bind(code.dpop_jkt.as_ref().map(<[u8; 32]>::as_slice))
        .bind(millis(code.issued_at))
        .bind(millis(code.expires_at))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn redeem(
        &mut self,
        code: &SecretHash,
        now: Timestamp,
    ) -> Result<Redemption, StorageError> {
        // The guard and the mark are one statement: whoever comes second finds the mark.
        let redeemed = sqlx::query(
            "UPDATE codes SET redeemed_at = $2
             WHERE code_hash = $1 AND redeemed_at IS NULL AND expires_at > $2
             RETURNING grant_json, redirect_uri, code_challenge, dpop_jkt, issued_at",
        )
        .bind(code.as_bytes())
        .bind(millis(now))
        .fetch_optional(self.connection())
        .await?;
        if let Some(row) = redeemed {
            return Ok(Redemption::Redeemed(Box::new(stored_code(&row)?)));
        }
        let earlier = sqlx::query(
            "SELECT grant_id FROM codes WHERE code_hash = $1 AND redeemed_at IS NOT NULL",
        )
        .bind(code.as_bytes())
        .fetch_optional(self.connection())
        .await?;
        match earlier {
            Some(row) => Ok(Redemption::Replayed(GrantId::new(row.text("grant_id")?))),
            None => Ok(Redemption::Unknown),
        }
    }

    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let done = sqlx::query(
            "DELETE FROM codes WHERE code_hash IN
                 (SELECT code_hash FROM codes
                  WHERE expires_at <= $1 AND (redeemed_at IS NULL OR expires_at <= $2)
                  ORDER BY expires_at LIMIT $3)",
        )
        .bind(millis(now))
        .bind(millis(now).saturating_sub(REPLAY_MEMORY.num_milliseconds()))
        .bind(i64::from(limit))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}

fn stored_code(row: &SqliteRow) -> Result<StoredCode, StorageError> {
    Ok(StoredCode {
        grant: row.json("grant_json")?,
        redirect_uri: row.text("redirect_uri")?,
        code_challenge: row.optional_text("code_challenge")?,
        dpop_jkt: row.optional_digest("dpop_jkt")?,
        issued_at: row.instant("issued_at")?,
    })
}
