//! Facts about keeping pending sign-ins.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{CONTESTANTS, at, begin, commit, hash, proof, race, transaction};
use crate::domain::ids::{ClientId, SessionId, TransactionId};
use crate::domain::transaction::{DeviceCheck, Stage, Transaction};
use crate::storage::{Storage, StorageError};

async fn insert(storage: &Arc<dyn Storage>, transaction: &Transaction) {
    let mut work = begin(storage).await;
    work.transactions()
        .insert(transaction, &hash("browser"))
        .await
        .unwrap();
    commit(work).await;
}

async fn find(storage: &Arc<dyn Storage>, name: &str) -> Option<Transaction> {
    let mut work = storage.read().await.unwrap();
    work.transactions()
        .find(&TransactionId::new(name), &hash("browser"), at(0))
        .await
        .unwrap()
}

fn names(transactions: &[Transaction]) -> BTreeSet<&str> {
    transactions
        .iter()
        .map(|transaction| transaction.id.as_str())
        .collect()
}

pub(crate) async fn a_transaction_is_found_by_the_browser_that_began_it(
    storage: &Arc<dyn Storage>,
) {
    let transaction = transaction("t1");
    insert(storage, &transaction).await;
    assert_eq!(find(storage, "t1").await, Some(transaction));
}

pub(crate) async fn another_browser_does_not_find_it(storage: &Arc<dyn Storage>) {
    let transaction = transaction("t1");
    insert(storage, &transaction).await;
    let mut work = storage.read().await.unwrap();
    let found = work
        .transactions()
        .find(&transaction.id, &hash("another"), at(0))
        .await;
    assert_eq!(found.unwrap(), None);
}

pub(crate) async fn a_transaction_is_not_found_from_its_expiry_on(storage: &Arc<dyn Storage>) {
    let transaction = transaction("t1");
    insert(storage, &transaction).await;
    let mut work = storage.read().await.unwrap();
    let before = work
        .transactions()
        .find(&transaction.id, &hash("browser"), at(99))
        .await;
    let then = work
        .transactions()
        .find(&transaction.id, &hash("browser"), at(100))
        .await;
    assert_eq!((before.unwrap(), then.unwrap()), (Some(transaction), None));
}

pub(crate) async fn parameters_keep_their_order_and_their_characters(storage: &Arc<dyn Storage>) {
    let pairs = [
        ("state", "a&b=c \"d\"\\"),
        ("scope", "openid profile"),
        ("login_hint", "jürgen@例え.test\u{0}\u{1f}"),
        ("", ""),
        ("scope", "once more"),
    ];
    let transaction = Transaction {
        parameters: pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..transaction("t1")
    };
    insert(storage, &transaction).await;
    let found = find(storage, "t1").await.unwrap();
    assert_eq!(found.parameters, transaction.parameters);
}

