//! A document over time: when it is fetched, how long it counts, who waits for whom.

use std::future::ready;
use std::sync::Arc;

use chrono::TimeDelta;
use tokio::task::JoinSet;

use crate::domain::clock::Timestamp;
use crate::remote::fixtures::{Origin, answer, document, remote};
use crate::remote::{Parse, RemoteDocument, RemoteDocuments, RemoteError};

/// As everything begins.
fn start() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}

/// Documents are numbers here.
fn number() -> Parse<usize> {
    Arc::new(|bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
        text.parse::<usize>()
            .map_err(|_| "it is no number".to_owned())
    })
}

fn at(origin: &Origin) -> RemoteDocument<usize> {
    RemoteDocument::new("numbers", origin.url.clone(), remote(), number())
}

/// A server whose document is the number of the request, to be kept ten minutes.
async fn counting() -> Origin {
    Origin::start(|n| document(600, &n.to_string())).await
}

/// A server that has its document once, to be kept ten minutes, and fails from then on.
async fn failing_later() -> Origin {
    Origin::start(|n| match n {
        0 => document(600, "0"),
        _ => answer("500 Internal Server Error", &[], "secret"),
    })
    .await
}

#[tokio::test]
async fn a_document_is_fetched_again_when_its_time_is_over() {
    let origin = counting().await;
    let numbers = at(&origin);
    for (passed, expected) in [(0, 0), (599, 0), (600, 1), (1199, 1), (1200, 2)] {
        let current = numbers.current(start() + seconds(passed)).await.unwrap();
        assert_eq!(*current, expected, "after {passed} s");
    }
    assert_eq!(origin.requests().len(), 3);
}

#[tokio::test]
async fn a_clock_that_was_set_back_keeps_nothing_for_ever() {
    let origin = counting().await;
    let numbers = at(&origin);
    numbers.current(start()).await.unwrap();
    let earlier = start() - TimeDelta::days(365);
    assert_eq!(*numbers.current(earlier).await.unwrap(), 1);
}

#[tokio::test]
async fn the_last_good_document_stands_in_for_a_day_and_no_longer() {
    let origin = failing_later().await;
    let numbers = at(&origin);
    numbers.current(start()).await.unwrap();
    let last = start() + seconds(600) + TimeDelta::days(1);
    assert_eq!(*numbers.current(last - seconds(1)).await.unwrap(), 0);
    let error = numbers.current(last).await.unwrap_err();
    assert_eq!(error, RemoteError::Status(500));
}

#[tokio::test]
async fn a_server_that_failed_is_left_alone_for_five_seconds() {
    let origin = Origin::start(|n| match n {
        0 => answer("503 Service Unavailable", &[], ""),
        _ => document(600, "1"),
    })
    .await;
    let numbers = at(&origin);
    for passed in [0, 4] {
        let outcome = numbers.current(start() + seconds(passed)).await;
        assert_eq!(outcome.unwrap_err(), RemoteError::Status(503));
    }
    assert_eq!(origin.requests().len(), 1);
    assert_eq!(*numbers.current(start() + seconds(5)).await.unwrap(), 1);
}

#[tokio::test]
async fn a_document_that_cannot_be_used_does_not_replace_a_good_one() {
    let origin = Origin::start(|n| document(600, ["7", "seven"][n])).await;
    let numbers = at(&origin);
    numbers.current(start()).await.unwrap();
    let later = start() + seconds(600);
    assert_eq!(*numbers.current(later).await.unwrap(), 7);
    let told = numbers.status().last_error.unwrap();
    assert_eq!(told, "cannot be used: it is no number");
}

#[tokio::test]
async fn of_many_who_wait_for_a_document_one_fetches_it() {
    let origin = counting().await;
    let numbers = at(&origin);
    let mut waiting = JoinSet::new();
    for _ in 0..20 {
        let numbers = numbers.clone();
        waiting.spawn(async move { *numbers.current(start()).await.unwrap() });
    }
    assert_eq!(waiting.join_all().await, [0_usize; 20]);
    assert_eq!(origin.requests().len(), 1);
}

