//! Keys that are taken, and one test for each reason to refuse one.

use serde_json::json;

use super::*;
use crate::jose::fixtures::TestKey;

/// The key of RFC 7638, section 3.1.
const EXAMPLE_MODULUS: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

fn of_bytes(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn refused(mut jwk: Map<String, Value>, name: &str, value: Value) -> KeyRefused {
    jwk.insert(name.to_owned(), value);
    PublicKey::from_jwk(&jwk).unwrap_err()
}

fn with(mut jwk: Map<String, Value>, name: &str, value: Value) -> PublicKey {
    jwk.insert(name.to_owned(), value);
    PublicKey::from_jwk(&jwk).unwrap()
}

fn without(mut jwk: Map<String, Value>, name: &str) -> KeyRefused {
    jwk.remove(name);
    PublicKey::from_jwk(&jwk).unwrap_err()
}

fn rsa_of(modulus: &[u8], exponent: &[u8]) -> Result<PublicKey, KeyRefused> {
    let mut jwk = Map::new();
    jwk.insert("kty".to_owned(), json!("RSA"));
    jwk.insert("n".to_owned(), json!(of_bytes(modulus)));
    jwk.insert("e".to_owned(), json!(of_bytes(exponent)));
    PublicKey::from_jwk(&jwk)
}

const F4: [u8; 3] = [1, 0, 1];

#[test]
fn keys_of_every_type_are_taken() {
    for key in TestKey::each() {
        let read = PublicKey::from_jwk(&key.jwk()).unwrap();
        assert_eq!(read.id(), None);
        assert_eq!(with(key.jwk(), "kid", json!("one")).id(), Some("one"));
    }
}

#[test]
fn the_key_decides_which_algorithms_are_possible() {
    let fitting = |key: &TestKey| {
        let key = PublicKey::from_jwk(&key.jwk()).unwrap();
        let fitting = Algorithm::ALL.into_iter();
        fitting
            .filter(|algorithm| key.fits(*algorithm))
            .collect::<Vec<_>>()
    };
    assert_eq!(fitting(TestKey::rsa()), Algorithm::ALL[..6]);
    assert_eq!(fitting(TestKey::p256()), [Algorithm::Es256]);
    assert_eq!(fitting(TestKey::p384()), [Algorithm::Es384]);
    assert_eq!(fitting(TestKey::ed25519()), [Algorithm::EdDsa]);
}

#[test]
fn a_key_for_one_algorithm_verifies_no_other() {
    let key = with(TestKey::rsa().jwk(), "alg", json!("PS256"));
    assert!(key.fits(Algorithm::Ps256));
    assert!(!key.fits(Algorithm::Rs256));
    let signature = TestKey::rsa().signature(Algorithm::Rs256, b"message");
    assert!(!key.verifies(Algorithm::Rs256, b"message", &of_bytes(&signature)));
}

#[test]
fn the_thumbprint_is_that_of_the_specification() {
    let jwk = json!({"kty": "RSA", "n": EXAMPLE_MODULUS, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"});
    let key = PublicKey::from_jwk(jwk.as_object().unwrap()).unwrap();
    assert_eq!(
        of_bytes(&key.thumbprint()),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
}

#[test]
fn the_thumbprint_does_not_depend_on_what_is_said_about_the_key() {
    for key in TestKey::each() {
        let (bare, named) = (
            PublicKey::from_jwk(&key.jwk()).unwrap(),
            with(key.jwk(), "kid", json!("one")),
        );
        assert_eq!(bare.thumbprint(), named.thumbprint());
        assert_ne!(bare, named);
    }
}

#[test]
fn a_private_or_symmetric_key_is_refused() {
    for name in PRIVATE {
        let error = refused(TestKey::p256().jwk(), name, json!("AQ"));
        assert_eq!(error, KeyRefused::Private, "{name}");
    }
    let secret = json!({"kty": "oct", "k": "AQ"});
    assert_eq!(
        PublicKey::from_jwk(secret.as_object().unwrap()),
        Err(KeyRefused::Private)
    );
}

#[test]
fn a_key_for_encryption_is_refused() {
    for value in [json!("enc"), json!("SIG"), json!(["sig"]), json!(null)] {
        assert_eq!(refused(TestKey::rsa().jwk(), "use", value), KeyRefused::Use);
    }
    with(TestKey::rsa().jwk(), "use", json!("sig"));
}

#[test]
fn a_key_with_operations_other_than_verifying_is_refused() {
    for value in [
        json!(["sign"]),
        json!(["sign", "verify"]),
        json!(["encrypt"]),
        json!([]),
        json!("verify"),
        json!([1]),
    ] {
        let error = refused(TestKey::p256().jwk(), "key_ops", value);
        assert_eq!(error, KeyRefused::Operations);
    }
    with(TestKey::p256().jwk(), "key_ops", json!(["verify"]));
}

#[test]
fn an_algorithm_that_does_not_fit_the_key_is_refused() {
    for value in ["RS256", "ES384", "HS256", "RSA-OAEP", "none", ""] {
        let error = refused(TestKey::p256().jwk(), "alg", json!(value));
        assert_eq!(error, KeyRefused::Algorithm, "{value}");
    }
}

#[test]
fn unknown_types_and_curves_are_refused() {
    let jwk = TestKey::p256().jwk();
    assert_eq!(refused(jwk, "kty", json!("AKP")), KeyRefused::Type);
    for curve in ["secp256k1", "P-521", "p-256", "Ed25519"] {
        let error = refused(TestKey::p256().jwk(), "crv", json!(curve));
        assert_eq!(error, KeyRefused::Curve, "{curve}");
    }
    for curve in ["X25519", "Ed448", "P-256"] {
        let error = refused(TestKey::ed25519().jwk(), "crv", json!(curve));
        assert_eq!(error, KeyRefused::Curve, "{curve}");
    }
}

#[test]
fn a_modulus_below_2048_or_above_8192_bits_is_refused() {
    let mut just_too_short = vec![0xff; 256];
    just_too_short[0] = 0x7f;
    for modulus in [vec![0xff; 128], just_too_short, vec![0xff; 1025]] {
        assert_eq!(rsa_of(&modulus, &F4), Err(KeyRefused::Size));
    }
    for length in [256, 1024] {
        assert!(rsa_of(&vec![0xff; length], &F4).is_ok(), "{length}");
    }
}

#[test]
fn a_small_an_even_and_a_huge_exponent_are_refused() {
    for exponent in [
        &[1][..],
        &[3],
        &[0xff, 0xff],
        &[1, 0, 2],
        &[2, 0, 0, 0, 1],
        &[1, 0, 0, 0, 0, 0, 0, 0, 1],
    ] {
        let error = rsa_of(&[0xff; 256], exponent).unwrap_err();
        assert_eq!(error, KeyRefused::Exponent, "{exponent:?}");
    }
    assert!(rsa_of(&[0xff; 256], &[1, 0, 0, 0, 1]).is_ok());
}

#[test]
fn an_even_modulus_is_refused() {
    let mut modulus = [0xff; 256];
    modulus[255] = 0xfe;
    assert_eq!(rsa_of(&modulus, &F4), Err(KeyRefused::Damaged));
}

#[test]
fn numbers_with_zeros_before_them_are_refused() {
    let modulus = [&[0][..], &[0xff; 256]].concat();
    assert_eq!(rsa_of(&modulus, &F4), Err(KeyRefused::Member("n")));
    assert_eq!(
        rsa_of(&[0xff; 256], &[0, 1, 0, 1]),
        Err(KeyRefused::Member("e"))
    );
}

#[test]
fn a_point_that_is_not_on_the_curve_is_refused() {
    let jwk = TestKey::p256().jwk();
    let off = refused(jwk, "y", json!(of_bytes(&[1; 32])));
    assert_eq!(off, KeyRefused::Damaged);
    let jwk = TestKey::p384().jwk();
    let off = refused(jwk, "y", json!(of_bytes(&[1; 48])));
    assert_eq!(off, KeyRefused::Damaged);
}

#[test]
fn a_coordinate_of_another_length_is_refused() {
    for (key, name, length) in [
        (TestKey::p256(), "x", 31),
        (TestKey::p256(), "y", 33),
        (TestKey::p384(), "x", 32),
        (TestKey::ed25519(), "x", 33),
    ] {
        let value = json!(of_bytes(&vec![1; length]));
        assert_eq!(refused(key.jwk(), name, value), KeyRefused::Member(name));
    }
}

#[test]
fn a_missing_a_padded_and_a_wrong_member_are_refused() {
    for (key, name) in [
        (TestKey::rsa(), "kty"),
        (TestKey::rsa(), "n"),
        (TestKey::rsa(), "e"),
        (TestKey::p256(), "crv"),
        (TestKey::p256(), "x"),
        (TestKey::p256(), "y"),
        (TestKey::ed25519(), "x"),
    ] {
        assert_eq!(without(key.jwk(), name), KeyRefused::Member(name));
        let wrong = refused(key.jwk(), name, json!(1));
        assert_eq!(wrong, KeyRefused::Member(name));
    }
    let padded = json!(format!("{}=", of_bytes(&[1; 32])));
    assert_eq!(
        refused(TestKey::ed25519().jwk(), "x", padded),
        KeyRefused::Member("x")
    );
    let id = refused(TestKey::rsa().jwk(), "kid", json!(1));
    assert_eq!(id, KeyRefused::Member("kid"));
}

#[test]
fn a_key_prints_without_its_numbers() {
    let jwk = TestKey::rsa().jwk();
    let printed = format!("{:?}", PublicKey::from_jwk(&jwk).unwrap());
    assert!(!printed.contains(jwk["n"].as_str().unwrap()), "{printed}");
}
