//! Keeping the two one-time texts of a device check: the ticket to the device host, and the result that comes back.
//! Reading the certificate is left to `signals`, the page around it to `oidc`.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::authentication::DeviceProof;
use crate::domain::clock::Timestamp;
use crate::domain::ids::TransactionId;
use crate::domain::secret::SecretHash;

/// What a visit to the device host gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceVisit {
    /// The certificate that was proved; nothing where the device had none to show.
    pub proof: Option<DeviceProof>,
}

/// Tickets to the device host and results from it.
#[async_trait]
pub trait Tickets: Send {
    /// Stores a ticket of the transaction.
    async fn insert_ticket(
        &mut self,
        ticket: &SecretHash,
        transaction: &TransactionId,
        expires_at: Timestamp,
    ) -> Result<(), StorageError>;

    /// Spends the ticket: of all who try in time, one learns its transaction.
    async fn take_ticket(
        &mut self,
        ticket: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<TransactionId>, StorageError>;

    /// Stores what the device host saw, for the transaction that sent the browser there.
    async fn insert_result(
        &mut self,
        result: &SecretHash,
        transaction: &TransactionId,
        proof: Option<&DeviceProof>,
        expires_at: Timestamp,
    ) -> Result<(), StorageError>;

    /// Spends the result: of all who try in time, and for the right transaction, one gets it.
    async fn take_result(
        &mut self,
        result: &SecretHash,
        transaction: &TransactionId,
        now: Timestamp,
    ) -> Result<Option<DeviceVisit>, StorageError>;

    /// Deletes at most `limit` tickets and `limit` results that have expired, and says how many.
    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError>;
}
