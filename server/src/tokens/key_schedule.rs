//! When a signing key is announced, signs, is replaced and goes: told by what is stored and by the time alone, so that
//! all replicas come to the same. Making and storing keys is left to `key_store`.

use chrono::TimeDelta;
use serde::Serialize;

use crate::domain::clock::Timestamp;
use crate::domain::ids::KeyId;
use crate::storage::StoredKey;

/// The algorithm whose keys have certificates: the only one for which clients ask for them.
pub(super) const CERTIFIED: &str = "RS256";

/// How long a retired key is remembered, for whoever wonders where it went.
const REMEMBERED: TimeDelta = TimeDelta::days(7);

/// How long keys stay in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySchedule {
    /// How long a key signs before its successor is announced. Without it nothing happens by itself.
    pub rotate: Option<TimeDelta>,
    /// How long a key is published before it signs.
    pub announce: TimeDelta,
    /// How long a key stays published after its successor began to sign.
    pub keep: TimeDelta,
}

/// What a key is good for at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// It is published, so that clients know it when it signs.
    Announced,
    /// It signs.
    Signing,
    /// It has signed, and is still published for what it signed.
    Replaced,
    /// It is not published any more.
    Retired,
}

impl KeyState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Signing => "signing",
            Self::Replaced => "replaced",
            Self::Retired => "retired",
        }
    }
}

/// A key, for operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyStatus {
    /// Its identifier, the `kid` that clients see.
    pub id: KeyId,
    /// What it signs with, by the name of RFC 7518.
    pub algorithm: String,
    /// What it is good for.
    pub state: KeyState,
    /// Since when.
    pub since: Timestamp,
    /// Until when, as far as that is known.
    pub until: Option<Timestamp>,
}

/// Something that has to be done about the stored keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    /// A key is missing, or a successor.
    Make(Successor),
    /// A key has no certificate yet.
    Certify(KeyId),
    /// A key was replaced long enough ago.
    Retire(KeyId),
    /// Keys were retired before this instant.
    Forget(Timestamp),
}

/// A key that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Successor {
    pub(super) algorithm: String,
    pub(super) generation: u32,
    pub(super) signs_from: Timestamp,
}

impl KeySchedule {
    /// Every key with its state at this moment, in the order in which they are stored.
    #[must_use]
    pub fn statuses(&self, stored: &[StoredKey], now: Timestamp) -> Vec<KeyStatus> {
        stored
            .iter()
            .map(|key| {
                let (state, since, until) = self.state(stored, key, now);
                KeyStatus {
                    id: key.id.clone(),
                    algorithm: key.algorithm.clone(),
                    state,
                    since,
                    until,
                }
            })
            .collect()
    }

    /// All that has to be done at this moment, where there has to be a key for each of these algorithms.
    pub(super) fn due(&self, stored: &[StoredKey], needed: &[&str], now: Timestamp) -> Vec<Due> {
        let mut due: Vec<Due> = Vec::new();
        for algorithm in needed {
            if live(stored, algorithm).next().is_none() {
                // Somebody waits for it: there is no time to announce it.
                due.push(Due::Make(successor(stored, algorithm, now)));
            }
        }
        for key in stored.iter().filter(|key| key.retired_at.is_none()) {
            let newer = newer(stored, key);
            let too_old = |rotate| newer.is_none() && key.signs_from + rotate <= now;
            if self.rotate.is_some_and(too_old) {
                let signs_from = now + self.announce;
                due.push(Due::Make(successor(stored, &key.algorithm, signs_from)));
            }
            let signs = signing(stored, &key.algorithm, now).is_some_and(|it| it.id == key.id);
            if !signs && newer.is_some_and(|replaced| replaced + self.keep <= now) {
                due.push(Due::Retire(key.id.clone()));
            } else if key.algorithm == CERTIFIED && key.certificate.is_none() {
                due.push(Due::Certify(key.id.clone()));
            }
        }
        let before = now - REMEMBERED;
        let mut retired = stored.iter().filter_map(|key| key.retired_at);
        if retired.any(|at| at < before) {
            due.push(Due::Forget(before));
        }
        due
    }

    fn state(
        &self,
        stored: &[StoredKey],
        key: &StoredKey,
        now: Timestamp,
    ) -> (KeyState, Timestamp, Option<Timestamp>) {
        if let Some(at) = key.retired_at {
            return (KeyState::Retired, at, None);
        }
        let newer = newer(stored, key);
        if signing(stored, &key.algorithm, now).is_some_and(|it| it.id == key.id) {
            let begun = key.signs_from <= now;
            let since = if begun {
                key.signs_from
            } else {
                key.created_at
            };
            let rotated = || Some(key.signs_from + self.rotate? + self.announce);
            return (KeyState::Signing, since, newer.or_else(rotated));
        }
        match newer.filter(|replaced| *replaced <= now) {
            Some(replaced) => (KeyState::Replaced, replaced, Some(replaced + self.keep)),
            None => (KeyState::Announced, key.created_at, Some(key.signs_from)),
        }
    }
}

/// The key that signs with this algorithm: the newest of those whose time has come.
pub(super) fn signing<'k>(
    stored: &'k [StoredKey],
    algorithm: &str,
    now: Timestamp,
) -> Option<&'k StoredKey> {
    live(stored, algorithm)
        .filter(|key| key.signs_from <= now)
        .max_by_key(|key| key.generation)
        // The clock was put back, or all others were retired. Better a key before its time than none.
        .or_else(|| live(stored, algorithm).min_by_key(|key| (key.signs_from, key.generation)))
}

/// The successor of all keys of this algorithm, which signs from that moment on. Replicas that make one at the same
/// time give it the same number, and storage takes one of them.
pub(super) fn successor(stored: &[StoredKey], algorithm: &str, signs_from: Timestamp) -> Successor {
    let of_algorithm = stored.iter().filter(|key| key.algorithm == algorithm);
    let newest = of_algorithm.map(|key| key.generation).max().unwrap_or(0);
    Successor {
        algorithm: algorithm.to_owned(),
        generation: newest.saturating_add(1),
        signs_from,
    }
}

/// The keys of this algorithm that are not retired.
pub(super) fn live<'k>(
    stored: &'k [StoredKey],
    algorithm: &str,
) -> impl Iterator<Item = &'k StoredKey> {
    stored
        .iter()
        .filter(move |key| key.algorithm == algorithm && key.retired_at.is_none())
}

/// When the first key of a later generation signs, where there is one.
fn newer(stored: &[StoredKey], key: &StoredKey) -> Option<Timestamp> {
    live(stored, &key.algorithm)
        .filter(|other| other.generation > key.generation)
        .map(|other| other.signs_from)
        .min()
}

#[cfg(test)]
mod tests;
