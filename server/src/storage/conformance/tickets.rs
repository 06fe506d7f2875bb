//! Facts about tickets to the device host and results from it.

use std::sync::Arc;

use super::{CONTESTANTS, at, begin, commit, hash, proof, race};
use crate::domain::authentication::DeviceProof;
use crate::domain::ids::TransactionId;
use crate::storage::{DeviceVisit, Storage, UnitOfWork};

/// A ticket that expires at `at(100)`.
async fn insert_ticket(work: &mut dyn UnitOfWork, name: &str) {
    work.tickets()
        .insert_ticket(&hash(name), &TransactionId::new("t1"), at(100))
        .await
        .unwrap();
}

/// A result that expires at `at(100)`.
async fn insert_result(work: &mut dyn UnitOfWork, name: &str, proof: Option<&DeviceProof>) {
    work.tickets()
        .insert_result(&hash(name), &TransactionId::new("t1"), proof, at(100))
        .await
        .unwrap();
}

async fn take_ticket(work: &mut dyn UnitOfWork, name: &str) -> Option<TransactionId> {
    work.tickets()
        .take_ticket(&hash(name), at(0))
        .await
        .unwrap()
}

async fn take_result(
    work: &mut dyn UnitOfWork,
    name: &str,
    transaction: &str,
) -> Option<DeviceVisit> {
    work.tickets()
        .take_result(&hash(name), &TransactionId::new(transaction), at(0))
        .await
        .unwrap()
}

pub(crate) async fn a_ticket_is_spent_once(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    insert_ticket(&mut *work, "ticket").await;
    let first = take_ticket(&mut *work, "ticket").await;
    let second = take_ticket(&mut *work, "ticket").await;
    assert_eq!((first, second), (Some(TransactionId::new("t1")), None));
}

pub(crate) async fn an_unknown_ticket_opens_nothing(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    insert_ticket(&mut *work, "ticket").await;
    assert_eq!(take_ticket(&mut *work, "another").await, None);
}

pub(crate) async fn a_ticket_is_worthless_from_its_expiry_on(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    insert_ticket(&mut *work, "ticket").await;
    let then = work.tickets().take_ticket(&hash("ticket"), at(100)).await;
    let before = work.tickets().take_ticket(&hash("ticket"), at(99)).await;
    assert_eq!(then.unwrap(), None);
    assert_eq!(before.unwrap(), Some(TransactionId::new("t1")));
}

pub(crate) async fn a_ticket_is_no_result(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    insert_ticket(&mut *work, "ticket").await;
    assert_eq!(take_result(&mut *work, "ticket", "t1").await, None);
}

pub(crate) async fn a_result_with_a_certificate_reads_back(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    insert_result(&mut *work, "result", Some(&proof())).await;
    let expected = DeviceVisit {
        proof: Some(proof()),
    };
    assert_eq!(
        take_result(&mut *work, "result", "t1").await,
        Some(expected)
    );
}

pub(crate) async fn a_result_without_a_certificate_is_still_a_visit(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    insert_result(&mut *work, "result", None).await;
    assert_eq!(
        take_result(&mut *work, "result", "t1").await,
        Some(DeviceVisit { proof: None })
    );
}

pub(crate) async fn a_result_is_spent_once(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    insert_result(&mut *work, "result", Some(&proof())).await;
    assert!(take_result(&mut *work, "result", "t1").await.is_some());
    assert_eq!(take_result(&mut *work, "result", "t1").await, None);
}

pub(crate) async fn a_result_of_another_transaction_is_not_spent(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    insert_result(&mut *work, "result", Some(&proof())).await;
    assert_eq!(take_result(&mut *work, "result", "t2").await, None);
    assert!(take_result(&mut *work, "result", "t1").await.is_some());
}

pub(crate) async fn a_result_is_worthless_from_its_expiry_on(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    insert_result(&mut *work, "result", None).await;
    let id = TransactionId::new("t1");
    let then = work
        .tickets()
        .take_result(&hash("result"), &id, at(100))
        .await;
    let before = work
        .tickets()
        .take_result(&hash("result"), &id, at(99))
        .await;
    assert_eq!(then.unwrap(), None);
    assert!(before.unwrap().is_some());
}

pub(crate) async fn purge_deletes_expired_tickets_and_results(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    for name in ["a", "b", "c"] {
        insert_ticket(&mut *work, name).await;
        insert_result(&mut *work, name, None).await;
    }
    let early = work.tickets().purge(at(99), 10).await.unwrap();
    let some = work.tickets().purge(at(100), 2).await.unwrap();
    let rest = work.tickets().purge(at(100), 10).await.unwrap();
    assert_eq!((early, some, rest), (0, 4, 2));
}

pub(crate) async fn of_many_who_spend_a_ticket_one_gets_through(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    insert_ticket(&mut *work, "ticket").await;
    commit(work).await;
    let taken = race(storage, |storage| async move {
        let mut work = begin(&storage).await;
        let taken = take_ticket(&mut *work, "ticket").await;
        commit(work).await;
        taken
    })
    .await;
    assert_eq!(taken.len(), CONTESTANTS);
    assert_eq!(taken.iter().flatten().count(), 1);
}

pub(crate) async fn of_many_who_spend_a_result_one_gets_it(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    insert_result(&mut *work, "result", Some(&proof())).await;
    commit(work).await;
    let taken = race(storage, |storage| async move {
        let mut work = begin(&storage).await;
        let taken = take_result(&mut *work, "result", "t1").await;
        commit(work).await;
        taken
    })
    .await;
    assert_eq!(taken.len(), CONTESTANTS);
    assert_eq!(taken.iter().flatten().count(), 1);
}
