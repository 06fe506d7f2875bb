//! Tells clients that sessions have ended (OpenID Connect Back-Channel Logout 1.0, section 2.5): takes the messages that
//! are due, sends each, and tries again what failed. What a message says is left to `oidc`.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::TimeDelta;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::domain::clock::Timestamp;
use crate::domain::entropy::Entropy;
use crate::domain::logout::Delivery;
use crate::oidc::{Provider, logout_token};
use crate::remote::RemoteError;
use crate::storage::StorageError;

/// How often messages are looked for that another process has left behind. Those of this one wake the worker.
const INTERVAL: Duration = Duration::from_secs(5);
/// Most messages that are on their way at a time: a client that does not answer must not hold up the others.
const MOST_AT_ONCE: usize = 16;
/// Longer than any request to another server may take: from then on another process may try.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// How long to wait after each attempt that fails. After the last of them there is one more attempt.
const DELAYS: [TimeDelta; 5] = [
    TimeDelta::seconds(1),
    TimeDelta::seconds(4),
    TimeDelta::seconds(16),
    TimeDelta::seconds(64),
    TimeDelta::seconds(256),
];

/// Sends messages until `shutdown`. What is on its way then is waited for, since the answer would be lost otherwise.
pub(super) async fn run(cx: Provider, shutdown: CancellationToken) {
    let mut sending = JoinSet::new();
    // When the first of the messages is due that have to be sent again.
    let mut next: Option<Timestamp> = None;
    while !shutdown.is_cancelled() {
        let now = cx.now();
        next = next.filter(|due| *due > now);
        match claim(&cx, MOST_AT_ONCE.saturating_sub(sending.len()), now).await {
            Ok(claimed) => {
                for delivery in claimed {
                    sending.spawn(deliver(cx.clone(), delivery));
                }
            }
            Err(error) => tracing::warn!(%error, "messages to clients cannot be read"),
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = cx.backchannel.woken() => {}
            () = tokio::time::sleep(pause(next, now)) => {}
            Some(again) = sending.join_next() => {
                if let Ok(Some(due)) = again {
                    next = Some(next.map_or(due, |next| next.min(due)));
                }
            }
        }
    }
    while sending.join_next().await.is_some() {}
}

/// How long nothing is due.
fn pause(next: Option<Timestamp>, now: Timestamp) -> Duration {
    next.and_then(|due| (due - now).to_std().ok())
        .map_or(INTERVAL, |wait| wait.min(INTERVAL))
}

async fn claim(cx: &Provider, most: usize, now: Timestamp) -> Result<Vec<Delivery>, StorageError> {
    let limit = u32::try_from(most).unwrap_or(u32::MAX);
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut work = cx.storage.begin().await?;
    let claimed = work.logouts().claim_due(now, now + LEASE, limit).await?;
    work.commit().await?;
    Ok(claimed)
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// The client has acted upon it (section 2.8).
    Told,
    /// The client has understood it and cannot (section 2.8): to say it again would not help.
    Refused,
    /// The client does not want to hear of sessions any more.
    Unwanted,
    /// It may work another time.
    Failed(String),
}

/// Sends a message once; when it is due again, if it is.
async fn deliver(cx: Provider, delivery: Delivery) -> Option<Timestamp> {
    let outcome = attempt(&cx, &delivery).await;
    settle(&cx, &delivery, &outcome)
        .await
        .unwrap_or_else(|error| {
            // Its lease ends, and somebody tries again.
            tracing::warn!(%error, "what came of a message to a client cannot be stored");
            None
        })
}

