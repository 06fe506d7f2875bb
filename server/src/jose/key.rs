//! One public key, written as a JSON Web Key (RFC 7517), and everything that has to be right about it before
//! it may verify anything. The key decides which algorithms are possible; a token only chooses among them
//! (RFC 8725, section 3.1). Sets of keys are left to `key_set`.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    VerificationAlgorithm,
};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters,
    EllipticCurveKeyType, Jwk, OctetKeyPairParameters, OctetKeyPairType, RSAKeyParameters,
    RSAKeyType, ThumbprintHash,
};
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::error::KeyRefused;

/// Members of private and symmetric keys (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1; RFC 8037, section 2).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Operations of those who hold the private key (RFC 7517, section 4.3).
const PRIVATE_OPERATIONS: [&str; 5] = ["sign", "decrypt", "unwrapKey", "deriveKey", "deriveBits"];

/// Bytes of the shortest and of the longest modulus: 2048 (RFC 7518, section 3.3) and 8192 bits.
const SHORTEST_MODULUS: usize = 256;
const LONGEST_MODULUS: usize = 1024;

/// The smallest exponent.
const SMALLEST_EXPONENT: u64 = 65_537;
/// The cryptographic library takes none of more than 33 bits.
const LARGEST_EXPONENT: u64 = (1 << 33) - 1;

/// A public key that verifies signatures.
#[derive(Debug, Clone)]
pub struct PublicKey {
    id: Option<String>,
    kind: Kind,
    only: Option<Algorithm>,
    thumbprint: [u8; 32],
    key: DecodingKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl PublicKey {
    /// The key that a JSON Web Key describes.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyRefused> {
        if PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
            return Err(KeyRefused::Private);
        }
        check_use(jwk)?;
        check_operations(jwk)?;
        let (kind, algorithm) = match text(jwk, "kty")? {
            "RSA" => (Kind::Rsa, rsa(jwk)?),
            "EC" => elliptic(jwk)?,
            "OKP" => (Kind::Ed25519, edwards(jwk)?),
            _ => return Err(KeyRefused::Type),
        };
        let id = match jwk.get("kid") {
            None => None,
            Some(_) => Some(text(jwk, "kid")?.to_owned()),
        };
        // Nothing but what was checked reaches the library.
        let checked = Jwk {
            common: CommonParameters::default(),
            algorithm,
        };
        Ok(Self {
            id,
            kind,
            only: only_algorithm(jwk, kind)?,
            thumbprint: thumbprint(&checked).ok_or(KeyRefused::Damaged)?,
            key: DecodingKey::from_jwk(&checked).map_err(|_| KeyRefused::Damaged)?,
        })
    }

    /// The key's identifier, `kid` of RFC 7517, section 4.5.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The SHA-256 of the key (RFC 7638): the same for the same key, whatever its identifier.
    #[must_use]
    pub fn thumbprint(&self) -> [u8; 32] {
        self.thumbprint
    }

    /// Whether signatures of this algorithm can be the key's.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.kind.algorithms().contains(&algorithm)
            && self.only.is_none_or(|only| only == algorithm)
    }

    /// Whether this is the key's signature, written as base64url, over `message`.
    #[must_use]
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &str) -> bool {
        let verified =
            || jsonwebtoken::crypto::verify(signature, message, &self.key, algorithm.into());
        self.fits(algorithm) && verified().unwrap_or(false)
    }

    /// Whether both have one identifier, and are of one type (RFC 7517, section 4.5).
    pub(super) fn is_mistaken_for(&self, other: &Self) -> bool {
        self.id.is_some() && self.id == other.id && self.kind.name() == other.kind.name()
    }
}

/// Two keys are equal where everything that was written about them is: the thumbprint stands for the key itself.
impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, self.only, self.thumbprint) == (&other.id, other.only, other.thumbprint)
    }
}

impl Eq for PublicKey {}

impl Kind {
    const fn algorithms(self) -> &'static [Algorithm] {
        match self {
            Self::Rsa => &[
                Algorithm::Rs256,
                Algorithm::Rs384,
                Algorithm::Rs512,
                Algorithm::Ps256,
                Algorithm::Ps384,
                Algorithm::Ps512,
            ],
            Self::P256 => &[Algorithm::Es256],
            Self::P384 => &[Algorithm::Es384],
            Self::Ed25519 => &[Algorithm::EdDsa],
        }
    }

    /// The type, as `kty` has it.
    const fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::P256 | Self::P384 => "EC",
            Self::Ed25519 => "OKP",
        }
    }
}

/// The library writes thumbprints as text; they are stored and compared as bytes.
fn thumbprint(jwk: &Jwk) -> Option<[u8; 32]> {
    let text = jwk.thumbprint(ThumbprintHash::SHA256).ok()?;
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok()
}

/// RFC 7517, section 4.2.
fn check_use(jwk: &Map<String, Value>) -> Result<(), KeyRefused> {
    match jwk.get("use") {
        None => Ok(()),
        Some(Value::String(intended)) if intended == "sig" => Ok(()),
        Some(_) => Err(KeyRefused::Use),
    }
}

