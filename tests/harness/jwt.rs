//! Keys of clients and of other servers, and what they sign: any text as it is, the forbidden included. Nothing here
//! comes from the server, so that the two can disagree. What a good token says is left to the tests.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// A key that signs.
pub struct TestKey {
    kid: String,
    pair: Pair,
}

enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(Box<RsaKeyPair>),
    Ps256(Box<RsaKeyPair>),
    EdDsa(Ed25519KeyPair),
}

impl TestKey {
    /// A key on the curve P-256.
    pub fn es256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        Self::new(Pair::Es256(pair))
    }

    /// An RSA key of 2048 bits.
    pub fn rs256() -> Self {
        Self::new(Pair::Rs256(Box::new(rsa(KeySize::Rsa2048))))
    }

    /// An RSA key of 2048 bits that signs with PSS.
    pub fn ps256() -> Self {
        Self::new(Pair::Ps256(Box::new(rsa(KeySize::Rsa2048))))
    }

    /// A key on the curve Ed25519.
    pub fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().expect("a key");
        Self::new(Pair::EdDsa(pair))
    }

    /// The key under another identifier than its thumbprint.
    pub fn named(mut self, kid: &str) -> Self {
        kid.clone_into(&mut self.kid);
        self
    }

    /// Its identifier.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with: RFC 7518, section 3.1, and RFC 8037, section 3.1.
    pub fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Es256(_) => "ES256",
            Pair::Rs256(_) => "RS256",
            Pair::Ps256(_) => "PS256",
            Pair::EdDsa(_) => "EdDSA",
        }
    }

    /// The public key: RFC 7517.
    pub fn jwk(&self) -> Value {
        let mut jwk = self.bare_jwk();
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.algorithm());
        jwk["use"] = json!("sig");
        jwk
    }

    /// The public key and nothing else, as the header of a `DPoP` proof carries it.
    pub fn bare_jwk(&self) -> Value {
        match &self.pair {
            Pair::Es256(pair) => {
                // SEC 1, section 2.3.3: one byte of form, then x and y.
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({ "kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y) })
            }
            Pair::Rs256(pair) | Pair::Ps256(pair) => {
                let public = pair.public_key();
                let n = public.modulus().big_endian_without_leading_zero();
                let e = public.exponent().big_endian_without_leading_zero();
                json!({ "kty": "RSA", "n": encoded(n), "e": encoded(e) })
            }
            Pair::EdDsa(pair) => {
                let x = encoded(pair.public_key().as_ref());
                json!({ "kty": "OKP", "crv": "Ed25519", "x": x })
            }
        }
    }

    /// A token as everybody makes them, of this type if any.
    pub fn token(&self, typ: Option<&str>, claims: &Value) -> String {
        let mut header = json!({ "alg": self.algorithm(), "kid": self.kid });
        if let Some(typ) = typ {
            header["typ"] = json!(typ);
        }
        self.sign(&header.to_string(), &claims.to_string())
    }

    /// Signs these texts as they are: repeated members, an odd header, no JSON at all.
    pub fn sign(&self, header: &str, claims: &str) -> String {
        self.sign_encoded(&encoded(header), &encoded(claims))
    }

    /// Signs these parts as they are: they need not even be base64url.
    pub fn sign_encoded(&self, header: &str, claims: &str) -> String {
        let message = format!("{header}.{claims}");
        let signature = encoded(self.signature(message.as_bytes()));
        format!("{message}.{signature}")
    }

    fn new(pair: Pair) -> Self {
        let mut key = Self {
            kid: String::new(),
            pair,
        };
        key.kid = thumbprint(&key.bare_jwk());
        key
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Es256(pair) => {
                let signature = pair.sign(&random, message).expect("a signature");
                signature.as_ref().to_vec()
            }
            Pair::Rs256(pair) => signed(pair, &RSA_PKCS1_SHA256, message),
            Pair::Ps256(pair) => signed(pair, &RSA_PSS_SHA256, message),
            Pair::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

fn rsa(size: KeySize) -> RsaKeyPair {
    RsaKeyPair::generate(size).expect("a key")
}

fn signed(pair: &RsaKeyPair, padding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(padding, &SystemRandom::new(), message, &mut signature)
        .expect("a signature");
    signature
}

impl fmt::Debug for TestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

/// A set of public keys, as it stands at a `jwks_uri`.
pub fn jwks<'k>(keys: impl IntoIterator<Item = &'k TestKey>) -> Value {
    let keys: Vec<Value> = keys.into_iter().map(TestKey::jwk).collect();
    json!({ "keys": keys })
}

/// The thumbprint of a public key: RFC 7638, section 3.
pub fn thumbprint(jwk: &Value) -> String {
    let members: &[&str] = match jwk["kty"].as_str() {
        Some("EC") => &["crv", "kty", "x", "y"],
        Some("RSA") => &["e", "kty", "n"],
        _ => &["crv", "kty", "x"],
    };
    let members: Vec<String> = members
        .iter()
        .map(|name| format!("\"{name}\":{}", jwk[name]))
        .collect();
    sha256(&format!("{{{}}}", members.join(",")))
}

/// The SHA-256 of a text in base64url, as `ath` and others are made.
pub fn sha256(text: &str) -> String {
    encoded(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// Base64url without padding: RFC 7515, section 2.
pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL_NOPAD.encode(bytes.as_ref())
}

/// Header and claims of a token. Nothing is verified.
pub fn decoded(token: &str) -> (Value, Value) {
    let [header, claims, _] = parts(token);
    let json = |part: &str| {
        let bytes = BASE64URL_NOPAD.decode(part.as_bytes());
        serde_json::from_slice(&bytes.expect("base64url")).expect("JSON")
    };
    (json(header), json(claims))
}

/// A token that nobody has signed: RFC 7518, section 3.6.
pub fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}.", encoded(header), encoded(claims))
}

/// A token under a shared secret: a public key, perhaps, that a verifier takes for one (RFC 8725, section 2.1).
pub fn hs256(secret: &[u8], header: &str, claims: &str) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = encoded(hmac::sign(&key, message.as_bytes()));
    format!("{message}.{tag}")
}

