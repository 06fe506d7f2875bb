//! Keeping authorization codes, each good for one redemption.
//! Whether the client, the redirect URI and the verifier fit is left to `oidc`.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::clock::Timestamp;
use crate::domain::code::{NewCode, Redemption};
use crate::domain::secret::SecretHash;

/// Authorization codes.
#[async_trait]
pub trait Codes: Send {
    /// Stores a new code.
    async fn insert(&mut self, code: &NewCode) -> Result<(), StorageError>;

    /// Redeems the code: of all who try in time, one gets it (RFC 6749, section 4.1.2).
    /// The others learn of which grant it was, for as long as the code is remembered.
    async fn redeem(
        &mut self,
        code: &SecretHash,
        now: Timestamp,
    ) -> Result<Redemption, StorageError>;

    /// Deletes at most `limit` codes that have expired, and says how many.
    /// Redeemed ones stay for a day after their expiry, so that replays are seen.
    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError>;
}
