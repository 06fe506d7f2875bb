//! A decision record as storage keeps it: the whole as JSON, and beside it what people search for.
//! What the JSON says, and who gets to see it, is decided in `audit`.

use crate::domain::clock::Timestamp;
use crate::domain::ids::Reference;

/// The record of one decision, or of a sign-in that ended without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// The short number of the sign-in. A sign-in that was decided more than once has several records.
    pub reference: Reference,
    /// When it was decided.
    pub at: Timestamp,
    /// How it ended, in one word.
    pub outcome: String,
    /// The client, where it was known.
    pub client: Option<String>,
    /// The user, where they were known.
    pub user: Option<String>,
    /// The whole record.
    pub json: String,
}
