//! `[throttle]`: how many attempts to sign in are let through.
//! Attempts are counted in `storage`, so that all replicas share one count; unfinished sign-ins are counted
//! in memory, since what they must be kept from filling is the storage.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::{self, DAY, MINUTE, SECOND};
use super::findings::Findings;

/// Limits on attempts to sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Throttle {
    /// Attempts on one account within the window.
    pub per_account: u32,
    /// Attempts from one address within the window.
    pub per_address: u32,
    /// Sign-ins begun from one address within the window, without a session, that nobody has finished.
    /// As many records of requests about which nothing was decided are stored.
    pub unfinished_per_address: u32,
    /// The window in which attempts are counted.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub window: Duration,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            per_account: 10,
            per_address: 50,
            unfinished_per_address: 1000,
            window: 15 * MINUTE,
        }
    }
}

impl Throttle {
    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        for (path, limit) in [
            ("throttle.per_account", self.per_account),
            ("throttle.per_address", self.per_address),
            (
                "throttle.unfinished_per_address",
                self.unfinished_per_address,
            ),
        ] {
            if limit == 0 {
                findings.error(
                    path,
                    "with a limit of 0 nobody could sign in",
                    "choose at least 1",
                );
            }
        }
        findings.check_duration("throttle.window", self.window, &(SECOND..=DAY));
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::refused;

    #[test]
    fn limits_of_zero_are_refused() {
        let found =
            refused("[throttle]\nper_account = 0\nper_address = 0\nunfinished_per_address = 0\n");
        let lines: Vec<_> = found.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [Some(3), Some(4), Some(5)]);
    }

    #[test]
    fn a_negative_limit_is_refused() {
        let found = refused("[throttle]\nper_account = -1\n");
        assert_eq!(
            found[0].message,
            "expected a whole number from 0 to 4294967295, found the number `-1`"
        );
    }
}
