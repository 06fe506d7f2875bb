//! Refresh tokens as storage keeps them: each is good for one use, or for many where it is bound to a key.
//! When one is given, and what is asked before it is used, is left to `oidc` and the policies.

use crate::domain::clock::Timestamp;
use crate::domain::grant::Grant;
use crate::domain::ids::{GrantId, SessionId};
use crate::domain::secret::SecretHash;

/// A refresh token to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The hash of the token.
    pub hash: SecretHash,
    /// What the token stands for.
    pub grant: Grant,
    /// The session that the token ends with; nothing where it outlives sessions.
    pub session: Option<SessionId>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From this instant on the token is worthless, however often it was replaced: its successors have the same.
    pub expires_at: Timestamp,
    /// From this instant on the token is worthless if it was not used before.
    pub idle_until: Timestamp,
}

/// A refresh token that storage knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRefresh {
    /// What the token stands for.
    pub grant: Grant,
    /// The session that the token ends with.
    pub session: Option<SessionId>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it, and whatever replaces it, ends.
    pub expires_at: Timestamp,
}

/// What a refresh token turns out to be that somebody presents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresentedRefresh {
    /// It can be used. Between this answer and the use, somebody else may use it: only the use itself is guarded.
    Live(Box<StoredRefresh>),
    /// It was replaced before: it is in two hands, and the grant has to be revoked (RFC 9700, section 4.14.2).
    Used(Box<StoredRefresh>),
    /// There is no such token, or it has expired.
    Unknown,
}

/// What became of an attempt to replace a refresh token by the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// It was the first attempt, in time. The new token is stored, the old one will never be replaced again.
    Rotated(Box<StoredRefresh>),
    /// The token was replaced before: whatever was made from its grant has to be revoked (RFC 9700, section 4.14.2).
    /// The new token was not stored.
    Reused(GrantId),
    /// There is no such token, or it has expired. The new token was not stored.
    Unknown,
}
