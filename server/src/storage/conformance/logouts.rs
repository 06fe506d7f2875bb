//! Facts about clients of sessions, and messages to them.

use std::sync::Arc;

use super::{CONTESTANTS, at, begin, commit, hash, race, session};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ClientId, DeliveryId, SessionId};
use crate::domain::logout::{Delivery, SessionClient};
use crate::storage::{Storage, StorageError};

fn client(name: &str) -> SessionClient {
    SessionClient {
        client: ClientId::new(name),
        subject: format!("ana at {name}"),
    }
}

/// A message that is due at `at(0)` and expires at `at(1000)`.
fn delivery(name: &str) -> Delivery {
    Delivery {
        id: DeliveryId::new(name),
        client: ClientId::new("wiki"),
        session: SessionId::new("s1"),
        subject: "ana at wiki".to_owned(),
        attempts: 0,
        due_at: at(0),
        expires_at: at(1000),
    }
}

/// The message after it was handed out for the `attempts`th time, with a lease until `lease_until`.
fn handed_out(name: &str, attempts: u32, lease_until: Timestamp) -> Delivery {
    Delivery {
        attempts,
        due_at: lease_until,
        ..delivery(name)
    }
}

/// Notes the client until `at(500)`.
async fn note(storage: &Arc<dyn Storage>, session: &str, client: &SessionClient) {
    let mut work = begin(storage).await;
    work.logouts()
        .note(&SessionId::new(session), client, at(500))
        .await
        .unwrap();
    commit(work).await;
}

async fn take_clients(storage: &Arc<dyn Storage>, session: &str) -> Vec<SessionClient> {
    let mut work = begin(storage).await;
    let taken = work.logouts().take_clients(&SessionId::new(session)).await;
    commit(work).await;
    taken.unwrap()
}

async fn enqueue(storage: &Arc<dyn Storage>, delivery: &Delivery) {
    let mut work = begin(storage).await;
    work.logouts().enqueue(delivery).await.unwrap();
    commit(work).await;
}

/// Claims what is due, with a lease of a minute.
async fn claim(storage: &Arc<dyn Storage>, now: i64, limit: u32) -> Vec<Delivery> {
    let mut work = begin(storage).await;
    let claimed = work.logouts().claim_due(at(now), at(now + 60), limit).await;
    commit(work).await;
    claimed.unwrap()
}

async fn retry(storage: &Arc<dyn Storage>, delivery: &Delivery, due_at: Timestamp) -> bool {
    let mut work = begin(storage).await;
    let put_off = work.logouts().retry(delivery, due_at).await.unwrap();
    commit(work).await;
    put_off
}

async fn purge(storage: &Arc<dyn Storage>, now: Timestamp, limit: u32) -> u64 {
    let mut work = begin(storage).await;
    let purged = work.logouts().purge(now, limit).await.unwrap();
    commit(work).await;
    purged
}

pub(crate) async fn the_clients_of_a_session_are_taken_once(storage: &Arc<dyn Storage>) {
    note(storage, "s1", &client("wiki")).await;
    note(storage, "s1", &client("mail")).await;
    let taken = take_clients(storage, "s1").await;
    assert_eq!(taken, [client("mail"), client("wiki")]);
    assert!(take_clients(storage, "s1").await.is_empty());
}

pub(crate) async fn sessions_are_kept_apart(storage: &Arc<dyn Storage>) {
    note(storage, "s1", &client("wiki")).await;
    note(storage, "s2", &client("mail")).await;
    assert_eq!(take_clients(storage, "s1").await, [client("wiki")]);
    assert_eq!(take_clients(storage, "s2").await, [client("mail")]);
}

pub(crate) async fn a_client_is_noted_once(storage: &Arc<dyn Storage>) {
    note(storage, "s1", &client("wiki")).await;
    note(storage, "s1", &client("wiki")).await;
    assert_eq!(take_clients(storage, "s1").await, [client("wiki")]);
}

pub(crate) async fn a_message_is_handed_out_when_it_is_due(storage: &Arc<dyn Storage>) {
    enqueue(storage, &delivery("d1")).await;
    assert!(claim(storage, -1, 10).await.is_empty());
    assert_eq!(claim(storage, 0, 10).await, [handed_out("d1", 1, at(60))]);
}

pub(crate) async fn a_message_that_is_being_sent_is_handed_out_to_nobody_else(
    storage: &Arc<dyn Storage>,
) {
    enqueue(storage, &delivery("d1")).await;
    claim(storage, 0, 10).await;
    assert!(claim(storage, 59, 10).await.is_empty());
}

