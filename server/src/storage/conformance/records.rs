//! Facts about keeping decision records.

use std::sync::Arc;

use super::{at, begin, commit, reference};
use crate::domain::record::StoredRecord;
use crate::storage::Storage;

fn record(text: &str, outcome: &str, seconds: i64) -> StoredRecord {
    StoredRecord {
        reference: reference(text),
        at: at(seconds),
        outcome: outcome.to_owned(),
        client: Some("wiki".to_owned()),
        user: Some("ana".to_owned()),
        json: "{\"reason\":\"überall\"}".to_owned(),
    }
}

async fn insert(storage: &Arc<dyn Storage>, records: &[StoredRecord]) {
    let mut work = begin(storage).await;
    for record in records {
        work.records().insert(record).await.unwrap();
    }
    commit(work).await;
}

async fn find(storage: &Arc<dyn Storage>, text: &str) -> Option<StoredRecord> {
    let mut work = storage.read().await.unwrap();
    work.records().find(&reference(text)).await.unwrap()
}

async fn recent(storage: &Arc<dyn Storage>, limit: u32) -> Vec<StoredRecord> {
    let mut work = storage.read().await.unwrap();
    work.records().recent(limit).await.unwrap()
}

pub(crate) async fn a_record_is_found_by_its_reference(storage: &Arc<dyn Storage>) {
    let wanted = record("7F3K-29QD", "permit", 0);
    insert(storage, &[wanted.clone(), record("0000-0000", "deny", 1)]).await;
    assert_eq!(find(storage, "7f3k29qd").await, Some(wanted));
}

pub(crate) async fn a_record_without_client_and_user_reads_back(storage: &Arc<dyn Storage>) {
    let wanted = StoredRecord {
        client: None,
        user: None,
        ..record("7F3K-29QD", "abandoned", 0)
    };
    insert(storage, std::slice::from_ref(&wanted)).await;
    assert_eq!(find(storage, "7F3K-29QD").await, Some(wanted));
}

pub(crate) async fn an_unknown_reference_finds_nothing(storage: &Arc<dyn Storage>) {
    insert(storage, &[record("7F3K-29QD", "permit", 0)]).await;
    assert_eq!(find(storage, "7F3K-29QE").await, None);
}

pub(crate) async fn of_several_records_with_one_reference_the_last_is_found(
    storage: &Arc<dyn Storage>,
) {
    let last = record("7F3K-29QD", "permit", 0);
    insert(storage, &[record("7F3K-29QD", "deny", 0), last.clone()]).await;
    assert_eq!(find(storage, "7F3K-29QD").await, Some(last));
}

pub(crate) async fn recent_records_come_newest_first(storage: &Arc<dyn Storage>) {
    let (first, second) = (
        record("0000-0000", "deny", 0),
        record("0000-0001", "permit", 1),
    );
    insert(storage, &[first.clone(), second.clone()]).await;
    assert_eq!(recent(storage, 10).await, vec![second, first]);
}

pub(crate) async fn no_more_records_come_than_asked_for(storage: &Arc<dyn Storage>) {
    let last = record("0000-0002", "permit", 2);
    insert(
        storage,
        &[
            record("0000-0000", "deny", 0),
            record("0000-0001", "permit", 1),
            last.clone(),
        ],
    )
    .await;
    assert_eq!(recent(storage, 1).await, vec![last]);
    assert_eq!(recent(storage, 0).await, vec![]);
}

pub(crate) async fn purge_deletes_what_is_older_and_no_more_than_asked(storage: &Arc<dyn Storage>) {
    let kept = record("0000-0003", "permit", 3);
    insert(
        storage,
        &[
            record("0000-0000", "deny", 0),
            record("0000-0001", "deny", 1),
            record("0000-0002", "deny", 2),
            kept.clone(),
        ],
    )
    .await;
    let mut work = begin(storage).await;
    let some = work.records().purge_before(at(3), 2).await.unwrap();
    let rest = work.records().purge_before(at(3), 10).await.unwrap();
    commit(work).await;
    assert_eq!((some, rest), (2, 1));
    assert_eq!(recent(storage, 10).await, vec![kept]);
}
