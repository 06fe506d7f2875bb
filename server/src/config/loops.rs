//! `[loops]`: how often a client may send a browser back for the same answer.
//! What is counted, and what comes after, is left to `oidc`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::{self, HOUR, MINUTE, SECOND};
use super::findings::Findings;

/// When a browser that goes round in circles is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Loops {
    /// How often the same answer may go to the same application within the window.
    pub limit: u32,
    /// The window in which answers are counted.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub window: Duration,
}

impl Default for Loops {
    fn default() -> Self {
        Self {
            limit: 6,
            window: MINUTE,
        }
    }
}

impl Loops {
    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        if self.limit < 2 {
            findings.error(
                "loops.limit",
                "people open an application twice, and that is no loop",
                "choose at least 2",
            );
        }
        findings.check_duration("loops.window", self.window, &(10 * SECOND..=HOUR));
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{accepted, refused};

    #[test]
    fn an_application_can_be_opened_twice() {
        accepted("[loops]\nlimit = 2\n");
        for limit in [0, 1] {
            let found = refused(&format!("[loops]\nlimit = {limit}\n"));
            assert_eq!(found[0].line, Some(3), "{limit}");
        }
    }

    #[test]
    fn a_window_is_as_long_as_a_loop_is_noticed_in() {
        accepted("[loops]\nwindow = '10s'\n");
        for window in ["9s", "61m"] {
            let found = refused(&format!("[loops]\nwindow = '{window}'\n"));
            assert_eq!(found[0].line, Some(3), "{window}");
        }
    }
}
