//! Signing keys are made, and stored so that all replicas agree on them. When that has to be is told by `key_schedule`;
//! which of them sign and which are published is told by `key_ring`.

use chrono::TimeDelta;
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::certificate::self_signed;
use super::key_schedule::{self, CERTIFIED, Due, KeySchedule, KeyStatus, Successor};
use super::key_set::KeyError;
use super::signing_key::{ALGORITHMS, SigningKey, signature_algorithm};
use crate::config::Algorithm;
use crate::domain::clock::Timestamp;
use crate::domain::entropy::Entropy;
use crate::domain::ids::KeyId;
use crate::storage::{Storage, StorageError, StoredKey, UnitOfWork};

/// What keys there are to be.
#[derive(Debug, Clone)]
pub struct KeySettings {
    /// What tokens are signed with where a client says nothing else. There is always a key for it.
    pub algorithm: Algorithm,
    /// How long keys stay in each state.
    pub schedule: KeySchedule,
    /// The host of the issuer, for certificates.
    pub host: String,
}

/// Where keys are kept, and what they are made with, at one moment.
#[derive(Debug, Clone, Copy)]
pub struct KeyStore<'a> {
    /// The settings.
    pub settings: &'a KeySettings,
    /// The database.
    pub storage: &'a dyn Storage,
    /// Chance, for identifiers.
    pub entropy: &'a dyn Entropy,
    /// The moment.
    pub now: Timestamp,
}

/// A change of the stored keys that is ready to be written.
#[derive(Debug)]
enum Change {
    Insert(StoredKey),
    Certify(KeyId, Vec<u8>),
    Retire(KeyId),
    Forget(Timestamp),
}

