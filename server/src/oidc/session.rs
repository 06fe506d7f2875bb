//! The End-User's session at the provider: found, begun, renewed. Its cookie changes at each login.

use std::sync::Arc;

use axum::http::HeaderValue;
use chrono::TimeDelta;

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
pub(super) struct Subject {
    pub(super) session: Session,
    pub(super) user: Arc<UserRecord>,
    /// The users file that the user was read from.
    pub(super) users: Digest,
}

/// The subject of this browser, if its session is live and its user is still one.
pub(super) async fn current(
    cx: &Provider,
    browser: &Browser,
    now: Timestamp,
) -> Result<Option<Subject>, StorageError> {
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
        Some(Subject {
            user: Arc::clone(user),
            users: users.digest,
            session,
        })
    }))
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
        work.sessions().delete(&other.id).await?;
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
