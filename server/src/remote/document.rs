//! One document of another server, as it was last read: fetched when somebody needs it, once for all who wait, kept
//! as long as it counts, and for a day when its server fails.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use serde::Serialize;
use url::Url;

use super::client::{LARGEST_DOCUMENT, Remote};
use super::error::RemoteError;
use super::freshness;
use crate::domain::clock::Timestamp;

/// How long the last good document stands in after it has ceased to be fresh.
const KEPT: TimeDelta = TimeDelta::days(1);
/// A server that failed is left alone this long: whoever asks meanwhile does not wait for it.
const PAUSE: TimeDelta = TimeDelta::seconds(5);
/// How often a document is fetched because it lacks something. Strangers can ask for what is not in it.
const AGAIN: TimeDelta = TimeDelta::minutes(1);

/// Reads a document, or says what is wrong with it, without repeating what stands in it.
pub type Parse<T> = Arc<dyn Fn(&[u8]) -> Result<T, String> + Send + Sync>;

/// A document of another server; clones share what was fetched.
pub struct RemoteDocument<T>(pub(super) Arc<Shared<T>>);

/// How a document fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemoteStatus {
    /// What it is for.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// When the document that counts was fetched.
    pub fetched_at: Option<Timestamp>,
    /// Until when it is not asked for again.
    pub fresh_until: Option<Timestamp>,
    /// Why the last fetch failed, if it did.
    pub last_error: Option<String>,
}

/// What the clones of a document share.
pub(super) struct Shared<T> {
    name: String,
    url: Url,
    /// The URL for people: without a password that somebody may have written into it.
    shown: String,
    remote: Remote,
    parse: Parse<T>,
    state: Mutex<State<T>>,
    /// Held by whoever fetches.
    flight: tokio::sync::Mutex<()>,
}

struct State<T> {
    good: Option<Good<T>>,
    failed: Option<Failed>,
    forced_at: Option<Timestamp>,
    /// Fetches that have ended, so that those who waited know that they need none of their own.
    ended: u64,
}

struct Good<T> {
    value: Arc<T>,
    fetched_at: Timestamp,
    fresh_for: TimeDelta,
}

struct Failed {
    error: RemoteError,
    at: Timestamp,
}

/// Why a document is fetched.
#[derive(Clone, Copy)]
enum Why {
    /// There is none that is fresh.
    Needed,
    /// The one there is lacks something.
    Lacking,
}

impl<T: Send + Sync + 'static> RemoteDocument<T> {
    /// A document that nobody has asked for yet.
    #[must_use]
    pub fn new(name: impl Into<String>, url: Url, remote: Remote, parse: Parse<T>) -> Self {
        Self(Arc::new(Shared {
            name: name.into(),
            shown: shown(&url),
            url,
            remote,
            parse,
            state: Mutex::new(State {
                good: None,
                failed: None,
                forced_at: None,
                ended: 0,
            }),
            flight: tokio::sync::Mutex::new(()),
        }))
    }

    /// The document as it counts now.
    pub async fn current(&self, now: Timestamp) -> Result<Arc<T>, RemoteError> {
        let ended = {
            let state = self.0.state();
            if state.is_settled(now) {
                return state.outcome(now);
            }
            state.ended
        };
        self.fetch(Why::Needed, ended, now).await
    }

    /// The document anew, because `seen` lacks something: a key that has just been published, perhaps. It is fetched
    /// for that at most once a minute. Where the server fails, what there is goes on to count.
    pub async fn newer_than(&self, seen: &Arc<T>, now: Timestamp) -> Result<Arc<T>, RemoteError> {
        let ended = {
            let state = self.0.state();
            let others = state.good.as_ref().filter(|good| good.is_fresh(now));
            if let Some(good) = others.filter(|good| !Arc::ptr_eq(&good.value, seen)) {
                return Ok(Arc::clone(&good.value));
            }
            state.ended
        };
        self.fetch(Why::Lacking, ended, now).await
    }

    /// Fetches, unless somebody else has done so since `ended` was read. The fetch is a task of its own: whoever
    /// goes away while it is under way does not end it for the others.
    async fn fetch(&self, why: Why, ended: u64, now: Timestamp) -> Result<Arc<T>, RemoteError> {
        let shared = Arc::clone(&self.0);
        let flight = tokio::spawn(async move { shared.fetch_once(why, ended, now).await });
        flight.await.unwrap_or(Err(RemoteError::NotFetched))
    }
}

