//! Each check of a proof, by itself.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::*;
use crate::jose::KeyRefused;
use crate::jose::fixtures::TestKey;

const ENDPOINT: &str = "https://id.example.com/token";

fn now() -> Timestamp {
    Timestamp::from_timestamp(1_000_000, 0).unwrap()
}

/// What a proof says that lacks nothing.
fn good() -> Value {
    json!({"htm": "POST", "htu": ENDPOINT, "iat": 1_000_000, "jti": "one"})
}

/// The header that fits this key.
fn header(key: &TestKey) -> Value {
    json!({"typ": "dpop+jwt", "alg": key.algorithms()[0].name(), "jwk": key.jwk()})
}

fn signed(key: &TestKey, header: &Value, claims: &Value) -> String {
    key.signed(
        key.algorithms()[0],
        &header.to_string(),
        &claims.to_string(),
    )
}

/// The token endpoint.
static URLS: LazyLock<Vec<String>> = LazyLock::new(|| vec![ENDPOINT.to_owned()]);

fn expected<'a>(token: Option<&'a Secret>, algorithms: &'a [Algorithm]) -> Expected<'a> {
    Expected {
        method: "POST",
        urls: &URLS,
        token,
        algorithms,
    }
}

/// What comes of a text at the token endpoint.
fn checked(text: &str) -> Result<Proof, JoseError> {
    check(text, &expected(None, &Algorithm::ALL), now())
}

/// What comes of these claims in a proof by an ordinary key.
fn said(claims: &Value) -> Result<Proof, JoseError> {
    let key = TestKey::p256();
    checked(&signed(key, &header(key), claims))
}

/// The same, of a good proof with another value for one claim.
fn with(name: &str, value: Value) -> Result<(), JoseError> {
    let mut claims = good();
    claims[name] = value;
    said(&claims).map(|_| ())
}

/// What comes of good claims with another value for one member of the header.
fn headed(name: &str, value: Value) -> JoseError {
    let key = TestKey::p256();
    let mut header = header(key);
    header[name] = value;
    checked(&signed(key, &header, &good())).unwrap_err()
}

#[test]
fn a_proof_by_each_kind_of_key_is_right_and_tells_the_key() {
    for key in TestKey::each() {
        let proof = checked(&signed(key, &header(key), &good())).unwrap();
        let jwk = crate::jose::PublicKey::from_jwk(&key.jwk()).unwrap();
        assert_eq!(proof.key, jwk.thumbprint());
        assert_eq!(proof.until.timestamp(), 1_000_060);
    }
}

#[test]
fn a_proof_of_the_specification_is_right_in_its_time() {
    // RFC 9449, section 4.1 with the access token of section 7.1, and the key of both.
    let text = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZ\
                OXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsIm\
                NydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV\
                4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLX\
                iOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    let urls = ["https://server.example.com/token".to_owned()];
    let expected = Expected {
        urls: &urls,
        ..expected(None, &Algorithm::ALL)
    };
    let made = Timestamp::from_timestamp(1_562_262_616, 0).unwrap();
    let proof = check(text, &expected, made).unwrap();
    // Section 6.1.
    assert_eq!(
        BASE64URL_NOPAD.encode(&proof.key),
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    );
    assert_eq!(check(text, &expected, now()), Err(JoseError::NotYetValid));
}

#[test]
fn what_is_no_signed_token_is_refused() {
    let good = signed(TestKey::p256(), &header(TestKey::p256()), &good());
    for (text, error) in [
        (String::new(), JoseError::Parts),
        (format!("{good}.AA"), JoseError::Parts),
        (format!("{good}="), JoseError::Encoding),
        // As two headers are joined on the way.
        (format!("{good}, {good}"), JoseError::Parts),
    ] {
        assert_eq!(checked(&text), Err(error), "{text}");
    }
}

#[test]
fn no_claim_of_a_proof_may_be_missing() {
    for name in ["htm", "htu", "iat", "jti"] {
        let mut lacking = good();
        lacking.as_object_mut().unwrap().remove(name);
        assert_eq!(said(&lacking), Err(JoseError::ClaimMissing(name)));
    }
}

