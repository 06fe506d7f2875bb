//! What an operator's files of authorities and revocation lists may hold.

use std::fs;

use super::super::fixtures::{self, now, snapshot};
use super::*;
use crate::reload::fixtures::diagnostics_at;

fn source(lists: bool) -> TrustSource {
    TrustSource {
        name: "device-trust",
        authorities: vec!["ca.pem".into()],
        hardware: Vec::new(),
        revocation_lists: if lists {
            vec!["ca.crl".into()]
        } else {
            Vec::new()
        },
    }
}

fn build(ca: &str, list: Option<Vec<u8>>) -> Result<Built<CertificateTrust>, Vec<Diagnostic>> {
    let source = source(list.is_some());
    let mut files = vec![("ca.pem", ca.as_bytes().to_vec())];
    files.extend(list.map(|list| ("ca.crl", list)));
    source.build(&snapshot(&files), None, now())
}

fn error(ca: &str, list: Option<Vec<u8>>) -> String {
    let errors = build(ca, list).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].message.clone()
}

fn warning(ca: &str, list: Option<Vec<u8>>) -> String {
    let source = source(list.is_some());
    let Built {
        value,
        mut warnings,
    } = build(ca, list).unwrap();
    warnings.extend(source.warnings(&value, now()));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    warnings[0].message.clone()
}

#[test]
fn all_files_are_watched() {
    let Watched::Files(files) = source(true).watched() else {
        panic!("a directory is watched");
    };
    assert_eq!(files, [PathBuf::from("ca.pem"), PathBuf::from("ca.crl")]);
}

#[test]
fn the_names_of_the_authorities_are_listed_once() {
    let (one, two) = (
        fixtures::Authority::root("One"),
        fixtures::Authority::root("Two"),
    );
    let pem = [one.pem(), two.pem(), one.pem()].concat();

    let trust = build(&pem, None).unwrap().value;
    assert_eq!(trust.subjects().len(), 2);
    assert!(!trust.checks_revocation());
}

#[test]
fn a_leaf_is_not_an_authority() {
    let leaf = fixtures::Authority::root("CA").device(|_| {});

    let message = error(&leaf.pem, None);
    assert_eq!(
        message,
        "`CN=MBP-ANA` is not the certificate of an authority"
    );
}

#[test]
fn an_authority_that_may_not_issue_is_refused() {
    let ca = fixtures::Authority::changed("CA", |params| {
        params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
    });

    assert_eq!(
        error(&ca.pem(), None),
        "`CN=CA` is not the certificate of an authority"
    );
}

#[test]
fn an_expired_authority_is_a_warning() {
    let ca = fixtures::Authority::changed("CA", |params| {
        params.not_after = rcgen::date_time_ymd(2026, 5, 1);
    });

    assert!(warning(&ca.pem(), None).contains("expired on 2026-05-01"));
}

#[test]
fn an_expired_revocation_list_is_a_warning() {
    let ca = fixtures::Authority::root("CA");
    let list = ca.revocation_list_until(&[], 5);

    assert!(warning(&ca.pem(), Some(list)).contains("expired on 2026-05-01"));
}

#[tokio::test]
async fn what_expires_while_it_is_live_is_a_warning() {
    let ca = fixtures::Authority::changed("CA", |params| {
        params.not_after = rcgen::date_time_ymd(2026, 8, 1);
    });
    let directory = tempfile::tempdir().unwrap();
    let source = TrustSource {
        name: "device-trust",
        authorities: vec![directory.path().join("ca.pem")],
        hardware: Vec::new(),
        revocation_lists: vec![directory.path().join("ca.crl")],
    };
    fs::write(&source.authorities[0], ca.pem()).unwrap();
    fs::write(&source.revocation_lists[0], ca.revocation_list(&[])).unwrap();

    let later = |days| now() + TimeDelta::days(days);
    let said = diagnostics_at(source, &[now(), later(25), later(40), later(70)]).await;
    let list = "the revocation list of `CN=CA` expired on 2026-07-01: its certificates are refused \
                until there is a newer one";
    assert_eq!(
        said,
        [
            vec![],
            vec![],
            vec![
                "`CN=CA` expires on 2026-08-01: its certificates are refused from then on",
                list
            ],
            vec![
                "`CN=CA` expired on 2026-08-01: its certificates are refused",
                list
            ],
        ]
    );
}

#[test]
fn an_authority_without_a_list_is_a_warning_where_revocation_is_configured() {
    let (one, two) = (
        fixtures::Authority::root("One"),
        fixtures::Authority::root("Two"),
    );
    let pem = [one.pem(), two.pem()].concat();

    let message = warning(&pem, Some(one.revocation_list(&[])));
    assert!(
        message.contains("no revocation list of `CN=Two`"),
        "{message}"
    );
}

#[test]
fn a_list_that_the_authority_did_not_sign_is_refused() {
    let (real, forged) = (
        fixtures::Authority::root("CA"),
        fixtures::Authority::root("CA"),
    );

    let message = error(&real.pem(), Some(forged.revocation_list(&[])));
    assert!(message.contains("did not sign it"), "{message}");
}

#[test]
fn no_authority_at_all_is_refused() {
    let source = TrustSource {
        name: "device-trust",
        authorities: Vec::new(),
        hardware: Vec::new(),
        revocation_lists: Vec::new(),
    };

    assert!(source.build(&snapshot(&[]), None, now()).is_err());
}
