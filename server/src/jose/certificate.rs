//! The public key in a certificate (RFC 5280, section 4.1.2.7), held to what a JSON Web Key is held to. Nothing else in
//! the certificate is looked at.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};
use x509_parser::public_key::PublicKey as Parsed;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::error::KeyRefused;
use super::key::PublicKey;

/// Curves by their object identifiers (RFC 5480, section 2.1.1.1), with the bytes of a coordinate.
const CURVES: [(&str, &str, usize); 2] = [
    ("1.2.840.10045.3.1.7", "P-256", 32),
    ("1.3.132.0.34", "P-384", 48),
];

/// RFC 8410, section 3.
const ED25519: &str = "1.3.101.112";

/// The key that this certificate, in DER, is for.
pub fn certified_key(der: &[u8]) -> Result<PublicKey, KeyRefused> {
    let Ok(([], certificate)) = x509_parser::parse_x509_certificate(der) else {
        return Err(KeyRefused::Damaged);
    };
    PublicKey::from_jwk(&jwk(certificate.public_key())?)
}

fn jwk(key: &SubjectPublicKeyInfo<'_>) -> Result<Map<String, Value>, KeyRefused> {
    match key.parsed().map_err(|_| KeyRefused::Damaged)? {
        Parsed::RSA(rsa) => Ok(members([
            ("kty", "RSA".to_owned()),
            ("n", number(rsa.modulus)),
            ("e", number(rsa.exponent)),
        ])),
        Parsed::EC(point) => elliptic(key, point.data()),
        Parsed::Unknown(point) if key.algorithm.algorithm.to_id_string() == ED25519 => {
            Ok(members([
                ("kty", "OKP".to_owned()),
                ("crv", "Ed25519".to_owned()),
                ("x", BASE64URL_NOPAD.encode(point)),
            ]))
        }
        _ => Err(KeyRefused::Type),
    }
}

/// RFC 5480, section 2: the curve is a parameter of the algorithm, the key a point in the form of SEC 1.
fn elliptic(
    key: &SubjectPublicKeyInfo<'_>,
    point: &[u8],
) -> Result<Map<String, Value>, KeyRefused> {
    let curve = key.algorithm.parameters.as_ref();
    let curve = curve
        .and_then(|named| named.as_oid().ok())
        .map(|named| named.to_id_string())
        .ok_or(KeyRefused::Curve)?;
    let (_, name, size) = CURVES
        .into_iter()
        .find(|(identifier, ..)| *identifier == curve)
        .ok_or(KeyRefused::Curve)?;
    // SEC 1, section 2.3.3: one byte of form, then both coordinates.
    let (x, y) = match point {
        [4, coordinates @ ..] => coordinates.split_at_checked(size),
        _ => None,
    }
    .ok_or(KeyRefused::Damaged)?;
    Ok(members([
        ("kty", "EC".to_owned()),
        ("crv", name.to_owned()),
        ("x", BASE64URL_NOPAD.encode(x)),
        ("y", BASE64URL_NOPAD.encode(y)),
    ]))
}

/// Numbers of certificates have a byte of sign, those of JSON Web Keys have none (RFC 7518, section 2).
fn number(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    BASE64URL_NOPAD.encode(bytes.get(zeros..).unwrap_or_default())
}

fn members<const N: usize>(written: [(&str, String); N]) -> Map<String, Value> {
    written
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
        PKCS_RSA_SHA256, PublicKeyData as _, SignatureAlgorithm,
    };
    use serde_json::json;

    use super::*;
    use crate::jose::Algorithm;

    /// A new key, and the certificate that it has signed for itself.
    fn certificate(algorithm: &'static SignatureAlgorithm) -> (KeyPair, Vec<u8>) {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let params = CertificateParams::new(vec!["app.example".to_owned()]).unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        (key, der)
    }

    fn thumbprint(jwk: &Value) -> [u8; 32] {
        let key = PublicKey::from_jwk(jwk.as_object().unwrap()).unwrap();
        key.thumbprint()
    }

    #[test]
    fn a_key_on_a_curve_is_the_one_that_was_written_as_a_json_web_key() {
        for (algorithm, curve) in [
            (&PKCS_ECDSA_P256_SHA256, "P-256"),
            (&PKCS_ECDSA_P384_SHA384, "P-384"),
        ] {
            let (key, der) = certificate(algorithm);
            let (x, y) = key.der_bytes()[1..].split_at(key.der_bytes().len() / 2);
            let [x, y] = [x, y].map(|bytes| BASE64URL_NOPAD.encode(bytes));
            let expected = thumbprint(&json!({"kty": "EC", "crv": curve, "x": x, "y": y}));
            assert_eq!(certified_key(&der).unwrap().thumbprint(), expected);
        }
    }

    #[test]
    fn so_is_one_for_signatures_by_edwards() {
        let (key, der) = certificate(&PKCS_ED25519);
        let x = BASE64URL_NOPAD.encode(key.der_bytes());
        let expected = thumbprint(&json!({"kty": "OKP", "crv": "Ed25519", "x": x}));
        assert_eq!(certified_key(&der).unwrap().thumbprint(), expected);
    }

    #[test]
    fn rsa_loses_its_byte_of_sign() {
        let (_, der) = certificate(&PKCS_RSA_SHA256);
        assert!(certified_key(&der).unwrap().fits(Algorithm::Rs256));
        assert_eq!(number(&[0, 0x80, 1]), BASE64URL_NOPAD.encode(&[0x80, 1]));
    }

    #[test]
    fn two_certificates_of_one_key_have_one_key() {
        let (key, der) = certificate(&PKCS_ECDSA_P256_SHA256);
        let params = CertificateParams::new(vec!["other.example".to_owned()]).unwrap();
        let other = params.self_signed(&key).unwrap().der().to_vec();
        assert_ne!(der, other);
        let keys = [der, other].map(|der| certified_key(&der).unwrap().thumbprint());
        assert_eq!(keys[0], keys[1]);
    }

    #[test]
    fn what_is_no_certificate_has_no_key() {
        let (_, mut der) = certificate(&PKCS_ECDSA_P256_SHA256);
        der.push(0);
        assert_eq!(certified_key(&der), Err(KeyRefused::Damaged));
        assert_eq!(certified_key(b""), Err(KeyRefused::Damaged));
    }
}
