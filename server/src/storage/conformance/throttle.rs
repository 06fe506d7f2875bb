//! Facts about counting attempts.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{CONTESTANTS, at, begin, commit, hash, race};
use crate::domain::clock::Timestamp;
use crate::storage::{Attempt, Storage};

const WINDOW: TimeDelta = TimeDelta::seconds(100);

async fn attempt(storage: &Arc<dyn Storage>, key: &str, now: Timestamp, limit: u32) -> Attempt {
    let mut work = begin(storage).await;
    let attempt = work
        .throttle()
        .attempt(&hash(key), now, WINDOW, limit)
        .await
        .unwrap();
    commit(work).await;
    attempt
}

async fn give_back(storage: &Arc<dyn Storage>, key: &str) {
    let mut work = begin(storage).await;
    work.throttle().give_back(&hash(key)).await.unwrap();
    commit(work).await;
}

pub(crate) async fn attempts_count_down_to_the_limit(storage: &Arc<dyn Storage>) {
    for remaining in [2, 1, 0] {
        assert_eq!(
            attempt(storage, "ana", at(0), 3).await,
            Attempt::Allowed { remaining }
        );
    }
}

pub(crate) async fn too_many_attempts_are_blocked_until_the_window_ends(
    storage: &Arc<dyn Storage>,
) {
    attempt(storage, "ana", at(0), 1).await;
    assert_eq!(
        attempt(storage, "ana", at(99), 1).await,
        Attempt::Blocked { until: at(100) }
    );
}

pub(crate) async fn a_blocked_attempt_does_not_make_the_window_longer(storage: &Arc<dyn Storage>) {
    attempt(storage, "ana", at(0), 1).await;
    for seconds in [10, 50, 90] {
        attempt(storage, "ana", at(seconds), 1).await;
    }
    assert_eq!(
        attempt(storage, "ana", at(100), 1).await,
        Attempt::Allowed { remaining: 0 }
    );
}

pub(crate) async fn the_next_window_starts_anew(storage: &Arc<dyn Storage>) {
    attempt(storage, "ana", at(0), 2).await;
    attempt(storage, "ana", at(150), 2).await;
    attempt(storage, "ana", at(240), 2).await;
    assert_eq!(
        attempt(storage, "ana", at(249), 2).await,
        Attempt::Blocked { until: at(250) }
    );
}

pub(crate) async fn a_limit_of_zero_allows_nothing(storage: &Arc<dyn Storage>) {
    assert_eq!(
        attempt(storage, "ana", at(0), 0).await,
        Attempt::Blocked { until: at(100) }
    );
}

pub(crate) async fn keys_are_counted_apart(storage: &Arc<dyn Storage>) {
    attempt(storage, "ana", at(0), 1).await;
    assert_eq!(
        attempt(storage, "ben", at(0), 1).await,
        Attempt::Allowed { remaining: 0 }
    );
}

pub(crate) async fn clearing_forgets_the_attempts(storage: &Arc<dyn Storage>) {
    attempt(storage, "ana", at(0), 1).await;
    let mut work = begin(storage).await;
    work.throttle().clear(&hash("ana")).await.unwrap();
    work.throttle().clear(&hash("nobody")).await.unwrap();
    commit(work).await;
    assert_eq!(
        attempt(storage, "ana", at(1), 1).await,
        Attempt::Allowed { remaining: 0 }
    );
}

pub(crate) async fn an_attempt_that_is_given_back_is_free_again(storage: &Arc<dyn Storage>) {
    attempt(storage, "ana", at(0), 2).await;
    attempt(storage, "ana", at(1), 2).await;
    give_back(storage, "ana").await;
    assert_eq!(
        attempt(storage, "ana", at(2), 2).await,
        Attempt::Allowed { remaining: 0 }
    );
    assert_eq!(
        attempt(storage, "ana", at(3), 2).await,
        Attempt::Blocked { until: at(100) }
    );
}

pub(crate) async fn no_more_is_given_back_than_was_counted(storage: &Arc<dyn Storage>) {
    give_back(storage, "ana").await;
    attempt(storage, "ana", at(0), 1).await;
    give_back(storage, "ana").await;
    give_back(storage, "ana").await;
    assert_eq!(
        attempt(storage, "ana", at(1), 1).await,
        Attempt::Allowed { remaining: 0 }
    );
    assert!(matches!(
        attempt(storage, "ana", at(2), 1).await,
        Attempt::Blocked { .. }
    ));
}

pub(crate) async fn a_clock_set_back_blocks_for_one_window_at_most(storage: &Arc<dyn Storage>) {
    attempt(storage, "ana", at(100_000), 1).await;
    assert_eq!(
        attempt(storage, "ana", at(0), 1).await,
        Attempt::Blocked { until: at(100) }
    );
}

pub(crate) async fn purge_deletes_windows_that_have_ended(storage: &Arc<dyn Storage>) {
    for key in ["a", "b", "c"] {
        attempt(storage, key, at(0), 1).await;
    }
    attempt(storage, "d", at(1), 1).await;

    let mut work = begin(storage).await;
    let early = work.throttle().purge(at(99), 10).await.unwrap();
    let some = work.throttle().purge(at(100), 2).await.unwrap();
    let rest = work.throttle().purge(at(100), 10).await.unwrap();
    commit(work).await;
    assert_eq!((early, some, rest), (0, 2, 1));
    assert_eq!(
        attempt(storage, "d", at(2), 1).await,
        Attempt::Blocked { until: at(101) }
    );
}

pub(crate) async fn many_at_once_are_never_admitted_beyond_the_limit(storage: &Arc<dyn Storage>) {
    let attempts = race(storage, |storage| async move {
        attempt(&storage, "ana", at(0), 5).await
    })
    .await;
    let blocked = Attempt::Blocked { until: at(100) };
    let admitted = attempts.iter().filter(|attempt| **attempt != blocked);
    assert_eq!(attempts.len(), CONTESTANTS);
    assert_eq!(admitted.count(), 5);
}
