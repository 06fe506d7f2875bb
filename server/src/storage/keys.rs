//! Keeping signing keys, so that a restart or a second replica signs with the same ones.
//! Making them and signing with them is left to `tokens`.

use std::fmt;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::StorageError;
use crate::domain::clock::Timestamp;
use crate::domain::ids::KeyId;

/// A signing key with its private part. Prints without it, and is wiped from memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The identifier, as clients see it.
    pub id: KeyId,
    /// The algorithm it signs with, as JSON Web Algorithms name it (RFC 7518).
    pub algorithm: String,
    /// Which key of its algorithm it is, counted from one: the successor has the next number.
    pub generation: u32,
    /// The private key (RFC 5958).
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// A certificate of the public key as DER, for clients that want one.
    pub certificate: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it begins to sign; until then it is only published.
    pub signs_from: Timestamp,
    /// When it ceased to sign for good.
    pub retired_at: Option<Timestamp>,
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("generation", &self.generation)
            .field("pkcs8", &format_args!("••••••••"))
            .field("created_at", &self.created_at)
            .field("signs_from", &self.signs_from)
            .field("retired_at", &self.retired_at)
            .finish_non_exhaustive()
    }
}

/// Signing keys.
#[async_trait]
pub trait Keys: Send {
    /// Every key, oldest first.
    async fn all(&mut self) -> Result<Vec<StoredKey>, StorageError>;

    /// Stores the key unless its algorithm has a key of that generation already. False where it had: use that one.
    async fn insert_if_absent(&mut self, key: &StoredKey) -> Result<bool, StorageError>;

    /// Stores a certificate of the key unless it has one already. False where it had, or there is no such key.
    async fn set_certificate(&mut self, id: &KeyId, der: &[u8]) -> Result<bool, StorageError>;

    /// Stores that the key has ceased to sign. False where it had before, or there is no such key.
    async fn retire(&mut self, id: &KeyId, at: Timestamp) -> Result<bool, StorageError>;

    /// Deletes the keys that were retired before that instant, and says how many.
    async fn delete_retired_before(&mut self, before: Timestamp) -> Result<u64, StorageError>;
}

#[cfg(test)]
mod tests {
    use super::StoredKey;
    use crate::domain::ids::KeyId;
    use chrono::DateTime;
    use zeroize::Zeroizing;

    #[test]
    fn a_key_prints_without_its_private_part() {
        let key = StoredKey {
            id: KeyId::new("k1"),
            algorithm: "ES256".to_owned(),
            generation: 1,
            pkcs8: Zeroizing::new(vec![201, 202, 203]),
            certificate: None,
            created_at: DateTime::UNIX_EPOCH,
            signs_from: DateTime::UNIX_EPOCH,
            retired_at: None,
        };
        let printed = format!("{key:?}");
        assert!(printed.contains("••••••••"));
        assert!(!printed.contains("201"));
    }
}
