//! `[keys]`: how often signing keys are replaced, and how long clients are told before and after.
//! Keys are made and kept in `tokens`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::duration::{self, DAY, HOUR, MINUTE, YEAR};
use super::findings::Findings;
use super::tokens::Tokens;

/// Replacement of signing keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// How long a key signs before its successor is announced; `never` leaves it to `doorward keys rotate`.
    #[schemars(with = "String")]
    pub rotate: Rotation,
    /// How long a key is published before it signs.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub announce: Duration,
    /// How long a key stays published after its successor began to sign.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub keep: Duration,
}

/// When a key is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// When it has signed for so long.
    After(Duration),
    /// When an operator says so.
    Never,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            rotate: Rotation::After(90 * DAY),
            announce: 48 * HOUR,
            keep: 30 * DAY,
        }
    }
}

impl Keys {
    pub(super) fn check(&self, tokens: &Tokens, findings: &mut Findings<'_>) {
        if let Some(rotate) = self.rotate.after() {
            findings.check_duration("keys.rotate", rotate, &(DAY..=3650 * DAY));
        }
        // Clients are told to look again after five minutes.
        findings.check_duration("keys.announce", self.announce, &(5 * MINUTE..=30 * DAY));
        findings.check_duration("keys.keep", self.keep, &(5 * MINUTE..=YEAR));
        // A token that is valid and cannot be checked any more is worse than an old key.
        let longest = tokens.id_token_lifetime.max(tokens.access_token_lifetime);
        if self.keep < longest {
            findings.error(
                "keys.keep",
                format!(
                    "keys stay published for `{}`, and tokens are valid for `{}`",
                    duration::shown(self.keep),
                    duration::shown(longest)
                ),
                "keep keys at least as long as the tokens that they have signed",
            );
        }
    }
}

impl Rotation {
    /// The word for doing nothing by itself.
    const NEVER: &str = "never";

    /// How long a key signs before its successor is announced, where that is by the clock.
    #[must_use]
    pub const fn after(self) -> Option<Duration> {
        match self {
            Self::After(duration) => Some(duration),
            Self::Never => None,
        }
    }
}

impl Serialize for Rotation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::After(after) => duration::serialize(after, serializer),
            Self::Never => serializer.serialize_str(Self::NEVER),
        }
    }
}

impl<'de> Deserialize<'de> for Rotation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == Self::NEVER {
            return Ok(Self::Never);
        }
        humantime::parse_duration(&text)
            .map(Self::After)
            .map_err(|_| D::Error::invalid_value(Unexpected::Str(&text), &"a duration or `never`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{accepted, refused};

    fn rotate(text: &str) -> Option<Duration> {
        let config = accepted(&format!("[keys]\nrotate = '{text}'\n"));
        config.keys.rotate.after()
    }

    #[test]
    fn keys_are_replaced_after_a_duration_or_never() {
        assert_eq!(rotate("30d"), Some(30 * DAY));
        assert_eq!(rotate("never"), None);
        assert_eq!(accepted("").keys.rotate, Rotation::After(90 * DAY));
    }

    #[test]
    fn never_is_written_out_as_it_is_read() {
        for text in ["rotate = \"never\"", "rotate = \"30d\""] {
            let config = accepted(&format!("[keys]\n{text}\n"));
            let written = toml::to_string(&config.keys).unwrap();
            assert!(written.contains(text), "{written}");
        }
    }

    #[test]
    fn another_word_is_answered_with_the_one_that_is_known() {
        let found = refused("[keys]\nrotate = 'seldom'\n");
        assert_eq!(
            found[0].message,
            "expected a duration or `never`, found the string `seldom`"
        );
    }

    #[test]
    fn a_key_is_announced_for_longer_than_clients_keep_the_old_ones() {
        let found = refused("[keys]\nannounce = '4m'\n");
        assert_eq!(found[0].message, "`4m` is not accepted here");
        assert_eq!(
            accepted("[keys]\nannounce = '5m'\n").keys.announce,
            5 * MINUTE
        );
    }

    #[test]
    fn a_key_is_kept_for_as_long_as_tokens_are_valid() {
        let found = refused("[tokens]\nid_token_lifetime = '2h'\n[keys]\nkeep = '1h'\n");
        assert_eq!(
            found[0].message,
            "keys stay published for `1h`, and tokens are valid for `2h`"
        );
        assert_eq!(found[0].line, Some(5));
        let sections = "[tokens]\naccess_token_lifetime = '2h'\n[keys]\nkeep = '2h'\n";
        assert_eq!(accepted(sections).keys.keep, 2 * HOUR);
    }
}
