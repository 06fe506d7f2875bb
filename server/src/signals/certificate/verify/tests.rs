//! What counts as the certificate of a device and what does not: one fact per test, with
//! authorities made on the spot.

use rcgen::{ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SerialNumber, date_time_ymd};

use super::super::fixtures::{Authority, Leaf, SERIAL, now, snapshot};
use super::super::{CertificateRefused, CertificateTrust, TrustSource, Verified};
use crate::config::KeyProtection;
use crate::reload::Source;

type Outcome = Result<Verified, CertificateRefused>;

/// Trust in these authorities, with these revocation lists.
fn trust(authorities: &[&Authority], lists: &[Vec<u8>]) -> CertificateTrust {
    let pem: String = authorities
        .iter()
        .map(|authority| authority.pem())
        .collect();
    let mut files = vec![("ca.pem", pem.into_bytes())];
    let names = ["0.crl", "1.crl", "2.crl"];
    files.extend(names.into_iter().zip(lists.iter().cloned()));
    let source = TrustSource {
        name: "device-trust",
        authorities: vec!["ca.pem".into()],
        hardware: Vec::new(),
        revocation_lists: names.iter().take(lists.len()).map(Into::into).collect(),
    };
    source.build(&snapshot(&files), None, now()).unwrap().value
}

fn refused(outcome: Outcome) -> CertificateRefused {
    outcome.unwrap_err()
}

fn chain(leaf: Leaf) -> Vec<Vec<u8>> {
    vec![leaf.der]
}

#[test]
fn a_certificate_of_an_authority_of_ours_counts() {
    let ca = Authority::root("CA");
    let leaf = ca.device(|_| {});

    let verified = trust(&[&ca], &[]).verify(&chain(leaf), now()).unwrap();
    assert_eq!(verified.issuer, "CN=CA");
    assert_eq!(verified.serial, "ABC");
    assert_eq!(verified.subject, "CN=MBP-ANA");
    assert_eq!(verified.keys, KeyProtection::Software);
    assert_eq!(verified.not_after.to_rfc3339(), "2027-01-01T00:00:00+00:00");
}

#[test]
fn an_expired_certificate_is_refused() {
    let ca = Authority::root("CA");
    let leaf = ca.device(|params| params.not_after = date_time_ymd(2026, 5, 1));

    let outcome = trust(&[&ca], &[]).verify(&chain(leaf), now());
    assert_eq!(refused(outcome), CertificateRefused::Expired);
}

#[test]
fn a_certificate_of_the_future_is_refused() {
    let ca = Authority::root("CA");
    let leaf = ca.device(|params| params.not_before = date_time_ymd(2026, 7, 1));

    let outcome = trust(&[&ca], &[]).verify(&chain(leaf), now());
    assert_eq!(refused(outcome), CertificateRefused::NotYetValid);
}

#[test]
fn a_certificate_of_another_authority_is_refused() {
    let leaf = Authority::root("Other").device(|_| {});

    let outcome = trust(&[&Authority::root("CA")], &[]).verify(&chain(leaf), now());
    assert_eq!(refused(outcome), CertificateRefused::UnknownIssuer);
}

#[test]
fn an_authority_that_only_has_the_same_name_is_another_one() {
    let leaf = Authority::root("CA").device(|_| {});

    let outcome = trust(&[&Authority::root("CA")], &[]).verify(&chain(leaf), now());
    assert_eq!(refused(outcome), CertificateRefused::UnknownIssuer);
}

#[test]
fn a_certificate_for_servers_is_refused() {
    let ca = Authority::root("CA");
    let leaf = ca.device(|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });

    let outcome = trust(&[&ca], &[]).verify(&chain(leaf), now());
    assert_eq!(refused(outcome), CertificateRefused::NotForClients);
}

#[test]
fn a_certificate_for_any_purpose_is_refused() {
    let ca = Authority::root("CA");
    let leaf = ca.device(|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
    });

    let outcome = trust(&[&ca], &[]).verify(&chain(leaf), now());
    assert_eq!(refused(outcome), CertificateRefused::NotForClients);
}

#[test]
fn a_certificate_that_does_not_limit_its_purpose_counts() {
    let ca = Authority::root("CA");
    let leaf = ca.device(|params| params.extended_key_usages.clear());

    assert!(trust(&[&ca], &[]).verify(&chain(leaf), now()).is_ok());
}

