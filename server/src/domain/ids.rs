//! Identifiers, each a type of its own so that none can stand where another belongs, and the short reference
//! that a person reads out to support. None of them is a secret: secrets live in `secret.rs`.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};

use crate::domain::entropy::Entropy;

/// Declares identifiers that are texts from elsewhere: a file, a request, a certificate.
macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The identifier that reads as `text`.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    )+};
}

/// Gives identifiers that the provider makes up itself a way to be made up.
macro_rules! random_identifiers {
    ($($name:ident),+) => {$(
        impl $name {
            /// A new identifier of 128 random bits: 26 symbols of base32 in lower case.
            #[must_use]
            pub fn generate(entropy: &dyn Entropy) -> Self {
                Self(random_text(entropy))
            }
        }
    )+};
}

identifiers! {
    /// The permanent identifier of a user: the `sub` of OpenID Connect Core 1.0, section 2.
    UserId;
    /// The identifier of a client: `client_id` of RFC 6749, section 2.2.
    ClientId;
    /// The application that a client belongs to, as policies name it.
    ApplicationId;
    /// A device of the inventory.
    DeviceId;
    /// The public identifier of a session: `sid` of OpenID Connect Front-Channel Logout 1.0, section 3.
    /// It opens nothing; the session's cookie does, and that is a secret.
    SessionId;
    /// A stored authorization request that waits for the End-User.
    TransactionId;
    /// One permission that a user gave a client: what a code, and the tokens made from it, stand for.
    GrantId;
    /// A message to a client that a session has ended, which waits to be sent.
    DeliveryId;
    /// A signing key: `kid` of RFC 7517, section 4.5.
    KeyId;
}

random_identifiers!(SessionId, TransactionId, GrantId, DeliveryId);

fn random_text(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    BASE32_NOPAD.encode(&bytes).to_ascii_lowercase()
}

/// The short number of a sign-in, for people: `7F3K-29QD`.
///
/// Eight symbols of Crockford's base32, which has no I, L, O or U, so that it survives being read out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference([u8; SYMBOLS]);

const SYMBOLS: usize = 8;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Symbols before the dash.
const LEFT_OF_DASH: usize = 4;

impl Reference {
    /// A new reference.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; SYMBOLS];
        entropy.fill(&mut bytes);
        Self(bytes.map(Self::symbol))
    }

    /// The symbol of the lowest five bits: 256 is a multiple of 32, so each symbol is equally likely.
    fn symbol(byte: u8) -> u8 {
        // INVARIANT: five bits index 32 symbols, so there is always one.
        let index = usize::from(byte & 31);
        ALPHABET.get(index).copied().unwrap_or(b'0')
    }

    /// The symbol that somebody meant by `typed`.
    fn meant_by(typed: char) -> Option<u8> {
        let upper = u8::try_from(typed).ok()?.to_ascii_uppercase();
        let symbol = match upper {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            other => other,
        };
        ALPHABET.contains(&symbol).then_some(symbol)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, symbol) in self.0.into_iter().enumerate() {
            if position == LEFT_OF_DASH {
                f.write_char('-')?;
            }
            f.write_char(char::from(symbol))?;
        }
        Ok(())
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;

    /// Accepts what people type: either case, with or without dash, and letters for the digits they look like.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim()
            .chars()
            .filter(|typed| *typed != '-')
            .map(Self::meant_by)
            .collect::<Option<Vec<u8>>>()
            .and_then(|symbols| <[u8; SYMBOLS]>::try_from(symbols).ok())
            .map(Self)
            .ok_or_else(|| InvalidReference(text.to_owned()))
    }
}

impl TryFrom<String> for Reference {
    type Error = InvalidReference;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

/// Text that is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a reference: expected eight letters and digits such as `7F3K-29QD`")]
pub struct InvalidReference(String);

#[cfg(test)]
mod tests {
    use super::{InvalidReference, Reference, SessionId, UserId};
    use crate::domain::entropy::SeededEntropy;
    use proptest::prelude::{any, proptest};

    fn parsed(text: &str) -> String {
        text.parse::<Reference>().unwrap().to_string()
    }

    #[test]
    fn a_reference_shows_a_dash_in_the_middle() {
        assert_eq!(parsed("7F3K-29QD"), "7F3K-29QD");
    }

    #[test]
    fn a_reference_may_be_typed_without_dash() {
        assert_eq!(parsed("7F3K29QD"), "7F3K-29QD");
    }

    #[test]
    fn a_reference_may_be_typed_in_lower_case_with_blanks_around() {
        assert_eq!(parsed(" 7f3k-29qd\n"), "7F3K-29QD");
    }

    #[test]
    fn letters_that_look_like_digits_are_read_as_digits() {
        assert_eq!(parsed("oOiI-lL00"), "0011-1100");
    }

    #[test]
    fn seven_symbols_are_no_reference() {
        assert_eq!(
            "7F3K-29Q".parse::<Reference>(),
            Err(InvalidReference("7F3K-29Q".to_owned()))
        );
    }

    #[test]
    fn nine_symbols_are_no_reference() {
        assert!("7F3K-29QD0".parse::<Reference>().is_err());
    }

    #[test]
    fn the_letter_u_is_no_symbol() {
        assert!("7F3K-29QU".parse::<Reference>().is_err());
    }

    #[test]
    fn letters_beyond_ascii_are_no_symbols() {
        assert!("7F3K-29Qé".parse::<Reference>().is_err());
    }

    #[test]
    fn the_error_says_what_was_typed_and_what_is_expected() {
        assert_eq!(
            "x".parse::<Reference>().unwrap_err().to_string(),
            "`x` is not a reference: expected eight letters and digits such as `7F3K-29QD`"
        );
    }

    #[test]
    fn a_reference_is_written_to_json_as_people_see_it() {
        let reference: Reference = "7F3K-29QD".parse().unwrap();
        let json = serde_json::to_string(&reference).unwrap();
        assert_eq!(json, "\"7F3K-29QD\"");
        assert_eq!(serde_json::from_str::<Reference>(&json).unwrap(), reference);
    }

    proptest! {
        #[test]
        fn every_new_reference_can_be_typed_in(seed in any::<u64>()) {
            let reference = Reference::generate(&SeededEntropy::new(seed));
            assert_eq!(parsed(&reference.to_string()), reference.to_string());
        }
    }

    #[test]
    fn a_random_identifier_is_26_symbols_of_base32_in_lower_case() {
        let id = SessionId::generate(&SeededEntropy::new(1));
        assert_eq!(id.as_str().len(), 26);
        assert!(
            id.as_str()
                .chars()
                .all(|symbol| matches!(symbol, 'a'..='z' | '2'..='7'))
        );
    }

    #[test]
    fn an_identifier_is_written_to_json_as_plain_text() {
        assert_eq!(
            serde_json::to_string(&UserId::new("ana")).unwrap(),
            "\"ana\""
        );
    }
}
