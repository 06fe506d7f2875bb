//! `[sessions]`: how long sessions of End-Users and unfinished sign-ins live.
//! What a policy demands about their age is written in the policy, not here.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::{self, DAY, HOUR, MINUTE, YEAR};
use super::findings::Findings;

/// Sessions at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// How long a session lives at most.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub lifetime: Duration,
    /// How long a session lives without being used.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub idle: Duration,
    /// How long a sign-in may wait for the End-User.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub transaction_lifetime: Duration,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            lifetime: 30 * DAY,
            idle: 14 * DAY,
            transaction_lifetime: 10 * MINUTE,
        }
    }
}

impl Sessions {
    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        findings.check_duration("sessions.lifetime", self.lifetime, &(MINUTE..=YEAR));
        findings.check_duration("sessions.idle", self.idle, &(MINUTE..=YEAR));
        findings.check_duration(
            "sessions.transaction_lifetime",
            self.transaction_lifetime,
            &(MINUTE..=HOUR),
        );
    }

    /// How long an unused session lives: never longer than any session.
    #[must_use]
    pub fn idle_within_lifetime(&self) -> Duration {
        self.idle.min(self.lifetime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{accepted, refused};

    #[test]
    fn a_short_lifetime_shortens_the_idle_time() {
        let sessions = accepted("[sessions]\nlifetime = '8h'\n").sessions;
        assert_eq!(sessions.idle_within_lifetime(), 8 * HOUR);
    }

    #[test]
    fn a_sign_in_cannot_wait_for_hours() {
        let found = refused("[sessions]\ntransaction_lifetime = '2h'\n");
        assert_eq!(found[0].message, "`2h` is not accepted here");
        assert_eq!(
            found[0].help.as_deref(),
            Some("choose a duration from `1m` to `1h`")
        );
        assert_eq!(found[0].line, Some(3));
    }
}
