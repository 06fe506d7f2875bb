//! Which device a certificate names: the first kind of name, in the configured order, that the
//! certificate carries. Whether the certificate may be believed is judged in `verify`, and whether
//! the inventory knows the name in `directory::devices`.

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::name;
use crate::config::IdentityKind;

/// Some management systems add a name of the signed-in account to the certificate of the device.
const NAMES_OF_ACCOUNTS: &str = "tag:microsoft.com,2022-09-14:sid:";

/// The name of a device in its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateIdentity {
    /// The name to look for in the inventory.
    pub value: String,
    /// The kind of name it is.
    pub kind: IdentityKind,
    /// All names of the configured kinds, in the configured order, for explanations.
    pub candidates: Vec<(IdentityKind, String)>,
}

/// The name of the device in this certificate, by the first kind that yields one.
///
/// DNS names are in lower case, as they compare without case. An issuer with serial number reads
/// `CN=Devices CA,O=Example#1F0A`: the name as RFC 4514 writes it, then the serial number in
/// upper-case hexadecimal without leading zeros.
#[must_use]
pub fn identity(leaf_der: &[u8], order: &[IdentityKind]) -> Option<CertificateIdentity> {
    let certificate = name::parse(leaf_der)?;
    let candidates: Vec<(IdentityKind, String)> = order
        .iter()
        .flat_map(|&kind| {
            let names = names(&certificate, kind);
            names.into_iter().map(move |name| (kind, name))
        })
        .collect();
    let (kind, value) = candidates.first().cloned()?;
    Some(CertificateIdentity {
        value,
        kind,
        candidates,
    })
}

/// The usable names of one kind, in the order of the certificate.
fn names(certificate: &X509Certificate<'_>, kind: IdentityKind) -> Vec<String> {
    let mut names = match kind {
        IdentityKind::SanUri => uris(certificate),
        IdentityKind::SanDns => dns_names(certificate),
        IdentityKind::CommonName => common_names(certificate),
        IdentityKind::IssuerSerial => vec![issuer_serial(certificate)],
    };
    names.retain(|name| !name.is_empty() && !name.chars().any(char::is_control));
    names
}

fn uris(certificate: &X509Certificate<'_>) -> Vec<String> {
    alternative_names(certificate, |name| match name {
        GeneralName::URI(uri) if !uri.starts_with(NAMES_OF_ACCOUNTS) => Some((*uri).to_owned()),
        _ => None,
    })
}

fn dns_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    alternative_names(certificate, |name| match name {
        // A wildcard names many machines, so it names no device.
        GeneralName::DNSName(host) if !host.contains('*') => Some(host.to_ascii_lowercase()),
        _ => None,
    })
}

/// RFC 5280 section 4.2.1.6.
fn alternative_names(
    certificate: &X509Certificate<'_>,
    pick: impl Fn(&GeneralName<'_>) -> Option<String>,
) -> Vec<String> {
    match certificate.subject_alternative_name() {
        Ok(Some(extension)) => extension
            .value
            .general_names
            .iter()
            .filter_map(pick)
            .collect(),
        Ok(None) | Err(_) => Vec::new(),
    }
}

/// Most specific first, as the name is written.
fn common_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let mut names: Vec<String> = certificate
        .subject()
        .iter_common_name()
        .filter_map(name::text)
        .collect();
    names.reverse();
    names
}

fn issuer_serial(certificate: &X509Certificate<'_>) -> String {
    let issuer = name::distinguished_name(certificate.issuer());
    let serial = name::serial(certificate);
    format!("{issuer}#{serial}")
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, SanType};

    use super::super::fixtures::Authority;
    use super::*;

    const DEFAULT: [IdentityKind; 4] = [
        IdentityKind::SanUri,
        IdentityKind::SanDns,
        IdentityKind::CommonName,
        IdentityKind::IssuerSerial,
    ];

    fn certificate(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        Authority::root("Devices CA").device(change).der
    }

    fn value(der: &[u8], order: &[IdentityKind]) -> String {
        identity(der, order).unwrap().value
    }

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().unwrap())
    }

    #[test]
    fn the_first_kind_in_the_order_names_the_device() {
        let der = certificate(|_| {});
        let identity = identity(&der, &DEFAULT).unwrap();

        assert_eq!(identity.value, "urn:doorward:device:mbp-ana");
        assert_eq!(identity.kind, IdentityKind::SanUri);
    }

    #[test]
    fn each_kind_reads_its_own_field() {
        let der = certificate(|_| {});

        assert_eq!(value(&der, &[IdentityKind::SanDns]), "mbp-ana.corp.example");
        assert_eq!(value(&der, &[IdentityKind::CommonName]), "MBP-ANA");
        assert_eq!(
            value(&der, &[IdentityKind::IssuerSerial]),
            "CN=Devices CA#ABC"
        );
    }

    #[test]
    fn a_kind_that_is_missing_leaves_the_word_to_the_next() {
        let der = certificate(|params| params.subject_alt_names.clear());

        assert_eq!(value(&der, &DEFAULT), "MBP-ANA");
    }

    #[test]
    fn all_names_are_candidates_in_the_configured_order() {
        let der = certificate(|params| params.subject_alt_names.push(uri("urn:second")));
        let order = [IdentityKind::CommonName, IdentityKind::SanUri];

        let candidates: Vec<String> = identity(&der, &order)
            .unwrap()
            .candidates
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        assert_eq!(
            candidates,
            ["MBP-ANA", "urn:doorward:device:mbp-ana", "urn:second"]
        );
    }

    #[test]
    fn the_name_of_an_account_does_not_name_the_device() {
        let der = certificate(|params| {
            params.subject_alt_names = vec![uri("tag:microsoft.com,2022-09-14:sid:S-1-5-21")];
        });

        assert!(identity(&der, &[IdentityKind::SanUri]).is_none());
    }

    #[test]
    fn a_wildcard_does_not_name_a_device() {
        let der = certificate(|params| {
            let name = "*.corp.example".try_into().unwrap();
            params.subject_alt_names = vec![SanType::DnsName(name)];
        });

        assert!(identity(&der, &[IdentityKind::SanDns]).is_none());
    }

    #[test]
    fn a_name_with_control_characters_names_nothing() {
        let der = certificate(|params| {
            let name = "mbp-ana\u{0}.corp.example".try_into().unwrap();
            params.subject_alt_names = vec![SanType::DnsName(name)];
        });

        assert!(identity(&der, &[IdentityKind::SanDns]).is_none());
    }

    #[test]
    fn without_an_order_there_is_no_name() {
        assert!(identity(&certificate(|_| {}), &[]).is_none());
    }

    #[test]
    fn bytes_that_are_no_certificate_name_nothing() {
        assert!(identity(b"hello", &DEFAULT).is_none());
    }
}