impl KeyStore<'_> {
    /// Every stored key with its state.
    pub async fn statuses(&self) -> Result<Vec<KeyStatus>, KeyError> {
        let stored = self.all().await?;
        Ok(self.settings.schedule.statuses(&stored, self.now))
    }

    /// Makes a successor that signs after `announce`, for each algorithm that has keys, or only for this one. A
    /// successor that is announced already and signs no later is enough. Says which successors there are.
    pub async fn rotate(
        &self,
        only: Option<Algorithm>,
        announce: TimeDelta,
    ) -> Result<Vec<KeyStatus>, KeyError> {
        let stored = self.all().await?;
        let signs_from = self.now + announce;
        let wanted = ALGORITHMS
            .into_iter()
            .filter(|algorithm| only.is_none_or(|only| only == *algorithm))
            .map(name)
            .filter(|algorithm| key_schedule::live(&stored, algorithm).next().is_some());
        let (mut successors, mut changes) = (Vec::new(), Vec::new());
        for algorithm in wanted {
            let announced = key_schedule::live(&stored, algorithm)
                .filter(|key| self.now < key.signs_from && key.signs_from <= signs_from)
                .max_by_key(|key| key.generation);
            let generation = if let Some(key) = announced {
                key.generation
            } else {
                let due = key_schedule::successor(&stored, algorithm, signs_from);
                let generation = due.generation;
                changes.push(Change::Insert(self.make(due).await?));
                generation
            };
            successors.push((algorithm, generation));
        }
        let stored = self.write(changes).await?;
        let statuses = self.settings.schedule.statuses(&stored, self.now);
        Ok(stored
            .iter()
            .zip(statuses)
            .filter(|(key, _)| successors.contains(&(key.algorithm.as_str(), key.generation)))
            .map(|(_, status)| status)
            .collect())
    }

    /// Takes a key out of use. False where there is no such key, or it was retired before.
    pub async fn retire(&self, id: &KeyId) -> Result<bool, KeyError> {
        let mut work = self.storage.begin().await?;
        let retired = work.keys().retire(id, self.now).await?;
        work.commit().await?;
        Ok(retired)
    }

    /// Does all that is due, where there has to be a key for each of these algorithms and for the one of the settings.
    /// Gives the keys as they are stored then.
    pub(super) async fn maintain(&self, needed: &[Algorithm]) -> Result<Vec<StoredKey>, KeyError> {
        let stored = self.all().await?;
        let needed: Vec<&str> = ALGORITHMS
            .into_iter()
            .filter(|it| *it == self.settings.algorithm || needed.contains(it))
            .map(name)
            .collect();
        let due = self.settings.schedule.due(&stored, &needed, self.now);
        if due.is_empty() {
            return Ok(stored);
        }
        let mut changes = Vec::new();
        for due in due {
            changes.extend(self.prepare(due, &stored).await?);
        }
        self.write(changes).await
    }

    async fn all(&self) -> Result<Vec<StoredKey>, StorageError> {
        let mut work = self.storage.read().await?;
        work.keys().all().await
    }

    /// Makes what a change needs. This happens before the unit of work begins: writers take turns, and an RSA key
    /// takes its time.
    async fn prepare(&self, due: Due, stored: &[StoredKey]) -> Result<Option<Change>, KeyError> {
        Ok(match due {
            // Another version of this server knows more algorithms, and looks after their keys.
            Due::Make(successor) if by_name(&successor.algorithm).is_none() => None,
            Due::Make(successor) => Some(Change::Insert(self.make(successor).await?)),
            Due::Certify(id) => match stored.iter().find(|key| key.id == id) {
                Some(key) => Some(Change::Certify(id, self.certificate(&key.pkcs8)?)),
                None => None,
            },
            Due::Retire(id) => Some(Change::Retire(id)),
            Due::Forget(before) => Some(Change::Forget(before)),
        })
    }

    async fn make(&self, due: Successor) -> Result<StoredKey, KeyError> {
        let algorithm = by_name(&due.algorithm).ok_or(KeyError::Generation)?;
        let made = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm));
        let pkcs8 = made.await.map_err(|_| KeyError::Generation)??;
        let certificate = if due.algorithm == CERTIFIED {
            Some(self.certificate(&pkcs8)?)
        } else {
            None
        };
        Ok(StoredKey {
            id: identifier(self.entropy),
            algorithm: due.algorithm,
            generation: due.generation,
            pkcs8,
            certificate,
            created_at: self.now,
            signs_from: due.signs_from,
            retired_at: None,
        })
    }

    fn certificate(&self, pkcs8: &Zeroizing<Vec<u8>>) -> Result<Vec<u8>, KeyError> {
        self_signed(pkcs8, &self.settings.host, self.now)
    }

    /// Writes all of it at once. What another replica has written meanwhile counts, and not what was made here.
    async fn write(&self, changes: Vec<Change>) -> Result<Vec<StoredKey>, KeyError> {
        let mut work = self.storage.begin().await?;
        for change in changes {
            change.apply(work.as_mut(), self.now).await?;
        }
        let stored = work.keys().all().await?;
        work.commit().await?;
        Ok(stored)
    }
}

impl Change {
    async fn apply(self, work: &mut dyn UnitOfWork, now: Timestamp) -> Result<(), StorageError> {
        match self {
            Self::Insert(key) => work.keys().insert_if_absent(&key).await.map(drop),
            Self::Certify(id, der) => work.keys().set_certificate(&id, &der).await.map(drop),
            Self::Retire(id) => work.keys().retire(&id, now).await.map(drop),
            Self::Forget(before) => work.keys().delete_retired_before(before).await.map(drop),
        }
    }
}

/// A new identifier: 128 random bits as 32 hexadecimal digits, which read as base64 and as base64url alike, without
/// padding. It says nothing about the key.
fn identifier(entropy: &dyn Entropy) -> KeyId {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    KeyId::new(HEXLOWER.encode(&bytes))
}

/// The name of the algorithm in storage, that of RFC 7518.
fn name(algorithm: Algorithm) -> &'static str {
    signature_algorithm(algorithm).name()
}

/// The algorithm of this name, where keys are made for it.
pub(super) fn by_name(text: &str) -> Option<Algorithm> {
    ALGORITHMS
        .into_iter()
        .find(|algorithm| name(*algorithm) == text)
}
