//! Facts about keys that are made, announced, used and retired, at moments that the tests choose, by one server and by
//! several.

use chrono::TimeDelta;

use super::*;
use crate::domain::clock::{Clock as _, ManualClock};
use crate::domain::entropy::SeededEntropy;
use crate::jose::PublicKey;
use crate::storage::sqlite::SqliteStorage;
use crate::tokens::{KeySchedule, KeyState};

const SCHEDULE: KeySchedule = KeySchedule {
    rotate: Some(TimeDelta::days(90)),
    announce: TimeDelta::days(2),
    keep: TimeDelta::days(3),
};

pub(super) fn settings(algorithm: Algorithm) -> KeySettings {
    KeySettings {
        algorithm,
        schedule: SCHEDULE,
        host: "id.example.com".to_owned(),
    }
}

/// A database, a clock and chance, which servers may share.
struct World {
    storage: SqliteStorage,
    clock: ManualClock,
    entropy: SeededEntropy,
}

impl World {
    async fn new() -> Self {
        Self {
            storage: SqliteStorage::in_memory().await.unwrap(),
            clock: ManualClock::new("2026-11-24T09:00:00Z".parse().unwrap()),
            entropy: SeededEntropy::new(1),
        }
    }

    /// Another server on the same database.
    async fn server(&self, algorithm: Algorithm) -> KeySet {
        let (storage, now) = (&self.storage, self.clock.now());
        KeySet::open(settings(algorithm), storage, &[], &self.entropy, now)
            .await
            .unwrap()
    }

    async fn refresh(&self, keys: &KeySet, needed: &[Algorithm]) {
        keys.refresh(&self.storage, needed, &self.entropy, self.clock.now())
            .await
            .unwrap();
    }

    async fn refresh_after(&self, keys: &KeySet, step: TimeDelta) {
        self.clock.advance(step);
        self.refresh(keys, &[]).await;
    }

    /// Asks for a successor, as an operator does beside the server.
    async fn rotate(&self, announce: TimeDelta) -> Vec<KeyStatus> {
        let settings = settings(Algorithm::Es256);
        self.store(&settings).rotate(None, announce).await.unwrap()
    }

    fn store<'a>(&'a self, settings: &'a KeySettings) -> KeyStore<'a> {
        KeyStore {
            settings,
            storage: &self.storage,
            entropy: &self.entropy,
            now: self.clock.now(),
        }
    }
}

/// The identifiers of the published keys.
fn published(keys: &KeySet) -> Vec<String> {
    let verification = keys.verification();
    let ids = verification.all().filter_map(PublicKey::id);
    ids.map(ToOwned::to_owned).collect()
}

fn active(keys: &KeySet) -> String {
    keys.active().id().to_string()
}

#[tokio::test]
async fn a_key_is_made_once_and_found_again() {
    let world = World::new().await;
    let first = world.server(Algorithm::Es256).await;
    let second = world.server(Algorithm::Es256).await;
    assert_eq!(first.published(), second.published());
    assert_eq!(active(&first), active(&second));
}

#[tokio::test]
async fn an_identifier_is_base64_and_base64url_without_padding() {
    let world = World::new().await;
    let id = active(&world.server(Algorithm::Es256).await);
    assert_eq!(id.len(), 32);
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    assert!(id.bytes().all(digit), "{id}");
}

#[tokio::test]
async fn another_algorithm_gets_its_own_key_and_the_old_one_stays_published() {
    let world = World::new().await;
    let old = world.server(Algorithm::Es256).await;
    let new = world.server(Algorithm::EdDsa).await;
    assert_ne!(active(&old), active(&new));
    assert_eq!(published(&new).len(), 2);
    assert!(published(&new).contains(&active(&old)));
}

