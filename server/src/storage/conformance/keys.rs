//! Facts about keeping signing keys.

use std::sync::Arc;

use super::{at, begin, commit, key, race};
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

pub(crate) async fn a_second_key_for_an_algorithm_is_refused(storage: &Arc<dyn Storage>) {
    insert(storage, &key("k1")).await;
    assert!(!insert(storage, &key("k2")).await);
    assert_eq!(all(storage).await, vec![key("k1")]);
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
