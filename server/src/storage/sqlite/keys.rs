//! Signing keys in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use zeroize::Zeroizing;

use super::SqliteUnitOfWork;
use super::columns::{Columns as _, millis};
use crate::domain::ids::KeyId;
use crate::storage::{Keys, StorageError, StoredKey};

#[async_trait]
impl Keys for SqliteUnitOfWork {
    async fn all(&mut self) -> Result<Vec<StoredKey>, StorageError> {
        let rows = sqlx::query(
            "SELECT id, algorithm, pkcs8, created_at FROM signing_keys ORDER BY created_at, id",
        )
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(stored_key).collect()
    }

    async fn insert_if_absent(&mut self, key: &StoredKey) -> Result<bool, StorageError> {
        let done = sqlx::query(
            "INSERT INTO signing_keys (id, algorithm, pkcs8, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(key.id.as_str())
        .bind(key.algorithm.as_str())
        .bind(key.pkcs8.as_slice())
        .bind(millis(key.created_at))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

fn stored_key(row: &SqliteRow) -> Result<StoredKey, StorageError> {
    Ok(StoredKey {
        id: KeyId::new(row.text("id")?),
        algorithm: row.text("algorithm")?,
        pkcs8: Zeroizing::new(row.bytes("pkcs8")?),
        created_at: row.instant("created_at")?,
    })
}
