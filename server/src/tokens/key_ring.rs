//! The signing keys of one moment: which of them sign, and all that are published, ready to use. It never changes; when
//! keys come and go, `key_set` puts another one in its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use super::key_schedule::{KeyState, KeyStatus};
use super::key_set::KeyError;
use super::key_store::{KeySettings, by_name};
use super::signing_key::{SigningKey, signature_algorithm};
use crate::domain::clock::Timestamp;
use crate::jose::{Algorithm, JsonWebKeys, Strictness};
use crate::storage::StoredKey;

/// Keys that sign, and public keys.
#[derive(Debug)]
pub struct KeyRing {
    version: u64,
    made_of: Parts,
    active: Arc<SigningKey>,
    signing: BTreeMap<Algorithm, Arc<SigningKey>>,
    published: Bytes,
    verification: Arc<JsonWebKeys>,
}

/// What tells one ring from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    /// The keys that are not retired.
    statuses: Vec<KeyStatus>,
    /// How many of them have certificates.
    certificates: usize,
}

impl Parts {
    /// What a ring of these keys is made of at this moment.
    pub(super) fn of(settings: &KeySettings, stored: &[StoredKey], now: Timestamp) -> Self {
        let mut statuses = settings.schedule.statuses(stored, now);
        statuses.retain(|status| status.state != KeyState::Retired);
        let certified = |key: &&StoredKey| key.retired_at.is_none() && key.certificate.is_some();
        Self {
            statuses,
            certificates: stored.iter().filter(certified).count(),
        }
    }
}

impl KeyRing {
    /// The ring of these keys.
    pub(super) fn new(
        settings: &KeySettings,
        stored: &[StoredKey],
        made_of: Parts,
        version: u64,
    ) -> Result<Self, KeyError> {
        let (mut signing, mut public) = (BTreeMap::new(), Vec::new());
        for status in &made_of.statuses {
            let of_status = stored.iter().find(|key| key.id == status.id);
            // Another version of this server may know more algorithms.
            let Some((key, algorithm)) = of_status.zip(by_name(&status.algorithm)) else {
                continue;
            };
            let mut read = SigningKey::from_pkcs8(key.id.clone(), algorithm, &key.pkcs8)?;
            if let Some(certificate) = &key.certificate {
                read = read.with_certificate(certificate);
            }
            public.push(read.public().clone());
            if status.state == KeyState::Signing {
                signing.insert(read.algorithm(), Arc::new(read));
            }
        }
        let active = signing
            .get(&signature_algorithm(settings.algorithm))
            .cloned()
            .ok_or(KeyError::Generation)?;
        let published = json!({ "keys": public }).to_string();
        // What we ask of the keys of others holds for our own.
        let verification = JsonWebKeys::parse(published.as_bytes(), Strictness::OwnClient)?;
        Ok(Self {
            version,
            made_of,
            active,
            signing,
            published: published.into(),
            verification: Arc::new(verification),
        })
    }

    /// Which ring it is, for whoever keeps what follows from it.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The key that signs where a client says nothing else.
    #[must_use]
    pub fn active(&self) -> &Arc<SigningKey> {
        &self.active
    }

    /// The key that signs with this algorithm, where there is one.
    #[must_use]
    pub fn for_algorithm(&self, algorithm: Algorithm) -> Option<&Arc<SigningKey>> {
        self.signing.get(&algorithm)
    }

    /// The algorithms with which something can be signed.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.signing.keys().copied()
    }

    /// The public keys as a JWK set (RFC 7517, section 5), ready to send.
    #[must_use]
    pub fn published(&self) -> Bytes {
        self.published.clone()
    }

    /// The same keys, ready to verify what they signed.
    #[must_use]
    pub fn verification(&self) -> &Arc<JsonWebKeys> {
        &self.verification
    }

    /// The published keys, for operators.
    #[must_use]
    pub fn statuses(&self) -> &[KeyStatus] {
        &self.made_of.statuses
    }

    pub(super) fn is_made_of(&self, parts: &Parts) -> bool {
        self.made_of == *parts
    }
}
