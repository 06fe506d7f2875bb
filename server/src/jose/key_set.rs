//! A set of public keys (RFC 7517, section 5): those of a client, those of another issuer, or our own.
//! Where it comes from, and how long it may be kept, is left to the caller.

use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::error::{JoseError, KeyRefused};
use super::json;
use super::key::PublicKey;

/// Longest set in bytes. Issuers with certificates beside many keys need some tens of kilobytes.
const LONGEST: usize = 256 * 1024;

/// How many keys are tried for a token that names none: each of them costs a verification.
const MOST_CANDIDATES: usize = 4;

/// What is done about a key that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// The set is written for this server: every key has to be good.
    OwnClient,
    /// The set is written for everybody: what is of no use here is passed over (RFC 7517, section 5).
    Foreign,
}

/// Public keys, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonWebKeys {
    keys: Vec<PublicKey>,
}

impl JsonWebKeys {
    /// The set that this JSON describes.
    pub fn parse(bytes: &[u8], strictness: Strictness) -> Result<Self, JoseError> {
        if bytes.len() > LONGEST {
            return Err(JoseError::TooLong);
        }
        Self::from_object(&json::object(bytes)?, strictness)
    }

    /// The set in this object, which was read with care already.
    pub fn from_object(
        set: &Map<String, Value>,
        strictness: Strictness,
    ) -> Result<Self, JoseError> {
        let Some(Value::Array(listed)) = set.get("keys") else {
            return Err(JoseError::NoKeySet);
        };
        let mut keys: Vec<PublicKey> = Vec::new();
        for (place, listed) in listed.iter().enumerate() {
            let read = listed
                .as_object()
                .ok_or(KeyRefused::NoObject)
                .and_then(PublicKey::from_jwk);
            match (read, strictness) {
                (Ok(key), _) => {
                    if keys.iter().any(|known| key.is_mistaken_for(known)) {
                        return Err(JoseError::RepeatedKeyId);
                    }
                    keys.push(key);
                }
                (Err(refused), Strictness::OwnClient) => {
                    let number = place + 1;
                    return Err(JoseError::Key { number, refused });
                }
                (Err(_), Strictness::Foreign) => {}
            }
        }
        if keys.is_empty() {
            return Err(JoseError::NoUsableKey);
        }
        Ok(Self { keys })
    }

    /// Every key of the set, in its order.
    pub fn all(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter()
    }

