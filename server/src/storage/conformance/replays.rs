//! Facts about what may be shown only once.

use std::sync::Arc;

use super::{CONTESTANTS, at, begin, commit, hash, race};
use crate::domain::clock::Timestamp;
use crate::storage::Storage;

/// Claims the key until `at(expires)`.
async fn claim(storage: &Arc<dyn Storage>, name: &str, expires: i64, now: Timestamp) -> bool {
    let mut work = begin(storage).await;
    let claimed = work.replays().claim(&hash(name), at(expires), now).await;
    commit(work).await;
    claimed.unwrap()
}

async fn purge(storage: &Arc<dyn Storage>, now: Timestamp, limit: u32) -> u64 {
    let mut work = begin(storage).await;
    let purged = work.replays().purge(now, limit).await.unwrap();
    commit(work).await;
    purged
}

pub(crate) async fn a_key_is_claimed_once(storage: &Arc<dyn Storage>) {
    assert!(claim(storage, "nonce", 100, at(0)).await);
    assert!(!claim(storage, "nonce", 100, at(0)).await);
    assert!(!claim(storage, "nonce", 100, at(99)).await);
}

pub(crate) async fn keys_are_claimed_apart(storage: &Arc<dyn Storage>) {
    assert!(claim(storage, "nonce", 100, at(0)).await);
    assert!(claim(storage, "another", 100, at(0)).await);
}

pub(crate) async fn a_key_is_free_again_from_its_expiry_on(storage: &Arc<dyn Storage>) {
    assert!(claim(storage, "nonce", 100, at(0)).await);
    assert!(claim(storage, "nonce", 200, at(100)).await);
    assert!(!claim(storage, "nonce", 300, at(199)).await);
}

pub(crate) async fn a_second_claim_does_not_make_the_first_longer(storage: &Arc<dyn Storage>) {
    assert!(claim(storage, "nonce", 100, at(0)).await);
    assert!(!claim(storage, "nonce", 500, at(99)).await);
    assert!(claim(storage, "nonce", 500, at(100)).await);
}

pub(crate) async fn a_claim_that_was_rolled_back_was_never_made(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    let claimed = work.replays().claim(&hash("nonce"), at(100), at(0)).await;
    assert!(claimed.unwrap());
    drop(work);
    assert!(claim(storage, "nonce", 100, at(0)).await);
}

pub(crate) async fn purge_deletes_what_has_expired_and_no_more_than_asked(
    storage: &Arc<dyn Storage>,
) {
    for name in ["a", "b", "c"] {
        claim(storage, name, 100, at(0)).await;
    }
    claim(storage, "living", 101, at(0)).await;
    assert_eq!(purge(storage, at(99), 10).await, 0);
    assert_eq!(purge(storage, at(100), 2).await, 2);
    assert_eq!(purge(storage, at(100), 10).await, 1);
    assert!(!claim(storage, "living", 200, at(100)).await);
}

pub(crate) async fn of_many_who_claim_a_nonce_one_gets_it(storage: &Arc<dyn Storage>) {
    let claims = race(storage, |storage| async move {
        claim(&storage, "nonce", 100, at(0)).await
    })
    .await;
    assert_eq!(claims.len(), CONTESTANTS);
    assert_eq!(claims.into_iter().filter(|claimed| *claimed).count(), 1);
}
