//! Facts about units of work: all or nothing, and one writer after the other.

use std::sync::Arc;

use super::{CONTESTANTS, at, begin, commit, hash, key, race, session};
use crate::domain::session::Session;
use crate::storage::Storage;

async fn find(storage: &Arc<dyn Storage>, cookie: &str) -> Option<Session> {
    let mut work = storage.read().await.unwrap();
    work.sessions().find(&hash(cookie), at(0)).await.unwrap()
}

pub(crate) async fn the_database_answers(storage: &Arc<dyn Storage>) {
    assert!(storage.ping().await.is_ok());
}

pub(crate) async fn what_was_committed_is_found(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    work.sessions()
        .insert(&session("s1"), &hash("cookie"))
        .await
        .unwrap();
    commit(work).await;
    assert_eq!(find(storage, "cookie").await, Some(session("s1")));
}

pub(crate) async fn what_was_dropped_did_not_happen(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    work.sessions()
        .insert(&session("s1"), &hash("cookie"))
        .await
        .unwrap();
    drop(work);
    assert_eq!(find(storage, "cookie").await, None);
}

pub(crate) async fn a_unit_sees_its_own_changes(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    work.sessions()
        .insert(&session("s1"), &hash("cookie"))
        .await
        .unwrap();
    let found = work.sessions().find(&hash("cookie"), at(0)).await;
    assert_eq!(found.unwrap(), Some(session("s1")));
}

pub(crate) async fn changes_to_several_aggregates_are_undone_together(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    work.sessions()
        .insert(&session("s1"), &hash("cookie"))
        .await
        .unwrap();
    work.keys().insert_if_absent(&key("k1")).await.unwrap();
    drop(work);

    let mut work = storage.read().await.unwrap();
    let found = work.sessions().find(&hash("cookie"), at(0)).await;
    assert_eq!(found.unwrap(), None);
    assert_eq!(work.keys().all().await.unwrap(), vec![]);
}

/// Each contestant reads the session, thinks, and stores it anew, as after a password: a lost write would
/// lose a method.
pub(crate) async fn writers_wait_for_each_other_and_lose_nothing(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    let mut original = session("s1");
    original.authentication.methods.clear();
    work.sessions()
        .insert(&original, &hash("cookie"))
        .await
        .unwrap();
    commit(work).await;

    race(storage, |storage| async move {
        let mut work = begin(&storage).await;
        let mut session = work
            .sessions()
            .find(&hash("cookie"), at(0))
            .await
            .unwrap()
            .unwrap();
        tokio::task::yield_now().await;
        let method = format!("method-{}", session.authentication.methods.len());
        session.authentication.methods.insert(method);
        assert!(work.sessions().delete(&session.id).await.unwrap());
        work.sessions()
            .insert(&session, &hash("cookie"))
            .await
            .unwrap();
        commit(work).await;
    })
    .await;

    let session = find(storage, "cookie").await.unwrap();
    assert_eq!(session.authentication.methods.len(), CONTESTANTS);
}