/// The token with another header, and the signature it had.
pub fn with_header(token: &str, header: &str) -> String {
    let [_, claims, signature] = parts(token);
    format!("{}.{claims}.{signature}", encoded(header))
}

/// The token with other claims, and the signature it had.
pub fn with_claims(token: &str, claims: &str) -> String {
    let [header, _, signature] = parts(token);
    format!("{header}.{}.{signature}", encoded(claims))
}

/// The token with the padding of base64 at its end, which JOSE does without: RFC 7515, section 2. The signature is the
/// same number.
pub fn padded(token: &str) -> String {
    let [.., signature] = parts(token);
    let missing = (4 - signature.len() % 4) % 4;
    format!("{token}{}", "=".repeat(missing.max(1)))
}

/// The token with a signature of which one bit is another.
pub fn forged(token: &str) -> String {
    let [header, claims, signature] = parts(token);
    let mut bytes = BASE64URL_NOPAD
        .decode(signature.as_bytes())
        .expect("base64url");
    bytes[0] ^= 1;
    format!("{header}.{claims}.{}", encoded(bytes))
}

fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().expect("three parts")
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
        UnparsedPublicKey, VerificationAlgorithm,
    };

    use super::*;

    fn public(key: &TestKey) -> UnparsedPublicKey<Vec<u8>> {
        let (algorithm, bytes): (&'static dyn VerificationAlgorithm, &[u8]) = match &key.pair {
            Pair::Es256(pair) => (&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref()),
            Pair::Rs256(pair) => (&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref()),
            Pair::Ps256(pair) => (&RSA_PSS_2048_8192_SHA256, pair.public_key().as_ref()),
            Pair::EdDsa(pair) => (&ED25519, pair.public_key().as_ref()),
        };
        UnparsedPublicKey::new(algorithm, bytes.to_vec())
    }

    fn is_genuine(key: &TestKey, token: &str) -> bool {
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        public(key).verify(message.as_bytes(), &signature).is_ok()
    }

    #[test]
    fn every_key_signs_what_its_public_key_verifies() {
        let keys = [
            TestKey::es256(),
            TestKey::rs256(),
            TestKey::ps256(),
            TestKey::ed25519(),
        ];
        for key in keys {
            let token = key.token(Some("JWT"), &json!({ "sub": "ana" }));
            assert!(is_genuine(&key, &token), "{key:?}");
            assert!(!is_genuine(&key, &forged(&token)), "{key:?}");
            assert!(!is_genuine(&key, &with_claims(&token, "{}")), "{key:?}");
            let (header, claims) = decoded(&token);
            assert_eq!(header["alg"], key.jwk()["alg"]);
            assert_eq!(header["kid"], key.jwk()["kid"]);
            assert_eq!(claims["sub"], "ana");
        }
    }

    #[test]
    fn any_text_is_signed_as_it_is() {
        let key = TestKey::es256();
        let odd = r#"{"alg":"ES256","alg":"none"}"#;
        let token = key.sign(odd, "no JSON");
        assert!(is_genuine(&key, &token));
        assert!(token.starts_with(&encoded(odd)));
        assert!(is_genuine(&key, &key.sign_encoded("a=", "b/+")));
    }

    #[test]
    fn a_padded_token_has_the_length_of_padded_base64() {
        let token = TestKey::ed25519().token(None, &json!({}));
        assert_eq!(padded(&token), format!("{token}=="));
    }

    #[test]
    fn a_token_that_nobody_signed_ends_with_its_last_dot() {
        assert_eq!(unsigned("a", "b"), "YQ.Yg.");
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWK\
                 RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAt\
                 aSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPks\
                 INHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let jwk = json!({ "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29", "n": n });
        let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(thumbprint(&jwk), expected);
    }
}
