//! The provider's signing keys, kept up to date: read from storage, made where they are missing, replaced on schedule.
//! Readers never wait: the ring of keys is swapped whole, and whoever holds the old one finishes with it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;

use super::key_ring::{KeyRing, Parts};
use super::key_schedule::KeyStatus;
use super::key_store::{KeySettings, KeyStore};
use super::sign::TokenError;
use super::signing_key::{SigningKey, signature_algorithm};
use crate::config::Algorithm;
use crate::domain::clock::Timestamp;
use crate::domain::entropy::Entropy;
use crate::domain::ids::KeyId;
use crate::jose::{self, JoseError, JsonWebKeys};
use crate::storage::{Storage, StorageError};

/// The keys of the provider.
#[derive(Debug)]
pub struct KeySet {
    settings: KeySettings,
    ring: ArcSwap<KeyRing>,
}

/// Keys cannot be made, read or stored.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The cryptographic library made no key.
    #[error("no signing key could be made")]
    Generation,
    /// A certificate cannot be made.
    #[error("no certificate of a signing key could be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A time that certificates cannot express.
    #[error("the validity lies outside of what a certificate can say")]
    Validity,
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
    /// The stored keys. What is missing for the settings and for these algorithms is made and stored.
    pub async fn open(
        settings: KeySettings,
        storage: &dyn Storage,
        needed: &[Algorithm],
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let store = KeyStore {
            settings: &settings,
            storage,
            entropy,
            now,
        };
        let stored = store.maintain(needed).await?;
        let parts = Parts::of(&settings, &stored, now);
        let ring = KeyRing::new(&settings, &stored, parts, 0)?;
        Ok(Self {
            ring: ArcSwap::from_pointee(ring),
            settings,
        })
    }

    /// Looks at what is stored, does what is due, and goes on with the keys of this moment. After an error it goes on
    /// with those it had. One task does this: two at once could put the older ring into the place of the newer one.
    pub async fn refresh(
        &self,
        storage: &dyn Storage,
        needed: &[Algorithm],
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<(), KeyError> {
        let store = KeyStore {
            settings: &self.settings,
            storage,
            entropy,
            now,
        };
        let stored = store.maintain(needed).await?;
        let old = self.current();
        let parts = Parts::of(&self.settings, &stored, now);
        if old.is_made_of(&parts) {
            return Ok(());
        }
        let version = old.version().wrapping_add(1);
        let new = KeyRing::new(&self.settings, &stored, parts, version)?;
        tell(old.statuses(), new.statuses());
        self.ring.store(Arc::new(new));
        Ok(())
    }

    /// The keys of this moment. Whoever needs more than one thing of them takes them once.
    #[must_use]
    pub fn current(&self) -> Arc<KeyRing> {
        self.ring.load_full()
    }

    /// The key that signs where a client says nothing else.
    #[must_use]
    pub fn active(&self) -> Arc<SigningKey> {
        Arc::clone(self.ring.load().active())
    }

    /// The key that signs with this algorithm, where there is one.
    #[must_use]
    pub fn for_algorithm(&self, algorithm: jose::Algorithm) -> Option<Arc<SigningKey>> {
        self.ring.load().for_algorithm(algorithm).cloned()
    }

    /// The key that signs for a client which wants this algorithm, or wants none in particular.
    pub fn wanted(&self, algorithm: Option<Algorithm>) -> Result<Arc<SigningKey>, TokenError> {
        let Some(word) = algorithm else {
            return Ok(self.active());
        };
        let algorithm = signature_algorithm(word);
        self.for_algorithm(algorithm)
            .ok_or(TokenError::NoKey(algorithm))
    }

    /// The public keys as a JWK set (RFC 7517, section 5), ready to send.
    #[must_use]
    pub fn published(&self) -> Bytes {
        self.ring.load().published()
    }

    /// The same keys, ready to verify what they signed.
    #[must_use]
    pub fn verification(&self) -> Arc<JsonWebKeys> {
        Arc::clone(self.ring.load().verification())
    }
}

#[cfg(test)]
impl KeySet {
    /// Keys of one algorithm, by a schedule as it is without a configuration.
    pub(crate) async fn load(
        storage: &dyn Storage,
        algorithm: Algorithm,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        Self::open(tests::settings(algorithm), storage, &[], entropy, now).await
    }
}

/// Says in the log what has become of which key.
fn tell(old: &[KeyStatus], new: &[KeyStatus]) {
    for KeyStatus {
        id,
        algorithm,
        state,
        ..
    } in new
    {
        let known = old.iter().find(|it| it.id == *id);
        if known.is_none_or(|known| known.state != *state) {
            let state = state.as_str();
            tracing::info!(key = %id, algorithm, state, "signing key");
        }
    }
    for gone in old
        .iter()
        .filter(|old| new.iter().all(|it| it.id != old.id))
    {
        tracing::info!(key = %gone.id, algorithm = %gone.algorithm, state = "retired", "signing key");
    }
}

#[cfg(test)]
mod tests;
