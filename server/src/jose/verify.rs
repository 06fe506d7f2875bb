//! The one way from a text to claims that somebody signed. What the caller expects is said before anything is
//! read; what the claims have to say is left to the caller.

use super::algorithm::Algorithm;
use super::claims::Claims;
use super::compact::{Compact, Header};
use super::error::JoseError;
use super::key::PublicKey;
use super::key_set::JsonWebKeys;

/// What a token has to be.
#[derive(Debug, Clone, Copy)]
pub struct Expectation<'a> {
    /// Its possible types, so that a token of one kind is not taken for another (RFC 8725, section 3.11). `None`
    /// stands for a token that says nothing of its type.
    pub types: &'a [Option<&'a str>],
    /// The algorithms that are allowed for this use.
    pub algorithms: &'a [Algorithm],
    /// The keys of whoever has to have signed it.
    pub keys: &'a JsonWebKeys,
}

/// A token whose signature is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What the header says.
    pub header: Header,
    /// What was signed.
    pub claims: Claims,
}

/// The claims of a token that one of the expected keys signed.
pub fn verify(text: &str, expected: &Expectation<'_>) -> Result<Verified, JoseError> {
    let token = Compact::parse(text)?;
    let header = &token.header;
    check(header, expected.types, expected.algorithms)?;
    if header.jwk.is_some() {
        return Err(JoseError::OwnKey);
    }
    let candidates = expected
        .keys
        .candidates(header.kid.as_deref(), header.algorithm);
    if candidates.is_empty() {
        return Err(JoseError::UnknownKey);
    }
    if !candidates.iter().any(|key| signed(&token, key)) {
        return Err(JoseError::Signature);
    }
    opened(token)
}

/// What a token says of itself, verified by nobody: to find out by whose keys it has to be verified, and for nothing
/// else.
pub fn danger_unverified_claims(text: &str) -> Result<Claims, JoseError> {
    Ok(Claims::new(Compact::parse(text)?.claims()?))
}

/// The claims of a proof that the key in its header signed, and that key (RFC 9449, section 4.2). It says
/// nothing about who has the key.
pub fn verify_by_own_key(
    text: &str,
    types: &[Option<&str>],
    algorithms: &[Algorithm],
) -> Result<(Verified, PublicKey), JoseError> {
    let token = Compact::parse(text)?;
    check(&token.header, types, algorithms)?;
    let jwk = token.header.jwk.as_ref().ok_or(JoseError::NoOwnKey)?;
    let key = PublicKey::from_jwk(jwk).map_err(JoseError::HeaderKey)?;
    if !key.fits(token.header.algorithm) {
        return Err(JoseError::UnknownKey);
    }
    if !signed(&token, &key) {
        return Err(JoseError::Signature);
    }
    Ok((opened(token)?, key))
}

fn check(
    header: &Header,
    types: &[Option<&str>],
    algorithms: &[Algorithm],
) -> Result<(), JoseError> {
    if !algorithms.contains(&header.algorithm) {
        return Err(JoseError::Algorithm);
    }
    if !header.is_one_of(types) {
        return Err(JoseError::Type);
    }
    Ok(())
}

fn signed(token: &Compact<'_>, key: &PublicKey) -> bool {
    key.verifies(
        token.header.algorithm,
        token.signed.as_bytes(),
        token.signature,
    )
}

