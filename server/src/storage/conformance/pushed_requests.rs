//! Facts about authorization requests that wait for their browser.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{CONTESTANTS, at, begin, commit, hash, race};
use crate::domain::clock::Timestamp;
use crate::domain::ids::ClientId;
use crate::domain::pushed::{PushedRequest, RequestOrigin};
use crate::storage::{Storage, StorageError};

const DAY: i64 = 24 * 60 * 60;

/// A request that expires at `at(90)`.
fn pushed() -> PushedRequest {
    PushedRequest {
        parameters: vec![
            ("scope".to_owned(), "openid".to_owned()),
            ("state".to_owned(), "a&b=c \"d\" ü".to_owned()),
        ],
        client: ClientId::new("wiki"),
        origin: RequestOrigin::Pushed,
        carried: Some(r#"{"signed":true}"#.to_owned()),
        expires_at: at(90),
    }
}

async fn insert(storage: &Arc<dyn Storage>, name: &str, pushed: &PushedRequest) {
    let mut work = begin(storage).await;
    work.pushed_requests()
        .insert(&hash(name), pushed)
        .await
        .unwrap();
    commit(work).await;
}

/// The request `name` of the client `wiki`, for that browser.
async fn claim(
    storage: &Arc<dyn Storage>,
    name: &str,
    browser: &str,
    now: Timestamp,
) -> Option<PushedRequest> {
    let mut work = begin(storage).await;
    let client = ClientId::new("wiki");
    let claimed = work
        .pushed_requests()
        .claim(&hash(name), &client, &hash(browser), now)
        .await;
    commit(work).await;
    claimed.unwrap()
}

async fn end(storage: &Arc<dyn Storage>, name: &str) -> bool {
    let mut work = begin(storage).await;
    let ended = work.pushed_requests().end(&hash(name)).await.unwrap();
    commit(work).await;
    ended
}

async fn purge(storage: &Arc<dyn Storage>, now: Timestamp, limit: u32) -> u64 {
    let mut work = begin(storage).await;
    let purged = work.pushed_requests().purge(now, limit).await.unwrap();
    commit(work).await;
    purged
}

pub(crate) async fn a_request_reads_back_as_it_was(storage: &Arc<dyn Storage>) {
    let posted = PushedRequest {
        origin: RequestOrigin::Posted,
        carried: None,
        ..pushed()
    };
    insert(storage, "pushed", &pushed()).await;
    insert(storage, "posted", &posted).await;
    let first = claim(storage, "pushed", "browser", at(89)).await;
    let second = claim(storage, "posted", "browser", at(89)).await;
    assert_eq!((first, second), (Some(pushed()), Some(posted)));
}

pub(crate) async fn an_unknown_request_is_not_found(storage: &Arc<dyn Storage>) {
    insert(storage, "request", &pushed()).await;
    assert_eq!(claim(storage, "another", "browser", at(0)).await, None);
}

pub(crate) async fn a_request_of_another_client_is_not_found(storage: &Arc<dyn Storage>) {
    let of_another = PushedRequest {
        client: ClientId::new("mail"),
        ..pushed()
    };
    insert(storage, "request", &of_another).await;
    assert_eq!(claim(storage, "request", "browser", at(0)).await, None);
}

pub(crate) async fn a_request_is_not_found_from_its_expiry_on(storage: &Arc<dyn Storage>) {
    insert(storage, "request", &pushed()).await;
    assert!(claim(storage, "request", "browser", at(89)).await.is_some());
    assert_eq!(claim(storage, "request", "browser", at(90)).await, None);
}

pub(crate) async fn the_same_browser_may_come_again(storage: &Arc<dyn Storage>) {
    insert(storage, "request", &pushed()).await;
    for _ in 0..2 {
        let claimed = claim(storage, "request", "browser", at(0)).await;
        assert_eq!(claimed, Some(pushed()));
    }
}

pub(crate) async fn another_browser_comes_too_late(storage: &Arc<dyn Storage>) {
    insert(storage, "request", &pushed()).await;
    assert!(claim(storage, "request", "browser", at(0)).await.is_some());
    assert_eq!(claim(storage, "request", "another", at(0)).await, None);
}

pub(crate) async fn a_request_is_used_up_once(storage: &Arc<dyn Storage>) {
    insert(storage, "request", &pushed()).await;
    claim(storage, "request", "browser", at(0)).await;
    assert!(end(storage, "request").await);
    assert!(!end(storage, "request").await);
}

pub(crate) async fn a_request_that_was_used_up_is_not_found(storage: &Arc<dyn Storage>) {
    insert(storage, "request", &pushed()).await;
    claim(storage, "request", "browser", at(0)).await;
    end(storage, "request").await;
    assert_eq!(claim(storage, "request", "browser", at(0)).await, None);
}

pub(crate) async fn a_claimed_request_can_be_used_up_after_its_expiry(storage: &Arc<dyn Storage>) {
    insert(storage, "request", &pushed()).await;
    claim(storage, "request", "browser", at(89)).await;
    assert_eq!(purge(storage, at(600), 10).await, 0);
    assert!(end(storage, "request").await);
}

pub(crate) async fn two_requests_cannot_share_a_hash(storage: &Arc<dyn Storage>) {
    insert(storage, "request", &pushed()).await;
    let mut work = begin(storage).await;
    let second = work
        .pushed_requests()
        .insert(&hash("request"), &pushed())
        .await;
    assert!(matches!(second, Err(StorageError::Conflict)));
}

pub(crate) async fn purge_deletes_what_nobody_came_for(storage: &Arc<dyn Storage>) {
    for name in ["a", "b", "c"] {
        insert(storage, name, &pushed()).await;
    }
    assert_eq!(purge(storage, at(89), 10).await, 0);
    assert_eq!(purge(storage, at(90), 2).await, 2);
    assert_eq!(purge(storage, at(90), 10).await, 1);
}

pub(crate) async fn purge_keeps_claimed_requests_for_a_day(storage: &Arc<dyn Storage>) {
    insert(storage, "request", &pushed()).await;
    claim(storage, "request", "browser", at(0)).await;
    assert_eq!(purge(storage, at(89 + DAY), 10).await, 0);
    assert_eq!(purge(storage, at(90 + DAY), 10).await, 1);
    assert!(!end(storage, "request").await);
}

pub(crate) async fn of_many_browsers_one_owns_a_pushed_request(storage: &Arc<dyn Storage>) {
    insert(storage, "request", &pushed()).await;
    let browsers = AtomicUsize::new(0);
    let claims = race(storage, |storage| {
        let browser = browsers.fetch_add(1, Ordering::Relaxed);
        async move { claim(&storage, "request", &format!("browser {browser}"), at(0)).await }
    })
    .await;
    assert_eq!(claims.len(), CONTESTANTS);
    let owners: Vec<PushedRequest> = claims.into_iter().flatten().collect();
    assert_eq!(owners, vec![pushed()]);
}

pub(crate) async fn of_many_who_use_up_a_request_one_does(storage: &Arc<dyn Storage>) {
    insert(storage, "request", &pushed()).await;
    claim(storage, "request", "browser", at(0)).await;
    let ended = race(
        storage,
        |storage| async move { end(&storage, "request").await },
    )
    .await;
    assert_eq!(ended.into_iter().filter(|ended| *ended).count(), 1);
}
