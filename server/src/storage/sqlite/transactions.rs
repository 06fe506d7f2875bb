//! Pending sign-ins in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::SqliteUnitOfWork;
use super::columns::{Columns as _, json, millis, optional_json};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ClientId, SessionId, TransactionId};
use crate::domain::secret::SecretHash;
use crate::domain::transaction::{DeviceCheck, Stage, Transaction};
use crate::storage::{StorageError, Transactions};

#[async_trait]
impl Transactions for SqliteUnitOfWork {
    async fn insert(
        &mut self,
        transaction: &Transaction,
        browser: &SecretHash,
    ) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT INTO transactions (id, browser_hash, reference, parameters, client_id, session_id,
                                       device_check, device, reauthenticated_at, stage,
                                       created_at, expires_at, pushed_hash, carried)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        )
        .bind(transaction.id.as_str())
        .bind(browser.as_bytes())
        .bind(transaction.reference.to_string())
        .bind(json(&transaction.parameters)?)
        .bind(transaction.client.as_str())
        .bind(transaction.session.as_ref().map(SessionId::as_str))
        .bind(transaction.device_check.as_str())
        .bind(optional_json(transaction.device.as_ref())?)
        .bind(transaction.reauthenticated_at.map(millis))
        .bind(transaction.stage.as_str())
        .bind(millis(transaction.created_at))
        .bind(millis(transaction.expires_at))
        .bind(transaction.pushed.as_ref().map(SecretHash::as_bytes))
        .bind(transaction.carried.as_deref())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn find(
        &mut self,
        id: &TransactionId,
        browser: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<Transaction>, StorageError> {
        let row = sqlx::query(
            "SELECT id, reference, parameters, pushed_hash, carried, client_id, session_id,
                    device_check, device, reauthenticated_at, stage, created_at, expires_at
             FROM transactions WHERE id = $1 AND browser_hash = $2 AND expires_at > $3",
        )
        .bind(id.as_str())
        .bind(browser.as_bytes())
        .bind(millis(now))
        .fetch_optional(self.connection())
        .await?;
        row.as_ref().map(transaction).transpose()
    }

    async fn update(&mut self, transaction: &Transaction) -> Result<bool, StorageError> {
        let done = sqlx::query(
            "UPDATE transactions
             SET session_id = $2, device_check = $3, device = $4, reauthenticated_at = $5,
                 stage = $6, expires_at = $7, reference = $8
             WHERE id = $1",
        )
        .bind(transaction.id.as_str())
        .bind(transaction.session.as_ref().map(SessionId::as_str))
        .bind(transaction.device_check.as_str())
        .bind(optional_json(transaction.device.as_ref())?)
        .bind(transaction.reauthenticated_at.map(millis))
        .bind(transaction.stage.as_str())
        .bind(millis(transaction.expires_at))
        .bind(transaction.reference.to_string())
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn take(
        &mut self,
        id: &TransactionId,
        browser: &SecretHash,
    ) -> Result<Option<Transaction>, StorageError> {
        let row = sqlx::query(
            "DELETE FROM transactions WHERE id = $1 AND browser_hash = $2
             RETURNING id, reference, parameters, pushed_hash, carried, client_id, session_id,
                       device_check, device, reauthenticated_at, stage, created_at, expires_at",
        )
        .bind(id.as_str())
        .bind(browser.as_bytes())
        .fetch_optional(self.connection())
        .await?;
        row.as_ref().map(transaction).transpose()
    }

    async fn take_expired(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Transaction>, StorageError> {
        let rows = sqlx::query(
            "DELETE FROM transactions WHERE id IN
                 (SELECT id FROM transactions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)
             RETURNING id, reference, parameters, pushed_hash, carried, client_id, session_id,
                       device_check, device, reauthenticated_at, stage, created_at, expires_at",
        )
        .bind(millis(now))
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(transaction).collect()
    }
}

fn transaction(row: &SqliteRow) -> Result<Transaction, StorageError> {
    Ok(Transaction {
        id: TransactionId::new(row.text("id")?),
        reference: row.named("reference", |text| text.parse().ok())?,
        parameters: row.json("parameters")?,
        pushed: row.optional_digest("pushed_hash")?.map(SecretHash::from),
        carried: row.optional_text("carried")?,
        client: ClientId::new(row.text("client_id")?),
        session: row.optional_text("session_id")?.map(SessionId::new),
        device_check: row.named("device_check", DeviceCheck::from_name)?,
        device: row.optional_json("device")?,
        reauthenticated_at: row.optional_instant("reauthenticated_at")?,
        stage: row.named("stage", Stage::from_name)?,
        created_at: row.instant("created_at")?,
        expires_at: row.instant("expires_at")?,
    })
}
