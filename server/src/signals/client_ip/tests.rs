//! Facts and properties of the walk back to the client.

use axum::http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

const PROXY: &str = "10.0.0.1";
const STRANGER: &str = "198.51.100.7";

fn settings(header: ForwardedHeader) -> ForwardingSettings {
    ForwardingSettings {
        trusted: vec![
            "10.0.0.0/8".parse().unwrap(),
            "2001:db8:aaaa::/48".parse().unwrap(),
        ],
        header,
    }
}

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn headers(lines: &[(&str, &[u8])]) -> HeaderMap {
    lines
        .iter()
        .filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            Some((name, HeaderValue::from_bytes(value).ok()?))
        })
        .fold(HeaderMap::new(), |mut map, (name, value)| {
            map.append(name, value);
            map
        })
}

fn found(header: ForwardedHeader, peer: &str, lines: &[&str]) -> ClientAddress {
    let lines: Vec<(&str, &[u8])> = lines
        .iter()
        .map(|line| (header.name(), line.as_bytes()))
        .collect();
    let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
    client_address(&settings(header), peer, &headers(&lines), now())
}

/// The address, or why it is unknown.
fn answer(found: &ClientAddress) -> String {
    match &found.address {
        Fact::Known { value, .. } => value.to_string(),
        Fact::Unknown { reason, .. } => reason.clone(),
    }
}

fn x_forwarded_for(peer: &str, lines: &[&str]) -> String {
    answer(&found(ForwardedHeader::XForwardedFor, peer, lines))
}

fn forwarded(peer: &str, lines: &[&str]) -> String {
    answer(&found(ForwardedHeader::Forwarded, peer, lines))
}

#[test]
fn without_a_trusted_proxy_the_peer_is_the_client() {
    assert_eq!(x_forwarded_for(STRANGER, &["203.0.113.9"]), STRANGER);
}

#[test]
fn the_nearest_untrusted_hop_is_the_client() {
    let lines = ["192.0.2.66, 203.0.113.9, 10.0.0.2"];
    assert_eq!(x_forwarded_for(PROXY, &lines), "203.0.113.9");
}

#[test]
fn lines_are_joined_in_their_order() {
    let lines = ["192.0.2.66", "203.0.113.9", "10.0.0.2"];
    assert_eq!(x_forwarded_for(PROXY, &lines), "203.0.113.9");
}

#[test]
fn where_every_hop_is_trusted_the_farthest_is_the_client() {
    let lines = ["10.0.0.3, 10.0.0.2"];
    assert_eq!(x_forwarded_for(PROXY, &lines), "10.0.0.3");
}

#[test]
fn a_proxy_that_does_not_say_whom_it_forwards_leaves_the_address_unknown() {
    let reason = "the proxy did not say whose request it forwards";
    assert_eq!(x_forwarded_for(PROXY, &[]), reason);
    assert_eq!(forwarded(PROXY, &[]), reason);
    // The other header is not looked at instead.
    let peer = SocketAddr::new(PROXY.parse().unwrap(), 1);
    let headers = headers(&[("x-forwarded-for", b"203.0.113.9".as_slice())]);
    let found = client_address(&settings(ForwardedHeader::Forwarded), peer, &headers, now());
    assert_eq!(answer(&found), reason);
}

#[test]
fn a_mapped_peer_is_recognised_as_trusted() {
    let peer = "::ffff:10.0.0.1";
    assert_eq!(x_forwarded_for(peer, &["203.0.113.9"]), "203.0.113.9");
}

#[test]
fn a_translated_private_address_is_not_trusted() {
    let peer = "64:ff9b::a00:1";
    assert_eq!(x_forwarded_for(peer, &["203.0.113.9"]), peer);
}

#[test]
fn an_element_that_is_no_address_ends_the_walk() {
    let lines = ["203.0.113.9, nonsense, 10.0.0.2"];
    let found = found(ForwardedHeader::XForwardedFor, PROXY, &lines);
    let reason = "`nonsense` in `X-Forwarded-For` is not an address";
    assert_eq!(found.address, Fact::unknown(reason, "X-Forwarded-For"));
    let verdicts: Vec<&str> = found.trail.iter().map(|hop| hop.verdict).collect();
    assert_eq!(
        verdicts,
        ["trusted proxy", "trusted proxy", "is not an address"]
    );
}

#[test]
fn an_empty_element_ends_the_walk() {
    let reason = "`` in `X-Forwarded-For` is not an address";
    assert_eq!(x_forwarded_for(PROXY, &["203.0.113.9, "]), reason);
    assert_eq!(x_forwarded_for(PROXY, &[""]), reason);
}

#[test]
fn an_element_without_for_ends_the_walk() {
    let lines = ["for=203.0.113.9, proto=https"];
    let reason = "`proto=https` in `Forwarded` is not an address";
    assert_eq!(forwarded(PROXY, &lines), reason);
}

#[test]
fn a_hidden_address_is_unknown() {
    let lines = ["for=203.0.113.9, for=_hidden"];
    let reason = "`for=_hidden` in `Forwarded` hides the address";
    assert_eq!(forwarded(PROXY, &lines), reason);
}

