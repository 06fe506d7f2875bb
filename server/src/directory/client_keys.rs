//! The public keys of a client: written out in the clients file, or to be fetched from an address.
//! Leaves to others what a good key is (`jose`), the fetching (`remote`), and what the keys verify (`oidc`).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use crate::jose::{JsonWebKeys, Strictness};

/// Where the public keys of a client come from.
#[derive(Debug, Clone)]
pub enum ClientKeys {
    /// They stand in the clients file.
    Inline(Arc<JsonWebKeys>),
    /// They are fetched from this address, which serves a JWK set.
    Remote(Url),
}

/// A JWK set as the file writes it. It is not printed: somebody may have put a private key into it.
pub(super) struct RawKeys(Value);

impl RawKeys {
    /// The keys, or what is wrong with the first that is no good: an operator wrote each of them down on purpose.
    pub(super) fn parse(&self) -> Result<ClientKeys, String> {
        let json = self.0.to_string();
        JsonWebKeys::parse(json.as_bytes(), Strictness::OwnClient)
            .map(|keys| ClientKeys::Inline(Arc::new(keys)))
            .map_err(|error| error.to_string())
    }
}

impl<'de> Deserialize<'de> for RawKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self)
    }
}

impl fmt::Debug for RawKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawKeys(••••••••)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> RawKeys {
        RawKeys(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn good_keys_are_kept() {
        // The key of RFC 7517, appendix A.1, for signatures.
        let text = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"1","alg":"ES256","use":"sig",
            "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"#;
        let ClientKeys::Inline(keys) = raw(text).parse().unwrap() else {
            panic!("they are to be fetched");
        };
        assert_eq!(keys.all().count(), 1);
    }

    #[test]
    fn what_is_no_set_of_public_keys_is_refused() {
        for text in [
            "{}",
            "[]",
            "1",
            r#"{"keys":[]}"#,
            r#"{"keys":[{}]}"#,
            r#"{"keys":[{"kty":"oct","k":"AA"}]}"#,
        ] {
            assert!(raw(text).parse().is_err(), "{text}");
        }
    }

    #[test]
    fn keys_are_not_printed() {
        let keys = raw(r#"{"keys":[{"kty":"EC","d":"hunter2"}]}"#);
        assert!(!format!("{keys:?}").contains("hunter2"));
        assert!(!keys.parse().unwrap_err().contains("hunter2"));
    }
}
