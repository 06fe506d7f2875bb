//! The seam between the server and its database: one small trait per aggregate, and the unit of work that joins them.
//! What may happen only once is guarded here, by single statements. Nothing else is decided here, least of all access.

mod access_tokens;
mod codes;
#[cfg(test)]
mod conformance;
mod error;
mod keys;
mod logouts;
mod pushed_requests;
mod records;
mod refresh_tokens;
mod replays;
mod sessions;
pub mod sqlite;
mod throttle;
mod tickets;
mod transactions;

use std::fmt;

use async_trait::async_trait;

pub use self::access_tokens::AccessTokens;
pub use self::codes::Codes;
pub use self::error::StorageError;
pub use self::keys::{Keys, StoredKey};
pub use self::logouts::Logouts;
pub use self::pushed_requests::PushedRequests;
pub use self::records::Records;
pub use self::refresh_tokens::RefreshTokens;
pub use self::replays::Replays;
pub use self::sessions::Sessions;
pub use self::throttle::{Attempt, Throttle};
pub use self::tickets::{DeviceVisit, Tickets};
pub use self::transactions::Transactions;

/// A database that keeps what the provider remembers.
#[async_trait]
pub trait Storage: Send + Sync + fmt::Debug {
    /// Begins a unit of work that may write. Units that write take turns, so keep them short
    /// and never begin a second one while holding the first.
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StorageError>;

    /// Begins a unit of work that only reads: one consistent view, which waits for no writer.
    /// A write in it may fail where another unit has written since.
    async fn read(&self) -> Result<Box<dyn UnitOfWork>, StorageError>;

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StorageError>;
}

/// Changes that happen together or not at all. Dropping it undoes them, and after an error that is all
/// that is left to do: not every database lets a unit go on.
///
/// Several aggregates have an `insert` and a `find`; the methods named after the aggregates say which one is meant:
/// `work.sessions().find(…)`, `work.codes().redeem(…)`.
#[async_trait]
pub trait UnitOfWork:
    Sessions
    + Transactions
    + Tickets
    + Codes
    + AccessTokens
    + RefreshTokens
    + PushedRequests
    + Replays
    + Logouts
    + Throttle
    + Records
    + Keys
    + Send
    + fmt::Debug
{
    /// Makes the changes last. When this returns without error they survive a loss of power.
    async fn commit(self: Box<Self>) -> Result<(), StorageError>;
}

impl dyn UnitOfWork + '_ {
    /// Sessions of End-Users.
    pub fn sessions(&mut self) -> &mut dyn Sessions {
        self
    }

    /// Pending sign-ins.
    pub fn transactions(&mut self) -> &mut dyn Transactions {
        self
    }

    /// Tickets to the device host and results from it.
    pub fn tickets(&mut self) -> &mut dyn Tickets {
        self
    }

    /// Authorization codes.
    pub fn codes(&mut self) -> &mut dyn Codes {
        self
    }

    /// Access tokens.
    pub fn access_tokens(&mut self) -> &mut dyn AccessTokens {
        self
    }

    /// Refresh tokens.
    pub fn refresh_tokens(&mut self) -> &mut dyn RefreshTokens {
        self
    }

    /// Authorization requests that wait for their browser.
    pub fn pushed_requests(&mut self) -> &mut dyn PushedRequests {
        self
    }

    /// What was shown already.
    pub fn replays(&mut self) -> &mut dyn Replays {
        self
    }

    /// Clients of sessions, and messages to them.
    pub fn logouts(&mut self) -> &mut dyn Logouts {
        self
    }

    /// Counters of attempts.
    pub fn throttle(&mut self) -> &mut dyn Throttle {
        self
    }

    /// Decision records.
    pub fn records(&mut self) -> &mut dyn Records {
        self
    }

    /// Signing keys.
    pub fn keys(&mut self) -> &mut dyn Keys {
        self
    }
}
