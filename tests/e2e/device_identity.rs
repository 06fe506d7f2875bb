//! A certificate with several names, each of another device: the configured order decides which device it
//! is, and the record of the decision says by which name it was known.

use doorward_tests::{ANA, Installation, WIKI, eventually};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use serde_json::Value;

use crate::journey::{arrive, provider_in};

/// The URI in the certificate: of `mbp-ana`, which opens the wiki.
const URI: &str = "urn:doorward:device:mbp-ana";
/// The DNS name in the certificate: of `old-ana`, whose disk is open.
const HOST: &str = "old-ana.corp.example";
/// The common name in the certificate: of `mbp-bo`, which opens the wiki to any employee.
const NAME: &str = "Laptop of Bo";

/// The key of the configuration after which the order stands.
const INVENTORY: &str = "inventory = \"devices.toml\"";

/// A certificate with all three names, and its key, from the authority of this installation's devices.
fn certificate(installation: &Installation) -> String {
    let authority = installation.read("pki/devices/ca.pem");
    let key = installation.read("pki/devices/ca-key.pem");
    let key = KeyPair::from_pem(&key).expect("a key");
    let issuer = Issuer::from_ca_cert_pem(&authority, key).expect("an authority");

    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, NAME);
    // As they stand in the certificate they are in no order that anybody configures.
    params.subject_alt_names = vec![
        SanType::DnsName(HOST.try_into().expect("ASCII")),
        SanType::URI(URI.try_into().expect("ASCII")),
    ];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().expect("a key");
    let leaf = params.signed_by(&key, &issuer).expect("a certificate");
    key.serialize_pem() + &leaf.pem() + &authority
}

/// The record of Ana's sign-in with that certificate at a provider that looks for names in this order.
async fn record(order: &str) -> Value {
    let installation = Installation::new();
    let ordered = format!("{INVENTORY}\nidentity = [{order}]");
    installation.edit("doorward.toml", INVENTORY, &ordered);
    for (device, identity) in [("old-ana", HOST), ("mbp-bo", NAME)] {
        let usual = format!("'urn:doorward:device:{device}'");
        installation.edit("devices.toml", &usual, &format!("'{identity}'"));
    }
    let certificate = certificate(&installation);
    let provider = provider_in(installation).await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser().with_certificate_in(&certificate);
    arrive(&wiki, &mut browser, ANA).await;
    eventually("decision about a device", async || {
        let mut lines = provider.decisions().into_iter();
        lines.find(|line| line["trail"]["certificate"].is_string())
    })
    .await
}

/// Asserts which device the decision was about, by which name it was known, and how it ended.
fn assert_known(record: &Value, device: &str, name: &str, ending: &str) {
    let facts = record["facts"].as_array().expect("facts");
    let fact = facts.iter().find(|fact| fact["name"] == "device");
    let fact = fact.unwrap_or_else(|| panic!("no device in {record}"));
    assert_eq!(fact["value"], device, "{record}");
    assert_eq!(fact["source"], "client certificate", "{record}");
    let trail = record["trail"]["certificate"].as_str().unwrap_or_default();
    assert!(trail.starts_with(&format!("{name}, ")), "{record}");
    assert_eq!(record["ending"], ending, "{record}");
}

#[tokio::test]
async fn the_uri_of_a_certificate_names_the_device_where_it_comes_first() {
    let record = record("'san-uri', 'san-dns', 'common-name'").await;
    let name = format!("SanUri `{URI}`");
    assert_known(&record, "mbp-ana", &name, "permitted");
}

#[tokio::test]
async fn the_dns_name_of_a_certificate_names_the_device_where_it_comes_first() {
    let record = record("'san-dns', 'common-name', 'san-uri'").await;
    let name = format!("SanDns `{HOST}`");
    assert_known(&record, "old-ana", &name, "denied");
}

#[tokio::test]
async fn the_common_name_of_a_certificate_names_the_device_where_it_comes_first() {
    let record = record("'common-name', 'san-uri', 'san-dns'").await;
    let name = format!("CommonName `{NAME}`");
    assert_known(&record, "mbp-bo", &name, "permitted");
}
