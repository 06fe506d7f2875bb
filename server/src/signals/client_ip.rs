//! The client's network address: the chain of trusted proxies walked back from the connection.
//! Leaves to others which proxies are trusted (`config`), the grammar of the headers (`forwarded`)
//! and what an address means (`geo`, policies).

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use doorward_engine::Fact;
use ipnet::IpNet;

use super::address::canonical;
pub use super::forwarded::ForwardedHeader;
use super::forwarded::{self, Node};
use crate::domain::clock::Timestamp;

/// More proxies than any deployment has: a longer chain is an attempt to fill the records.
const LONGEST_CHAIN: usize = 32;

/// Which peers are believed about the client's address, and in which header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardingSettings {
    /// Networks of the proxies that are ours.
    pub trusted: Vec<IpNet>,
    /// The one header they write. Any other is ignored: a proxy passes on what it does not know.
    pub header: ForwardedHeader,
}

impl ForwardingSettings {
    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// The client's address, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAddress {
    /// The address, in its canonical form.
    pub address: Fact<IpAddr>,
    /// Every hop that was looked at, the nearest first.
    pub trail: Vec<Hop>,
}

/// One hop on the way back to the client, for explanations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The address, or the text that stood for it.
    pub address: String,
    /// What was concluded from it.
    pub verdict: &'static str,
}

/// Finds the client's address: from the peer of the connection through the configured header, right to
/// left, as long as the hop is a trusted proxy. The first hop that is none is the client.
///
/// An element that is no address ends the walk, and the address is unknown. Skipping it would hand the
/// choice to whoever wrote the element to its left. A proxy that says nothing leaves it unknown as well:
/// its own address is that of everybody behind it.
#[must_use]
pub fn client_address(
    settings: &ForwardingSettings,
    peer: SocketAddr,
    headers: &HeaderMap,
    now: Timestamp,
) -> ClientAddress {
    let mut walk = Walk {
        settings,
        source: "connection",
        trail: Vec::new(),
        now,
    };
    let mut nearest = canonical(peer.ip());
    if !walk.passes(nearest) {
        return walk.arrived_at(nearest);
    }
    if headers.contains_key(settings.header.other().name()) {
        tracing::debug!(
            peer = %nearest,
            ignored = settings.header.other().name(),
            configured = settings.header.name(),
            "a trusted proxy sent a forwarding header that is not the configured one"
        );
    }
    walk.source = settings.header.name();
    if !headers.contains_key(settings.header.name()) {
        return walk.lost("the proxy did not say whose request it forwards".to_owned());
    }
    for line in headers.get_all(settings.header.name()).iter().rev() {
        for element in settings.header.elements(line.as_bytes()) {
            if walk.trail.len() >= LONGEST_CHAIN {
                return walk.lost(format!("more than {LONGEST_CHAIN} proxies"));
            }
            nearest = match settings.header.node(element) {
                Some(Node::Address(address)) => canonical(address),
                Some(Node::Hidden) => return walk.lost_at(element, "hides the address"),
                None => return walk.lost_at(element, "is not an address"),
            };
            if !walk.passes(nearest) {
                return walk.arrived_at(nearest);
            }
        }
    }
    // Every hop is ours, so the farthest of them asks for itself.
    walk.arrived_at(nearest)
}

/// The state of one walk.
struct Walk<'a> {
    settings: &'a ForwardingSettings,
    source: &'static str,
    trail: Vec<Hop>,
    now: Timestamp,
}

impl Walk<'_> {
    /// Notes the hop, and whether the walk goes on behind it.
    fn passes(&mut self, address: IpAddr) -> bool {
        let trusted = self.settings.trusts(address);
        self.trail.push(Hop {
            address: address.to_string(),
            verdict: if trusted { "trusted proxy" } else { "client" },
        });
        trusted
    }

    fn arrived_at(self, address: IpAddr) -> ClientAddress {
        ClientAddress {
            address: Fact::known(address, self.source, self.now),
            trail: self.trail,
        }
    }

    fn lost_at(mut self, element: &[u8], verdict: &'static str) -> ClientAddress {
        let shown = forwarded::shown(element);
        let reason = format!("`{shown}` in `{}` {verdict}", self.source);
        self.trail.push(Hop {
            address: shown,
            verdict,
        });
        self.lost(reason)
    }

    fn lost(self, reason: String) -> ClientAddress {
        ClientAddress {
            address: Fact::unknown(reason, self.source),
            trail: self.trail,
        }
    }
}

#[cfg(test)]
mod tests;
