//! The grammar of `Forwarded` (RFC 7239) and of `X-Forwarded-For`: one element, one node.
//! Leaves to others which elements are believed (`client_ip`).
//!
//! The crates for this read from the left and split quoted strings at commas and semicolons. Here the
//! right end is what a trusted proxy wrote, and nothing to its left may change how it is read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// White space that HTTP allows around elements, RFC 9110 section 5.6.3.
const BLANK: [char; 2] = [' ', '\t'];

/// Longest text of an element that is repeated in a reason.
const SHOWN: usize = 64;

/// The header in which trusted proxies name the address they serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`: a list of addresses.
    XForwardedFor,
    /// `Forwarded` of RFC 7239.
    Forwarded,
}

impl ForwardedHeader {
    /// The header's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "X-Forwarded-For",
            Self::Forwarded => "Forwarded",
        }
    }

    /// The other header.
    pub(super) fn other(self) -> Self {
        match self {
            Self::XForwardedFor => Self::Forwarded,
            Self::Forwarded => Self::XForwardedFor,
        }
    }

    /// The elements of one line, the nearest to us first.
    pub(super) fn elements(self, line: &[u8]) -> Vec<&[u8]> {
        match self {
            // Split as bytes: what a client wrote on the left must not spoil what a proxy wrote on the right.
            Self::XForwardedFor => line.rsplit(|byte| *byte == b',').collect(),
            Self::Forwarded => split_from_right(line),
        }
    }

    /// Whom one element names.
    pub(super) fn node(self, element: &[u8]) -> Option<Node> {
        match self {
            Self::XForwardedFor => bare_node(element),
            Self::Forwarded => element_node(element),
        }
    }
}

/// Whom a hop says it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    /// An address; a port or a zone beside it is dropped.
    Address(IpAddr),
    /// The hop knows and does not say: `unknown` or an obfuscated identifier, RFC 7239 section 6.
    Hidden,
}

/// The elements of a `Forwarded` line, the rightmost first: split at commas outside quoted strings,
/// where quotes are paired from the right.
fn split_from_right(line: &[u8]) -> Vec<&[u8]> {
    let mut elements = Vec::new();
    let mut rest = line;
    while let Some((before, element)) = last_comma(rest).and_then(|at| around(rest, at)) {
        elements.push(element);
        rest = before;
    }
    elements.push(rest);
    elements
}

/// The node that the `for` parameter of one `Forwarded` element names.
fn element_node(element: &[u8]) -> Option<Node> {
    let element = std::str::from_utf8(element).ok()?;
    node(&parameter_for(element.trim_matches(BLANK))?)
}

/// The node that one element of `X-Forwarded-For` is.
fn bare_node(element: &[u8]) -> Option<Node> {
    node(std::str::from_utf8(element).ok()?.trim_matches(BLANK))
}

/// An element as it may stand in a message: short, and without control characters.
pub(super) fn shown(element: &[u8]) -> String {
    String::from_utf8_lossy(element)
        .trim()
        .chars()
        .filter(|symbol| !symbol.is_control())
        .take(SHOWN)
        .collect()
}

fn last_comma(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate().rev() {
        match byte {
            b'"' if !is_escaped(line, at) => quoted = !quoted,
            b',' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Whether an odd number of backslashes stands before the byte.
fn is_escaped(line: &[u8], at: usize) -> bool {
    let backslashes = line
        .iter()
        .take(at)
        .rev()
        .take_while(|byte| **byte == b'\\')
        .count();
    backslashes % 2 == 1
}

/// What stands before and after the byte.
fn around(line: &[u8], at: usize) -> Option<(&[u8], &[u8])> {
    Some((line.get(..at)?, line.get(at + 1..)?))
}

/// The value of the one `for` in `[ pair ] *( ";" [ pair ] )`, RFC 7239 section 4.
fn parameter_for(element: &str) -> Option<String> {
    let mut found = None;
    let mut rest = element;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(';') {
            rest = after.trim_start_matches(BLANK);
            continue;
        }
        let (name, value, after) = pair(rest)?;
        // A parameter must not occur twice.
        if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return None;
        }
        rest = after.trim_start_matches(BLANK);
        if !rest.is_empty() && !rest.starts_with(';') {
            return None;
        }
    }
    found
}

/// `token "=" ( token / quoted-string )`, and what follows it.
fn pair(text: &str) -> Option<(&str, String, &str)> {
    let (name, after) = leading(text, is_token)?;
    let after = after.strip_prefix('=')?;
    if let Some(quoted) = after.strip_prefix('"') {
        let (value, after) = unquoted(quoted)?;
        return Some((name, value, after));
    }
    // Addresses with colons and brackets have to be quoted; common proxies do not.
    let (value, after) = leading(after, |symbol| is_token(symbol) || "[]:".contains(symbol))?;
    Some((name, value.to_owned(), after))
}

fn leading(text: &str, accepts: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let end = text
        .find(|symbol: char| !accepts(symbol))
        .unwrap_or(text.len());
    text.split_at_checked(end).filter(|_| end > 0)
}

/// A character of a token, RFC 9110 section 5.6.2.
fn is_token(symbol: char) -> bool {
    symbol.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(symbol)
}

/// The content of a quoted string whose opening quote is already gone, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut symbols = text.chars();
    loop {
        match symbols.next()? {
            '"' => return Some((value, symbols.as_str())),
            '\\' => value.push(symbols.next()?),
            symbol => value.push(symbol),
        }
    }
}

