//! The provider's signing keys: made at first start, stored, published. One signs; all are published.

use bytes::Bytes;
use serde_json::json;

use super::signing_key::SigningKey;
use crate::config::Algorithm;
use crate::domain::clock::Timestamp;
use crate::domain::entropy::Entropy;
use crate::domain::ids::{GrantId, KeyId};
use crate::jose::{JoseError, JsonWebKeys, Strictness};
use crate::storage::{Storage, StorageError, StoredKey};

/// The keys of the provider.
#[derive(Debug)]
pub struct KeySet {
    active: SigningKey,
    published: Bytes,
    verification: JsonWebKeys,
}

/// Keys cannot be made, read or stored.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The cryptographic library made no key.
    #[error("no signing key could be made")]
    Generation,
    /// A stored key does not read.
    #[error("the stored signing key `{0}` is damaged")]
    Damaged(KeyId),
    /// What would be published is no good set of keys.
    #[error("the signing keys cannot be published: {0}")]
    Publication(#[from] JoseError),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl KeySet {
    /// The stored keys; a key for `algorithm` is made and stored where there is none.
    pub async fn load(
        storage: &dyn Storage,
        algorithm: Algorithm,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let mut work = storage.begin().await?;
        let mut stored = work.keys().all().await?;
        if !stored.iter().any(|key| key.algorithm == name(algorithm)) {
            let new = StoredKey {
                // Random like a grant's identifier: a key's identifier says nothing about it.
                id: KeyId::new(GrantId::generate(entropy).as_str()),
                algorithm: name(algorithm).to_owned(),
                generation: 1,
                pkcs8: SigningKey::generate(algorithm)?,
                certificate: None,
                created_at: now,
                signs_from: now,
                retired_at: None,
            };
            work.keys().insert_if_absent(&new).await?;
            stored = work.keys().all().await?;
        }
        work.commit().await?;
        let mut keys = Vec::new();
        for key in stored {
            if let Some(algorithm) = by_name(&key.algorithm) {
                keys.push((
                    algorithm,
                    SigningKey::from_pkcs8(key.id, algorithm, &key.pkcs8)?,
                ));
            }
        }
        let all: Vec<_> = keys.iter().map(|(_, key)| key.public()).collect();
        let published = json!({ "keys": all }).to_string();
        // What we ask of the keys of others holds for our own.
        let verification = JsonWebKeys::parse(published.as_bytes(), Strictness::OwnClient)?;
        let active = keys
            .into_iter()
            .find(|(of, _)| *of == algorithm)
            .map(|(_, key)| key)
            .ok_or(KeyError::Generation)?;
        Ok(Self {
            active,
            published: published.into(),
            verification,
        })
    }

    /// The key that signs.
    #[must_use]
    pub fn active(&self) -> &SigningKey {
        &self.active
    }

    /// The public keys as a JWK set (RFC 7517, section 5), ready to send.
    #[must_use]
    pub fn published(&self) -> Bytes {
        self.published.clone()
    }

    /// The same keys, ready to verify what they signed.
    #[must_use]
    pub fn verification(&self) -> &JsonWebKeys {
        &self.verification
    }
}

fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Es256 => "ES256",
        Algorithm::Rs256 => "RS256",
        Algorithm::EdDsa => "EdDSA",
    }
}

fn by_name(text: &str) -> Option<Algorithm> {
    [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa]
        .into_iter()
        .find(|algorithm| name(*algorithm) == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entropy::SeededEntropy;
    use crate::jose::PublicKey;
    use crate::storage::sqlite::SqliteStorage;

    #[tokio::test]
    async fn a_key_is_made_once_and_found_again() {
        let storage = SqliteStorage::in_memory().await.unwrap();
        let now = "2026-11-24T09:00:00Z".parse().unwrap();
        let entropy = SeededEntropy::new(1);
        let first = KeySet::load(&storage, Algorithm::Es256, &entropy, now)
            .await
            .unwrap();
        let second = KeySet::load(&storage, Algorithm::Es256, &entropy, now)
            .await
            .unwrap();
        assert_eq!(first.active().id(), second.active().id());
        assert_eq!(first.published(), second.published());
        assert_eq!(first.verification(), second.verification());
    }

    #[tokio::test]
    async fn after_a_change_of_algorithm_the_old_key_stays_published() {
        let storage = SqliteStorage::in_memory().await.unwrap();
        let now = "2026-11-24T09:00:00Z".parse().unwrap();
        let entropy = SeededEntropy::new(1);
        let old = KeySet::load(&storage, Algorithm::Es256, &entropy, now)
            .await
            .unwrap();
        let new = KeySet::load(&storage, Algorithm::EdDsa, &entropy, now)
            .await
            .unwrap();
        assert_ne!(old.active().id(), new.active().id());
        let published = String::from_utf8(new.published().to_vec()).unwrap();
        assert!(published.contains(old.active().id().as_str()));
        assert!(published.contains(new.active().id().as_str()));
        let ids: Vec<_> = new.verification().all().map(PublicKey::id).collect();
        assert_eq!(ids.len(), 2);
        assert!(ids.contains(&Some(old.active().id().as_str())));
    }
}
