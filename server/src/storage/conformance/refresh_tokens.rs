//! Facts about refresh tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{CONTESTANTS, at, begin, commit, grant, hash, race};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{GrantId, SessionId};
use crate::domain::refresh::{PresentedRefresh, RefreshToken, Rotation, StoredRefresh};
use crate::storage::{Storage, StorageError};

/// A token of the grant `g1` that is idle until `at(100)` and expires at `at(1000)`.
fn token(name: &str) -> RefreshToken {
    RefreshToken {
        hash: hash(name),
        grant: grant("g1"),
        session: Some(SessionId::new("s1")),
        issued_at: at(0),
        expires_at: at(1000),
        idle_until: at(100),
    }
}

/// The token that replaces it, idle until `at(200)`.
fn successor(name: &str) -> RefreshToken {
    RefreshToken {
        issued_at: at(50),
        idle_until: at(200),
        ..token(name)
    }
}

fn stored(token: RefreshToken) -> Box<StoredRefresh> {
    Box::new(StoredRefresh {
        grant: token.grant,
        session: token.session,
        issued_at: token.issued_at,
        expires_at: token.expires_at,
    })
}

fn reused() -> Rotation {
    Rotation::Reused(GrantId::new("g1"))
}

async fn insert(storage: &Arc<dyn Storage>, token: &RefreshToken) {
    let mut work = begin(storage).await;
    work.refresh_tokens().insert(token).await.unwrap();
    commit(work).await;
}

async fn find(storage: &Arc<dyn Storage>, name: &str, now: Timestamp) -> PresentedRefresh {
    let mut work = storage.read().await.unwrap();
    work.refresh_tokens().find(&hash(name), now).await.unwrap()
}

async fn rotate(
    storage: &Arc<dyn Storage>,
    old: &str,
    new: &RefreshToken,
    now: Timestamp,
) -> Rotation {
    let mut work = begin(storage).await;
    let rotation = work.refresh_tokens().rotate(&hash(old), new, now).await;
    commit(work).await;
    rotation.unwrap()
}

async fn touch(
    storage: &Arc<dyn Storage>,
    name: &str,
    idle_until: Timestamp,
    now: Timestamp,
) -> bool {
    let mut work = begin(storage).await;
    let touched = work
        .refresh_tokens()
        .touch(&hash(name), idle_until, now)
        .await;
    commit(work).await;
    touched.unwrap()
}

async fn purge(storage: &Arc<dyn Storage>, now: Timestamp, limit: u32) -> u64 {
    let mut work = begin(storage).await;
    let purged = work.refresh_tokens().purge(now, limit).await.unwrap();
    commit(work).await;
    purged
}

pub(crate) async fn a_token_is_found_as_it_was_stored(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    for _ in 0..2 {
        let found = find(storage, "a", at(99)).await;
        assert_eq!(found, PresentedRefresh::Live(stored(token("a"))));
    }
}

pub(crate) async fn a_token_without_a_session_reads_back(storage: &Arc<dyn Storage>) {
    let token = RefreshToken {
        session: None,
        ..token("a")
    };
    insert(storage, &token).await;
    let found = find(storage, "a", at(1)).await;
    assert_eq!(found, PresentedRefresh::Live(stored(token)));
}

pub(crate) async fn an_unknown_token_is_unknown(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    assert_eq!(find(storage, "b", at(1)).await, PresentedRefresh::Unknown);
}

pub(crate) async fn a_token_is_worthless_when_it_was_idle_for_too_long(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    assert_eq!(find(storage, "a", at(100)).await, PresentedRefresh::Unknown);
}

pub(crate) async fn no_token_outlives_its_expiry(storage: &Arc<dyn Storage>) {
    let token = RefreshToken {
        idle_until: at(2000),
        ..token("a")
    };
    insert(storage, &token).await;
    let before = find(storage, "a", at(999)).await;
    assert_eq!(before, PresentedRefresh::Live(stored(token)));
    let then = find(storage, "a", at(1000)).await;
    assert_eq!(then, PresentedRefresh::Unknown);
}

pub(crate) async fn rotation_replaces_the_token(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    let rotation = rotate(storage, "a", &successor("b"), at(50)).await;
    assert_eq!(rotation, Rotation::Rotated(stored(token("a"))));
    assert_eq!(
        find(storage, "a", at(50)).await,
        PresentedRefresh::Used(stored(token("a")))
    );
    assert_eq!(
        find(storage, "b", at(199)).await,
        PresentedRefresh::Live(stored(successor("b")))
    );
}

pub(crate) async fn a_second_use_names_the_grant_and_stores_nothing(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    rotate(storage, "a", &successor("b"), at(50)).await;
    let second = rotate(storage, "a", &successor("c"), at(50)).await;
    assert_eq!(second, reused());
    assert_eq!(find(storage, "c", at(50)).await, PresentedRefresh::Unknown);
}

pub(crate) async fn a_second_use_is_seen_until_the_expiry(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    rotate(storage, "a", &successor("b"), at(50)).await;
    let late = rotate(storage, "a", &successor("c"), at(999)).await;
    let later = rotate(storage, "a", &successor("c"), at(1000)).await;
    assert_eq!((late, later), (reused(), Rotation::Unknown));
}

pub(crate) async fn an_unknown_token_is_not_replaced(storage: &Arc<dyn Storage>) {
    let rotation = rotate(storage, "a", &successor("b"), at(50)).await;
    assert_eq!(rotation, Rotation::Unknown);
    assert_eq!(find(storage, "b", at(50)).await, PresentedRefresh::Unknown);
}

