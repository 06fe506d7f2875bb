//! Keys for tests, which sign anything: headers, claims and algorithms as the test writes them. They sign with
//! the cryptographic library alone, so that what is tested does not judge itself.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};

use super::algorithm::Algorithm;

/// A private key.
pub(crate) enum TestKey {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

static RSA: LazyLock<TestKey> = LazyLock::new(|| {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    TestKey::Rsa(Box::new(pair))
});
static P256: LazyLock<TestKey> = LazyLock::new(TestKey::new_p256);
static P384: LazyLock<TestKey> =
    LazyLock::new(|| TestKey::P384(ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)));
static ED25519: LazyLock<TestKey> =
    LazyLock::new(|| TestKey::Ed25519(Ed25519KeyPair::generate().unwrap()));

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref()).unwrap()
}

impl TestKey {
    /// A key of 2048 bits, the same each time: RSA keys take long to make.
    pub(crate) fn rsa() -> &'static Self {
        &RSA
    }

    pub(crate) fn p256() -> &'static Self {
        &P256
    }

    pub(crate) fn p384() -> &'static Self {
        &P384
    }

    pub(crate) fn ed25519() -> &'static Self {
        &ED25519
    }

    /// A key that nobody else has.
    pub(crate) fn new_p256() -> Self {
        Self::P256(ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING))
    }

    /// One key of each type.
    pub(crate) fn each() -> [&'static Self; 4] {
        [Self::rsa(), Self::p256(), Self::p384(), Self::ed25519()]
    }

    /// The algorithms that the key can sign with.
    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        match self {
            Self::Rsa(_) => Algorithm::ALL[..6].to_vec(),
            Self::P256(_) => vec![Algorithm::Es256],
            Self::P384(_) => vec![Algorithm::Es384],
            Self::Ed25519(_) => vec![Algorithm::EdDsa],
        }
    }

    /// The public key, without anything else being said about it.
    pub(crate) fn jwk(&self) -> Map<String, Value> {
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let elliptic = |pair: &EcdsaKeyPair, curve: &str| {
            let point = &pair.public_key().as_ref()[1..];
            let (x, y) = point.split_at(point.len() / 2);
            json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)})
        };
        let jwk = match self {
            Self::Rsa(pair) => {
                let public = pair.public_key();
                let modulus = public.modulus().big_endian_without_leading_zero();
                let exponent = public.exponent().big_endian_without_leading_zero();
                json!({"kty": "RSA", "n": text(modulus), "e": text(exponent)})
            }
            Self::P256(pair) => elliptic(pair, "P-256"),
            Self::P384(pair) => elliptic(pair, "P-384"),
            Self::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())})
            }
        };
        jwk.as_object().unwrap().clone()
    }

    /// A set with this key alone.
    pub(crate) fn jwks(&self, id: &str) -> String {
        let mut jwk = self.jwk();
        jwk.insert("kid".to_owned(), json!(id));
        json!({"keys": [jwk]}).to_string()
    }

    pub(crate) fn signature(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match algorithm {
                    Algorithm::Rs256 => &signature::RSA_PKCS1_SHA256,
                    Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
                    Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
                    Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
                    Algorithm::Ps384 => &signature::RSA_PSS_SHA384,
                    _ => &signature::RSA_PSS_SHA512,
                };
                let mut signed = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signed).unwrap();
                signed
            }
            Self::P256(pair) | Self::P384(pair) => {
                pair.sign(&random, message).unwrap().as_ref().to_vec()
            }
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token whose header and claims are these texts.
    pub(crate) fn signed(&self, algorithm: Algorithm, header: &str, claims: &str) -> String {
        let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.signature(algorithm, signed.as_bytes());
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    /// A token with these claims, by the key's first algorithm.
    pub(crate) fn token(&self, id: &str, claims: &Value) -> String {
        let algorithm = self.algorithms()[0];
        let header = json!({"alg": algorithm.name(), "kid": id});
        self.signed(algorithm, &header.to_string(), &claims.to_string())
    }
}