#[test]
fn a_token_of_another_type_is_no_proof() {
    for typ in ["JWT", "at+jwt", "client-authentication+jwt", ""] {
        assert_eq!(headed("typ", json!(typ)), JoseError::Type, "{typ}");
    }
    let key = TestKey::p256();
    let untyped = json!({"alg": "ES256", "jwk": key.jwk()});
    let error = checked(&signed(key, &untyped, &good()));
    assert_eq!(error, Err(JoseError::Type));
}

#[test]
fn only_asymmetric_algorithms_are_taken_and_for_fapi_fewer() {
    for algorithm in ["none", "HS256", "ES512", "RSA-OAEP"] {
        assert_eq!(headed("alg", json!(algorithm)), JoseError::Algorithm);
    }
    let key = TestKey::rsa();
    let text = signed(key, &header(key), &good());
    assert!(checked(&text).is_ok());
    let fapi = check(&text, &expected(None, &Algorithm::FAPI), now());
    assert_eq!(fapi, Err(JoseError::Algorithm));
}

#[test]
fn the_signature_is_by_the_key_in_the_header() {
    let other = json!(TestKey::new_p256().jwk());
    assert_eq!(headed("jwk", other), JoseError::Signature);
    let unfit = json!(TestKey::p384().jwk());
    assert_eq!(headed("jwk", unfit), JoseError::UnknownKey);
    let key = TestKey::p256();
    let without = json!({"typ": "dpop+jwt", "alg": "ES256"});
    let error = checked(&signed(key, &without, &good()));
    assert_eq!(error, Err(JoseError::NoOwnKey));
}

#[test]
fn a_private_or_shared_key_in_the_header_is_refused() {
    for name in ["d", "p", "k"] {
        let mut jwk = TestKey::p256().jwk();
        jwk.insert(name.to_owned(), json!("AA"));
        let error = JoseError::HeaderKey(KeyRefused::Private);
        assert_eq!(headed("jwk", json!(jwk)), error, "{name}");
    }
}

#[test]
fn the_method_is_that_of_the_request() {
    assert_eq!(with("htm", json!("POST")), Ok(()));
    for method in ["GET", "post", "", "POST "] {
        let error = JoseError::ClaimValue("htm");
        assert_eq!(with("htm", json!(method)), Err(error), "{method}");
    }
    let error = JoseError::ClaimType("htm");
    assert_eq!(with("htm", json!(["POST"])), Err(error));
}

#[test]
fn spellings_of_our_url_are_one() {
    for url in [
        "https://id.example.com/token",
        "HTTPS://ID.Example.com/token",
        "https://id.example.com:443/token",
        "https://id.example.com/a/../token",
        "https://id.example.com/%74oken",
        "https://id.example.com/token?grant=code",
        "https://id.example.com/token#top",
    ] {
        assert_eq!(with("htu", json!(url)), Ok(()), "{url}");
    }
}

#[test]
fn every_other_url_is_refused() {
    for url in [
        "",
        "/token",
        "token",
        "https://id.example.com",
        "https://id.example.com/",
        "https://id.example.com/token/",
        "https://id.example.com//token",
        "https://id.example.com/%2Ftoken",
        "https://id.example.com/Token",
        "https://id.example.com/tokens",
        "https://id.example.com/userinfo",
        "https://id.example.com/userinfo?/token",
        "https://id.example.com:8443/token",
        "http://id.example.com/token",
        "https://id.example.com./token",
        "https://id.example.com.evil.test/token",
        "https://evil.test/token",
        "https://evil.test/https://id.example.com/token",
        "https://ana@id.example.com/token",
        "https://id.example.com@evil.test/token",
        "https:\\\\id.example.com\\token",
        "https:/id.example.com/token",
        "https:///id.example.com/token",
        " https://id.example.com/token",
        "https://id.example.com/to\tken",
    ] {
        let error = JoseError::ClaimValue("htu");
        assert_eq!(with("htu", json!(url)), Err(error), "{url}");
    }
}

