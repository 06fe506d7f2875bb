//! Claims become a signed token (RFC 7515, section 7.1). What they say is left to those who make them.

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::Header;
use serde_json::{Map, Value};

use super::signing_key::SigningKey;
use crate::jose::Algorithm;

/// A token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Signing failed.
    #[error("the token cannot be signed: {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
    /// A client wants an algorithm for which the key is not made yet.
    #[error("there is no signing key for `{0}` yet")]
    NoKey(Algorithm),
}

/// The claims, signed by this key, in the compact form. `typ` says which kind of token it is, so that it is not
/// taken for another (RFC 8725, section 3.11).
pub fn sign(
    key: &SigningKey,
    typ: &str,
    claims: &Map<String, Value>,
) -> Result<String, TokenError> {
    let mut header = Header::new(key.algorithm().into());
    header.typ = Some(typ.to_owned());
    header.kid = Some(key.id().to_string());
    Ok(jsonwebtoken::encode(&header, claims, key.private())?)
}

/// What an ID token says of a token or code that comes with it: `at_hash` and `c_hash` of OpenID Connect Core 1.0,
/// sections 3.1.3.6 and 3.3.2.11. It is the left half of the hash that the signature is made with; Ed25519 uses
/// SHA-512 (RFC 8032, section 5.1).
#[must_use]
pub fn half_hash(algorithm: Algorithm, text: &str) -> String {
    let hash = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => &SHA256,
        Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => &SHA384,
        Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::EdDsa => &SHA512,
    };
    let whole = digest::digest(hash, text.as_bytes());
    let whole: &[u8] = whole.as_ref();
    let (half, _) = whole.split_at(whole.len() / 2);
    BASE64URL_NOPAD.encode(half)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config;
    use crate::domain::ids::KeyId;
    use crate::jose::{Expectation, JoseError, JsonWebKeys, Strictness, verify};

    fn key(algorithm: config::Algorithm) -> SigningKey {
        let pkcs8 = SigningKey::generate(algorithm).unwrap();
        SigningKey::from_pkcs8(KeyId::new("one"), algorithm, &pkcs8).unwrap()
    }

    fn claims() -> Map<String, Value> {
        let claims = json!({"sub": "u-ana", "exp": 1_000_000});
        claims.as_object().unwrap().clone()
    }

    #[test]
    fn every_algorithm_signs_what_is_read_back() {
        for algorithm in [
            config::Algorithm::Es256,
            config::Algorithm::Rs256,
            config::Algorithm::EdDsa,
        ] {
            let key = key(algorithm);
            let token = sign(&key, "at+jwt", &claims()).unwrap();
            let set = json!({ "keys": [key.public()] }).to_string();
            let keys = JsonWebKeys::parse(set.as_bytes(), Strictness::OwnClient).unwrap();
            let expected = |types| Expectation {
                types,
                algorithms: &Algorithm::ALL,
                keys: &keys,
            };
            let verified = verify(&token, &expected(&[Some("at+jwt")])).unwrap();
            assert_eq!(verified.header.algorithm, key.algorithm());
            assert_eq!(verified.header.kid.as_deref(), Some("one"));
            assert_eq!(verified.claims.members(), &claims());
            let other = verify(&token, &expected(&[None, Some("JWT")]));
            assert_eq!(other, Err(JoseError::Type));
        }
    }

    #[test]
    fn the_header_names_type_algorithm_and_key_and_nothing_else() {
        let token = sign(&key(config::Algorithm::Es256), "JWT", &claims()).unwrap();
        let (header, _) = token.split_once('.').unwrap();
        let header = BASE64URL_NOPAD.decode(header.as_bytes()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header, json!({"typ": "JWT", "alg": "ES256", "kid": "one"}));
    }

    #[test]
    fn the_half_hash_is_that_of_the_specification() {
        // OpenID Connect Core 1.0, appendices A.3 and A.4.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(half_hash(Algorithm::Rs256, token), "77QmUPtjPfzWtF2AnpK9RQ");
        let code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";
        assert_eq!(half_hash(Algorithm::Rs256, code), "LDktKdoQak3Pk0cnXxCltA");
    }

    #[test]
    fn the_half_of_a_longer_hash_is_longer() {
        for (algorithm, bytes) in [
            (Algorithm::Es256, 16),
            (Algorithm::Es384, 24),
            (Algorithm::EdDsa, 32),
        ] {
            let half = BASE64URL_NOPAD.decode(half_hash(algorithm, "a").as_bytes());
            assert_eq!(half.unwrap().len(), bytes, "{algorithm}");
        }
    }
}