#[test]
fn nonsense_to_the_left_of_the_client_is_not_looked_at() {
    let lines = ["nonsense, 203.0.113.9"];
    assert_eq!(x_forwarded_for(PROXY, &lines), "203.0.113.9");
    let lines = ["for=\"never closed, for=203.0.113.9;proto=https"];
    assert_eq!(forwarded(PROXY, &lines), "203.0.113.9");
}

#[test]
fn only_the_configured_header_counts() {
    let peer = SocketAddr::new(PROXY.parse().unwrap(), 1);
    let headers = headers(&[
        ("x-forwarded-for", b"203.0.113.9".as_slice()),
        ("forwarded", b"for=192.0.2.66".as_slice()),
    ]);
    let of = |header| answer(&client_address(&settings(header), peer, &headers, now()));
    assert_eq!(of(ForwardedHeader::XForwardedFor), "203.0.113.9");
    assert_eq!(of(ForwardedHeader::Forwarded), "192.0.2.66");
}

#[test]
fn a_chain_without_end_is_unknown() {
    let line = ["10.0.0.2"; 100].join(",");
    assert_eq!(x_forwarded_for(PROXY, &[&line]), "more than 32 proxies");
}

/// A byte that may stand in a header's value; those that matter to the grammars are frequent.
fn header_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        Just(b','),
        Just(b'"'),
        Just(b'\\'),
        Just(b'\t'),
        0x20_u8..=0x7e,
        0x80_u8..=0xff,
    ]
}

/// A hop as the oracle of the properties knows it.
fn hop() -> impl Strategy<Value = (&'static str, Option<bool>)> {
    prop_oneof![
        Just(("10.0.0.2", Some(true))),
        Just(("10.200.0.9:8080", Some(true))),
        Just(("2001:db8:aaaa::5", Some(true))),
        Just(("::ffff:10.0.0.7", Some(true))),
        Just(("203.0.113.9", Some(false))),
        Just(("[2001:db8::9]:443", Some(false))),
        Just(("unknown", None)),
        Just(("garbage", None)),
        Just(("", None)),
    ]
}

proptest! {
    #[test]
    fn an_untrusted_peer_s_headers_never_change_the_address(
        line in proptest::collection::vec(header_byte(), 0..80),
        other in "[ -~]{0,40}",
    ) {
        let peer = SocketAddr::new(STRANGER.parse().unwrap(), 1);
        let headers = headers(&[
            ("x-forwarded-for", line.as_slice()),
            ("forwarded", line.as_slice()),
            ("x-forwarded-for", other.as_bytes()),
        ]);
        for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
            let found = client_address(&settings(header), peer, &headers, now());
            prop_assert_eq!(answer(&found), STRANGER);
        }
    }

    #[test]
    fn garbage_never_panics(lines in proptest::collection::vec(
        proptest::collection::vec(header_byte(), 0..60), 0..4,
    )) {
        let peer = SocketAddr::new(PROXY.parse().unwrap(), 1);
        for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
            let lines: Vec<(&str, &[u8])> = lines
                .iter()
                .map(|line| (header.name(), line.as_slice()))
                .collect();
            let _ = client_address(&settings(header), peer, &headers(&lines), now());
        }
    }

    #[test]
    fn the_answer_is_a_trusted_proxy_only_where_every_hop_is_one(
        hops in proptest::collection::vec(hop(), 1..8),
    ) {
        let line = hops.iter().map(|(text, _)| *text).collect::<Vec<_>>().join(", ");
        let settings = settings(ForwardedHeader::XForwardedFor);
        let found = found(ForwardedHeader::XForwardedFor, PROXY, &[line.as_str()]);
        let first_stranger = hops.iter().rev().map(|(_, trust)| *trust).find(|t| *t != Some(true));
        let trusted = found.address.value().map(|address| settings.trusts(*address));
        match first_stranger {
            None => prop_assert_eq!(trusted, Some(true)),
            Some(Some(_)) => prop_assert_eq!(trusted, Some(false)),
            Some(None) => prop_assert_eq!(trusted, None),
        }
    }

    #[test]
    fn what_the_client_writes_never_hides_what_the_proxy_adds(
        left in proptest::collection::vec(header_byte(), 0..60),
    ) {
        let peer = SocketAddr::new(PROXY.parse().unwrap(), 1);
        let added = [
            (ForwardedHeader::XForwardedFor, ", 203.0.113.9"),
            (ForwardedHeader::Forwarded, ", for=203.0.113.9;proto=https"),
            (ForwardedHeader::Forwarded, ", for=\"203.0.113.9:4711\";by=\"_a,;b\""),
        ];
        for (header, right) in added {
            let line = [left.as_slice(), right.as_bytes()].concat();
            let headers = headers(&[(header.name(), line.as_slice())]);
            let found = client_address(&settings(header), peer, &headers, now());
            prop_assert_eq!(answer(&found), "203.0.113.9");
        }
    }
}
