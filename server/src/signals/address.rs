//! Network addresses: the one form each is compared in, and which of them belong to no public place.
//! Leaves to others how an address was found (`client_ip`) and where it is (`geo`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The form in which an address is compared, looked up and shown: an IPv4 address that travels inside
/// an IPv6 address (IPv4-mapped, or of the well-known NAT64 prefix) is that IPv4 address.
#[must_use]
pub fn canonical(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => translated(v6).map_or(IpAddr::V6(v6), IpAddr::V4),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Why an address tells nothing about a place, where it is private or belongs to no host.
///
/// Documentation ranges (RFC 5737, RFC 3849) count as places: examples and tests use them.
#[must_use]
pub fn placeless(address: IpAddr) -> Option<&'static str> {
    const PRIVATE: &str = "the address is private";
    const NO_HOST: &str = "the address belongs to no host";
    let (private, no_host) = match address {
        IpAddr::V4(v4) => (is_private_v4(v4), is_no_host_v4(v4)),
        IpAddr::V6(v6) => (is_private_v6(v6), v6.is_unspecified() || v6.is_multicast()),
    };
    match (private, no_host) {
        (true, _) => Some(PRIVATE),
        (false, true) => Some(NO_HOST),
        (false, false) => None,
    }
}

/// The IPv4 address behind a translator with the well-known prefix `64:ff9b::/96` (RFC 6052).
///
/// Section 3.1 forbids that prefix for addresses that are not global. Without that rule an address
/// such as `64:ff9b::10.0.0.1` would pass for a trusted proxy in `10.0.0.0/8`.
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.octets() {
        [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => {
            Some(Ipv4Addr::new(a, b, c, d)).filter(|v4| placeless(IpAddr::V4(*v4)).is_none())
        }
        _ => None,
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || match address.octets() {
            // Carrier-grade NAT, RFC 6598.
            [100, second, ..] => second & 0b1100_0000 == 0b0100_0000,
            // Protocol assignments, among them DS-Lite, RFC 6890.
            [192, 0, 0, _] => true,
            _ => false,
        }
}

fn is_no_host_v4(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    // "This network", multicast, reserved and broadcast.
    first == 0 || first >= 224
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, ..] = address.segments();
    address.is_loopback()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        // Site-local, deprecated by RFC 3879 and still in use.
        || first & 0xffc0 == 0xfec0
        // Translators: local use (RFC 8215), and the well-known prefix around a private address.
        || (first == 0x64 && second == 0xff9b && (third == 1 || third == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_ipv4_mapped_address_is_the_ipv4_address() {
        assert_eq!(canonical(ip("::ffff:203.0.113.9")), ip("203.0.113.9"));
    }

    #[test]
    fn an_address_behind_nat64_is_the_ipv4_address() {
        assert_eq!(canonical(ip("64:ff9b::203.0.113.9")), ip("203.0.113.9"));
    }

    #[test]
    fn nat64_does_not_make_a_private_address() {
        for text in [
            "64:ff9b::10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::0.0.0.0",
        ] {
            assert_eq!(canonical(ip(text)), ip(text));
            assert_eq!(placeless(ip(text)), Some("the address is private"));
        }
    }

    #[test]
    fn other_addresses_stay_as_they_are() {
        for text in ["203.0.113.9", "2001:db8::9", "64:ff9c::203.0.113.9", "::1"] {
            assert_eq!(canonical(ip(text)), ip(text));
        }
    }

    #[test]
    fn private_ranges_tell_no_place() {
        for text in [
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "fec0::1",
            "64:ff9b:1::1",
        ] {
            assert_eq!(
                placeless(ip(text)),
                Some("the address is private"),
                "{text}"
            );
        }
    }

    #[test]
    fn addresses_of_no_host_tell_no_place() {
        for text in ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"] {
            assert_eq!(
                placeless(ip(text)),
                Some("the address belongs to no host"),
                "{text}"
            );
        }
    }

    #[test]
    fn public_and_documentation_addresses_may_have_a_place() {
        for text in [
            "9.9.9.9",
            "203.0.113.9",
            "198.51.100.1",
            "192.0.2.1",
            "100.63.255.255",
            "100.128.0.1",
            "2001:db8::1",
            "2620:fe::9",
        ] {
            assert_eq!(placeless(ip(text)), None, "{text}");
        }
    }
}
