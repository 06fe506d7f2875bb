//! The names in a certificate by which a client can be known (RFC 8705, section 2.1.2). Whether the certificate may be
//! believed is judged in `verify`; which name is expected of which client is known to others.

use std::net::IpAddr;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::x509::X509Name;

use super::name;
use crate::domain::distinguished_name::{DistinguishedName, RelativeName};

/// The names in one certificate, as they stand there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CertificateNames {
    /// The subject; nothing where a value in it is no text.
    pub subject: Option<DistinguishedName>,
    /// DNS names among the alternative names.
    pub dns: Vec<String>,
    /// URIs among them.
    pub uris: Vec<String>,
    /// E-mail addresses among them.
    pub emails: Vec<String>,
    /// IP addresses among them.
    pub addresses: Vec<IpAddr>,
}

/// The names in this certificate. `None` where the bytes are not a certificate, or one whose alternative names cannot
/// be read.
#[must_use]
pub fn names(leaf_der: &[u8]) -> Option<CertificateNames> {
    let certificate = name::parse(leaf_der)?;
    let mut names = CertificateNames {
        subject: subject(certificate.subject()),
        ..CertificateNames::default()
    };
    for alternative in alternative_names(&certificate)? {
        match alternative {
            GeneralName::DNSName(host) => names.dns.push((*host).to_owned()),
            GeneralName::URI(uri) => names.uris.push((*uri).to_owned()),
            GeneralName::RFC822Name(email) => names.emails.push((*email).to_owned()),
            GeneralName::IPAddress(bytes) => names.addresses.extend(address(bytes)),
            _ => {}
        }
    }
    Some(names)
}

/// Most specific first, as RFC 4514 writes names; a certificate has them the other way round.
fn subject(subject: &X509Name<'_>) -> Option<DistinguishedName> {
    let mut steps = Vec::new();
    for step in subject.iter_rdn() {
        let attributes = step.iter().map(|attribute| {
            let identifier = attribute.attr_type().to_id_string();
            Some((identifier, name::text(attribute)?))
        });
        steps.push(attributes.collect::<Option<RelativeName>>()?);
    }
    steps.reverse();
    Some(DistinguishedName::new(steps))
}

/// RFC 5280, section 4.2.1.6.
fn alternative_names<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [GeneralName<'a>]> {
    match certificate.subject_alternative_name() {
        Ok(Some(extension)) => Some(extension.value.general_names.as_slice()),
        Ok(None) => Some(&[]),
        Err(_) => None,
    }
}

/// In network byte order: four bytes or sixteen (RFC 5280, section 4.2.1.6).
fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(bytes));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DistinguishedName as Subject, DnType, SanType};

    use super::super::fixtures::Authority;
    use super::*;

    fn names_of(change: impl FnOnce(&mut CertificateParams)) -> CertificateNames {
        names(&Authority::root("CA").device(change).der).unwrap()
    }

    #[test]
    fn every_kind_of_name_is_read_as_it_stands() {
        let found = names_of(|params| {
            params.subject_alt_names = vec![
                SanType::DnsName("App.example".try_into().unwrap()),
                SanType::URI("urn:app".try_into().unwrap()),
                SanType::Rfc822Name("app@app.example".try_into().unwrap()),
                SanType::IpAddress("192.0.2.1".parse().unwrap()),
                SanType::IpAddress("2001:db8::1".parse().unwrap()),
            ];
        });
        assert_eq!(found.subject, Some("CN=MBP-ANA".parse().unwrap()));
        assert_eq!(found.dns, ["App.example"]);
        assert_eq!(found.uris, ["urn:app"]);
        assert_eq!(found.emails, ["app@app.example"]);
        let addresses = ["192.0.2.1", "2001:db8::1"].map(|text| text.parse::<IpAddr>().unwrap());
        assert_eq!(found.addresses, addresses);
    }

    #[test]
    fn a_certificate_may_have_no_alternative_names() {
        let found = names_of(|params| params.subject_alt_names = Vec::new());
        assert!(found.dns.is_empty() && found.uris.is_empty());
        assert!(found.subject.is_some());
    }

    #[test]
    fn what_is_no_certificate_has_no_names() {
        assert_eq!(names(b""), None);
        assert_eq!(names(b"not a certificate"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// What an operator copies from a certificate is the name of that certificate, whatever is in it.
        #[test]
        fn a_subject_equals_what_is_printed_of_it(
            common in "[ -~éß,+#\\\\\n]{1,12}",
            organization in "[ -~]{1,12}",
        ) {
            let leaf = Authority::root("CA").device(|params| {
                params.distinguished_name = Subject::new();
                params.distinguished_name.push(DnType::OrganizationName, &organization);
                params.distinguished_name.push(DnType::CommonName, &common);
            });
            let certificate = name::parse(&leaf.der).unwrap();
            let printed = name::distinguished_name(certificate.subject());
            prop_assert_eq!(names(&leaf.der).unwrap().subject, Some(printed.parse().unwrap()));
        }
    }
}
