//! Tickets to the device host, and results from it, in SQLite.

use async_trait::async_trait;

use super::SqliteUnitOfWork;
use super::columns::{Columns as _, millis, optional_json};
use crate::domain::authentication::DeviceProof;
use crate::domain::clock::Timestamp;
use crate::domain::ids::TransactionId;
use crate::domain::secret::SecretHash;
use crate::storage::{DeviceVisit, StorageError, Tickets};

#[async_trait]
impl Tickets for SqliteUnitOfWork {
    async fn insert_ticket(
        &mut self,
        ticket: &SecretHash,
        transaction: &TransactionId,
        expires_at: Timestamp,
    ) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT INTO device_tickets (ticket_hash, transaction_id, expires_at)
             VALUES ($1, $2, $3)",
        )
        .bind(ticket.as_bytes())
        .bind(transaction.as_str())
        .bind(millis(expires_at))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn take_ticket(
        &mut self,
        ticket: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<TransactionId>, StorageError> {
        let row = sqlx::query(
            "DELETE FROM device_tickets WHERE ticket_hash = $1 AND expires_at > $2
             RETURNING transaction_id",
        )
        .bind(ticket.as_bytes())
        .bind(millis(now))
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| Ok(TransactionId::new(row.text("transaction_id")?)))
            .transpose()
    }

    async fn insert_result(
        &mut self,
        result: &SecretHash,
        transaction: &TransactionId,
        proof: Option<&DeviceProof>,
        expires_at: Timestamp,
    ) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT INTO device_results (result_hash, transaction_id, proof, expires_at)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(result.as_bytes())
        .bind(transaction.as_str())
        .bind(optional_json(proof)?)
        .bind(millis(expires_at))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn take_result(
        &mut self,
        result: &SecretHash,
        transaction: &TransactionId,
        now: Timestamp,
    ) -> Result<Option<DeviceVisit>, StorageError> {
        let row = sqlx::query(
            "DELETE FROM device_results
             WHERE result_hash = $1 AND transaction_id = $2 AND expires_at > $3
             RETURNING proof",
        )
        .bind(result.as_bytes())
        .bind(transaction.as_str())
        .bind(millis(now))
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| {
            Ok(DeviceVisit {
                proof: row.optional_json("proof")?,
            })
        })
        .transpose()
    }

    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let tickets = sqlx::query(
            "DELETE FROM device_tickets WHERE ticket_hash IN
                 (SELECT ticket_hash FROM device_tickets WHERE expires_at <= $1
                  ORDER BY expires_at LIMIT $2)",
        )
        .bind(millis(now))
        .bind(i64::from(limit))
        .execute(self.connection())
        .await?;
        let results = sqlx::query(
            "DELETE FROM device_results WHERE result_hash IN
                 (SELECT result_hash FROM device_results WHERE expires_at <= $1
                  ORDER BY expires_at LIMIT $2)",
        )
        .bind(millis(now))
        .bind(i64::from(limit))
        .execute(self.connection())
        .await?;
        Ok(tickets.rows_affected() + results.rows_affected())
    }
}
