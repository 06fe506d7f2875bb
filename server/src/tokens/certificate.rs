//! A certificate that a signing key gives itself, for clients that read keys from certificates only. Nobody has to trust
//! it: what counts is that it stands beside the key in the published set. Storing and publishing it is left to others.

use chrono::TimeDelta;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use x509_parser::time::ASN1Time;

use super::key_set::KeyError;
use crate::domain::clock::Timestamp;

/// Longer than any key signs: a certificate that ends before its key would be one more thing to renew.
const LIFETIME: TimeDelta = TimeDelta::days(3652);

/// A certificate of this RSA key, for the host of the issuer, in DER (RFC 7517, section 4.7).
pub(super) fn self_signed(pkcs8: &[u8], host: &str, now: Timestamp) -> Result<Vec<u8>, KeyError> {
    let key = PrivatePkcs8KeyDer::from(pkcs8);
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_RSA_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, host);
    params.not_before = moment(now)?.to_datetime();
    params.not_after = moment(now + LIFETIME)?.to_datetime();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    Ok(params.self_signed(&key)?.der().to_vec())
}

/// The instant as certificates say it, in whole seconds.
fn moment(at: Timestamp) -> Result<ASN1Time, KeyError> {
    ASN1Time::from_timestamp(at.timestamp()).map_err(|_| KeyError::Validity)
}

#[cfg(test)]
mod tests {
    use x509_parser::certificate::X509Certificate;
    use x509_parser::prelude::FromDer as _;
    use x509_parser::public_key::PublicKey;

    use super::*;
    use crate::config::Algorithm;
    use crate::domain::ids::KeyId;
    use crate::tokens::SigningKey;

    #[test]
    fn a_certificate_is_that_of_its_key_and_names_the_host_for_ten_years() {
        let now: Timestamp = "2026-11-24T09:00:00.789Z".parse().unwrap();
        let pkcs8 = SigningKey::generate(Algorithm::Rs256).unwrap();
        let der = self_signed(&pkcs8, "id.example.com", now).unwrap();
        let (rest, certificate) = X509Certificate::from_der(&der).unwrap();
        assert!(rest.is_empty());
        assert_eq!(certificate.subject().to_string(), "CN=id.example.com");
        let names = (
            certificate.issuer().to_string(),
            certificate.subject().to_string(),
        );
        assert_eq!(names.0, names.1);
        let validity = certificate.validity();
        assert_eq!(validity.not_before.timestamp(), now.timestamp());
        let end: Timestamp = "2036-11-23T09:00:00Z".parse().unwrap();
        assert_eq!(validity.not_after.timestamp(), end.timestamp());

        let key = SigningKey::from_pkcs8(KeyId::new("one"), Algorithm::Rs256, &pkcs8).unwrap();
        let PublicKey::RSA(certified) = certificate.public_key().parsed().unwrap() else {
            panic!("no RSA key");
        };
        // A number in DER begins with a zero where its first bit is set.
        let modulus = certified.modulus.strip_prefix(&[0]).unwrap();
        let published = key.public()["n"].as_str().unwrap();
        let published = data_encoding::BASE64URL_NOPAD.decode(published.as_bytes());
        assert_eq!(published.unwrap(), modulus);
    }

    #[test]
    fn a_key_that_is_damaged_gets_no_certificate() {
        let now = "2026-11-24T09:00:00Z".parse().unwrap();
        let refused = self_signed(b"junk", "id.example.com", now);
        assert!(matches!(refused, Err(KeyError::Certificate(_))));
    }
}