async fn attempt(cx: &Provider, delivery: &Delivery) -> Outcome {
    let clients = cx.clients.current();
    let Some(client) = clients.value.by_id(delivery.client.as_str()) else {
        return Outcome::Unwanted;
    };
    let Some(url) = &client.backchannel_logout_uri else {
        return Outcome::Unwanted;
    };
    match logout_token(cx, client, delivery, cx.now()) {
        Ok(token) => {
            let form = [("logout_token", token.as_str())];
            Outcome::of(cx.remote.post_form(url, &form).await)
        }
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

impl Outcome {
    /// Section 2.8: 200 is the answer of a client that has acted upon it. Some frameworks make it 204.
    fn of(answer: Result<StatusCode, RemoteError>) -> Self {
        match answer {
            Ok(StatusCode::OK | StatusCode::NO_CONTENT) => Self::Told,
            Ok(StatusCode::BAD_REQUEST) => Self::Refused,
            Ok(status) => Self::Failed(format!("answers with status {}", status.as_u16())),
            Err(error) => Self::Failed(error.to_string()),
        }
    }
}

/// Stores what came of an attempt, and tells operators; when the next one is due, if there is one.
async fn settle(
    cx: &Provider,
    delivery: &Delivery,
    outcome: &Outcome,
) -> Result<Option<Timestamp>, StorageError> {
    let again = match outcome {
        Outcome::Told | Outcome::Refused | Outcome::Unwanted => None,
        Outcome::Failed(_) => {
            let chance = chance(cx.entropy.as_ref());
            delay(delivery.attempts, chance).map(|delay| cx.now() + delay)
        }
    };
    let mut work = cx.storage.begin().await?;
    match again {
        Some(due) => work.logouts().retry(delivery, due).await?,
        None => work.logouts().done(delivery).await?,
    };
    work.commit().await?;
    tell(delivery, outcome, again);
    Ok(again)
}

/// What operators read of an attempt.
fn tell(delivery: &Delivery, outcome: &Outcome, again: Option<Timestamp>) {
    let (client, session, attempts) = (&delivery.client, &delivery.session, delivery.attempts);
    match (outcome, again) {
        (Outcome::Told, _) => tracing::debug!(%client, %session, "client was told of a logout"),
        (Outcome::Unwanted, _) => {
            tracing::info!(%client, %session, "client does not want to be told of logouts any more");
        }
        (Outcome::Refused, _) => {
            tracing::warn!(%client, %session, "client refuses to act upon a logout: it answers with status 400");
        }
        (Outcome::Failed(why), Some(due)) => {
            tracing::warn!(%client, %session, attempts, why, %due, "client could not be told of a logout");
        }
        (Outcome::Failed(why), None) => {
            tracing::error!(%client, %session, attempts, why, "client was not told of a logout, and nobody tries again");
        }
    }
}

/// How long to wait after so many attempts, if there is to be another one. Chance makes it up to a half longer: whoever
/// could not be reached is not called by everybody at once when it is back.
fn delay(attempts: u32, chance: u8) -> Option<TimeDelta> {
    let failed = usize::try_from(attempts).ok()?.checked_sub(1)?;
    let shortest = DELAYS.get(failed)?;
    Some(*shortest + *shortest / 512 * i32::from(chance))
}

fn chance(entropy: &dyn Entropy) -> u8 {
    let mut byte = [0];
    entropy.fill(&mut byte);
    let [chance] = byte;
    chance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_attempts_are_made_and_each_waits_longer() {
        let waits: Vec<i64> = (1..=5)
            .map(|attempts| delay(attempts, 0).unwrap().num_seconds())
            .collect();
        assert_eq!(waits, [1, 4, 16, 64, 256]);
        for attempts in [0, 6, 7, u32::MAX] {
            assert_eq!(delay(attempts, 0), None, "{attempts}");
        }
    }

    #[test]
    fn chance_makes_a_wait_less_than_a_half_longer() {
        let longest = delay(2, u8::MAX).unwrap();
        assert!(longest > TimeDelta::seconds(5) && longest < TimeDelta::seconds(6));
    }

    #[test]
    fn a_client_that_has_acted_or_cannot_is_left_alone() {
        for status in [StatusCode::OK, StatusCode::NO_CONTENT] {
            assert_eq!(Outcome::of(Ok(status)), Outcome::Told);
        }
        assert_eq!(Outcome::of(Ok(StatusCode::BAD_REQUEST)), Outcome::Refused);
    }

    #[test]
    fn every_other_answer_is_a_failure_and_so_is_none() {
        for status in [
            StatusCode::FOUND,
            StatusCode::UNAUTHORIZED,
            StatusCode::INTERNAL_SERVER_ERROR,
        ] {
            let why = format!("answers with status {}", status.as_u16());
            assert_eq!(Outcome::of(Ok(status)), Outcome::Failed(why));
        }
        let silent = RemoteError::TimedOut(Duration::from_secs(5));
        let why = "did not answer within 5s".to_owned();
        assert_eq!(Outcome::of(Err(silent)), Outcome::Failed(why));
    }

    #[test]
    fn the_worker_rests_until_something_is_due() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let due = |seconds| Some(now + TimeDelta::seconds(seconds));
        assert_eq!(pause(None, now), INTERVAL);
        assert_eq!(pause(due(60), now), INTERVAL);
        assert_eq!(pause(due(1), now), Duration::from_secs(1));
    }
}
