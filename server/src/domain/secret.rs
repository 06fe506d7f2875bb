//! Secrets that the provider hands out (cookies, codes, tokens, tickets) and the hashes that it keeps of them.
//! Passwords are no secrets in this sense: they are guessable, and their slow hashes live with the directory.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::domain::entropy::Entropy;

/// A text that proves something to whoever receives it. It prints as dots, compares in constant time,
/// and is wiped from memory when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A new secret of 256 bits, as base64url text that fits into cookies and URLs as it stands.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        entropy.fill(bytes.as_mut_slice());
        Self(Zeroizing::new(BASE64URL_NOPAD.encode(bytes.as_slice())))
    }

    /// A secret as somebody sent it, unchecked: its digest decides whether it is one of ours.
    #[must_use]
    pub fn from_untrusted(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself, for the one who is meant to have it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What storage keeps of the secret.
    #[must_use]
    pub fn digest(&self) -> SecretHash {
        SecretHash::of(self.0.as_bytes())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        bool::from(self.0.as_bytes().ct_eq(other.0.as_bytes()))
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(••••••••)")
    }
}

/// The SHA-256 of a secret. A fast hash is enough: 256 random bits cannot be guessed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of `bytes`; for lookup keys that are no secrets, such as those of the throttle.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        // INVARIANT: SHA-256 gives exactly as many bytes as the array holds.
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(hash)
    }

    /// The hash that storage kept, where it has the right length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        <[u8; 32]>::try_from(bytes).ok().map(Self)
    }

    /// The 32 bytes of the hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; 32]> for SecretHash {
    fn from(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(")?;
        for byte in self.0.iter().take(4) {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, SecretHash};
    use crate::domain::entropy::SeededEntropy;

    #[test]
    fn a_secret_prints_as_dots() {
        let secret = Secret::from_untrusted("hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(••••••••)");
    }

    #[test]
    fn a_new_secret_is_43_characters_of_base64url() {
        let secret = Secret::generate(&SeededEntropy::new(1));
        assert_eq!(secret.expose().len(), 43);
        assert!(
            secret
                .expose()
                .chars()
                .all(|symbol| symbol.is_ascii_alphanumeric() || "-_".contains(symbol))
        );
    }

    #[test]
    fn two_new_secrets_differ() {
        let entropy = SeededEntropy::new(1);
        assert_ne!(Secret::generate(&entropy), Secret::generate(&entropy));
    }

    #[test]
    fn a_secret_that_comes_back_has_the_same_digest() {
        let secret = Secret::generate(&SeededEntropy::new(1));
        let returned = Secret::from_untrusted(secret.expose());
        assert_eq!(secret, returned);
        assert_eq!(secret.digest(), returned.digest());
    }

    #[test]
    fn a_prefix_of_a_secret_is_not_equal_to_it() {
        assert_ne!(
            Secret::from_untrusted("abc"),
            Secret::from_untrusted("abcd")
        );
    }

    #[test]
    fn a_digest_prints_its_first_four_bytes() {
        // SHA-256 of the empty text begins with e3b0c442 (FIPS 180-4).
        assert_eq!(
            format!("{:?}", SecretHash::of(b"")),
            "SecretHash(e3b0c442…)"
        );
    }

    #[test]
    fn a_digest_survives_storage() {
        let hash = SecretHash::of(b"abc");
        assert_eq!(SecretHash::from_slice(hash.as_bytes()), Some(hash));
    }

    #[test]
    fn a_digest_of_another_length_is_refused() {
        assert_eq!(SecretHash::from_slice(&[0; 31]), None);
    }
}
