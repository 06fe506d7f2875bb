//! Signing keys in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use zeroize::Zeroizing;

use super::SqliteUnitOfWork;
use super::columns::{Columns as _, millis};
use crate::domain::clock::Timestamp;
use crate::domain::ids::KeyId;
use crate::storage::{Keys, StorageError, StoredKey};

#[async_trait]
impl Keys for SqliteUnitOfWork {
    async fn all(&mut self) -> Result<Vec<StoredKey>, StorageError> {
        let rows = sqlx::query(
            "SELECT id, algorithm, generation, pkcs8, certificate, created_at, signs_from, retired_at
             FROM signing_keys ORDER BY created_at, id",
        )
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(stored_key).collect()
    }

    async fn insert_if_absent(&mut self, key: &StoredKey) -> Result<bool, StorageError> {
        let done = sqlx::query(
            "INSERT INTO signing_keys (id, algorithm, generation, pkcs8, certificate, created_at,
                                       signs_from, retired_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT DO NOTHING",
        )
        .bind(key.id.as_str())
        .bind(key.algorithm.as_str())
        .bind(i64::from(key.generation))
        .bind(key.pkcs8.as_slice())
        .bind(key.certificate.as_deref())
        .bind(millis(key.created_at))
        .bind(millis(key.signs_from))
        .bind(key.retired_at.map(millis))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn set_certificate(&mut self, id: &KeyId, der: &[u8]) -> Result<bool, StorageError> {
        let done = sqlx::query(
            "UPDATE signing_keys SET certificate = $2 WHERE id = $1 AND certificate IS NULL",
        )
        .bind(id.as_str())
        .bind(der)
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn retire(&mut self, id: &KeyId, at: Timestamp) -> Result<bool, StorageError> {
        let done = sqlx::query(
            "UPDATE signing_keys SET retired_at = $2 WHERE id = $1 AND retired_at IS NULL",
        )
        .bind(id.as_str())
        .bind(millis(at))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn delete_retired_before(&mut self, before: Timestamp) -> Result<u64, StorageError> {
        let done = sqlx::query("DELETE FROM signing_keys WHERE retired_at < $1")
            .bind(millis(before))
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected())
    }
}

fn stored_key(row: &SqliteRow) -> Result<StoredKey, StorageError> {
    Ok(StoredKey {
        id: KeyId::new(row.text("id")?),
        algorithm: row.text("algorithm")?,
        generation: row.count("generation")?,
        pkcs8: Zeroizing::new(row.bytes("pkcs8")?),
        certificate: row.optional_bytes("certificate")?,
        created_at: row.instant("created_at")?,
        signs_from: row.instant("signs_from")?,
        retired_at: row.optional_instant("retired_at")?,
    })
}