#[test]
fn an_authority_does_not_stand_for_a_device() {
    let ca = Authority::root("CA");
    let leaf = ca.device(|params| {
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });

    let outcome = trust(&[&ca], &[]).verify(&chain(leaf), now());
    assert_eq!(refused(outcome), CertificateRefused::CaCertificate);
}

#[test]
fn a_certificate_that_may_sign_certificates_does_not_stand_for_a_device() {
    let ca = Authority::root("CA");
    let leaf = ca.device(|params| params.key_usages.push(KeyUsagePurpose::KeyCertSign));

    let outcome = trust(&[&ca], &[]).verify(&chain(leaf), now());
    assert_eq!(refused(outcome), CertificateRefused::CaCertificate);
}

#[test]
fn the_authority_itself_does_not_stand_for_a_device() {
    let ca = Authority::root("CA");

    let outcome = trust(&[&ca], &[]).verify(&[ca.der()], now());
    assert_eq!(refused(outcome), CertificateRefused::CaCertificate);
}

#[test]
fn a_certificate_on_the_revocation_list_is_refused() {
    let ca = Authority::root("CA");
    let trust = trust(&[&ca], &[ca.revocation_list(&[&SERIAL])]);

    let outcome = trust.verify(&chain(ca.device(|_| {})), now());
    assert_eq!(refused(outcome), CertificateRefused::Revoked);
}

#[test]
fn a_certificate_that_is_not_on_the_revocation_list_counts() {
    let ca = Authority::root("CA");
    let trust = trust(&[&ca], &[ca.revocation_list(&[&[7]])]);

    assert!(trust.verify(&chain(ca.device(|_| {})), now()).is_ok());
}

#[test]
fn an_expired_revocation_list_refuses() {
    let ca = Authority::root("CA");
    let trust = trust(&[&ca], &[ca.revocation_list_until(&[], 5)]);

    let reason = refused(trust.verify(&chain(ca.device(|_| {})), now())).to_string();
    assert!(reason.contains("has expired"), "{reason}");
}

#[test]
fn a_newer_revocation_list_takes_the_place_of_an_expired_one() {
    let ca = Authority::root("CA");
    let old = ca.revocation_list_from(&[], 3, 5);
    let new = ca.revocation_list_from(&[&SERIAL], 4, 7);
    let trust = trust(&[&ca], &[old, new]);

    let outcome = trust.verify(&chain(ca.device(|_| {})), now());
    assert_eq!(refused(outcome), CertificateRefused::Revoked);
}

#[test]
fn without_a_list_of_the_issuer_a_certificate_is_refused_where_revocation_is_configured() {
    let (one, two) = (Authority::root("One"), Authority::root("Two"));
    let trust = trust(&[&one, &two], &[one.revocation_list(&[])]);

    let reason = refused(trust.verify(&chain(two.device(|_| {})), now())).to_string();
    assert!(reason.contains("there is no revocation list"), "{reason}");
}

#[test]
fn after_a_renewal_of_the_key_each_list_speaks_for_its_own_key() {
    let (old, new) = (Authority::root("CA"), Authority::root("CA"));
    let lists = [old.revocation_list(&[]), new.revocation_list(&[&SERIAL])];
    let trust = trust(&[&old, &new], &lists);

    assert!(trust.verify(&chain(old.device(|_| {})), now()).is_ok());
    let outcome = trust.verify(&chain(new.device(|_| {})), now());
    assert_eq!(refused(outcome), CertificateRefused::Revoked);
}

#[test]
fn a_path_leads_through_an_intermediate_authority() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let chain = [middle.device(|_| {}).der, middle.der()];

    let verified = trust(&[&root], &[]).verify(&chain, now()).unwrap();
    assert_eq!(verified.issuer, "CN=Middle");
}

#[test]
fn a_path_with_a_missing_link_is_refused() {
    let root = Authority::root("Root");
    let leaf = root.intermediate("Middle").device(|_| {});

    let outcome = trust(&[&root], &[]).verify(&chain(leaf), now());
    assert_eq!(refused(outcome), CertificateRefused::UnknownIssuer);
}