/// `nodename [ ":" node-port ]`, RFC 7239 section 6, and the bare IPv6 addresses of `X-Forwarded-For`.
fn node(text: &str) -> Option<Node> {
    if text.eq_ignore_ascii_case("unknown") || text.starts_with('_') {
        return Some(Node::Hidden);
    }
    let address = if let Some(bracketed) = text.strip_prefix('[') {
        let (inside, after) = bracketed.split_once(']')?;
        let port = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
        ipv6(inside).filter(|_| port)?
    } else {
        match text.split_once(':') {
            None => IpAddr::V4(text.parse::<Ipv4Addr>().ok()?),
            Some((host, port)) if is_port(port) && host.contains('.') => {
                IpAddr::V4(host.parse::<Ipv4Addr>().ok()?)
            }
            Some(_) => ipv6(text)?,
        }
    };
    Some(Node::Address(address))
}

/// An IPv6 address; its zone means something on the proxy's machine only.
fn ipv6(text: &str) -> Option<IpAddr> {
    let address = match text.split_once('%') {
        Some((_, "")) => return None,
        Some((address, _)) => address,
        None => text,
    };
    Some(IpAddr::V6(address.parse::<Ipv6Addr>().ok()?))
}

/// A port, or an obfuscated one.
fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(hidden) => !hidden.is_empty() && hidden.chars().all(is_token),
        None => text.chars().all(|symbol| symbol.is_ascii_digit()) && text.parse::<u16>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "the parser gives options")]
    fn address(text: &str) -> Option<Node> {
        Some(Node::Address(text.parse().unwrap()))
    }

    fn elements(line: &str) -> Vec<&str> {
        split_from_right(line.as_bytes())
            .into_iter()
            .map(|element| std::str::from_utf8(element).unwrap())
            .collect()
    }

    #[test]
    fn a_bare_node_may_have_a_port_brackets_or_a_zone() {
        for (text, expected) in [
            ("203.0.113.9", "203.0.113.9"),
            (" 203.0.113.9\t", "203.0.113.9"),
            ("203.0.113.9:443", "203.0.113.9"),
            ("2001:db8::9", "2001:db8::9"),
            ("[2001:db8::9]", "2001:db8::9"),
            ("[2001:db8::9]:443", "2001:db8::9"),
            ("[2001:db8::9]:_port", "2001:db8::9"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25eth0]:80", "fe80::1"),
            ("::ffff:203.0.113.9", "::ffff:203.0.113.9"),
        ] {
            assert_eq!(bare_node(text.as_bytes()), address(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_no_node() {
        for text in [
            "",
            "localhost",
            "203.0.113",
            "203.0.113.256",
            "0203.0.113.9",
            "203.0.113.9:",
            "203.0.113.9:65536",
            "203.0.113.9:+80",
            "[203.0.113.9]",
            "[2001:db8::9",
            "[2001:db8::9]443",
            "[2001:db8::9]:",
            "fe80::1%",
            "\"203.0.113.9\"",
            "203.0.113.9 10.0.0.1",
        ] {
            assert_eq!(bare_node(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn unknown_and_obfuscated_nodes_are_hidden() {
        for text in ["unknown", "Unknown", "_hidden", "_SEVKISEK"] {
            assert_eq!(bare_node(text.as_bytes()), Some(Node::Hidden), "{text}");
        }
    }

    #[test]
    fn an_element_names_its_node_in_for() {
        for (text, expected) in [
            ("for=203.0.113.9", "203.0.113.9"),
            ("For=\"203.0.113.9\"", "203.0.113.9"),
            ("for=\"[2001:db8::9]:4711\"", "2001:db8::9"),
            ("for=[2001:db8::9]:4711", "2001:db8::9"),
            ("proto=https; for=203.0.113.9 ;by=10.0.0.1", "203.0.113.9"),
            ("host=\"a;for=b,c\\\"d\";for=203.0.113.9", "203.0.113.9"),
            (";;for=203.0.113.9;", "203.0.113.9"),
            ("for=\"203.0.11\\3.9\"", "203.0.113.9"),
        ] {
            assert_eq!(element_node(text.as_bytes()), address(expected), "{text}");
        }
    }

    #[test]
    fn a_malformed_element_names_nobody() {
        for text in [
            "",
            "proto=https",
            "for",
            "for=",
            "=203.0.113.9",
            "for =203.0.113.9",
            "for=203.0.113.9;for=10.0.0.1",
            "for=\"203.0.113.9",
            "for=\"203.0.113.9\"x",
            "for=\"\"203.0.113.9\"\"",
            "203.0.113.9",
            "for=203.0.113.9 by=10.0.0.1",
        ] {
            assert_eq!(element_node(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn commas_in_quoted_strings_do_not_split() {
        assert_eq!(
            elements("a=\"x,y\",b=\"\\\",\",c"),
            ["c", "b=\"\\\",\"", "a=\"x,y\""]
        );
    }

    #[test]
    fn a_quote_without_partner_stays_on_the_left() {
        assert_eq!(
            elements("for=\"evil, for=203.0.113.9;by=\"[::1]\""),
            [" for=203.0.113.9;by=\"[::1]\"", "for=\"evil"]
        );
    }

    #[test]
    fn shown_text_is_short_and_printable() {
        assert_eq!(shown(b" a\tb\xff "), "ab\u{fffd}");
        assert_eq!(shown(&[b'x'; 500]).len(), SHOWN);
    }

    proptest! {
        #[test]
        fn elements_joined_again_are_the_line(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut elements = split_from_right(&line);
            elements.reverse();
            prop_assert_eq!(elements.join(&b','), line.as_slice());
        }

        #[test]
        fn every_address_is_read_back_from_both_headers(address: IpAddr, port: u16) {
            let bare = address.to_string();
            prop_assert_eq!(bare_node(bare.as_bytes()), Some(Node::Address(address)));
            let element = format!("proto=https;for=\"{}\"", SocketAddr::new(address, port));
            prop_assert_eq!(element_node(element.as_bytes()), Some(Node::Address(address)));
        }
    }
}
