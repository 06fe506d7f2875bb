//! Facts about access tokens.

use std::sync::Arc;

use super::{at, begin, commit, grant, hash};
use crate::domain::clock::Timestamp;
use crate::domain::code::{AccessToken, TokenFormat};
use crate::domain::ids::GrantId;
use crate::storage::{Storage, StorageError};

/// A token that expires at `at(600)`.
fn token(name: &str, of: &str) -> AccessToken {
    AccessToken {
        hash: hash(name),
        grant: grant(of),
        format: TokenFormat::Opaque,
        issued_at: at(0),
        expires_at: at(600),
    }
}

async fn insert(storage: &Arc<dyn Storage>, token: &AccessToken) {
    let mut work = begin(storage).await;
    work.access_tokens().insert(token).await.unwrap();
    commit(work).await;
}

async fn find(storage: &Arc<dyn Storage>, name: &str, now: Timestamp) -> Option<AccessToken> {
    let mut work = storage.read().await.unwrap();
    work.access_tokens().find(&hash(name), now).await.unwrap()
}

pub(crate) async fn a_token_is_found_by_its_hash(storage: &Arc<dyn Storage>) {
    let token = token("a", "g1");
    insert(storage, &token).await;
    assert_eq!(find(storage, "a", at(1)).await, Some(token));
}

pub(crate) async fn an_unknown_token_is_not_found(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a", "g1")).await;
    assert_eq!(find(storage, "b", at(1)).await, None);
}

pub(crate) async fn a_token_is_worthless_from_its_expiry_on(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a", "g1")).await;
    assert!(find(storage, "a", at(599)).await.is_some());
    assert_eq!(find(storage, "a", at(600)).await, None);
}

pub(crate) async fn what_a_token_looks_like_reads_back(storage: &Arc<dyn Storage>) {
    let token = AccessToken {
        format: TokenFormat::Jwt {
            jti: "j1".to_owned(),
        },
        ..token("a", "g1")
    };
    insert(storage, &token).await;
    assert_eq!(find(storage, "a", at(1)).await, Some(token));
}

pub(crate) async fn a_revoked_token_is_not_found(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a", "g1")).await;
    insert(storage, &token("b", "g1")).await;
    let mut work = begin(storage).await;
    assert!(work.access_tokens().revoke(&hash("a")).await.unwrap());
    assert!(!work.access_tokens().revoke(&hash("a")).await.unwrap());
    commit(work).await;
    assert_eq!(find(storage, "a", at(1)).await, None);
    assert_eq!(find(storage, "b", at(1)).await, Some(token("b", "g1")));
}

pub(crate) async fn revoking_a_grant_takes_all_its_tokens_and_no_other(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a", "g1")).await;
    insert(storage, &token("b", "g1")).await;
    insert(storage, &token("c", "g2")).await;

    let mut work = begin(storage).await;
    let grant = GrantId::new("g1");
    let first = work.access_tokens().revoke_grant(&grant).await.unwrap();
    let second = work.access_tokens().revoke_grant(&grant).await.unwrap();
    commit(work).await;
    assert_eq!((first, second), (2, 0));
    assert_eq!(find(storage, "a", at(1)).await, None);
    assert_eq!(find(storage, "c", at(1)).await, Some(token("c", "g2")));
}

pub(crate) async fn two_tokens_cannot_share_a_hash(storage: &Arc<dyn Storage>) {
    insert(storage, &token("a", "g1")).await;
    let mut work = begin(storage).await;
    let second = work.access_tokens().insert(&token("a", "g2")).await;
    assert!(matches!(second, Err(StorageError::Conflict)));
}

pub(crate) async fn purge_deletes_what_has_expired_and_no_more_than_asked(
    storage: &Arc<dyn Storage>,
) {
    for name in ["a", "b", "c"] {
        insert(storage, &token(name, "g1")).await;
    }
    let living = AccessToken {
        expires_at: at(601),
        ..token("d", "g1")
    };
    insert(storage, &living).await;

    let mut work = begin(storage).await;
    let early = work.access_tokens().purge(at(599), 10).await.unwrap();
    let some = work.access_tokens().purge(at(600), 2).await.unwrap();
    let rest = work.access_tokens().purge(at(600), 10).await.unwrap();
    commit(work).await;
    assert_eq!((early, some, rest), (0, 2, 1));
    assert_eq!(find(storage, "d", at(600)).await, Some(living));
}