pub(crate) async fn what_came_with_the_request_reads_back(storage: &Arc<dyn Storage>) {
    let transaction = Transaction {
        pushed: Some(hash("request")),
        carried: Some(r#"{"signed":true}"#.to_owned()),
        ..transaction("t1")
    };
    insert(storage, &transaction).await;
    assert_eq!(find(storage, "t1").await, Some(transaction));
}

pub(crate) async fn every_stage_and_device_check_read_back(storage: &Arc<dyn Storage>) {
    for stage in Stage::ALL {
        for device_check in DeviceCheck::ALL {
            let name = format!("{}-{}", stage.as_str(), device_check.as_str());
            let transaction = Transaction {
                device_check,
                stage,
                ..transaction(&name)
            };
            insert(storage, &transaction).await;
            assert_eq!(find(storage, &name).await, Some(transaction));
        }
    }
}

pub(crate) async fn an_update_stores_the_progress(storage: &Arc<dyn Storage>) {
    insert(storage, &transaction("t1")).await;
    let further = Transaction {
        session: Some(SessionId::new("s1")),
        device_check: DeviceCheck::Presented,
        device: Some(proof()),
        reauthenticated_at: Some(at(7)),
        stage: Stage::Denied,
        expires_at: at(200),
        reference: super::reference("0000-0001"),
        ..transaction("t1")
    };
    let mut work = begin(storage).await;
    assert!(work.transactions().update(&further).await.unwrap());
    commit(work).await;
    assert_eq!(find(storage, "t1").await, Some(further));
}

pub(crate) async fn an_update_leaves_the_request_alone(storage: &Arc<dyn Storage>) {
    let original = transaction("t1");
    insert(storage, &original).await;
    let forged = Transaction {
        parameters: Vec::new(),
        pushed: Some(hash("request")),
        carried: Some("{}".to_owned()),
        client: ClientId::new("another"),
        created_at: at(5),
        ..original.clone()
    };
    let mut work = begin(storage).await;
    work.transactions().update(&forged).await.unwrap();
    commit(work).await;
    assert_eq!(find(storage, "t1").await, Some(original));
}

pub(crate) async fn an_unknown_transaction_cannot_be_updated(storage: &Arc<dyn Storage>) {
    let mut work = begin(storage).await;
    assert!(
        !work
            .transactions()
            .update(&transaction("t1"))
            .await
            .unwrap()
    );
}

pub(crate) async fn two_transactions_cannot_share_an_identifier(storage: &Arc<dyn Storage>) {
    insert(storage, &transaction("t1")).await;
    let mut work = begin(storage).await;
    let second = work
        .transactions()
        .insert(&transaction("t1"), &hash("another"))
        .await;
    assert!(matches!(second, Err(StorageError::Conflict)));
}

pub(crate) async fn a_transaction_is_taken_once(storage: &Arc<dyn Storage>) {
    let transaction = transaction("t1");
    insert(storage, &transaction).await;
    let mut work = begin(storage).await;
    let first = work
        .transactions()
        .take(&transaction.id, &hash("browser"))
        .await;
    let second = work
        .transactions()
        .take(&transaction.id, &hash("browser"))
        .await;
    assert_eq!((first.unwrap(), second.unwrap()), (Some(transaction), None));
}

pub(crate) async fn another_browser_cannot_take_it(storage: &Arc<dyn Storage>) {
    let transaction = transaction("t1");
    insert(storage, &transaction).await;
    let mut work = begin(storage).await;
    let taken = work
        .transactions()
        .take(&transaction.id, &hash("another"))
        .await;
    commit(work).await;
    assert_eq!(taken.unwrap(), None);
    assert_eq!(find(storage, "t1").await, Some(transaction));
}

pub(crate) async fn only_expired_transactions_are_taken_for_the_record(storage: &Arc<dyn Storage>) {
    let expired = transaction("t1");
    let living = Transaction {
        expires_at: at(101),
        ..transaction("t2")
    };
    insert(storage, &expired).await;
    insert(storage, &living).await;

    let mut work = begin(storage).await;
    let taken = work.transactions().take_expired(at(100), 10).await.unwrap();
    let again = work.transactions().take_expired(at(100), 10).await.unwrap();
    commit(work).await;
    assert_eq!((taken, again), (vec![expired], vec![]));
    assert_eq!(find(storage, "t2").await, Some(living));
}

pub(crate) async fn no_more_are_taken_than_asked_for(storage: &Arc<dyn Storage>) {
    for name in ["t1", "t2", "t3"] {
        insert(storage, &transaction(name)).await;
    }
    let mut work = begin(storage).await;
    let some = work.transactions().take_expired(at(100), 2).await.unwrap();
    let rest = work.transactions().take_expired(at(100), 2).await.unwrap();
    assert_eq!((some.len(), rest.len()), (2, 1));
    assert!(names(&some).is_disjoint(&names(&rest)));
}

pub(crate) async fn of_many_who_take_a_transaction_one_gets_it(storage: &Arc<dyn Storage>) {
    insert(storage, &transaction("t1")).await;
    let taken = race(storage, |storage| async move {
        let mut work = begin(&storage).await;
        let taken = work
            .transactions()
            .take(&TransactionId::new("t1"), &hash("browser"))
            .await
            .unwrap();
        commit(work).await;
        taken
    })
    .await;
    let winners: Vec<Transaction> = taken.into_iter().flatten().collect();
    assert_eq!(winners, vec![transaction("t1")]);
}

pub(crate) async fn each_expired_transaction_is_taken_by_one_of_many(storage: &Arc<dyn Storage>) {
    for number in 0..CONTESTANTS {
        insert(storage, &transaction(&format!("t{number}"))).await;
    }
    let taken = race(storage, |storage| async move {
        let mut work = begin(&storage).await;
        let taken = work.transactions().take_expired(at(100), 3).await.unwrap();
        commit(work).await;
        taken
    })
    .await
    .concat();
    assert_eq!(taken.len(), CONTESTANTS);
    assert_eq!(names(&taken).len(), CONTESTANTS);
}
