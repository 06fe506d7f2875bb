//! Decision records in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::SqliteUnitOfWork;
use super::columns::{Columns as _, millis};
use crate::domain::clock::Timestamp;
use crate::domain::ids::Reference;
use crate::domain::record::StoredRecord;
use crate::storage::{Records, StorageError};

#[async_trait]
impl Records for SqliteUnitOfWork {
    async fn insert(&mut self, record: &StoredRecord) -> Result<(), StorageError> {
        sqlx::query(
            "INSERT INTO records (reference, recorded_at, outcome, client_id, user_id, record)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(record.reference.to_string())
        .bind(millis(record.at))
        .bind(record.outcome.as_str())
        .bind(record.client.as_deref())
        .bind(record.user.as_deref())
        .bind(record.json.as_str())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn find(&mut self, reference: &Reference) -> Result<Option<StoredRecord>, StorageError> {
        let row = sqlx::query(
            "SELECT reference, recorded_at, outcome, client_id, user_id, record
             FROM records WHERE reference = $1 ORDER BY sequence DESC LIMIT 1",
        )
        .bind(reference.to_string())
        .fetch_optional(self.connection())
        .await?;
        row.as_ref().map(stored_record).transpose()
    }

    async fn recent(&mut self, limit: u32) -> Result<Vec<StoredRecord>, StorageError> {
        let rows = sqlx::query(
            "SELECT reference, recorded_at, outcome, client_id, user_id, record
             FROM records ORDER BY sequence DESC LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(stored_record).collect()
    }

    async fn purge_before(&mut self, before: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let done = sqlx::query(
            "DELETE FROM records WHERE sequence IN
                 (SELECT sequence FROM records WHERE recorded_at < $1
                  ORDER BY recorded_at LIMIT $2)",
        )
        .bind(millis(before))
        .bind(i64::from(limit))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}

fn stored_record(row: &SqliteRow) -> Result<StoredRecord, StorageError> {
    Ok(StoredRecord {
        reference: row.named("reference", |text| text.parse().ok())?,
        at: row.instant("recorded_at")?,
        outcome: row.text("outcome")?,
        client: row.optional_text("client_id")?,
        user: row.optional_text("user_id")?,
        json: row.text("record")?,
    })
}
