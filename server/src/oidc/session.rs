//! The End-User's session at the provider: found, begun, renewed, ended. Its cookie changes at each login. And whom a request
//! is about, where it is no session that says so.

use std::sync::Arc;

use axum::http::HeaderValue;
use chrono::TimeDelta;

use super::backchannel;
use super::browser::Browser;
use super::provider::Provider;
use crate::directory::users::UserRecord;
use crate::domain::authentication::{Authentication, DeviceProof};
use crate::domain::clock::Timestamp;
use crate::domain::ids::SessionId;
use crate::domain::secret::Secret;
use crate::domain::session::Session;
use crate::reload::Digest;
use crate::storage::{StorageError, UnitOfWork};
use crate::web::cookies::{HostCookie, Persistence};

/// An End-User with a live session.
#[derive(Debug, Clone)]
pub(super) struct SignedIn {
    pub(super) session: Session,
    pub(super) user: Arc<UserRecord>,
    /// The users file that the user was read from.
    pub(super) users: Digest,
}

/// An End-User about whom something can be decided.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) user: Arc<UserRecord>,
    /// The users file that the user was read from.
    pub(super) users: Digest,
    pub(super) standing: Standing,
}

impl Subject {
    /// Whether the consumer says whom it is about, and nobody has signed in here.
    pub(super) fn is_hinted(&self) -> bool {
        matches!(self.standing, Standing::Hinted { .. })
    }
}

/// Why we take it that the request is about this user.
#[derive(Debug, Clone)]
pub(super) enum Standing {
    /// The user has signed in here, in this browser.
    Session(Session),
    /// The consumer says whom it is about, having seen a first factor itself. There is no session then, and none begins.
    Hinted {
        /// What was proved here, for this very request.
        authentication: Authentication,
        /// What the hint is worth.
        by: Hint,
    },
}

/// What a hint at a user is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    /// The consumer has signed it.
    Signed,
    /// The device proved itself, and it is this user's.
    Device,
    /// Anybody could have written it.
    Claimed,
}

impl Standing {
    /// How, and when, the user authenticated here.
    pub(super) fn authentication(&self) -> &Authentication {
        match self {
            Self::Session(session) => &session.authentication,
            Self::Hinted { authentication, .. } => authentication,
        }
    }

    /// The session, where there is one.
    pub(super) fn session_id(&self) -> Option<&SessionId> {
        match self {
            Self::Session(session) => Some(&session.id),
            Self::Hinted { .. } => None,
        }
    }

    /// What the device proved in the session, where it ever did.
    pub(super) fn device(&self) -> Option<&DeviceProof> {
        match self {
            Self::Session(session) => session.device.as_ref(),
            Self::Hinted { .. } => None,
        }
    }

    /// Whether anybody at all could have sent the request.
    pub(super) fn is_strangers(&self) -> bool {
        match self {
            Self::Session(_) => false,
            Self::Hinted { by, .. } => *by == Hint::Claimed,
        }
    }

    /// The same, with the password that a user without a session has entered for this very request.
    #[must_use]
    pub(super) fn with_password(self, entered_at: Option<Timestamp>) -> Self {
        match (self, entered_at) {
            (
                Self::Hinted {
                    mut authentication,
                    by,
                },
                Some(at),
            ) => {
                authentication.password_at = Some(at);
                authentication.methods.insert("pwd".to_owned());
                Self::Hinted { authentication, by }
            }
            // A session knows of its passwords.
            (standing, _) => standing,
        }
    }
}

impl From<SignedIn> for Subject {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            user: signed_in.user,
            users: signed_in.users,
            standing: Standing::Session(signed_in.session),
        }
    }
}

/// Whoever is signed in in this browser, if the session is live and its user is still one.
pub(super) async fn current(
    cx: &Provider,
    browser: &Browser,
    now: Timestamp,
) -> Result<Option<SignedIn>, StorageError> {
    let Some(cookie) = browser.session() else {
        return Ok(None);
    };
    let mut work = cx.storage.read().await?;
    let session = work.sessions().find(&cookie.digest(), now).await?;
    let users = cx.users.current();
    Ok(session.and_then(|session| {
        let user = users
            .value
            .by_id(&session.user)
            .filter(|user| !user.disabled)?;
        Some(SignedIn {
            user: Arc::clone(user),
            users: users.digest,
            session,
        })
    }))
}

/// Ends the session of this browser, if it has one, whether its user is still one or not.
pub(super) async fn end(
    cx: &Provider,
    browser: &Browser,
    now: Timestamp,
) -> Result<(), StorageError> {
    let Some(cookie) = browser.session() else {
        return Ok(());
    };
    // Looked at first: a cookie that opens nothing must not make others wait for the one writer.
    let mut reading = cx.storage.read().await?;
    let found = reading.sessions().find(&cookie.digest(), now).await?;
    drop(reading);
    if let Some(session) = found {
        let mut work = cx.storage.begin().await?;
        end_within(cx, work.as_mut(), &session.id, now).await?;
        work.commit().await?;
        cx.backchannel.wake();
    }
    Ok(())
}