impl<T> RemoteDocument<T> {
    /// How it fares.
    #[must_use]
    pub fn status(&self) -> RemoteStatus {
        let state = self.0.state();
        let good = state.good.as_ref();
        RemoteStatus {
            name: self.0.name.clone(),
            url: self.0.shown.clone(),
            fetched_at: good.map(|good| good.fetched_at),
            fresh_until: good.map(|good| good.fetched_at + good.fresh_for),
            last_error: state.failed.as_ref().map(|it| it.error.to_string()),
        }
    }
}

impl<T> Shared<T> {
    async fn fetch_once(
        &self,
        why: Why,
        ended: u64,
        now: Timestamp,
    ) -> Result<Arc<T>, RemoteError> {
        let _flight = self.flight.lock().await;
        {
            let mut state = self.state();
            if state.ended != ended {
                return state.outcome(now);
            }
            if matches!(why, Why::Lacking) {
                if state.forced_at.is_some_and(|at| within(at, now, AGAIN)) {
                    return state.outcome(now);
                }
                state.forced_at = Some(now);
            }
        }
        let fetched = self.read().await;
        let mut state = self.state();
        let failed_before = state.failed.is_some();
        state.end(fetched, now);
        match &state.failed {
            // Once for each outage: at every attempt it would fill the log.
            Some(failed) if !failed_before => tracing::warn!(
                document = %self.name, url = %self.shown, error = %failed.error,
                "a document of another server cannot be fetched"
            ),
            None if failed_before => tracing::info!(
                document = %self.name, url = %self.shown,
                "a document of another server is fetched again"
            ),
            _ => {}
        }
        state.outcome(now)
    }

    async fn read(&self) -> Result<(T, TimeDelta), RemoteError> {
        let fetched = self.remote.fetch(&self.url, LARGEST_DOCUMENT).await?;
        let value = (self.parse)(&fetched.bytes).map_err(RemoteError::Unusable)?;
        Ok((value, freshness::lifetime(fetched.max_age)))
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // A panic elsewhere leaves a whole state behind: what is written is written by plain assignments.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    /// Whether there is no reason to fetch: a fresh document, or a server that has just failed.
    fn is_settled(&self, now: Timestamp) -> bool {
        let fresh = self.good.as_ref().is_some_and(|good| good.is_fresh(now));
        let failed = self.failed.as_ref();
        fresh || failed.is_some_and(|failed| within(failed.at, now, PAUSE))
    }

    /// What there is.
    fn outcome(&self, now: Timestamp) -> Result<Arc<T>, RemoteError> {
        if let Some(good) = self.good.as_ref().filter(|good| good.is_kept(now)) {
            return Ok(Arc::clone(&good.value));
        }
        let failed = self.failed.as_ref();
        Err(failed.map_or(RemoteError::NotFetched, |failed| failed.error.clone()))
    }

    fn end(&mut self, fetched: Result<(T, TimeDelta), RemoteError>, now: Timestamp) {
        self.ended = self.ended.wrapping_add(1);
        match fetched {
            Ok((value, fresh_for)) => {
                self.good = Some(Good {
                    value: Arc::new(value),
                    fetched_at: now,
                    fresh_for,
                });
                self.failed = None;
            }
            Err(error) => self.failed = Some(Failed { error, at: now }),
        }
    }
}

impl<T> Good<T> {
    fn is_fresh(&self, now: Timestamp) -> bool {
        within(self.fetched_at, now, self.fresh_for)
    }

    fn is_kept(&self, now: Timestamp) -> bool {
        within(self.fetched_at, now, self.fresh_for + KEPT)
    }
}

/// Whether `now` is less than `span` away from `at`. A clock that was set back must not keep a document for ever, and
/// of those who wait together some have read the clock a little earlier.
fn within(at: Timestamp, now: Timestamp, span: TimeDelta) -> bool {
    (now - at).abs() < span
}

fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    // Both fail for URLs only that can hold neither.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.to_string()
}

impl<T> Clone for RemoteDocument<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for RemoteDocument<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteDocument")
            .field(&self.status())
            .finish()
    }
}
