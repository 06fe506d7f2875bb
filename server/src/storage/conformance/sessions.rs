//! Facts about keeping sessions.

use std::sync::Arc;

use super::{at, begin, commit, hash, proof, session};
use crate::domain::ids::SessionId;
use crate::domain::session::Session;
use crate::storage::{Storage, StorageError};

async fn insert(storage: &Arc<dyn Storage>, session: &Session, cookie: &str) {
    let mut work = begin(storage).await;
    work.sessions()
        .insert(session, &hash(cookie))
        .await
        .unwrap();
    commit(work).await;
}

async fn find(storage: &Arc<dyn Storage>, cookie: &str) -> Option<Session> {
    let mut work = storage.read().await.unwrap();
    work.sessions().find(&hash(cookie), at(0)).await.unwrap()
}

pub(crate) async fn a_session_is_found_by_its_cookie(storage: &Arc<dyn Storage>) {
    let session = session("s1");
    insert(storage, &session, "cookie").await;
    assert_eq!(find(storage, "cookie").await, Some(session));
}

pub(crate) async fn a_session_without_a_device_reads_back_as_it_was(storage: &Arc<dyn Storage>) {
    let session = Session {
        device: None,
        ..session("s1")
    };
    insert(storage, &session, "cookie").await;
    assert_eq!(find(storage, "cookie").await, Some(session));
}

pub(crate) async fn an_unknown_cookie_finds_nothing(storage: &Arc<dyn Storage>) {
    insert(storage, &session("s1"), "cookie").await;
    assert_eq!(find(storage, "another").await, None);
}

pub(crate) async fn a_session_is_over_from_its_expiry_on(storage: &Arc<dyn Storage>) {
    insert(storage, &session("s1"), "cookie").await;
    let mut work = storage.read().await.unwrap();
    let before = work.sessions().find(&hash("cookie"), at(99)).await.unwrap();
    let then = work
        .sessions()
        .find(&hash("cookie"), at(100))
        .await
        .unwrap();
    assert_eq!((before.is_some(), then), (true, None));
}

pub(crate) async fn a_session_lives_until_its_expiry(storage: &Arc<dyn Storage>) {
    let session = session("s1");
    insert(storage, &session, "cookie").await;
    let mut work = storage.read().await.unwrap();
    let before = work.sessions().lives(&session.id, at(99)).await.unwrap();
    let then = work.sessions().lives(&session.id, at(100)).await.unwrap();
    let unknown = SessionId::new("unknown");
    let never = work.sessions().lives(&unknown, at(99)).await.unwrap();
    assert_eq!((before, then, never), (true, false, false));
}

pub(crate) async fn rotation_replaces_the_cookie(storage: &Arc<dyn Storage>) {
    let session = session("s1");
    insert(storage, &session, "old").await;
    let mut work = begin(storage).await;
    assert!(
        work.sessions()
            .rotate(&session.id, &hash("new"))
            .await
            .unwrap()
    );
    commit(work).await;
    assert_eq!(find(storage, "old").await, None);
    assert_eq!(find(storage, "new").await, Some(session));
}

pub(crate) async fn an_unknown_session_cannot_be_rotated(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    let unknown = SessionId::new("unknown");
    assert!(
        !work
            .sessions()
            .rotate(&unknown, &hash("new"))
            .await
            .unwrap()
    );
}

pub(crate) async fn a_touch_changes_the_times_and_nothing_else(storage: &Arc<dyn Storage>) {
    let mut session = session("s1");
    insert(storage, &session, "cookie").await;
    let mut work = begin(storage).await;
    // The device is forgotten meanwhile.
    session.device = None;
    assert!(work.sessions().set_device(&session.id, None).await.unwrap());
    assert!(
        work.sessions()
            .touch(&session.id, at(30), at(500))
            .await
            .unwrap()
    );
    commit(work).await;
    session.last_seen_at = at(30);
    session.expires_at = at(500);
    assert_eq!(find(storage, "cookie").await, Some(session));
}

pub(crate) async fn a_touch_never_ends_a_session_earlier(storage: &Arc<dyn Storage>) {
    let session = session("s1");
    insert(storage, &session, "cookie").await;
    let mut work = begin(storage).await;
    assert!(
        work.sessions()
            .touch(&session.id, at(30), at(40))
            .await
            .unwrap()
    );
    commit(work).await;
    let found = find(storage, "cookie").await.unwrap();
    assert_eq!(found.expires_at, session.expires_at);
}

pub(crate) async fn an_unknown_session_cannot_be_touched(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    let unknown = SessionId::new("unknown");
    assert!(!work.sessions().touch(&unknown, at(1), at(2)).await.unwrap());
}

pub(crate) async fn the_device_can_be_set_and_forgotten(storage: &Arc<dyn Storage>) {
    let mut session = session("s1");
    session.device = None;
    insert(storage, &session, "cookie").await;

    let mut work = begin(storage).await;
    let proof = proof();
    assert!(
        work.sessions()
            .set_device(&session.id, Some(&proof))
            .await
            .unwrap()
    );
    commit(work).await;
    let found = find(storage, "cookie").await.unwrap();
    assert_eq!(found.device, Some(proof));

    let mut work = begin(storage).await;
    assert!(work.sessions().set_device(&session.id, None).await.unwrap());
    commit(work).await;
    assert_eq!(find(storage, "cookie").await, Some(session));
}

pub(crate) async fn the_device_of_an_unknown_session_cannot_be_set(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    let unknown = SessionId::new("unknown");
    assert!(!work.sessions().set_device(&unknown, None).await.unwrap());
}

pub(crate) async fn a_deleted_session_is_gone(storage: &Arc<dyn Storage>) {
    let session = session("s1");
    insert(storage, &session, "cookie").await;
    let mut work = begin(storage).await;
    assert!(work.sessions().delete(&session.id).await.unwrap());
    assert!(!work.sessions().delete(&session.id).await.unwrap());
    commit(work).await;
    assert_eq!(find(storage, "cookie").await, None);
}

pub(crate) async fn two_sessions_cannot_share_an_identifier(storage: &Arc<dyn Storage>) {
    insert(storage, &session("s1"), "one").await;
    let mut work = begin(storage).await;
    let second = work.sessions().insert(&session("s1"), &hash("two")).await;
    assert!(matches!(second, Err(StorageError::Conflict)));
}

pub(crate) async fn two_sessions_cannot_share_a_cookie(storage: &Arc<dyn Storage>) {
    insert(storage, &session("s1"), "cookie").await;
    let mut work = begin(storage).await;
    let second = work
        .sessions()
        .insert(&session("s2"), &hash("cookie"))
        .await;
    assert!(matches!(second, Err(StorageError::Conflict)));
}

pub(crate) async fn purge_deletes_what_has_expired_and_no_more_than_asked(
    storage: &Arc<dyn Storage>,
) {
    for name in ["s1", "s2", "s3"] {
        insert(storage, &session(name), name).await;
    }
    let living = Session {
        expires_at: at(101),
        ..session("s4")
    };
    insert(storage, &living, "s4").await;

    let mut work = begin(storage).await;
    let early = work.sessions().purge(at(99), 10).await.unwrap();
    let some = work.sessions().purge(at(100), 2).await.unwrap();
    let rest = work.sessions().purge(at(100), 10).await.unwrap();
    commit(work).await;
    assert_eq!((early, some, rest), (0, 2, 1));
    assert_eq!(find(storage, "s4").await, Some(living));
}
