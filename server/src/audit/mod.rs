//! Decision records: what was decided, on which facts, by which policies, findable by its reference.
//!
//! A decision without its record did not happen: the record is written in the same unit of work as
//! what the decision brings about. The line in the decision log follows once that is committed.

mod caller;
mod log;
mod record;

pub use caller::Caller;
pub use log::{DecisionLog, LogError};
pub use record::{DecisionRecord, Ending, Inputs, SignalTrail};

use crate::domain::record::StoredRecord;
use crate::storage::{StorageError, UnitOfWork};

/// Writes the record within `work`. Commit it, then hand the record to [`DecisionLog::write`].
pub async fn record(
    work: &mut dyn UnitOfWork,
    record: &DecisionRecord,
) -> Result<(), StorageError> {
    let json = serde_json::to_string(record).map_err(|_| StorageError::Corrupt {
        what: "a decision record cannot be written as JSON".to_owned(),
    })?;
    let stored = StoredRecord {
        reference: record.reference,
        at: record.at,
        outcome: record.ending.word().to_owned(),
        client: record.client.clone(),
        user: record.user.clone(),
        json,
    };
    work.records().insert(&stored).await
}