/// Only a verified token is opened.
fn opened(token: Compact<'_>) -> Result<Verified, JoseError> {
    let claims = Claims::new(token.claims()?);
    Ok(Verified {
        header: token.header,
        claims,
    })
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;
    use serde_json::json;

    use super::*;
    use crate::jose::fixtures::TestKey;
    use crate::jose::{KeyRefused, Strictness};

    const CLAIMS: &str = r#"{"sub":"u-ana"}"#;
    const PROOF: [Option<&str>; 1] = [Some("dpop+jwt")];

    fn keys(key: &TestKey) -> JsonWebKeys {
        JsonWebKeys::parse(key.jwks("a").as_bytes(), Strictness::OwnClient).unwrap()
    }

    /// What becomes of a token where an ordinary one of this key is expected.
    fn answer(text: &str, key: &TestKey) -> Result<Verified, JoseError> {
        let expected = Expectation {
            types: &[None, Some("JWT")],
            algorithms: &Algorithm::ALL,
            keys: &keys(key),
        };
        verify(text, &expected)
    }

    /// The same, where the key of curve P-256 signed it.
    fn refused(header: &str, claims: &str) -> JoseError {
        let key = TestKey::p256();
        answer(&key.signed(Algorithm::Es256, header, claims), key).unwrap_err()
    }

    #[test]
    fn what_nobody_has_verified_is_read_as_strictly() {
        let token = TestKey::p256().token("a", &json!({"sub": "u-ana"}));
        let (signed, _) = token.rsplit_once('.').unwrap();
        let claims = danger_unverified_claims(&format!("{signed}.AAAA")).unwrap();
        assert_eq!(claims.required("sub"), Ok("u-ana"));
        let error = danger_unverified_claims(&format!("{token}=")).unwrap_err();
        assert_eq!(error, JoseError::Encoding);
    }

    #[test]
    fn a_signature_by_each_algorithm_is_verified() {
        for key in TestKey::each() {
            for algorithm in key.algorithms() {
                let header = json!({"alg": algorithm.name(), "kid": "a", "typ": "JWT"});
                let token = key.signed(algorithm, &header.to_string(), CLAIMS);
                let verified = answer(&token, key).unwrap();
                assert_eq!(verified.header.algorithm, algorithm);
                assert_eq!(verified.header.kid.as_deref(), Some("a"));
                assert_eq!(verified.claims.required("sub"), Ok("u-ana"));
            }
        }
    }

    #[test]
    fn a_token_without_kid_and_typ_is_verified() {
        let key = TestKey::p256();
        let token = key.signed(Algorithm::Es256, r#"{"alg":"ES256"}"#, CLAIMS);
        assert!(answer(&token, key).is_ok());
    }

    #[test]
    fn the_signature_of_another_key_is_refused() {
        let key = TestKey::new_p256();
        let token = key.token("a", &json!({}));
        assert_eq!(answer(&token, TestKey::p256()), Err(JoseError::Signature));
    }

    #[test]
    fn a_key_that_is_not_in_the_set_is_refused() {
        let error = refused(r#"{"alg":"ES256","kid":"b"}"#, CLAIMS);
        assert_eq!(error, JoseError::UnknownKey);
    }

    #[test]
    fn a_key_of_another_curve_is_refused() {
        let signature =
            TestKey::p384().signed(Algorithm::Es384, r#"{"alg":"ES256","kid":"a"}"#, CLAIMS);
        let answered = answer(&signature, TestKey::p384());
        assert_eq!(answered, Err(JoseError::UnknownKey));
        let answered = answer(&signature, TestKey::p256());
        assert_eq!(answered, Err(JoseError::Signature));
    }

    #[test]
    fn a_public_key_is_no_shared_secret() {
        let error = refused(r#"{"alg":"HS256","kid":"a"}"#, CLAIMS);
        assert_eq!(error, JoseError::Algorithm);
    }

    #[test]
    fn a_token_without_a_signature_is_refused() {
        let none = BASE64URL_NOPAD.encode(br#"{"alg":"none"}"#);
        let answered = answer(&format!("{none}.e30."), TestKey::p256());
        assert_eq!(answered, Err(JoseError::Algorithm));
        let token = TestKey::p256().token("a", &json!({}));
        let (signed, _) = token.rsplit_once('.').unwrap();
        let answered = answer(&format!("{signed}."), TestKey::p256());
        assert_eq!(answered, Err(JoseError::Signature));
    }

    #[test]
    fn an_algorithm_that_is_not_allowed_for_the_use_is_refused() {
        let key = TestKey::rsa();
        let token = key.signed(Algorithm::Rs256, r#"{"alg":"RS256","kid":"a"}"#, CLAIMS);
        let expected = Expectation {
            types: &[None],
            algorithms: &Algorithm::FAPI,
            keys: &keys(key),
        };
        assert_eq!(verify(&token, &expected), Err(JoseError::Algorithm));
    }

    #[test]
    fn a_token_of_another_type_is_refused() {
        for typ in ["at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt", ""] {
            let header = json!({"alg": "ES256", "kid": "a", "typ": typ});
            let error = refused(&header.to_string(), CLAIMS);
            assert_eq!(error, JoseError::Type, "{typ}");
        }
    }

    #[test]
    fn a_key_that_the_token_brings_is_refused() {
        let header = json!({"alg": "ES256", "jwk": TestKey::p256().jwk()});
        assert_eq!(refused(&header.to_string(), CLAIMS), JoseError::OwnKey);
    }

    #[test]
    fn where_the_header_points_to_keys_it_is_not_listened_to() {
        let stranger = TestKey::new_p256();
        let header = json!({
            "alg": "ES256",
            "jku": "https://evil.example/jwks",
            "x5u": "https://evil.example/certificate",
            "x5c": ["AA=="],
        });
        let token = stranger.signed(Algorithm::Es256, &header.to_string(), CLAIMS);
        assert_eq!(answer(&token, TestKey::p256()), Err(JoseError::Signature));
        let own = TestKey::p256().signed(Algorithm::Es256, &header.to_string(), CLAIMS);
        assert!(answer(&own, TestKey::p256()).is_ok());
    }

    #[test]
    fn a_payload_that_is_not_encoded_is_refused() {
        for value in ["true", "false"] {
            let header = format!(r#"{{"alg":"ES256","kid":"a","b64":{value}}}"#);
            assert_eq!(refused(&header, CLAIMS), JoseError::HeaderMember("b64"));
        }
        let header = r#"{"alg":"ES256","kid":"a","b64":false,"crit":["b64"]}"#;
        assert_eq!(refused(header, CLAIMS), JoseError::HeaderMember("crit"));
    }

    #[test]
    fn repeated_claims_are_refused_though_they_are_signed() {
        let header = r#"{"alg":"ES256","kid":"a"}"#;
        let error = refused(header, r#"{"aud":"a","aud":"b"}"#);
        assert_eq!(error, JoseError::RepeatedMember);
        assert_eq!(refused(header, "[]"), JoseError::NoObject);
        assert_eq!(refused(header, "sub"), JoseError::Json);
    }

    #[test]
    fn a_proof_is_verified_by_the_key_it_brings() {
        for key in TestKey::each() {
            let algorithm = key.algorithms()[0];
            let header = json!({"typ": "dpop+jwt", "alg": algorithm.name(), "jwk": key.jwk()});
            let proof = key.signed(algorithm, &header.to_string(), CLAIMS);
            let (verified, own) = verify_by_own_key(&proof, &PROOF, &Algorithm::ALL).unwrap();
            assert_eq!(verified.claims.required("sub"), Ok("u-ana"));
            assert_eq!(own, PublicKey::from_jwk(&key.jwk()).unwrap());
        }
    }

    #[test]
    fn a_proof_without_a_key_or_by_another_key_is_refused() {
        let proof = |header: serde_json::Value| {
            let proof = TestKey::p256().signed(Algorithm::Es256, &header.to_string(), CLAIMS);
            verify_by_own_key(&proof, &PROOF, &Algorithm::ALL).unwrap_err()
        };
        let none = json!({"typ": "dpop+jwt", "alg": "ES256"});
        assert_eq!(proof(none), JoseError::NoOwnKey);
        let other = TestKey::new_p256().jwk();
        let other = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": other});
        assert_eq!(proof(other), JoseError::Signature);
        let unfit = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": TestKey::rsa().jwk()});
        assert_eq!(proof(unfit), JoseError::UnknownKey);
        let untyped = json!({"typ": "JWT", "alg": "ES256", "jwk": TestKey::p256().jwk()});
        assert_eq!(proof(untyped), JoseError::Type);
        let mut private = TestKey::p256().jwk();
        private.insert("d".to_owned(), json!("AA"));
        let private = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": private});
        assert_eq!(proof(private), JoseError::HeaderKey(KeyRefused::Private));
    }
}