pub(crate) async fn an_idle_token_is_not_replaced(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    let rotation = rotate(storage, "a", &successor("b"), at(100)).await;
    assert_eq!(rotation, Rotation::Unknown);
    assert_eq!(find(storage, "b", at(100)).await, PresentedRefresh::Unknown);
}

pub(crate) async fn a_rotation_that_was_rolled_back_did_not_happen(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    let mut work = begin(storage).await;
    let new = successor("b");
    let rotation = work.refresh_tokens().rotate(&hash("a"), &new, at(50)).await;
    assert!(matches!(rotation, Ok(Rotation::Rotated(_))));
    drop(work);
    let again = rotate(storage, "a", &new, at(50)).await;
    assert_eq!(again, Rotation::Rotated(stored(token("a"))));
}

pub(crate) async fn a_touched_token_stays_the_one_to_use(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    assert!(touch(storage, "a", at(300), at(50)).await);
    assert!(touch(storage, "a", at(500), at(299)).await);
    let found = find(storage, "a", at(499)).await;
    assert_eq!(found, PresentedRefresh::Live(stored(token("a"))));
}

pub(crate) async fn a_touch_never_goes_beyond_the_expiry(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    assert!(touch(storage, "a", at(5000), at(50)).await);
    assert_eq!(
        find(storage, "a", at(1000)).await,
        PresentedRefresh::Unknown
    );
}

pub(crate) async fn a_replaced_token_cannot_be_touched(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    rotate(storage, "a", &successor("b"), at(50)).await;
    assert!(!touch(storage, "a", at(300), at(50)).await);
}

pub(crate) async fn an_idle_token_cannot_be_touched(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    assert!(!touch(storage, "a", at(300), at(100)).await);
}

pub(crate) async fn revoking_a_grant_takes_used_and_unused_tokens(storage: &Arc<dyn Storage>) {
    let other = RefreshToken {
        grant: grant("g2"),
        ..token("other")
    };
    insert(storage, &token("a")).await;
    insert(storage, &other).await;
    rotate(storage, "a", &successor("b"), at(50)).await;

    let mut work = begin(storage).await;
    let revoked = work
        .refresh_tokens()
        .revoke_grant(&GrantId::new("g1"))
        .await;
    commit(work).await;
    assert_eq!(revoked.unwrap(), 2);
    for name in ["a", "b"] {
        assert_eq!(find(storage, name, at(50)).await, PresentedRefresh::Unknown);
    }
    assert_eq!(
        find(storage, "other", at(50)).await,
        PresentedRefresh::Live(stored(other))
    );
}

pub(crate) async fn revoking_a_session_takes_the_tokens_that_end_with_it(
    storage: &Arc<dyn Storage>,
) {
    // Its grant was given in the same session, which it outlives.
    let offline = RefreshToken {
        session: None,
        ..token("offline")
    };
    insert(storage, &token("a")).await;
    insert(storage, &offline).await;

    let mut work = begin(storage).await;
    let session = SessionId::new("s1");
    let revoked = work.refresh_tokens().revoke_session(&session).await;
    commit(work).await;
    assert_eq!(revoked.unwrap(), 1);
    assert_eq!(find(storage, "a", at(1)).await, PresentedRefresh::Unknown);
    assert_eq!(
        find(storage, "offline", at(1)).await,
        PresentedRefresh::Live(stored(offline))
    );
}

pub(crate) async fn two_tokens_cannot_share_a_hash(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    let mut work = begin(storage).await;
    let second = work.refresh_tokens().insert(&token("a")).await;
    assert!(matches!(second, Err(StorageError::Conflict)));
}

pub(crate) async fn purge_deletes_idle_tokens_and_no_more_than_asked(storage: &Arc<dyn Storage>) {
    for name in ["a", "b", "c"] {
        insert(storage, &token(name)).await;
    }
    assert_eq!(purge(storage, at(99), 10).await, 0);
    assert_eq!(purge(storage, at(100), 2).await, 2);
    assert_eq!(purge(storage, at(100), 10).await, 1);
}

pub(crate) async fn purge_keeps_used_tokens_until_their_expiry(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    rotate(storage, "a", &successor("b"), at(50)).await;
    assert_eq!(purge(storage, at(999), 10).await, 1);
    assert_eq!(
        rotate(storage, "a", &successor("c"), at(999)).await,
        reused()
    );
    assert_eq!(purge(storage, at(1000), 10).await, 1);
}

pub(crate) async fn of_many_who_rotate_a_token_one_gets_it(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a")).await;
    let names = AtomicUsize::new(0);
    let rotations = race(storage, |storage| {
        let name = names.fetch_add(1, Ordering::Relaxed);
        async move {
            let new = successor(&format!("new {name}"));
            rotate(&storage, "a", &new, at(50)).await
        }
    })
    .await;
    let count = |wanted: &Rotation| {
        rotations
            .iter()
            .filter(|rotation| *rotation == wanted)
            .count()
    };
    assert_eq!(count(&Rotation::Rotated(stored(token("a")))), 1);
    assert_eq!(count(&reused()), CONTESTANTS - 1);
    let mut successors = 0;
    for name in 0..CONTESTANTS {
        let found = find(storage, &format!("new {name}"), at(50)).await;
        successors += usize::from(found != PresentedRefresh::Unknown);
    }
    assert_eq!(successors, 1);
}
