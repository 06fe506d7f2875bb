//! The addresses that policies can tell apart: one of each side of each bound of each range.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::constants::Constants;
use super::values::{Source, Values};
use crate::catalogue::Catalogue;
use crate::vocabulary::{context, types};

/// Ranges that Cedar's own tests of addresses ask for: loopback and multicast.
const SPECIAL: [&str; 4] = ["127.0.0.0/8", "224.0.0.0/4", "::1/128", "ff00::/8"];

impl Source<'_> {
    pub(super) fn addresses(&self) -> Values<Option<IpAddr>> {
        let catalogues: Vec<&Catalogue> = self.bundles.iter().map(|it| &it.catalogue).collect();
        let named = self.named(types::NETWORK);
        let tested = tested(self.constants);
        let bounds = tested
            .iter()
            .chain(catalogues.iter().flat_map(|catalogue| catalogue.ranges()))
            .flat_map(|range| [Some(range.network()), after(range)])
            .flatten();
        let everywhere = [
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        ];
        // What the policies see of an address: two that look alike are one.
        let mut seen = BTreeSet::new();
        let mut addresses: Vec<Option<IpAddr>> = bounds
            .chain(everywhere)
            // A mapped IPv4 address is that address.
            .map(|address| address.to_canonical())
            .filter(|address| {
                let mut within: Vec<bool> = Vec::new();
                for catalogue in &catalogues {
                    let networks = catalogue.networks(*address);
                    within.extend(named.iter().map(|name| networks.contains(name)));
                }
                let inside: Vec<bool> =
                    tested.iter().map(|range| range.contains(address)).collect();
                seen.insert((within, inside, address.is_ipv4()))
            })
            .map(Some)
            .collect();
        addresses.push(None);
        (addresses, true)
    }
}

/// The ranges that conditions test the address for.
pub(super) fn tested(constants: &Constants) -> BTreeSet<IpNet> {
    let special = SPECIAL.iter().filter(|_| constants.reads(context::ADDRESS));
    let special = special.filter_map(|range| range.parse().ok());
    constants.ranges.iter().copied().chain(special).collect()
}

/// The first address behind a range.
fn after(range: &IpNet) -> Option<IpAddr> {
    match range.broadcast() {
        IpAddr::V4(last) => u32::from(last)
            .checked_add(1)
            .map(|next| IpAddr::V4(next.into())),
        IpAddr::V6(last) => u128::from(last)
            .checked_add(1)
            .map(|next| IpAddr::V6(next.into())),
    }
}