#[test]
fn an_endpoint_may_have_another_name_of_ours() {
    let alias = "https://mtls.example.com:8445/token";
    let urls = [ENDPOINT, alias].map(str::to_owned);
    let key = TestKey::p256();
    let named = |url: &str| {
        let mut claims = good();
        claims["htu"] = json!(url);
        let expected = Expected {
            urls: &urls,
            ..expected(None, &Algorithm::ALL)
        };
        check(&signed(key, &header(key), &claims), &expected, now()).map(|_| ())
    };
    assert_eq!(named(ENDPOINT), Ok(()));
    assert_eq!(named(alias), Ok(()));
    let other = named("https://mtls.example.com/token");
    assert_eq!(other, Err(JoseError::ClaimValue("htu")));
}

#[test]
fn a_port_of_ours_that_is_not_the_usual_one_has_to_be_named() {
    let ours = "https://id.example.com:8443/token";
    assert!(is_endpoint(ours, ours));
    assert!(!is_endpoint("https://id.example.com/token", ours));
    assert!(!is_endpoint("https://id.example.com:443/token", ours));
}

#[test]
fn a_proof_counts_a_minute_either_way() {
    for (made, outcome) in [
        (999_940, Ok(())),
        (1_000_060, Ok(())),
        (999_939, Err(JoseError::Expired)),
        (0, Err(JoseError::Expired)),
        (1_000_061, Err(JoseError::NotYetValid)),
    ] {
        assert_eq!(with("iat", json!(made)), outcome, "{made}");
    }
    let error = JoseError::ClaimType("iat");
    assert_eq!(with("iat", json!("1000000")), Err(error));
}

#[test]
fn a_proof_may_say_itself_that_it_is_over() {
    assert_eq!(with("exp", json!(1_000_000)), Ok(()));
    assert_eq!(with("exp", json!(999_970)), Err(JoseError::Expired));
    assert_eq!(with("nbf", json!(1_000_061)), Err(JoseError::NotYetValid));
}

#[test]
fn an_identifier_has_up_to_128_characters() {
    for good in ["a".to_owned(), "a".repeat(128), "é".repeat(128)] {
        assert_eq!(with("jti", json!(good)), Ok(()));
    }
    for bad in [String::new(), "a".repeat(129)] {
        assert_eq!(with("jti", json!(bad)), Err(JoseError::ClaimValue("jti")));
    }
    assert_eq!(with("jti", json!(1)), Err(JoseError::ClaimType("jti")));
}

#[test]
fn proofs_are_told_apart_by_key_and_identifier() {
    let once = |key: &TestKey, jti: &str| {
        let mut claims = good();
        claims["jti"] = json!(jti);
        checked(&signed(key, &header(key), &claims)).unwrap().once
    };
    let first = once(TestKey::p256(), "one");
    assert_eq!(first, once(TestKey::p256(), "one"));
    assert_ne!(first, once(TestKey::p256(), "two"));
    assert_ne!(first, once(TestKey::ed25519(), "one"));
}

#[test]
fn at_a_resource_the_proof_is_for_the_token() {
    let key = TestKey::p256();
    let token = Secret::from_untrusted("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
    let presented = expected(Some(&token), &Algorithm::ALL);
    let with_hash = |hash: Option<&str>| {
        let mut claims = good();
        if let Some(hash) = hash {
            claims["ath"] = json!(hash);
        }
        check(&signed(key, &header(key), &claims), &presented, now()).map(|_| ())
    };
    // RFC 9449, section 7.1.
    let hash = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";
    assert_eq!(with_hash(Some(hash)), Ok(()));
    assert_eq!(with_hash(None), Err(JoseError::ClaimMissing("ath")));
    for other in ["", &hash_of(&Secret::from_untrusted("another"))] {
        let error = JoseError::ClaimValue("ath");
        assert_eq!(with_hash(Some(other)), Err(error), "{other}");
    }
}
