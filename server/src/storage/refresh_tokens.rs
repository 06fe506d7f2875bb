//! Keeping refresh tokens, and seeing when one is used a second time.
//! Who may use one, and what for, is left to `oidc` and the policies.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{GrantId, SessionId};
use crate::domain::refresh::{PresentedRefresh, RefreshToken, Rotation};
use crate::domain::secret::SecretHash;

/// Refresh tokens.
#[async_trait]
pub trait RefreshTokens: Send {
    /// Stores a new token, the first of its grant.
    async fn insert(&mut self, token: &RefreshToken) -> Result<(), StorageError>;

    /// The token, unless it has expired. Looking at it does not use it.
    async fn find(
        &mut self,
        token: &SecretHash,
        now: Timestamp,
    ) -> Result<PresentedRefresh, StorageError>;

    /// Replaces the token by `new`: of all who try in time, one does (RFC 9700, section 4.14.2).
    /// The others learn of which grant it was, for as long as a successor could live.
    async fn rotate(
        &mut self,
        old: &SecretHash,
        new: &RefreshToken,
        now: Timestamp,
    ) -> Result<Rotation, StorageError>;

    /// Stores that the token was used and stays the one to use, now until `idle_until` or its expiry.
    /// False where there is no such token, or it has expired or was replaced.
    async fn touch(
        &mut self,
        token: &SecretHash,
        idle_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StorageError>;

    /// Revokes every token of the grant, used or not, and says how many there were.
    async fn revoke_grant(&mut self, grant: &GrantId) -> Result<u64, StorageError>;

    /// Revokes every token that ends with the session, and says how many there were.
    async fn revoke_session(&mut self, session: &SessionId) -> Result<u64, StorageError>;

    /// Deletes at most `limit` tokens that have expired, and says how many.
    /// Used ones stay until their successors expire, so that a second use is seen.
    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError>;
}