/// Ends a session and the refresh tokens that end with it, and writes down who has to hear of it. Once the unit is
/// committed, somebody has to wake whoever sends the messages.
async fn end_within(
    cx: &Provider,
    work: &mut dyn UnitOfWork,
    session: &SessionId,
    now: Timestamp,
) -> Result<(), StorageError> {
    work.sessions().delete(session).await?;
    work.refresh_tokens().revoke_session(session).await?;
    backchannel::announce(cx, work, session, now).await
}

/// Begins or renews the session of a user who has just entered the password, under a new cookie:
/// whoever knew the old one gains nothing (session fixation).
pub(super) async fn after_password(
    cx: &Provider,
    work: &mut dyn UnitOfWork,
    user: &UserRecord,
    old: Option<Session>,
    device: Option<DeviceProof>,
    now: Timestamp,
) -> Result<(SessionId, HeaderValue), StorageError> {
    let cookie = Secret::generate(cx.entropy.as_ref());
    let (same, other) = match old {
        Some(session) if session.user == user.id => (Some(session), None),
        other => (None, other),
    };
    if let Some(other) = other {
        end_within(cx, work, &other.id, now).await?;
    }
    let mut authentication = same
        .as_ref()
        .map_or_else(Authentication::default, |s| s.authentication.clone());
    authentication.password_at = Some(now);
    authentication.methods.insert("pwd".to_owned());
    let known_device = same.as_ref().and_then(|session| session.device.clone());
    let session = Session {
        id: same.as_ref().map_or_else(
            || SessionId::generate(cx.entropy.as_ref()),
            |session| session.id.clone(),
        ),
        user: user.id.clone(),
        authentication,
        device: newest(device, known_device),
        created_at: now,
        last_seen_at: now,
        expires_at: now + cx.lifetimes.session.min(cx.lifetimes.idle_session),
    };
    // A renewed session is a new row under the old public identifier.
    if same.is_some() {
        work.sessions().delete(&session.id).await?;
    }
    work.sessions().insert(&session, &cookie.digest()).await?;
    let set = HostCookie::Session.set(&cookie, Persistence::For(cx.lifetimes.session));
    Ok((session.id, set))
}

/// The session as it is after being used at `now`.
pub(super) fn used(
    session: &Session,
    lifetime: TimeDelta,
    idle: TimeDelta,
    now: Timestamp,
) -> Session {
    Session {
        last_seen_at: now,
        expires_at: (now + idle).min(session.created_at + lifetime),
        ..session.clone()
    }
}

/// The newer of two device proofs.
pub(super) fn newest(a: Option<DeviceProof>, b: Option<DeviceProof>) -> Option<DeviceProof> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if a.proved_at >= b.proved_at { a } else { b }),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::UserId;

    fn at(minute: i64) -> Timestamp {
        let noon: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        noon + TimeDelta::minutes(minute)
    }

    fn hinted(by: Hint) -> Standing {
        Standing::Hinted {
            authentication: Authentication::default(),
            by,
        }
    }

    fn session() -> Session {
        Session {
            id: SessionId::new("of-ana"),
            user: UserId::new("u-ana"),
            authentication: Authentication {
                password_at: Some(at(0)),
                ..Authentication::default()
            },
            device: None,
            created_at: at(0),
            last_seen_at: at(0),
            expires_at: at(60),
        }
    }

    #[test]
    fn whoever_is_hinted_at_has_no_session_and_no_device_in_it() {
        for by in [Hint::Signed, Hint::Device, Hint::Claimed] {
            let standing = hinted(by);
            assert_eq!(standing.session_id(), None);
            assert_eq!(standing.device(), None);
            assert_eq!(standing.authentication().auth_time(), None);
            assert_eq!(standing.is_strangers(), by == Hint::Claimed);
        }
    }

    #[test]
    fn a_password_joins_a_hint_and_leaves_a_session_as_it_is() {
        let standing = hinted(Hint::Signed).with_password(Some(at(3)));
        let authentication = standing.authentication();
        assert_eq!(authentication.password_at, Some(at(3)));
        assert!(authentication.methods.contains("pwd"));

        let standing = Standing::Session(session()).with_password(Some(at(3)));
        assert_eq!(standing.authentication().password_at, Some(at(0)));
        assert!(!standing.is_strangers());
        let untouched = hinted(Hint::Signed).with_password(None);
        assert_eq!(untouched.authentication(), &Authentication::default());
    }
}
