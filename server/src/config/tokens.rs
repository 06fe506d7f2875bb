//! `[tokens]`: how tokens are signed and how long codes and tokens live.
//! Keys are made and kept in `tokens`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::{self, DAY, HOUR, MINUTE, SECOND, YEAR};
use super::findings::Findings;

/// Codes and tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tokens {
    /// How ID tokens are signed.
    pub algorithm: Algorithm,
    /// How long an ID token is valid. It is a message to the client, not a session.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub id_token_lifetime: Duration,
    /// How long an access token is valid.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub access_token_lifetime: Duration,
    /// How long an authorization code can be redeemed.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub code_lifetime: Duration,
    /// How long a request that a client has pushed waits for its browser.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub pushed_lifetime: Duration,
    /// How long a client may renew tokens after a sign-in, however often it does.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub refresh_lifetime: Duration,
    /// How long a refresh token is valid that is not used.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub refresh_idle: Duration,
    /// A file with the key of pairwise subjects: 32 random bytes in base64. Without it no client can have them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairwise_key: Option<PathBuf>,
}

/// An algorithm that signs ID tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    #[default]
    Es256,
    /// RSA with PKCS #1 v1.5 and SHA-256, which every client understands.
    Rs256,
    /// `EdDSA` with Ed25519.
    EdDsa,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            id_token_lifetime: 5 * MINUTE,
            access_token_lifetime: 10 * MINUTE,
            code_lifetime: 60 * SECOND,
            pushed_lifetime: 90 * SECOND,
            refresh_lifetime: 30 * DAY,
            refresh_idle: 14 * DAY,
            pairwise_key: None,
        }
    }
}

impl Tokens {
    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(key) = &mut self.pairwise_key {
            super::anchor(key, base);
        }
    }

    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        findings.check_duration(
            "tokens.id_token_lifetime",
            self.id_token_lifetime,
            &(10 * SECOND..=DAY),
        );
        findings.check_duration(
            "tokens.access_token_lifetime",
            self.access_token_lifetime,
            &(10 * SECOND..=DAY),
        );
        // RFC 6749, section 4.1.2 asks for a short life and at most ten minutes; a client redeems at once.
        findings.check_duration(
            "tokens.code_lifetime",
            self.code_lifetime,
            &(SECOND..=MINUTE),
        );
        // RFC 9126, section 2.2 suggests 5 to 600 seconds; FAPI 2.0 Security Profile, section 5.3.2.2 wants less than 600.
        findings.check_duration(
            "tokens.pushed_lifetime",
            self.pushed_lifetime,
            &(5 * SECOND..=599 * SECOND),
        );
        findings.check_duration(
            "tokens.refresh_lifetime",
            self.refresh_lifetime,
            &(HOUR..=YEAR),
        );
        findings.check_duration("tokens.refresh_idle", self.refresh_idle, &(HOUR..=YEAR));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::tests::{accepted, refused};

    #[test]
    fn algorithms_are_written_in_lower_case() {
        for (text, algorithm) in [
            ("es256", Algorithm::Es256),
            ("rs256", Algorithm::Rs256),
            ("eddsa", Algorithm::EdDsa),
        ] {
            let config = accepted(&format!("[tokens]\nalgorithm = '{text}'\n"));
            assert_eq!(config.tokens.algorithm, algorithm);
        }
    }

    #[test]
    fn the_key_of_pairwise_subjects_is_looked_for_beside_the_file() {
        let text = "issuer = 'https://id.example.com'\n[tokens]\npairwise_key = 'pairwise.key'\n";
        let config = Config::parse(text, "doorward.toml", Path::new("/etc/doorward")).unwrap();
        let expected = Path::new("/etc/doorward/pairwise.key");
        assert_eq!(config.tokens.pairwise_key.as_deref(), Some(expected));
        assert_eq!(Tokens::default().pairwise_key, None);
    }

    #[test]
    fn an_algorithm_that_is_not_offered_is_answered_with_those_that_are() {
        let found = refused("[tokens]\nalgorithm = 'none'\n");
        assert_eq!(
            found[0].help.as_deref(),
            Some("the values known here: `es256`, `rs256`, `eddsa`")
        );
    }

    #[test]
    fn refresh_tokens_last_a_month_and_go_after_two_weeks_without_use() {
        let tokens = accepted("").tokens;
        assert_eq!(tokens.refresh_lifetime, 30 * DAY);
        assert_eq!(tokens.refresh_idle, 14 * DAY);
    }

    #[test]
    fn a_refresh_token_lives_an_hour_at_least_and_a_year_at_most() {
        for key in ["refresh_lifetime", "refresh_idle"] {
            for bad in ["59m", "366d"] {
                let found = refused(&format!("[tokens]\n{key} = '{bad}'\n"));
                assert_eq!(found[0].message, format!("`{bad}` is not accepted here"));
            }
        }
    }

    #[test]
    fn a_pushed_request_waits_for_less_than_ten_minutes() {
        assert_eq!(accepted("").tokens.pushed_lifetime, 90 * SECOND);
        for bad in ["4s", "601s", "10m"] {
            let found = refused(&format!("[tokens]\npushed_lifetime = '{bad}'\n"));
            assert_eq!(found[0].message, format!("`{bad}` is not accepted here"));
        }
        let longest = accepted("[tokens]\npushed_lifetime = '599s'\n");
        assert_eq!(longest.tokens.pushed_lifetime, 599 * SECOND);
    }

    #[test]
    fn a_code_lives_a_minute_at_most() {
        let found = refused("[tokens]\ncode_lifetime = '61s'\n");
        assert_eq!(found[0].message, "`61s` is not accepted here");
    }
}
