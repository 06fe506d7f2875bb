//! Keeping access tokens by their hashes. What a token opens is left to `oidc`.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::clock::Timestamp;
use crate::domain::code::AccessToken;
use crate::domain::ids::GrantId;
use crate::domain::secret::SecretHash;

/// Access tokens.
#[async_trait]
pub trait AccessTokens: Send {
    /// Stores a new token.
    async fn insert(&mut self, token: &AccessToken) -> Result<(), StorageError>;

    /// The token, unless it has expired or was revoked.
    async fn find(
        &mut self,
        token: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<AccessToken>, StorageError>;

    /// Revokes the token. False where there is no such token.
    async fn revoke(&mut self, token: &SecretHash) -> Result<bool, StorageError>;

    /// Revokes every token of the grant, and says how many there were.
    async fn revoke_grant(&mut self, grant: &GrantId) -> Result<u64, StorageError>;

    /// Deletes at most `limit` tokens that have expired, and says how many.
    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError>;
}
