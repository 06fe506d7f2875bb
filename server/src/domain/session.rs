//! An End-User's session at the provider, as storage keeps it.
//! The secret in the browser's cookie is no part of it: storage knows only that secret's hash.

use crate::domain::authentication::{Authentication, DeviceProof};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{SessionId, UserId};

/// A user who is signed in to the provider in one browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The public identifier.
    pub id: SessionId,
    /// Whose session it is. A session never changes hands: another user gets another session.
    pub user: UserId,
    /// How, and when, the user authenticated.
    pub authentication: Authentication,
    /// What the device proved last, where it ever did.
    pub device: Option<DeviceProof>,
    /// When the session began.
    pub created_at: Timestamp,
    /// When the user last came by.
    pub last_seen_at: Timestamp,
    /// From this instant on the session is over.
    pub expires_at: Timestamp,
}