#[test]
fn the_intermediate_authority_needs_a_revocation_list_as_well() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let chain = [middle.device(|_| {}).der, middle.der()];

    let partly = trust(&[&root], &[root.revocation_list(&[])]).verify(&chain, now());
    assert!(matches!(
        refused(partly),
        CertificateRefused::RevocationUnknown(_)
    ));

    let lists = [root.revocation_list(&[]), middle.revocation_list(&[])];
    assert!(trust(&[&root], &lists).verify(&chain, now()).is_ok());
}

#[test]
fn an_expired_authority_vouches_for_nothing() {
    let ca = Authority::changed("CA", |params| {
        params.not_after = date_time_ymd(2026, 5, 1);
    });

    let outcome = trust(&[&ca], &[]).verify(&chain(ca.device(|_| {})), now());
    assert_eq!(refused(outcome), CertificateRefused::AuthorityExpired);
}

#[test]
fn a_changed_certificate_is_refused() {
    let ca = Authority::root("CA");
    let mut der = ca.device(|_| {}).der;
    // The end of the common name `MBP-ANA`.
    let position = der
        .windows(7)
        .rposition(|bytes| bytes == b"MBP-ANA")
        .unwrap();
    der[position + 6] = b'B';

    let outcome = trust(&[&ca], &[]).verify(&[der], now());
    assert_eq!(refused(outcome), CertificateRefused::UnknownIssuer);
}

#[test]
fn no_certificate_and_no_certificate_at_all_are_refused() {
    let trust = trust(&[&Authority::root("CA")], &[]);

    for chain in [Vec::new(), vec![b"hello".to_vec()]] {
        assert_eq!(
            refused(trust.verify(&chain, now())),
            CertificateRefused::Malformed
        );
    }
}

#[test]
fn a_chain_that_is_too_long_is_refused_unread() {
    let ca = Authority::root("CA");
    let leaf = ca.device(|params| params.serial_number = Some(SerialNumber::from(1_u64)));
    let mut chain = chain(leaf);
    chain.resize(super::LONGEST_CHAIN + 1, ca.der());

    let outcome = trust(&[&ca], &[]).verify(&chain, now());
    assert_eq!(refused(outcome), CertificateRefused::Malformed);
}

/// Where the key of a device is, whose chain goes up to a root: by what is known of both authorities.
fn keys(root_in_hardware: bool, issuing_in_hardware: bool) -> KeyProtection {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let files = [
        ("root.pem", root.pem().into_bytes()),
        ("issuing.pem", issuing.pem().into_bytes()),
    ];
    let listed = [
        ("root.pem", root_in_hardware),
        ("issuing.pem", issuing_in_hardware),
    ];
    let source = TrustSource {
        name: "device-trust",
        authorities: listed.iter().map(|(file, _)| file.into()).collect(),
        hardware: listed
            .iter()
            .filter(|(_, hardware)| *hardware)
            .map(|(file, _)| file.into())
            .collect(),
        revocation_lists: Vec::new(),
    };
    let trust = source.build(&snapshot(&files), None, now()).unwrap().value;
    let chain = vec![issuing.device(|_| {}).der, issuing.der()];
    trust.verify(&chain, now()).unwrap().keys
}

#[test]
fn a_key_is_in_hardware_where_every_authority_of_its_path_says_so() {
    assert_eq!(keys(true, true), KeyProtection::Hardware);
    for (root, issuing) in [(true, false), (false, true), (false, false)] {
        assert_eq!(keys(root, issuing), KeyProtection::Software);
    }
}

#[test]
fn an_authority_that_is_listed_twice_is_worth_the_less_of_both() {
    let ca = Authority::root("CA");
    let pem = ca.pem().into_bytes();
    for files in [["a.pem", "b.pem"], ["b.pem", "a.pem"]] {
        let source = TrustSource {
            name: "device-trust",
            authorities: files.map(Into::into).into(),
            hardware: vec!["a.pem".into()],
            revocation_lists: Vec::new(),
        };
        let snapshot = snapshot(&files.map(|file| (file, pem.clone())));
        let trust = source.build(&snapshot, None, now()).unwrap().value;
        let verified = trust.verify(&chain(ca.device(|_| {})), now()).unwrap();
        assert_eq!(verified.keys, KeyProtection::Software);
    }
}
