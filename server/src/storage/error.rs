//! What can go wrong with storage. Callers need to know little: whether to try again, to alert, or to choose
//! another key. What the End-User gets to see is decided where the error ends, never here.

use std::error::Error;

/// Storage did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database does not answer, is full, or refused the statement.
    #[error("storage is not available: {0}")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The database answered with something that the provider cannot have written.
    #[error("storage is corrupt: {what}")]
    Corrupt {
        /// What could not be read.
        what: String,
    },
    /// Something with the same key exists already.
    #[error("storage has another entry with the same key")]
    Conflict,
}

impl StorageError {
    pub(super) fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }

    pub(super) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { index, source } => {
                Self::corrupt(format!("column {index}: {source}"))
            }
            sqlx::Error::Database(error) if error.is_unique_violation() => Self::Conflict,
            other => Self::unavailable(other),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StorageError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::unavailable(error)
    }
}

#[cfg(test)]
mod tests {
    use super::StorageError;

    #[test]
    fn a_column_that_cannot_be_decoded_is_corruption() {
        let error = StorageError::from(sqlx::Error::ColumnDecode {
            index: "\"user_id\"".to_owned(),
            source: "not text".into(),
        });
        assert_eq!(
            error.to_string(),
            "storage is corrupt: column \"user_id\": not text"
        );
    }

    #[test]
    fn a_closed_pool_is_unavailability() {
        assert!(matches!(
            StorageError::from(sqlx::Error::PoolClosed),
            StorageError::Unavailable(_)
        ));
    }
}
