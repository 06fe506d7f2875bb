//! `[reload]`: how soon a changed file is noticed.
//! The noticing itself is the work of the room `reload`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::{self, HOUR, MINUTE, SECOND};
use super::findings::Findings;

/// Reloading of policies, users, clients, inventory, databases and certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reload {
    /// How often files are read without having been reported as changed, as network file systems need.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub interval: Duration,
    /// How long files must have been left alone before they are read.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub quiet: Duration,
    /// How long files that keep changing can put off the reading.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub longest_wait: Duration,
}

impl Default for Reload {
    fn default() -> Self {
        Self {
            interval: 30 * SECOND,
            quiet: Duration::from_millis(100),
            longest_wait: 3 * SECOND,
        }
    }
}

impl Reload {
    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        let instant = Duration::from_millis(1);
        findings.check_duration("reload.interval", self.interval, &(SECOND..=HOUR));
        findings.check_duration("reload.quiet", self.quiet, &(instant..=10 * SECOND));
        // A wait that ends before the silence it bounds would make the silence mean nothing.
        let shortest = self.quiet.clamp(instant, MINUTE);
        findings.check_duration(
            "reload.longest_wait",
            self.longest_wait,
            &(shortest..=MINUTE),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{accepted, refused};

    #[test]
    fn the_defaults_notice_a_change_at_once() {
        let reload = accepted("").reload;
        assert_eq!(reload, Reload::default());
        assert!(reload.quiet < SECOND);
    }

    #[test]
    fn a_wait_shorter_than_the_silence_it_bounds_is_refused() {
        let found = refused("[reload]\nquiet = '2s'\nlongest_wait = '1s'\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, Some(4));
    }
}
