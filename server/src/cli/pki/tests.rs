//! What the authority issues, judged by those who will have to believe it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use chrono::TimeDelta;
use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use tempfile::TempDir;

use super::{CERTIFICATE, DevelopmentCa, KEY, Pkcs12Encryption, PkiError};
use crate::config::IdentityKind;
use crate::domain::clock::Timestamp;
use crate::reload::Source as _;
use crate::signals::certificate::fixtures::{now, snapshot};
use crate::signals::certificate::{
    CertificateRefused, CertificateTrust, TrustSource, Verified, identity,
};

fn authority() -> (TempDir, DevelopmentCa) {
    let directory = tempfile::tempdir().unwrap();
    let ca = DevelopmentCa::create(directory.path(), now()).unwrap();
    (directory, ca)
}

fn trust(ca: &DevelopmentCa, crl: Option<String>) -> CertificateTrust {
    let mut files = vec![("ca.pem", ca.certificate_pem().as_bytes().to_vec())];
    let lists = usize::from(crl.is_some());
    files.extend(crl.map(|crl| ("ca.crl", crl.into_bytes())));
    let source = TrustSource {
        name: "device-trust",
        authorities: vec!["ca.pem".into()],
        hardware: Vec::new(),
        revocation_lists: vec!["ca.crl".into(); lists],
    };
    source.build(&snapshot(&files), None, now()).unwrap().value
}

fn verify(
    trust: &CertificateTrust,
    der: &[u8],
    at: Timestamp,
) -> Result<Verified, CertificateRefused> {
    trust.verify(&[der.to_vec()], at)
}

#[test]
fn a_device_certificate_is_believed_and_names_its_device() {
    let (_directory, ca) = authority();
    let issued = ca.issue_device("mbp-ana", "MBP Ana", 30, now()).unwrap();

    let verified = verify(&trust(&ca, None), &issued.der, now()).unwrap();
    assert_eq!(verified.serial, issued.serial);
    let named = identity(&issued.der, &[IdentityKind::SanUri]).unwrap();
    assert_eq!(named.value, "urn:doorward:device:mbp-ana");
}

#[test]
fn a_certificate_ends_after_its_days() {
    let (_directory, ca) = authority();
    let issued = ca.issue_device("mbp-ana", "MBP Ana", 30, now()).unwrap();

    let later = now() + TimeDelta::days(31);
    let outcome = verify(&trust(&ca, None), &issued.der, later);
    assert_eq!(outcome.unwrap_err(), CertificateRefused::Expired);
}

#[test]
fn an_authority_that_is_opened_again_issues_the_same_way() {
    let (directory, first) = authority();
    let again = DevelopmentCa::open(directory.path()).unwrap();
    let issued = again.issue_device("mbp-ana", "MBP Ana", 30, now()).unwrap();

    assert!(verify(&trust(&first, None), &issued.der, now()).is_ok());
}

#[test]
fn a_serial_number_on_the_list_is_revoked_and_others_are_not() {
    let (_directory, ca) = authority();
    let lost = ca.issue_device("lost", "Lost", 30, now()).unwrap();
    let kept = ca.issue_device("kept", "Kept", 30, now()).unwrap();
    let crl = ca
        .crl(std::slice::from_ref(&lost.serial), 7, now())
        .unwrap();

    let trust = trust(&ca, Some(crl));
    assert_eq!(
        verify(&trust, &lost.der, now()).unwrap_err(),
        CertificateRefused::Revoked
    );
    assert!(verify(&trust, &kept.der, now()).is_ok());
}

#[test]
fn a_server_certificate_does_not_stand_for_a_device() {
    let (_directory, ca) = authority();
    let hosts = ["id.example".to_owned(), "127.0.0.1".to_owned()];
    let issued = ca.issue_server(&hosts, 90, now()).unwrap();

    let outcome = verify(&trust(&ca, None), &issued.der, now());
    assert_eq!(outcome.unwrap_err(), CertificateRefused::NotForClients);
}

#[test]
fn a_pkcs12_file_opens_again_with_its_password_only() {
    let (_directory, ca) = authority();
    let issued = ca.issue_device("mbp-ana", "MBP Ana", 30, now()).unwrap();
    for encryption in [Pkcs12Encryption::Aes256, Pkcs12Encryption::DangerTripleDes] {
        let file = issued.pkcs12("sesame", encryption).unwrap();

        let store = KeyStore::from_pkcs12(&file, "sesame", Pkcs12ImportPolicy::Strict).unwrap();
        let (name, chain) = store.private_key_chain().unwrap();
        assert_eq!(name, "MBP Ana");
        assert_eq!(chain.certs()[0].as_der(), issued.der);
        assert_eq!(chain.certs().len(), 2);
        let key = PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes()).unwrap();
        assert_eq!(chain.key().as_der(), key.secret_der());

        assert!(KeyStore::from_pkcs12(&file, "guess", Pkcs12ImportPolicy::Strict).is_err());
    }
}

#[test]
fn only_the_owner_can_read_the_key() {
    let (directory, _ca) = authority();

    let mode = fs::metadata(directory.path().join(KEY))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_second_authority_in_the_same_directory_is_refused() {
    let (directory, first) = authority();

    let second = DevelopmentCa::create(directory.path(), now());
    assert!(matches!(second.unwrap_err(), PkiError::Exists { .. }));
    let kept = fs::read_to_string(directory.path().join(CERTIFICATE)).unwrap();
    assert_eq!(kept, first.certificate_pem());
}

#[test]
fn the_key_of_another_authority_is_refused() {
    let ((one, _), (two, _)) = (authority(), authority());
    fs::copy(two.path().join(KEY), one.path().join(KEY)).unwrap();

    let error = DevelopmentCa::open(one.path()).unwrap_err();
    assert!(error.to_string().contains("does not belong"), "{error}");
}

#[test]
fn a_directory_without_an_authority_is_an_error_that_names_the_file() {
    let error = DevelopmentCa::open(Path::new("/nowhere")).unwrap_err();

    assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
}

#[test]
fn a_device_name_that_breaks_the_urn_is_refused() {
    let (_directory, ca) = authority();

    for id in ["", "two words", "a:b", "ümlaut"] {
        let error = ca.issue_device(id, "Device", 30, now()).unwrap_err();
        assert!(matches!(error, PkiError::DeviceName(_)), "{id}");
    }
}

#[test]
fn a_serial_number_may_be_written_with_colons() {
    let (_directory, ca) = authority();

    assert!(
        ca.crl(&["0a:BC".to_owned(), "1".to_owned()], 7, now())
            .is_ok()
    );
    let error = ca.crl(&["xyz".to_owned()], 7, now()).unwrap_err();
    assert!(matches!(error, PkiError::Serial(_)));
}

#[test]
fn secrets_do_not_print() {
    let (_directory, ca) = authority();
    let issued = ca.issue_device("mbp-ana", "MBP Ana", 30, now()).unwrap();

    let printed = format!("{issued:?} {ca:?}");
    let secret = issued.key_pem.lines().nth(1).unwrap();
    assert!(!printed.contains(secret));
}
