//! `[decisions]`: where the record of each decision is written besides the database, and how long it is kept.
//! What a record says is made in `audit`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::{self, DAY, YEAR};
use super::findings::Findings;

/// The value of `log` that means standard output.
const STANDARD_OUTPUT: &str = "-";

/// Records of decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Decisions {
    /// File to which each record is appended as a line of JSON; `-` is standard output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<PathBuf>,
    /// How long records stay in the database.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub keep: Duration,
}

impl Default for Decisions {
    fn default() -> Self {
        Self {
            log: None,
            keep: 400 * DAY,
        }
    }
}

impl Decisions {
    /// Whether records go to standard output.
    #[must_use]
    pub fn logs_to_standard_output(&self) -> bool {
        self.log.as_deref() == Some(Path::new(STANDARD_OUTPUT))
    }

    pub(super) fn anchor(&mut self, base: &Path) {
        if !self.logs_to_standard_output()
            && let Some(log) = &mut self.log
        {
            super::anchor(log, base);
        }
    }

    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        findings.check_duration("decisions.keep", self.keep, &(DAY..=20 * YEAR));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{accepted, refused};

    #[test]
    fn a_dash_logs_to_standard_output_and_no_file() {
        let decisions = accepted("[decisions]\nlog = '-'\n").decisions;
        assert!(decisions.logs_to_standard_output());
        assert_eq!(decisions.log.unwrap(), PathBuf::from("-"));
    }

    #[test]
    fn without_a_log_nothing_goes_logs_to_standard_output() {
        assert!(!accepted("").decisions.logs_to_standard_output());
    }

    #[test]
    fn records_are_kept_for_a_day_at_least() {
        assert_eq!(refused("[decisions]\nkeep = '1s'\n")[0].line, Some(3));
    }
}
