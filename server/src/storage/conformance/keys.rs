//! Facts about keeping signing keys.

use std::sync::Arc;

use super::{at, begin, commit, key, race};
use crate::domain::clock::Timestamp;
use crate::domain::entropy::SystemEntropy;
use crate::domain::ids::{KeyId, SessionId};
use crate::storage::{Storage, StoredKey};

async fn insert(storage: &Arc<dyn Storage>, key: &StoredKey) -> bool {
    let mut work = begin(storage).await;
    let inserted = work.keys().insert_if_absent(key).await.unwrap();
    commit(work).await;
    inserted
}

async fn all(storage: &Arc<dyn Storage>) -> Vec<StoredKey> {
    let mut work = storage.read().await.unwrap();
    work.keys().all().await.unwrap()
}

pub(crate) async fn a_key_reads_back_as_it_was(storage: &Arc<dyn Storage>) {
    assert!(insert(storage, &key("k1")).await);
    assert_eq!(all(storage).await, vec![key("k1")]);
}

pub(crate) async fn a_second_key_of_one_generation_is_refused(storage: &Arc<dyn Storage>) {
    insert(storage, &key("k1")).await;
    assert!(!insert(storage, &key("k2")).await);
    assert_eq!(all(storage).await, vec![key("k1")]);
}

pub(crate) async fn the_next_generation_is_kept_beside_it(storage: &Arc<dyn Storage>) {
    let next = StoredKey {
        generation: 2,
        certificate: Some(vec![0x30, 0x01]),
        created_at: at(1),
        signs_from: at(100),
        ..key("k2")
    };
    insert(storage, &key("k1")).await;
    assert!(insert(storage, &next).await);
    assert_eq!(all(storage).await, vec![key("k1"), next]);
}

pub(crate) async fn a_second_key_with_the_same_identifier_is_refused(storage: &Arc<dyn Storage>) {
    insert(storage, &key("k1")).await;
    let second = StoredKey {
        algorithm: "RS256".to_owned(),
        ..key("k1")
    };
    assert!(!insert(storage, &second).await);
    assert_eq!(all(storage).await, vec![key("k1")]);
}

pub(crate) async fn keys_come_oldest_first(storage: &Arc<dyn Storage>) {
    let older = StoredKey {
        algorithm: "EdDSA".to_owned(),
        created_at: at(-1),
        ..key("k2")
    };
    insert(storage, &key("k1")).await;
    insert(storage, &older).await;
    assert_eq!(all(storage).await, vec![older, key("k1")]);
}

async fn certify(storage: &Arc<dyn Storage>, name: &str, der: &[u8]) -> bool {
    let mut work = begin(storage).await;
    let set = work
        .keys()
        .set_certificate(&KeyId::new(name), der)
        .await
        .unwrap();
    commit(work).await;
    set
}

async fn retire(storage: &Arc<dyn Storage>, name: &str, at: Timestamp) -> bool {
    let mut work = begin(storage).await;
    let retired = work.keys().retire(&KeyId::new(name), at).await.unwrap();
    commit(work).await;
    retired
}

pub(crate) async fn a_certificate_is_set_once(storage: &Arc<dyn Storage>) {
    insert(storage, &key("k1")).await;
    assert!(certify(storage, "k1", &[0x30]).await);
    assert!(!certify(storage, "k1", &[0x31]).await);
    assert!(!certify(storage, "unknown", &[0x30]).await);
    let expected = StoredKey {
        certificate: Some(vec![0x30]),
        ..key("k1")
    };
    assert_eq!(all(storage).await, vec![expected]);
}

pub(crate) async fn a_key_is_retired_once(storage: &Arc<dyn Storage>) {
    insert(storage, &key("k1")).await;
    assert!(retire(storage, "k1", at(10)).await);
    assert!(!retire(storage, "k1", at(20)).await);
    assert!(!retire(storage, "unknown", at(10)).await);
    let expected = StoredKey {
        retired_at: Some(at(10)),
        ..key("k1")
    };
    assert_eq!(all(storage).await, vec![expected]);
}

pub(crate) async fn only_keys_retired_before_are_deleted(storage: &Arc<dyn Storage>) {
    for (name, generation) in [("k1", 1), ("k2", 2), ("k3", 3)] {
        let key = StoredKey {
            generation,
            ..key(name)
        };
        insert(storage, &key).await;
    }
    retire(storage, "k1", at(10)).await;
    retire(storage, "k2", at(20)).await;
    let mut work = begin(storage).await;
    let early = work.keys().delete_retired_before(at(10)).await.unwrap();
    let later = work.keys().delete_retired_before(at(20)).await.unwrap();
    commit(work).await;
    assert_eq!((early, later), (0, 1));
    let left: Vec<KeyId> = all(storage).await.into_iter().map(|key| key.id).collect();
    assert_eq!(left, [KeyId::new("k2"), KeyId::new("k3")]);
}

pub(crate) async fn all_who_start_together_agree_on_one_key(storage: &Arc<dyn Storage>) {
    let outcomes = race(storage, |storage| async move {
        let mine = StoredKey {
            id: KeyId::new(SessionId::generate(&SystemEntropy).as_str()),
            ..key("")
        };
        (insert(&storage, &mine).await, all(&storage).await)
    })
    .await;
    let agreed = all(storage).await;
    assert_eq!(agreed.len(), 1);
    assert_eq!(outcomes.iter().filter(|(inserted, _)| *inserted).count(), 1);
    assert!(outcomes.iter().all(|(_, keys)| *keys == agreed));
}

pub(crate) async fn all_who_certify_a_key_agree_on_one_certificate(storage: &Arc<dyn Storage>) {
    insert(storage, &key("k1")).await;
    let outcomes = race(storage, |storage| async move {
        let mine = SessionId::generate(&SystemEntropy);
        let set = certify(&storage, "k1", mine.as_str().as_bytes()).await;
        (set, all(&storage).await)
    })
    .await;
    let agreed = all(storage).await;
    assert_eq!(outcomes.iter().filter(|(set, _)| *set).count(), 1);
    assert!(outcomes.iter().all(|(_, keys)| *keys == agreed));
}
