//! One private key of the provider: made by `aws-lc-rs`, in the form in which `jsonwebtoken` signs with it, and
//! its public half as it is published. Which key signs is left to `key_set`.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use jsonwebtoken::EncodingKey;
use serde_json::{Map, Value, json};
use x509_parser::asn1_rs::{Any, FromDer as _, Tag};
use zeroize::Zeroizing;

use super::key_set::KeyError;
use crate::config::Algorithm;
use crate::domain::ids::KeyId;
use crate::jose;

/// A private key with its identifier.
pub struct SigningKey {
    id: KeyId,
    algorithm: jose::Algorithm,
    private: EncodingKey,
    public: Map<String, Value>,
}

impl SigningKey {
    /// Makes a key and gives its PKCS #8 form, to be stored.
    pub fn generate(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let failed = |_| KeyError::Generation;
        let random = SystemRandom::new();
        let pkcs8 = match algorithm {
            Algorithm::Es256 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                    .map_err(failed)?
                    .as_ref()
                    .to_vec()
            }
            Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random)
                .map_err(failed)?
                .as_ref()
                .to_vec(),
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let encoded: Pkcs8V1Der<'_> = AsDer::as_der(&pair).map_err(failed)?;
                encoded.as_ref().to_vec()
            }
        };
        Ok(Zeroizing::new(pkcs8))
    }

    /// Reads a stored key.
    pub fn from_pkcs8(id: KeyId, algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let damaged = |_| KeyError::Damaged(id.clone());
        let (algorithm, private, public) = match algorithm {
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                    .map_err(damaged)?;
                let private = EncodingKey::from_ec_der(pkcs8);
                (jose::Algorithm::Es256, private, elliptic(&pair))
            }
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(damaged)?;
                let inner = rsa_private_key(pkcs8).ok_or_else(|| damaged_form(&id))?;
                let private = EncodingKey::from_rsa_der(inner);
                (jose::Algorithm::Rs256, private, rsa(&pair))
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(damaged)?;
                let private = EncodingKey::from_ed_der(pkcs8);
                (jose::Algorithm::EdDsa, private, edwards(&pair))
            }
        };
        let public = described(public, algorithm, &id);
        Ok(Self {
            id,
            algorithm,
            private,
            public,
        })
    }

    /// The key, published together with a certificate of it.
    #[must_use]
    pub(super) fn with_certificate(mut self, der: &[u8]) -> Self {
        // RFC 7517, section 4.7: in base64 and not in base64url, unlike everything else.
        let chain = json!([BASE64.encode(der)]);
        self.public.insert("x5c".to_owned(), chain);
        // RFC 7517, section 4.9.
        let thumbprint = text(digest(&SHA256, der).as_ref());
        self.public.insert("x5t#S256".to_owned(), thumbprint);
        self
    }

    /// The key's identifier, `kid` of RFC 7517, section 4.5.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The algorithm that the key signs with: its own, and no other (RFC 8725, section 3.1).
    #[must_use]
    pub fn algorithm(&self) -> jose::Algorithm {
        self.algorithm
    }

    /// The public key as a JSON Web Key (RFC 7517, section 4).
    #[must_use]
    pub fn public(&self) -> &Map<String, Value> {
        &self.public
    }

    pub(super) fn private(&self) -> &EncodingKey {
        &self.private
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// The algorithms that keys are made for.
pub(super) const ALGORITHMS: [Algorithm; 3] =
    [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa];

/// The algorithm that is chosen by this word of the configuration.
#[must_use]
pub const fn signature_algorithm(word: Algorithm) -> jose::Algorithm {
    match word {
        Algorithm::Es256 => jose::Algorithm::Es256,
        Algorithm::Rs256 => jose::Algorithm::Rs256,
        Algorithm::EdDsa => jose::Algorithm::EdDsa,
    }
}

fn damaged_form(id: &KeyId) -> KeyError {
    KeyError::Damaged(id.clone())
}

/// The `RSAPrivateKey` (RFC 8017, appendix A.1.2) inside of PKCS #8 (RFC 5958, section 2): the other kinds of keys
/// are wanted as they are stored, RSA keys without what is around them.
fn rsa_private_key(pkcs8: &[u8]) -> Option<&[u8]> {
    let (_, outer) = Any::from_der(pkcs8).ok()?;
    let (rest, _version) = Any::from_der(outer.data).ok()?;
    let (rest, _algorithm) = Any::from_der(rest).ok()?;
    let (_, key) = Any::from_der(rest).ok()?;
    let sound = outer.tag() == Tag::Sequence && key.tag() == Tag::OctetString;
    sound.then_some(key.data)
}

/// RFC 7518, section 6.2.1.
fn elliptic(pair: &EcdsaKeyPair) -> Vec<(&'static str, Value)> {
    // An uncompressed point: one byte of form, then x and y of 32 bytes each (SEC 1, section 2.3.3).
    let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
    let (x, y) = point.split_at(point.len() / 2);
    vec![
        ("kty", json!("EC")),
        ("crv", json!("P-256")),
        ("x", text(x)),
        ("y", text(y)),
    ]
}

/// RFC 8037, section 2.
fn edwards(pair: &Ed25519KeyPair) -> Vec<(&'static str, Value)> {
    vec![
        ("kty", json!("OKP")),
        ("crv", json!("Ed25519")),
        ("x", text(pair.public_key().as_ref())),
    ]
}

/// RFC 7518, section 6.3.1.
fn rsa(pair: &RsaKeyPair) -> Vec<(&'static str, Value)> {
    let public = pair.public_key();
    vec![
        ("kty", json!("RSA")),
        (
            "n",
            text(public.modulus().big_endian_without_leading_zero()),
        ),
        (
            "e",
            text(public.exponent().big_endian_without_leading_zero()),
        ),
    ]
}

fn text(bytes: &[u8]) -> Value {
    Value::String(BASE64URL_NOPAD.encode(bytes))
}

/// With what clients have to know to choose the key, and to use it for nothing else (RFC 7517, section 4).
fn described(
    numbers: Vec<(&'static str, Value)>,
    algorithm: jose::Algorithm,
    id: &KeyId,
) -> Map<String, Value> {
    let said = [
        ("use", json!("sig")),
        ("alg", json!(algorithm)),
        ("kid", json!(id.as_str())),
    ];
    numbers
        .into_iter()
        .chain(said)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
    use openidconnect::{JsonWebKey as _, JsonWebKeyId};

    use super::*;

    fn key(algorithm: Algorithm) -> SigningKey {
        let pkcs8 = SigningKey::generate(algorithm).unwrap();
        SigningKey::from_pkcs8(KeyId::new("one"), algorithm, &pkcs8).unwrap()
    }

    #[test]
    fn every_algorithm_signs_what_its_published_key_verifies() {
        for algorithm in ALGORITHMS {
            let key = key(algorithm);
            let signed =
                jsonwebtoken::crypto::sign(b"message", key.private(), key.algorithm().into());
            let signed = BASE64URL_NOPAD.decode(signed.unwrap().as_bytes()).unwrap();
            // By an implementation of others.
            let public = Value::Object(key.public().clone());
            let theirs: CoreJwsSigningAlgorithm =
                serde_json::from_value(json!(key.algorithm())).unwrap();
            let public: CoreJsonWebKey = serde_json::from_value(public).unwrap();
            public
                .verify_signature(&theirs, b"message", &signed)
                .unwrap();
            assert!(
                public
                    .verify_signature(&theirs, b"another", &signed)
                    .is_err()
            );
            assert_eq!(public.key_id(), Some(&JsonWebKeyId::new("one".to_owned())));
        }
    }

    #[test]
    fn a_published_key_is_good_by_our_own_rules() {
        for algorithm in ALGORITHMS {
            let key = key(algorithm);
            let read = jose::PublicKey::from_jwk(key.public()).unwrap();
            assert_eq!(read.id(), Some("one"));
            let fitting = jose::Algorithm::ALL.into_iter();
            let fitting: Vec<_> = fitting.filter(|each| read.fits(*each)).collect();
            assert_eq!(fitting, [key.algorithm()]);
        }
    }

    #[test]
    fn the_published_key_has_no_private_part_and_a_key_prints_without_it() {
        for algorithm in ALGORITHMS {
            let key = key(algorithm);
            for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
                assert!(!key.public().contains_key(private), "{private}");
            }
            assert_eq!(key.public()["use"], "sig");
            let printed = format!("{key:?}");
            assert!(!printed.contains("private"), "{printed}");
        }
    }

    #[test]
    fn a_certificate_is_published_in_base64_with_its_thumbprint() {
        let key = key(Algorithm::Es256).with_certificate(&[0xfb, 0xff, 0xfe]);
        assert_eq!(key.public()["x5c"], json!(["+//+"]));
        let thumbprint = key.public()["x5t#S256"].as_str().unwrap();
        assert_eq!(
            BASE64URL_NOPAD.decode(thumbprint.as_bytes()).unwrap().len(),
            32
        );
        jose::PublicKey::from_jwk(key.public()).unwrap();
    }

    #[test]
    fn a_damaged_key_is_refused_by_name() {
        for algorithm in ALGORITHMS {
            let error = SigningKey::from_pkcs8(KeyId::new("one"), algorithm, b"junk").unwrap_err();
            assert_eq!(error.to_string(), "the stored signing key `one` is damaged");
        }
    }
}