    /// The keys that may have made a signature: with a `kid` those of this identifier only, without one all
    /// that fit, but never more than four.
    #[must_use]
    pub fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> Vec<&PublicKey> {
        self.keys
            .iter()
            .filter(|key| key.fits(algorithm))
            .filter(|key| kid.is_none_or(|kid| key.id() == Some(kid)))
            .take(MOST_CANDIDATES)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::fixtures::TestKey;

    fn named(key: &TestKey, id: &str) -> Value {
        let mut jwk = key.jwk();
        jwk.insert("kid".to_owned(), json!(id));
        Value::Object(jwk)
    }

    fn parse(keys: &Value, strictness: Strictness) -> Result<JsonWebKeys, JoseError> {
        let text = json!({ "keys": keys }).to_string();
        JsonWebKeys::parse(text.as_bytes(), strictness)
    }

    const BOTH: [Strictness; 2] = [Strictness::OwnClient, Strictness::Foreign];

    #[test]
    fn one_key_of_each_type_is_taken() {
        let keys = TestKey::each().map(|key| Value::Object(key.jwk()));
        for strictness in BOTH {
            let set = parse(&json!(keys), strictness).unwrap();
            assert_eq!(set.all().count(), 4);
        }
    }

    #[test]
    fn a_bad_key_spoils_the_set_of_a_client_and_is_named_by_its_place() {
        let keys = json!([named(TestKey::p256(), "a"), {"kty": "oct", "k": "AA"}]);
        let refused = KeyRefused::Private;
        let error = parse(&keys, Strictness::OwnClient).unwrap_err();
        assert_eq!(error, JoseError::Key { number: 2, refused });
        assert_eq!(
            error.to_string(),
            "key 2: it has members of a private or symmetric key"
        );
        assert_eq!(error.code(), "key-private");
    }

    #[test]
    fn a_bad_key_of_a_foreign_set_is_passed_over() {
        let keys = json!([
            {"kty": "AKP", "pub": "AA"},
            "rubbish",
            named(TestKey::p256(), "a")
        ]);
        let set = parse(&keys, Strictness::Foreign).unwrap();
        let ids: Vec<_> = set.all().map(PublicKey::id).collect();
        assert_eq!(ids, [Some("a")]);
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in ["{}", r#"{"keys":{}}"#, r#"{"keys":null}"#] {
            for strictness in BOTH {
                let error = JsonWebKeys::parse(text.as_bytes(), strictness).unwrap_err();
                assert_eq!(error, JoseError::NoKeySet, "{text}");
            }
        }
    }

    #[test]
    fn a_set_without_a_usable_key_is_refused() {
        let error = parse(&json!([]), Strictness::OwnClient).unwrap_err();
        assert_eq!(error, JoseError::NoUsableKey);
        let error = parse(&json!([{"kty": "AKP"}]), Strictness::Foreign).unwrap_err();
        assert_eq!(error, JoseError::NoUsableKey);
    }

    #[test]
    fn a_set_that_is_too_long_is_refused() {
        let text = " ".repeat(LONGEST + 1);
        let error = JsonWebKeys::parse(text.as_bytes(), Strictness::Foreign).unwrap_err();
        assert_eq!(error, JoseError::TooLong);
    }

    #[test]
    fn a_set_with_a_repeated_member_is_refused() {
        let text = r#"{"keys":[],"keys":[{"kty":"EC"}]}"#;
        let error = JsonWebKeys::parse(text.as_bytes(), Strictness::Foreign).unwrap_err();
        assert_eq!(error, JoseError::RepeatedMember);
    }

    #[test]
    fn two_keys_of_one_type_and_identifier_are_refused() {
        let another = TestKey::new_p256();
        let keys = json!([named(TestKey::p256(), "a"), named(&another, "a")]);
        for strictness in BOTH {
            assert_eq!(parse(&keys, strictness), Err(JoseError::RepeatedKeyId));
        }
    }

    #[test]
    fn one_identifier_may_stand_for_keys_of_two_types() {
        let keys = json!([named(TestKey::p256(), "a"), named(TestKey::rsa(), "a")]);
        let set = parse(&keys, Strictness::OwnClient).unwrap();
        let found = set.candidates(Some("a"), Algorithm::Rs256);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_named_key_is_the_only_candidate() {
        let another = TestKey::new_p256();
        let keys = json!([named(TestKey::p256(), "a"), named(&another, "b")]);
        let set = parse(&keys, Strictness::OwnClient).unwrap();
        let found = set.candidates(Some("b"), Algorithm::Es256);
        let ids: Vec<_> = found.into_iter().map(PublicKey::id).collect();
        assert_eq!(ids, [Some("b")]);
        assert!(set.candidates(Some("c"), Algorithm::Es256).is_empty());
        assert!(set.candidates(Some("b"), Algorithm::Rs256).is_empty());
    }

    #[test]
    fn without_a_name_no_more_than_four_keys_are_tried() {
        let keys: Vec<Value> = (0..6)
            .map(|number| named(&TestKey::new_p256(), &number.to_string()))
            .collect();
        let set = parse(&json!(keys), Strictness::OwnClient).unwrap();
        let found = set.candidates(None, Algorithm::Es256);
        assert_eq!(found.len(), MOST_CANDIDATES);
        assert!(set.candidates(None, Algorithm::Es384).is_empty());
    }
}
