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
    /// The private key (RFC 5958).
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("pkcs8", &format_args!("••••••••"))
            .field("created_at", &self.created_at)
            .finish()
    }
}

/// Signing keys.
#[async_trait]
pub trait Keys: Send {
    /// Every key, oldest first.
    async fn all(&mut self) -> Result<Vec<StoredKey>, StorageError>;

    /// Stores the key unless there is one for its algorithm already. False where there was: use that one.
    async fn insert_if_absent(&mut self, key: &StoredKey) -> Result<bool, StorageError>;
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
            pkcs8: Zeroizing::new(vec![201, 202, 203]),
            created_at: DateTime::UNIX_EPOCH,
        };
        let printed = format!("{key:?}");
        assert!(printed.contains("••••••••"));
        assert!(!printed.contains("201"));
    }
}
