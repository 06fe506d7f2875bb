//! Notices that a browser goes round in circles: the same client gets the same answer about the same user again and
//! again, because it does not take it and sends the browser straight back. What becomes of such a request is left to
//! `authorize::stopped`.

use axum::http::header;
use axum::response::Response;
use chrono::TimeDelta;

use super::authorize::Visit;
use super::origin::Origin;
use super::session::Subject;
use crate::domain::ids::ClientId;
use crate::domain::secret::SecretHash;
use crate::storage::{Attempt, StorageError, UnitOfWork};
use crate::web::cookies::{HostCookie, Persistence};

/// How often the same answer may go to the same client within a window.
#[derive(Debug, Clone, Copy)]
pub struct Loops {
    /// How often.
    pub limit: u32,
    /// The window.
    pub window: TimeDelta,
}

/// A browser on its way back to a client, with an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passing<'a> {
    pub(super) client: &'a ClientId,
    /// Several applications behind one client may well be opened at the same moment.
    pub(super) application: &'a str,
    pub(super) subject: Option<&'a Subject>,
    /// The answer in one word.
    pub(super) outcome: &'static str,
}

/// Whether the browser may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may.
    GoOn,
    /// It has been here too often.
    Stop {
        /// Whether nobody has been told of this window yet.
        first: bool,
    },
}

/// Counts the answer within the unit of work that ends the request. Commit it whatever the verdict is: what is
/// rolled back was never counted.
pub(super) async fn count(
    visit: &Visit<'_>,
    work: &mut dyn UnitOfWork,
    passing: &Passing<'_>,
) -> Result<Verdict, StorageError> {
    let Some(browser) = known_by(visit, passing.subject) else {
        return Ok(Verdict::GoOn);
    };
    let Loops { limit, window } = visit.cx.loops;
    let key = passing.key(&browser);
    let counted = work
        .throttle()
        .attempt(&key, visit.now, window, limit)
        .await?;
    let Attempt::Blocked { until } = counted else {
        return Ok(Verdict::GoOn);
    };
    // Each window has one alert: its end tells it from the one before and the one after.
    let told = joined(&[
        b"loop-alert",
        key.as_bytes(),
        &until.timestamp_millis().to_be_bytes(),
    ]);
    let alert = work.throttle().attempt(&told, visit.now, window, 1).await?;
    Ok(Verdict::Stop {
        first: matches!(alert, Attempt::Allowed { .. }),
    })
}

/// The response, with a cookie for a browser that has none, so that it is known when it comes back. One that keeps no
/// cookies is in no loop of ours for long: without them there is no signing in.
pub(super) fn mark(visit: &Visit<'_>, mut response: Response) -> Response {
    if visit.browser.session().is_none() {
        let (cookie, new) = visit.browser.identity_or_new(visit.cx.entropy.as_ref());
        if new {
            let set = HostCookie::Browser.set(&cookie, Persistence::UntilBrowserCloses);
            response.headers_mut().append(header::SET_COOKIE, set);
        }
    }
    response
}

/// What the browser is known by. Its session comes first, because it outlives the other cookie. An address alone stands
/// for a whole office, so it counts only together with a user; where neither is known nothing is counted.
fn known_by(visit: &Visit<'_>, subject: Option<&Subject>) -> Option<Vec<u8>> {
    let session = subject.and_then(|subject| subject.standing.session_id());
    if let Some(session) = session {
        return Some(session.as_str().as_bytes().to_vec());
    }
    let cookie = visit.browser.identity().or_else(|| visit.browser.session());
    match (cookie, subject) {
        (Some(cookie), _) => Some(cookie.digest().as_bytes().to_vec()),
        (None, Some(_)) => {
            let origin = Origin::of(visit.cx, visit.browser, visit.now);
            Some(origin.to_string().into_bytes())
        }
        (None, None) => None,
    }
}

impl Passing<'_> {
    fn key(&self, browser: &[u8]) -> SecretHash {
        let user = self.subject.map_or("", |subject| subject.user.id.as_str());
        joined(&[
            b"loop",
            self.client.as_str().as_bytes(),
            self.application.as_bytes(),
            browser,
            user.as_bytes(),
            self.outcome.as_bytes(),
        ])
    }
}

/// The hash of these parts, of which none can be taken for a piece of its neighbour.
fn joined(parts: &[&[u8]]) -> SecretHash {
    let mut all = Vec::new();
    for part in parts {
        all.extend_from_slice(&part.len().to_be_bytes());
        all.extend_from_slice(part);
    }
    SecretHash::of(&all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(client: &str, application: &str, browser: &str, outcome: &'static str) -> SecretHash {
        let client = ClientId::new(client);
        let passing = Passing {
            client: &client,
            application,
            subject: None,
            outcome,
        };
        passing.key(browser.as_bytes())
    }

    #[test]
    fn what_differs_in_anything_is_counted_apart() {
        let same = key("okta", "wiki", "b1", "permitted");
        assert_eq!(key("okta", "wiki", "b1", "permitted"), same);
        for other in [
            key("entra", "wiki", "b1", "permitted"),
            key("okta", "payroll", "b1", "permitted"),
            key("okta", "wiki", "b2", "permitted"),
            key("okta", "wiki", "b1", "access_denied"),
        ] {
            assert_ne!(other, same);
        }
    }

    #[test]
    fn no_part_can_be_taken_for_a_piece_of_its_neighbour() {
        assert_ne!(key("a", "bc", "d", "e"), key("ab", "c", "d", "e"));
        assert_ne!(joined(&[b"a", b""]), joined(&[b"a"]));
    }
}
