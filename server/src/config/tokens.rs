//! `[tokens]`: how tokens are signed and how long codes and tokens live.
//! Keys are made and kept in `tokens`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::{self, DAY, MINUTE, SECOND};
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
        }
    }
}

impl Tokens {
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn an_algorithm_that_is_not_offered_is_answered_with_those_that_are() {
        let found = refused("[tokens]\nalgorithm = 'none'\n");
        assert_eq!(
            found[0].help.as_deref(),
            Some("the values known here: `es256`, `rs256`, `eddsa`")
        );
    }

    #[test]
    fn a_code_lives_a_minute_at_most() {
        let found = refused("[tokens]\ncode_lifetime = '61s'\n");
        assert_eq!(found[0].message, "`61s` is not accepted here");
    }
}