pub(crate) async fn a_message_that_was_not_finished_in_time_is_due_again(
    storage: &Arc<dyn Storage>,
) {
    enqueue(storage, &delivery("d1")).await;
    claim(storage, 0, 10).await;
    assert_eq!(claim(storage, 60, 10).await, [handed_out("d1", 2, at(120))]);
}

pub(crate) async fn a_message_that_is_done_is_gone(storage: &Arc<dyn Storage>) {
    enqueue(storage, &delivery("d1")).await;
    claim(storage, 0, 10).await;
    let mut work = begin(storage).await;
    assert!(work.logouts().done(&delivery("d1")).await.unwrap());
    assert!(!work.logouts().done(&delivery("d1")).await.unwrap());
    commit(work).await;
    assert!(claim(storage, 500, 10).await.is_empty());
}

pub(crate) async fn a_message_is_sent_again_when_it_was_put_off(storage: &Arc<dyn Storage>) {
    enqueue(storage, &delivery("d1")).await;
    claim(storage, 0, 10).await;
    assert!(retry(storage, &handed_out("d1", 1, at(60)), at(4)).await);
    assert!(claim(storage, 3, 10).await.is_empty());
    assert_eq!(claim(storage, 4, 10).await, [handed_out("d1", 2, at(64))]);
}

pub(crate) async fn whoever_lost_a_message_cannot_put_it_off(storage: &Arc<dyn Storage>) {
    enqueue(storage, &delivery("d1")).await;
    claim(storage, 0, 10).await;
    claim(storage, 60, 10).await;
    assert!(!retry(storage, &handed_out("d1", 1, at(60)), at(61)).await);
    assert!(claim(storage, 61, 10).await.is_empty());
}

pub(crate) async fn no_more_messages_come_than_asked_for_and_the_oldest_first(
    storage: &Arc<dyn Storage>,
) {
    for (name, due) in [("d1", 2), ("d2", 1)] {
        let delivery = Delivery {
            due_at: at(due),
            ..delivery(name)
        };
        enqueue(storage, &delivery).await;
    }
    assert_eq!(claim(storage, 2, 1).await, [handed_out("d2", 1, at(62))]);
    assert_eq!(claim(storage, 2, 1).await, [handed_out("d1", 1, at(62))]);
}

pub(crate) async fn an_expired_message_is_handed_out_to_nobody(storage: &Arc<dyn Storage>) {
    enqueue(storage, &delivery("d1")).await;
    assert!(claim(storage, 1000, 10).await.is_empty());
}

pub(crate) async fn two_messages_cannot_share_an_identifier(storage: &Arc<dyn Storage>) {
    enqueue(storage, &delivery("d1")).await;
    let mut work = begin(storage).await;
    let second = work.logouts().enqueue(&delivery("d1")).await;
    assert!(matches!(second, Err(StorageError::Conflict)));
}

pub(crate) async fn purge_deletes_expired_messages(storage: &Arc<dyn Storage>) {
    for name in ["d1", "d2", "d3"] {
        enqueue(storage, &delivery(name)).await;
    }
    assert_eq!(purge(storage, at(999), 10).await, 0);
    assert_eq!(purge(storage, at(1000), 2).await, 2);
    assert_eq!(purge(storage, at(1000), 10).await, 1);
}

pub(crate) async fn purge_deletes_clients_of_sessions_that_are_gone(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    work.sessions()
        .insert(&session("living"), &hash("cookie"))
        .await
        .unwrap();
    commit(work).await;
    note(storage, "living", &client("wiki")).await;
    note(storage, "gone", &client("wiki")).await;
    note(storage, "gone", &client("mail")).await;

    assert_eq!(purge(storage, at(499), 10).await, 0);
    assert_eq!(purge(storage, at(500), 1).await, 1);
    assert_eq!(purge(storage, at(500), 10).await, 1);
    assert_eq!(take_clients(storage, "living").await, [client("wiki")]);
}

pub(crate) async fn of_many_who_end_a_session_one_gets_its_clients(storage: &Arc<dyn Storage>) {
    note(storage, "s1", &client("wiki")).await;
    let taken = race(storage, |storage| async move {
        take_clients(&storage, "s1").await
    })
    .await;
    assert_eq!(taken.len(), CONTESTANTS);
    assert_eq!(taken.concat(), [client("wiki")]);
}

pub(crate) async fn of_many_workers_one_takes_a_delivery(storage: &Arc<dyn Storage>) {
    for name in ["d1", "d2", "d3"] {
        enqueue(storage, &delivery(name)).await;
    }
    let taken = race(
        storage,
        |storage| async move { claim(&storage, 0, 2).await },
    )
    .await;
    let mut taken: Vec<Delivery> = taken.concat();
    taken.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(
        taken,
        ["d1", "d2", "d3"].map(|name| handed_out(name, 1, at(60)))
    );
}