#[tokio::test]
async fn a_key_is_announced_then_signs_and_the_one_before_goes() {
    let world = World::new().await;
    let keys = world.server(Algorithm::Es256).await;
    let first = active(&keys);
    world.refresh_after(&keys, TimeDelta::days(89)).await;
    assert_eq!(published(&keys), [first.as_str()]);
    assert_eq!(keys.current().version(), 0);

    world.refresh_after(&keys, TimeDelta::days(1)).await;
    let both = published(&keys);
    assert_eq!((both.len(), active(&keys)), (2, first.clone()));
    let second = both.iter().find(|id| **id != first).unwrap().clone();
    assert_eq!(keys.current().version(), 1);

    world.refresh_after(&keys, TimeDelta::days(2)).await;
    assert_eq!((published(&keys), active(&keys)), (both, second.clone()));
    assert_eq!(keys.current().version(), 2);

    world.refresh_after(&keys, TimeDelta::days(3)).await;
    assert_eq!(published(&keys), [second.as_str()]);
    world.refresh_after(&keys, TimeDelta::days(20)).await;
    let left = world.store(&settings(Algorithm::Es256)).statuses().await;
    assert_eq!(left.unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_goes_on_with_the_keys_it_began_with() {
    let world = World::new().await;
    let keys = world.server(Algorithm::Es256).await;
    let held = keys.current();
    world.rotate(TimeDelta::zero()).await;
    world.refresh(&keys, &[]).await;
    assert_ne!(held.active().id(), keys.active().id());
    assert_eq!(held.version() + 1, keys.current().version());
}

#[tokio::test]
async fn servers_that_rotate_at_the_same_moment_agree_on_the_keys() {
    let world = World::new().await;
    let (one, two) = (
        world.server(Algorithm::Rs256).await,
        world.server(Algorithm::Rs256).await,
    );
    world.clock.advance(TimeDelta::days(90));
    tokio::join!(world.refresh(&one, &[]), world.refresh(&two, &[]));
    world.refresh(&one, &[]).await;
    assert_eq!(published(&one).len(), 2);
    // Down to the certificates.
    assert_eq!(one.published(), two.published());
    world.clock.advance(TimeDelta::days(2));
    tokio::join!(world.refresh(&one, &[]), world.refresh(&two, &[]));
    assert_eq!(active(&one), active(&two));
}

#[tokio::test]
async fn a_key_for_a_new_client_is_made_when_it_is_needed_and_signs_at_once() {
    let world = World::new().await;
    let keys = world.server(Algorithm::Es256).await;
    assert!(keys.for_algorithm(jose::Algorithm::Rs256).is_none());
    let refused = keys.wanted(Some(Algorithm::Rs256)).unwrap_err();
    assert!(matches!(refused, TokenError::NoKey(jose::Algorithm::Rs256)));

    world.refresh(&keys, &[Algorithm::Rs256]).await;
    let key = keys.wanted(Some(Algorithm::Rs256)).unwrap();
    assert_eq!(key.algorithm(), jose::Algorithm::Rs256);
    assert!(key.public()["x5c"][0].is_string());
    let algorithms: Vec<_> = keys.current().algorithms().collect();
    assert_eq!(algorithms, [jose::Algorithm::Rs256, jose::Algorithm::Es256]);
    assert_eq!(active(&keys), keys.wanted(None).unwrap().id().to_string());
}

#[tokio::test]
async fn a_key_from_before_there_were_certificates_gets_one() {
    let world = World::new().await;
    let old = world.server(Algorithm::Rs256).await;
    let mut work = world.storage.begin().await.unwrap();
    let mut bare = work.keys().all().await.unwrap().remove(0);
    bare.certificate = None;
    bare.id = KeyId::new("abcdefghijklmnopqrstuvwxyz");
    bare.generation = 2;
    work.keys().insert_if_absent(&bare).await.unwrap();
    work.commit().await.unwrap();

    world.refresh(&old, &[]).await;
    assert_eq!(active(&old), bare.id.as_str());
    assert!(old.active().public()["x5c"][0].is_string());
    let again = world.server(Algorithm::Rs256).await;
    assert_eq!(old.published(), again.published());
}

#[tokio::test]
async fn an_operator_rotates_and_twice_is_as_good_as_once() {
    let world = World::new().await;
    let keys = world.server(Algorithm::Es256).await;
    let first = active(&keys);
    let announced = world.rotate(SCHEDULE.announce).await;
    assert_eq!(announced[0].state, KeyState::Announced);
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(world.rotate(SCHEDULE.announce).await, announced);

    // In a hurry, one that signs at once comes before it.
    let urgent = world.rotate(TimeDelta::zero()).await;
    assert_eq!((urgent.len(), urgent[0].state), (1, KeyState::Signing));
    world.refresh(&keys, &[]).await;
    assert_eq!(active(&keys), urgent[0].id.as_str());
    assert_eq!(published(&keys).len(), 3);

    let (settings, leaked) = (settings(Algorithm::Es256), KeyId::new(first.as_str()));
    assert!(world.store(&settings).retire(&leaked).await.unwrap());
    assert!(!world.store(&settings).retire(&leaked).await.unwrap());
    world.refresh(&keys, &[]).await;
    assert!(!published(&keys).contains(&first));
}

#[tokio::test]
async fn only_the_algorithm_that_is_named_is_rotated_and_only_where_it_has_keys() {
    let world = World::new().await;
    world.server(Algorithm::Es256).await;
    world.server(Algorithm::EdDsa).await;
    let settings = settings(Algorithm::Es256);
    let store = world.store(&settings);
    let announce = SCHEDULE.announce;
    let made = store
        .rotate(Some(Algorithm::EdDsa), announce)
        .await
        .unwrap();
    let algorithms: Vec<_> = made.iter().map(|key| key.algorithm.as_str()).collect();
    assert_eq!(algorithms, ["EdDSA"]);
    let made = store
        .rotate(Some(Algorithm::Rs256), announce)
        .await
        .unwrap();
    assert!(made.is_empty());
    assert_eq!(store.rotate(None, announce).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_clock_that_is_put_back_changes_no_key() {
    let world = World::new().await;
    let keys = world.server(Algorithm::Es256).await;
    let before = keys.published();
    world.refresh_after(&keys, -TimeDelta::days(400)).await;
    assert_eq!(keys.published(), before);
    assert_eq!(active(&keys), published(&keys)[0]);
}

#[tokio::test]
async fn a_key_that_is_damaged_leaves_the_old_ones_in_use() {
    let world = World::new().await;
    let keys = world.server(Algorithm::Es256).await;
    let mut work = world.storage.begin().await.unwrap();
    let mut damaged = work.keys().all().await.unwrap().remove(0);
    damaged.id = KeyId::new("damaged");
    damaged.generation = 2;
    damaged.pkcs8 = zeroize::Zeroizing::new(b"junk".to_vec());
    work.keys().insert_if_absent(&damaged).await.unwrap();
    work.commit().await.unwrap();
    let before = keys.published();
    let now = world.clock.now();
    let refused = keys
        .refresh(&world.storage, &[], &world.entropy, now)
        .await
        .unwrap_err();
    assert!(matches!(refused, KeyError::Damaged(_)), "{refused}");
    assert_eq!(keys.published(), before);
}
