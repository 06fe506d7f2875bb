//! Keeping pending sign-ins, each for the one browser that began it.
//! What a sign-in waits for, and how it goes on, is left to `oidc`.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::clock::Timestamp;
use crate::domain::ids::TransactionId;
use crate::domain::secret::SecretHash;
use crate::domain::transaction::Transaction;

/// Pending sign-ins.
#[async_trait]
pub trait Transactions: Send {
    /// Stores a new transaction, bound to the browser whose cookie has this hash.
    async fn insert(
        &mut self,
        transaction: &Transaction,
        browser: &SecretHash,
    ) -> Result<(), StorageError>;

    /// The transaction, for the browser that began it, unless it has expired.
    async fn find(
        &mut self,
        id: &TransactionId,
        browser: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<Transaction>, StorageError>;

    /// Stores session, device check, device, reauthentication, stage and expiry.
    /// The request itself never changes. False where there is no such transaction.
    async fn update(&mut self, transaction: &Transaction) -> Result<bool, StorageError>;

    /// Removes the transaction and hands it over: of all who try, one gets it.
    /// It may have expired meanwhile; the caller looks at `expires_at`.
    async fn take(
        &mut self,
        id: &TransactionId,
        browser: &SecretHash,
    ) -> Result<Option<Transaction>, StorageError>;

    /// Removes at most `limit` transactions that have expired and hands them over, so that each is recorded once.
    async fn take_expired(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Transaction>, StorageError>;
}
