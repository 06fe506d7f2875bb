//! Where a request comes from, as far as requests are counted: an address, or the network that is as good as one.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::browser::Browser;
use super::provider::Provider;
use crate::domain::clock::Timestamp;
use crate::signals::client_ip::client_address;

/// Under which requests are counted together. An address that cannot be told is one origin: garbage in a
/// header must not open a new one each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Origin(Option<IpAddr>);

impl Origin {
    /// The origin of what this browser sends.
    pub(super) fn of(cx: &Provider, browser: &Browser, now: Timestamp) -> Self {
        let client = client_address(
            &cx.signals.forwarding,
            browser.peer.address,
            &browser.headers,
            now,
        );
        client.address.value().copied().map_or(Self(None), Self::at)
    }

    /// The origin of an address. Whoever has one IPv6 address has all of its /64 (RFC 4291, section 2.5.4).
    pub(super) fn at(address: IpAddr) -> Self {
        Self(Some(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into()
            }
        }))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("unknown"),
            Some(IpAddr::V4(address)) => write!(f, "{address}"),
            Some(IpAddr::V6(network)) => write!(f, "{network}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_ipv6_network_are_counted_together() {
        let of = |address: &str| Origin::at(address.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1").to_string(), "2001:db8:1:2::/64");
        assert_eq!(of("2001:db8:1:2:ffff::9"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:3::1"), of("2001:db8:1:2::1"));
        assert_ne!(of("203.0.113.9"), of("203.0.113.10"));
        assert_eq!(of("203.0.113.9").to_string(), "203.0.113.9");
    }
}