#[tokio::test]
async fn of_many_who_wait_for_a_server_that_fails_one_asks_it() {
    let origin = Origin::start(|_| answer("500 Internal Server Error", &[], "")).await;
    let numbers = at(&origin);
    let mut waiting = JoinSet::new();
    for _ in 0..20 {
        let numbers = numbers.clone();
        waiting.spawn(async move { numbers.current(start()).await.is_err() });
    }
    assert_eq!(waiting.join_all().await, [true; 20]);
    assert_eq!(origin.requests().len(), 1);
}

#[tokio::test]
async fn whoever_goes_away_does_not_end_the_fetch_of_the_others() {
    let origin = counting().await;
    let numbers = at(&origin);
    tokio::select! {
        biased;
        _ = numbers.current(start()) => panic!("nothing has been awaited yet"),
        () = ready(()) => {}
    }
    assert_eq!(*numbers.current(start()).await.unwrap(), 0);
    assert_eq!(origin.requests().len(), 1);
}

#[tokio::test]
async fn a_document_that_lacks_something_is_fetched_again_once_a_minute() {
    let origin = counting().await;
    let numbers = at(&origin);
    let mut seen = numbers.current(start()).await.unwrap();
    for (passed, expected) in [(1, 1), (2, 1), (60, 1), (61, 2), (62, 2)] {
        let now = start() + seconds(passed);
        seen = numbers.newer_than(&seen, now).await.unwrap();
        assert_eq!(*seen, expected, "after {passed} s");
    }
    assert_eq!(origin.requests().len(), 3);
}

#[tokio::test]
async fn what_others_have_fetched_meanwhile_is_newer() {
    let origin = counting().await;
    let numbers = at(&origin);
    let old = numbers.current(start()).await.unwrap();
    let now = start() + seconds(1);
    let first = numbers.newer_than(&old, now).await.unwrap();
    let second = numbers.newer_than(&old, now).await.unwrap();
    assert_eq!((*first, *second), (1, 1));
    assert_eq!(origin.requests().len(), 2);
}

#[tokio::test]
async fn a_document_that_lacks_something_goes_on_to_count_where_its_server_fails() {
    let origin = failing_later().await;
    let numbers = at(&origin);
    let seen = numbers.current(start()).await.unwrap();
    let now = start() + seconds(1);
    assert_eq!(*numbers.newer_than(&seen, now).await.unwrap(), 0);
    assert_eq!(*numbers.current(now).await.unwrap(), 0);
    assert_eq!(origin.requests().len(), 2);
}

#[tokio::test]
async fn the_status_tells_what_counts_since_when_and_what_failed() {
    let origin = failing_later().await;
    let numbers = at(&origin);
    assert_eq!(numbers.status().fetched_at, None);
    numbers.current(start()).await.unwrap();
    let status = numbers.status();
    assert_eq!((status.name.as_str(), status.last_error), ("numbers", None));
    assert_eq!(status.url, origin.url.as_str());
    assert_eq!(status.fetched_at, Some(start()));
    let over = start() + seconds(600);
    assert_eq!(status.fresh_until, Some(over));

    numbers.current(over).await.unwrap();
    let status = numbers.status();
    assert_eq!(status.fetched_at, Some(start()));
    assert_eq!(status.last_error.unwrap(), "answers with status 500");
}

#[tokio::test]
async fn a_password_in_a_url_is_not_shown() {
    let url = "https://me:secret@login.example.com/keys".parse().unwrap();
    let numbers = RemoteDocument::new("numbers", url, remote(), number());
    assert!(numbers.current(start()).await.is_err());
    let shown = format!("{numbers:?}");
    assert!(shown.contains("login.example.com/keys"), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");
}

#[tokio::test]
async fn who_names_the_same_url_shares_its_document() {
    let origin = counting().await;
    let all = RemoteDocuments::new("numbers", remote(), number());
    let (one, two) = (all.at(&origin.url), all.at(&origin.url));
    one.current(start()).await.unwrap();
    two.current(start()).await.unwrap();
    assert_eq!(origin.requests().len(), 1);
    assert_eq!(all.statuses(), [one.status()]);
}

#[tokio::test]
async fn a_document_that_nobody_uses_is_forgotten() {
    let origin = counting().await;
    let all = RemoteDocuments::new("numbers", remote(), number());
    let one = all.at(&origin.url);
    one.current(start()).await.unwrap();
    drop(one);
    assert!(all.statuses().is_empty());
    let again = all.at(&origin.url);
    assert_eq!(*again.current(start()).await.unwrap(), 1);
}
