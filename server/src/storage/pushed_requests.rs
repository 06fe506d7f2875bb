//! Keeping authorization requests that came before the browser did, each for one browser and one code.
//! What a request says, and what the browser gets to see, is left to `oidc`.

use async_trait::async_trait;

use super::StorageError;
use crate::domain::clock::Timestamp;
use crate::domain::ids::ClientId;
use crate::domain::pushed::PushedRequest;
use crate::domain::secret::SecretHash;

/// Authorization requests that wait for their browser.
#[async_trait]
pub trait PushedRequests: Send {
    /// Stores a new request, to be found by the hash of the secret in its name.
    async fn insert(
        &mut self,
        request: &SecretHash,
        pushed: &PushedRequest,
    ) -> Result<(), StorageError>;

    /// The request, unless it has expired, for the client that it names and the first browser that comes.
    /// The same browser may come again; no other one may (RFC 9126, section 4).
    async fn claim(
        &mut self,
        request: &SecretHash,
        client: &ClientId,
        browser: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<PushedRequest>, StorageError>;

    /// Uses the request up: of all who try, one gets true. It may have expired since the browser came for it.
    async fn end(&mut self, request: &SecretHash) -> Result<bool, StorageError>;

    /// Deletes at most `limit` requests that have expired, and says how many.
    /// Those that a browser came for stay for a day after their expiry: a sign-in with them may go on.
    async fn purge(&mut self, now: Timestamp, limit: u32) -> Result<u64, StorageError>;
}
