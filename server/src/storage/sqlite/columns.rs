//! Values on their way into and out of rows: instants as milliseconds, compound values as JSON.
//! A value that does not read back is corruption and never a default.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::domain::clock::Timestamp;
use crate::storage::StorageError;

/// The instant as the database keeps it.
pub(super) fn millis(instant: Timestamp) -> i64 {
    instant.timestamp_millis()
}

/// The instant that the database kept.
pub(super) fn instant(millis: i64) -> Result<Timestamp, StorageError> {
    Timestamp::from_timestamp_millis(millis)
        .ok_or_else(|| StorageError::corrupt(format!("instant {millis}")))
}

/// The value as JSON.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|error| StorageError::corrupt(error.to_string()))
}

/// The value as JSON, where there is one.
pub(super) fn optional_json<T: Serialize>(
    value: Option<&T>,
) -> Result<Option<String>, StorageError> {
    value.map(json).transpose()
}

/// Columns of a row by their names.
pub(super) trait Columns {
    /// A text.
    fn text(&self, column: &str) -> Result<String, StorageError>;
    /// A text, or null.
    fn optional_text(&self, column: &str) -> Result<Option<String>, StorageError>;
    /// A whole number.
    fn number(&self, column: &str) -> Result<i64, StorageError>;
    /// A whole number that is small and not negative.
    fn count(&self, column: &str) -> Result<u32, StorageError>;
    /// Bytes.
    fn bytes(&self, column: &str) -> Result<Vec<u8>, StorageError>;
    /// Bytes, or null.
    fn optional_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, StorageError>;
    /// A SHA-256, or null.
    fn optional_digest(&self, column: &str) -> Result<Option<[u8; 32]>, StorageError>;
    /// An instant.
    fn instant(&self, column: &str) -> Result<Timestamp, StorageError>;
    /// An instant, or null.
    fn optional_instant(&self, column: &str) -> Result<Option<Timestamp>, StorageError>;
    /// A value that was written as JSON.
    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StorageError>;
    /// A value that was written as JSON, or null.
    fn optional_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StorageError>;
    /// A value that was written by its name.
    fn named<T>(
        &self,
        column: &str,
        from_name: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StorageError>;
}

impl Columns for SqliteRow {
    fn text(&self, column: &str) -> Result<String, StorageError> {
        Ok(self.try_get::<String, _>(column)?)
    }

    fn optional_text(&self, column: &str) -> Result<Option<String>, StorageError> {
        Ok(self.try_get::<Option<String>, _>(column)?)
    }

    fn number(&self, column: &str) -> Result<i64, StorageError> {
        Ok(self.try_get::<i64, _>(column)?)
    }

    fn count(&self, column: &str) -> Result<u32, StorageError> {
        let number = self.number(column)?;
        u32::try_from(number).map_err(|_| StorageError::corrupt(format!("{column} {number}")))
    }

    fn bytes(&self, column: &str) -> Result<Vec<u8>, StorageError> {
        Ok(self.try_get::<Vec<u8>, _>(column)?)
    }

    fn optional_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.try_get::<Option<Vec<u8>>, _>(column)?)
    }

    fn optional_digest(&self, column: &str) -> Result<Option<[u8; 32]>, StorageError> {
        self.optional_bytes(column)?
            .map(|bytes| {
                <[u8; 32]>::try_from(bytes).map_err(|bytes| {
                    StorageError::corrupt(format!("{column} of {} bytes", bytes.len()))
                })
            })
            .transpose()
    }

    fn instant(&self, column: &str) -> Result<Timestamp, StorageError> {
        instant(self.number(column)?)
    }

    fn optional_instant(&self, column: &str) -> Result<Option<Timestamp>, StorageError> {
        self.try_get::<Option<i64>, _>(column)?
            .map(instant)
            .transpose()
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StorageError> {
        parse(&self.text(column)?, column)
    }

    fn optional_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StorageError> {
        self.optional_text(column)?
            .map(|text| parse(&text, column))
            .transpose()
    }

    fn named<T>(
        &self,
        column: &str,
        from_name: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StorageError> {
        let name = self.text(column)?;
        from_name(&name).ok_or_else(|| StorageError::corrupt(format!("{column} `{name}`")))
    }
}

fn parse<T: DeserializeOwned>(text: &str, column: &str) -> Result<T, StorageError> {
    serde_json::from_str(text)
        .map_err(|error| StorageError::corrupt(format!("column {column}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::{instant, millis};
    use chrono::DateTime;

    #[test]
    fn an_instant_of_whole_milliseconds_reads_back_as_it_was() {
        let written = DateTime::from_timestamp_millis(1_800_000_000_123).unwrap();
        assert_eq!(instant(millis(written)).unwrap(), written);
    }

    #[test]
    fn a_number_beyond_the_calendar_is_corruption() {
        assert_eq!(
            instant(i64::MAX).unwrap_err().to_string(),
            "storage is corrupt: instant 9223372036854775807"
        );
    }
}
