//! `[geoip]`: databases that tell the country of an address.
//! They are read and asked in `signals`; without any, the country of a request is unknown.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::{self, DAY, YEAR};
use super::findings::Findings;

/// GeoIP databases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Geoip {
    /// Files in the `MaxMind` format, asked in this order.
    pub databases: Vec<PathBuf>,
    /// How long after its build a database still counts.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub max_age: Duration,
}

impl Default for Geoip {
    fn default() -> Self {
        Self {
            databases: Vec::new(),
            max_age: 60 * DAY,
        }
    }
}

impl Geoip {
    pub(super) fn anchor(&mut self, base: &Path) {
        for database in &mut self.databases {
            super::anchor(database, base);
        }
    }

    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        findings.check_duration("geoip.max_age", self.max_age, &(DAY..=10 * YEAR));
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{accepted, refused};

    #[test]
    fn without_the_section_there_is_no_database() {
        assert!(accepted("").geoip.databases.is_empty());
    }

    #[test]
    fn an_age_of_less_than_a_day_is_refused() {
        assert_eq!(refused("[geoip]\nmax_age = '1h'\n")[0].line, Some(3));
    }
}
