//! One private key that signs ID tokens, through `aws-lc-rs`, as `openidconnect` wants to use it.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use openidconnect::core::{CoreJsonCurveType, CoreJsonWebKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKeyId, PrivateSigningKey, SigningError};
use zeroize::Zeroizing;

use super::key_set::KeyError;
use crate::config::Algorithm;
use crate::domain::ids::KeyId;

/// A private key with its identifier.
pub struct SigningKey {
    id: KeyId,
    pair: Pair,
}

enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(Box<RsaKeyPair>),
    EdDsa(Ed25519KeyPair),
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
                let encoded: aws_lc_rs::encoding::Pkcs8V1Der<'_> =
                    aws_lc_rs::encoding::AsDer::as_der(&pair).map_err(failed)?;
                encoded.as_ref().to_vec()
            }
        };
        Ok(Zeroizing::new(pkcs8))
    }

    /// Reads a stored key.
    pub fn from_pkcs8(id: KeyId, algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let damaged = |_| KeyError::Damaged(id.clone());
        let pair = match algorithm {
            Algorithm::Es256 => Pair::Es256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                    .map_err(damaged)?,
            ),
            Algorithm::Rs256 => {
                Pair::Rs256(Box::new(RsaKeyPair::from_pkcs8(pkcs8).map_err(damaged)?))
            }
            Algorithm::EdDsa => Pair::EdDsa(Ed25519KeyPair::from_pkcs8(pkcs8).map_err(damaged)?),
        };
        Ok(Self { id, pair })
    }

    /// The key's identifier, `kid` of RFC 7517, section 4.5.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The algorithm that the key signs with.
    #[must_use]
    pub fn algorithm(&self) -> CoreJwsSigningAlgorithm {
        match self.pair {
            Pair::Es256(_) => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            Pair::Rs256(_) => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            Pair::EdDsa(_) => CoreJwsSigningAlgorithm::EdDsa,
        }
    }
}

impl PrivateSigningKey for SigningKey {
    type VerificationKey = CoreJsonWebKey;

    fn sign(
        &self,
        algorithm: &CoreJwsSigningAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, SigningError> {
        // A key signs with its own algorithm only (RFC 8725, section 3.1).
        if *algorithm != self.algorithm() {
            return Err(SigningError::UnsupportedAlg(format!("{algorithm:?}")));
        }
        let failed = |_| SigningError::CryptoError;
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Es256(pair) => Ok(pair
                .sign(&random, message)
                .map_err(failed)?
                .as_ref()
                .to_vec()),
            Pair::EdDsa(pair) => Ok(pair.try_sign(message).map_err(failed)?.as_ref().to_vec()),
            Pair::Rs256(pair) => {
                let mut signed = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut signed)
                    .map_err(failed)?;
                Ok(signed)
            }
        }
    }

    fn as_verification_key(&self) -> CoreJsonWebKey {
        let id = Some(JsonWebKeyId::new(self.id.to_string()));
        match &self.pair {
            Pair::Es256(pair) => {
                // An uncompressed point: one byte of form, then x and y of 32 bytes each (SEC 1, section 2.3.3).
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                CoreJsonWebKey::new_ec(x.to_vec(), y.to_vec(), CoreJsonCurveType::P256, id)
            }
            Pair::EdDsa(pair) => CoreJsonWebKey::new_okp(
                pair.public_key().as_ref().to_vec(),
                CoreJsonCurveType::Ed25519,
                id,
            ),
            Pair::Rs256(pair) => {
                let public = pair.public_key();
                CoreJsonWebKey::new_rsa(
                    public.modulus().big_endian_without_leading_zero().to_vec(),
                    public.exponent().big_endian_without_leading_zero().to_vec(),
                    id,
                )
            }
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use openidconnect::JsonWebKey as _;

    use super::*;

    fn key(algorithm: Algorithm) -> SigningKey {
        let pkcs8 = SigningKey::generate(algorithm).unwrap();
        SigningKey::from_pkcs8(KeyId::new("one"), algorithm, &pkcs8).unwrap()
    }

    #[test]
    fn every_algorithm_signs_what_its_published_key_verifies() {
        for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa] {
            let key = key(algorithm);
            let signed = key.sign(&key.algorithm(), b"message").unwrap();
            let public = key.as_verification_key();
            public
                .verify_signature(&key.algorithm(), b"message", &signed)
                .unwrap();
            assert!(
                public
                    .verify_signature(&key.algorithm(), b"another", &signed)
                    .is_err()
            );
        }
    }

    #[test]
    fn a_key_does_not_sign_with_another_algorithm() {
        let key = key(Algorithm::Es256);
        assert!(
            key.sign(&CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, b"message")
                .is_err()
        );
    }

    #[test]
    fn the_published_key_has_no_private_part_and_a_key_prints_without_it() {
        for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa] {
            let key = key(algorithm);
            let published = serde_json::to_value(key.as_verification_key()).unwrap();
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(published.get(private).is_none(), "{private}");
            }
            assert!(!format!("{key:?}").contains("pkcs8"));
        }
    }

    #[test]
    fn a_damaged_key_is_refused_by_name() {
        let error =
            SigningKey::from_pkcs8(KeyId::new("one"), Algorithm::Es256, b"junk").unwrap_err();
        assert_eq!(error.to_string(), "the stored signing key `one` is damaged");
    }
}
