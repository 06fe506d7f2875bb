//! Names, serial numbers and times of certificates as text and values that the rest of the server
//! compares. Nothing here is checked: `verify` does that.

use chrono::DateTime;
use data_encoding::HEXUPPER;
use x509_parser::asn1_rs::Tag;
use x509_parser::certificate::X509Certificate;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AttributeTypeAndValue, RelativeDistinguishedName, X509Name};

use crate::domain::clock::Timestamp;
use crate::domain::distinguished_name::keyword;

/// The serial number of a certificate: upper-case hexadecimal without leading zeros.
///
/// `None` where the bytes are not a certificate.
#[must_use]
pub fn serial_number(der: &[u8]) -> Option<String> {
    parse(der).map(|certificate| serial(&certificate))
}

/// The certificate in these bytes, if they hold one and nothing after it.
pub(crate) fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    match x509_parser::parse_x509_certificate(der) {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}

/// The serial number as one canonical text. Proxies, inventories and tools disagree about sign
/// bytes, padding and case; one of these forms has to win.
pub(crate) fn serial(certificate: &X509Certificate<'_>) -> String {
    let digits = HEXUPPER.encode(certificate.raw_serial());
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

/// A time of a certificate; `None` where it lies outside of what the server can count.
pub(crate) fn moment(time: ASN1Time) -> Option<Timestamp> {
    DateTime::from_timestamp(time.timestamp(), 0)
}

/// A distinguished name as RFC 4514 writes it: most specific part first, joined by commas.
///
/// `openssl x509 -noout -issuer -nameopt RFC2253,-esc_msb` prints the same text, so an operator
/// can copy it into the inventory.
pub(crate) fn distinguished_name(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = name.iter_rdn().map(relative_name).collect();
    parts.reverse();
    parts.join(",")
}

/// The text of an attribute, for the string types that certificates of this century use.
pub(crate) fn text(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    if attribute.attr_value().tag() == Tag::BmpString {
        let (pairs, _) = attribute.as_slice().as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().copied().map(u16::from_be_bytes).collect();
        return String::from_utf16(&units).ok();
    }
    attribute.as_str().ok().map(str::to_owned)
}

fn relative_name(name: &RelativeDistinguishedName<'_>) -> String {
    let attributes: Vec<String> = name.iter().map(attribute).collect();
    attributes.join("+")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let kind = keyword(&oid).unwrap_or(&oid);
    let value = text(attribute).map_or_else(
        || format!("#{}", HEXUPPER.encode(attribute.as_slice())),
        |text| escaped(&text),
    );
    format!("{kind}={value}")
}

/// RFC 4514 section 2.4. Without it a common name with a comma in it could pass for two parts.
fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(text.len());
    for (position, symbol) in text.chars().enumerate() {
        let edge = (symbol == ' ' && (position == 0 || position == last))
            || (symbol == '#' && position == 0);
        if symbol.is_control() {
            for byte in symbol.encode_utf8(&mut [0; 4]).bytes() {
                escaped.push('\\');
                escaped.push_str(&HEXUPPER.encode(&[byte]));
            }
            continue;
        }
        if edge || matches!(symbol, '"' | '+' | ',' | ';' | '<' | '>' | '\\') {
            escaped.push('\\');
        }
        escaped.push(symbol);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use rcgen::{DnType, SerialNumber};

    use super::super::fixtures::Authority;
    use super::*;

    fn serial_of(bytes: &[u8]) -> String {
        let leaf = Authority::root("CA").device(|params| {
            params.serial_number = Some(SerialNumber::from_slice(bytes));
        });
        serial_number(&leaf.der).unwrap()
    }

    #[test]
    fn serials_lose_leading_zeros_and_the_sign_byte() {
        assert_eq!(serial_of(&[0x0a, 0xbc]), "ABC");
        assert_eq!(serial_of(&[0xff, 0x01]), "FF01");
        assert_eq!(serial_of(&[0x00, 0x10]), "10");
    }

    #[test]
    fn a_name_is_written_most_specific_part_first() {
        let leaf = Authority::root("CA").device(|params| {
            params
                .distinguished_name
                .push(DnType::OrganizationName, "Example");
        });
        let certificate = parse(&leaf.der).unwrap();

        assert_eq!(distinguished_name(certificate.issuer()), "CN=CA");
        assert_eq!(
            distinguished_name(certificate.subject()),
            "O=Example,CN=MBP-ANA"
        );
    }

    #[test]
    fn a_comma_in_a_name_cannot_pass_for_two_parts() {
        assert_eq!(escaped("Ana, O=Bank"), "Ana\\, O=Bank");
        assert_eq!(escaped("#1 "), "\\#1\\ ");
        assert_eq!(escaped("a\nb"), "a\\0Ab");
        assert_eq!(escaped("Geräte-CA"), "Geräte-CA");
    }

    #[test]
    fn bytes_after_a_certificate_make_it_no_certificate() {
        let mut der = Authority::root("CA").device(|_| {}).der;
        der.push(0);

        assert_eq!(serial_number(&der), None);
    }
}