/// RFC 7517, section 4.3.
fn check_operations(jwk: &Map<String, Value>) -> Result<(), KeyRefused> {
    let listed = match jwk.get("key_ops") {
        None => return Ok(()),
        Some(Value::Array(listed)) => listed,
        Some(_) => return Err(KeyRefused::Operations),
    };
    let mut verifies = false;
    for operation in listed {
        let operation = operation.as_str().ok_or(KeyRefused::Operations)?;
        if PRIVATE_OPERATIONS.contains(&operation) {
            return Err(KeyRefused::Operations);
        }
        verifies |= operation == "verify";
    }
    verifies.then_some(()).ok_or(KeyRefused::Operations)
}

/// RFC 7517, section 4.4: a key may be meant for one algorithm.
fn only_algorithm(jwk: &Map<String, Value>, kind: Kind) -> Result<Option<Algorithm>, KeyRefused> {
    let Some(written) = jwk.get("alg") else {
        return Ok(None);
    };
    written
        .as_str()
        .and_then(Algorithm::by_name)
        .filter(|algorithm| kind.algorithms().contains(algorithm))
        .map(Some)
        .ok_or(KeyRefused::Algorithm)
}

/// RFC 7518, section 6.3.1.
fn rsa(jwk: &Map<String, Value>) -> Result<AlgorithmParameters, KeyRefused> {
    let (modulus, exponent) = (number(jwk, "n")?, number(jwk, "e")?);
    let highest = modulus.first().copied().unwrap_or(0);
    let long_enough =
        modulus.len() > SHORTEST_MODULUS || (modulus.len() == SHORTEST_MODULUS && highest >= 0x80);
    if !long_enough || modulus.len() > LONGEST_MODULUS {
        return Err(KeyRefused::Size);
    }
    // A product of two odd primes is odd.
    if modulus.last().is_none_or(|lowest| lowest & 1 == 0) {
        return Err(KeyRefused::Damaged);
    }
    if exponent.len() > size_of::<u64>() {
        return Err(KeyRefused::Exponent);
    }
    let exponent = exponent
        .iter()
        .fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    let possible = SMALLEST_EXPONENT..=LARGEST_EXPONENT;
    if exponent & 1 == 0 || !possible.contains(&exponent) {
        return Err(KeyRefused::Exponent);
    }
    Ok(AlgorithmParameters::RSA(RSAKeyParameters {
        key_type: RSAKeyType::RSA,
        n: text(jwk, "n")?.to_owned(),
        e: text(jwk, "e")?.to_owned(),
    }))
}

/// RFC 7518, section 6.2.1.
fn elliptic(jwk: &Map<String, Value>) -> Result<(Kind, AlgorithmParameters), KeyRefused> {
    let (kind, curve, size, algorithm) = match text(jwk, "crv")? {
        "P-256" => (
            Kind::P256,
            EllipticCurve::P256,
            32,
            &ECDSA_P256_SHA256_FIXED,
        ),
        "P-384" => (
            Kind::P384,
            EllipticCurve::P384,
            48,
            &ECDSA_P384_SHA384_FIXED,
        ),
        _ => return Err(KeyRefused::Curve),
    };
    let (x, y) = (fixed(jwk, "x", size)?, fixed(jwk, "y", size)?);
    // An uncompressed point: one byte of form, then both coordinates (SEC 1, section 2.3.3).
    let point = [&[4][..], x.as_slice(), y.as_slice()].concat();
    check_point(algorithm, &point)?;
    let parameters = EllipticCurveKeyParameters {
        key_type: EllipticCurveKeyType::EC,
        curve,
        x: text(jwk, "x")?.to_owned(),
        y: text(jwk, "y")?.to_owned(),
    };
    Ok((kind, AlgorithmParameters::EllipticCurve(parameters)))
}

/// RFC 8037, section 2.
fn edwards(jwk: &Map<String, Value>) -> Result<AlgorithmParameters, KeyRefused> {
    if text(jwk, "crv")? != "Ed25519" {
        return Err(KeyRefused::Curve);
    }
    check_point(&ED25519, &fixed(jwk, "x", 32)?)?;
    Ok(AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
        key_type: OctetKeyPairType::OctetKeyPair,
        curve: EllipticCurve::Ed25519,
        x: text(jwk, "x")?.to_owned(),
    }))
}

fn check_point(
    algorithm: &'static dyn VerificationAlgorithm,
    point: &[u8],
) -> Result<(), KeyRefused> {
    match ParsedPublicKey::new(algorithm, point) {
        Ok(_) => Ok(()),
        Err(_) => Err(KeyRefused::Damaged),
    }
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, KeyRefused> {
    jwk.get(name)
        .and_then(Value::as_str)
        .ok_or(KeyRefused::Member(name))
}

fn bytes(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyRefused> {
    BASE64URL_NOPAD
        .decode(text(jwk, name)?.as_bytes())
        .map_err(|_| KeyRefused::Member(name))
}

/// A number in as few bytes as it has (RFC 7518, section 2).
fn number(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyRefused> {
    let bytes = bytes(jwk, name)?;
    match bytes.first() {
        None | Some(0) => Err(KeyRefused::Member(name)),
        Some(_) => Ok(bytes),
    }
}

/// A coordinate in as many bytes as the curve needs (RFC 7518, section 6.2.1.2).
fn fixed(jwk: &Map<String, Value>, name: &'static str, size: usize) -> Result<Vec<u8>, KeyRefused> {
    let bytes = bytes(jwk, name)?;
    if bytes.len() == size {
        Ok(bytes)
    } else {
        Err(KeyRefused::Member(name))
    }
}

#[cfg(test)]
mod tests;
