//! Secrets of confidential clients: made here, stored as a hash, compared in constant time.
//! Leaves to others how a client presents its secret (`oidc`).
//!
//! A fast hash is enough, because a secret is 256 random bits that nobody can guess. For the same reason
//! a secret that a person chose must not be stored this way.

use std::fmt;
use std::str::FromStr;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use subtle::ConstantTimeEq as _;

use crate::domain::entropy::Entropy;
use crate::domain::secret::{Secret, SecretHash};

/// What a stored secret begins with.
const PREFIX: &str = "sha256:";

/// What the clients file keeps of a client's secret: `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy)]
pub struct ClientSecretHash(SecretHash);

impl ClientSecretHash {
    /// The hash of a secret.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        Self(secret.digest())
    }

    /// Whether the presented secret is the one that was hashed, in a time that does not tell how near it came.
    #[must_use]
    pub fn matches(&self, presented: &Secret) -> bool {
        let presented = presented.digest();
        self.0.as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

impl FromStr for ClientSecretHash {
    type Err = InvalidSecretHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix(PREFIX)
            .and_then(|hex| HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok())
            .and_then(|bytes| SecretHash::from_slice(&bytes))
            .map(Self)
            .ok_or(InvalidSecretHash)
    }
}

impl fmt::Display for ClientSecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", HEXLOWER.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for ClientSecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecretHash(••••••••)")
    }
}

/// Text that is no stored secret. It is not repeated: it may be the secret itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a hashed secret: expected `sha256:` and 64 hexadecimal digits")]
pub struct InvalidSecretHash;

/// A new secret for a client, and the text to store in its place.
#[must_use]
pub fn generate(entropy: &dyn Entropy) -> (Secret, String) {
    let secret = Secret::generate(entropy);
    let stored = ClientSecretHash::of(&secret).to_string();
    (secret, stored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entropy::SeededEntropy;

    fn refused(text: &str) -> bool {
        text.parse::<ClientSecretHash>().is_err()
    }

    #[test]
    fn the_stored_text_recognises_the_secret_and_no_other() {
        let (secret, stored) = generate(&SeededEntropy::new(1));
        let (other, _) = generate(&SeededEntropy::new(2));
        let hash: ClientSecretHash = stored.parse().unwrap();
        assert!(hash.matches(&secret));
        assert!(!hash.matches(&other));
        assert!(!hash.matches(&Secret::from_untrusted(stored)));
    }

    #[test]
    fn the_stored_text_is_the_sha256_of_the_secret() {
        let hash = ClientSecretHash::of(&Secret::from_untrusted("abc"));
        // The first example of FIPS 180-2, appendix B.
        let expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.to_string(), expected);
    }

    #[test]
    fn the_hash_may_be_written_in_upper_case() {
        let (secret, stored) = generate(&SeededEntropy::new(1));
        let hex = stored.strip_prefix("sha256:").unwrap().to_uppercase();
        let hash: ClientSecretHash = format!("sha256:{hex}").parse().unwrap();
        assert!(hash.matches(&secret));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "secret", "sha256:", "sha256:abcd", "sha512:00"] {
            assert!(refused(text), "{text}");
        }
    }

    #[test]
    fn a_stored_secret_prints_as_dots() {
        let hash = ClientSecretHash::of(&Secret::from_untrusted("abc"));
        assert_eq!(format!("{hash:?}"), "ClientSecretHash(••••••••)");
    }
}
