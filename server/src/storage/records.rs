//! Keeping decision records. What a record says is left to `audit`.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::clock::Timestamp;
use crate::domain::ids::Reference;
use crate::domain::record::StoredRecord;

/// Decision records. They are written and in time deleted, never changed.
#[async_trait]
pub trait Records: Send {
    /// Stores a record.
    async fn insert(&mut self, record: &StoredRecord) -> Result<(), StorageError>;

    /// The record with the reference; the one written last, where a sign-in was decided several times.
    async fn find(&mut self, reference: &Reference) -> Result<Option<StoredRecord>, StorageError>;

    /// The `limit` newest records, newest first.
    async fn recent(&mut self, limit: u32) -> Result<Vec<StoredRecord>, StorageError>;

    /// Deletes at most `limit` records from before `before`, and says how many.
    async fn purge_before(&mut self, before: Timestamp, limit: u32) -> Result<u64, StorageError>;
}
