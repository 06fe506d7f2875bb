//! `[network]`: which proxies may tell the address of the client, and in which header.
//! The header is read in `signals`; without trusted proxies it is never looked at.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::findings::Findings;
use crate::domain::diagnostic::Diagnostic;

/// The network in front of the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Networks or single addresses of the proxies whose header is believed.
    #[serde(deserialize_with = "networks")]
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which those proxies tell the address of the client.
    pub header: ForwardedKind,
}

/// A header that carries the address of the client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedKind {
    /// `X-Forwarded-For`, as most proxies send it.
    #[default]
    XForwardedFor,
    /// `Forwarded`, RFC 7239.
    Forwarded,
}

impl Network {
    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        for (index, network) in self.trusted_proxies.iter().enumerate() {
            if network.prefix_len() == 0 {
                let path = format!("network.trusted_proxies.{index}");
                let message = format!("`{network}` trusts every address there is");
                let finding = trust_everything(findings, &path, message);
                findings.push(finding);
                return;
            }
        }
        // Two halves make a whole: what counts is what all networks cover together.
        let (v4, v6): (Vec<IpNet>, Vec<IpNet>) = self
            .trusted_proxies
            .iter()
            .copied()
            .partition(|network| matches!(network, IpNet::V4(_)));
        if share(&v4) > HALF || share(&v6) > HALF {
            let message = "these networks together cover more than half of all addresses";
            let finding = trust_everything(findings, "network.trusted_proxies", message.to_owned());
            findings.push(finding);
        }
    }
}

/// Half of all addresses, in the unit of [`share`].
const HALF: u128 = 1 << 127;

/// How much the networks of one family cover together, where all of it is 2 to the power of 128.
fn share(family: &[IpNet]) -> u128 {
    IpNet::aggregate(&family.to_vec())
        .iter()
        .map(|network| {
            1_u128
                .checked_shl(128 - u32::from(network.prefix_len()))
                .unwrap_or(u128::MAX)
        })
        .fold(0, u128::saturating_add)
}

fn trust_everything(findings: &Findings<'_>, path: &str, message: String) -> Diagnostic {
    findings
        .at(path, message)
        .with_code("trust-everything")
        .with_help("anybody could claim any address: name only the networks of your own proxies")
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let written = Vec::<Written>::deserialize(deserializer)?;
    Ok(written
        .into_iter()
        .map(|Written(network)| network)
        .collect())
}

/// A network as operators write it: `10.0.0.0/8`, or a single address.
struct Written(IpNet);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl Visitor<'_> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a network such as `10.0.0.0/8`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Written, E> {
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map(Written)
            .map_err(|_| E::custom(format!("`{text}` is neither a network nor an address")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{accepted, refused};

    fn proxies(list: &str) -> String {
        format!("[network]\ntrusted_proxies = [{list}]\n")
    }

    #[test]
    fn nobody_is_trusted_by_default() {
        let network = accepted("").network;
        assert!(network.trusted_proxies.is_empty());
        assert_eq!(network.header, ForwardedKind::XForwardedFor);
    }

    #[test]
    fn networks_and_single_addresses_are_read() {
        let network = accepted(&proxies("'10.0.0.0/8', '192.0.2.7', 'fd00::/8'")).network;
        let shown: Vec<_> = network
            .trusted_proxies
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(shown, ["10.0.0.0/8", "192.0.2.7/32", "fd00::/8"]);
    }

    #[test]
    fn the_header_of_rfc_7239_can_be_chosen() {
        let network = accepted("[network]\nheader = 'forwarded'\n").network;
        assert_eq!(network.header, ForwardedKind::Forwarded);
    }

    #[test]
    fn all_addresses_are_refused() {
        for everything in ["0.0.0.0/0", "::/0"] {
            let found = refused(&proxies(&format!("'10.0.0.0/8', '{everything}'")));
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].code.as_deref(), Some("trust-everything"));
            assert_eq!((found[0].line, found[0].column), (Some(3), Some(34)));
        }
    }

    #[test]
    fn networks_that_together_cover_most_addresses_are_refused() {
        for halves in ["'0.0.0.0/1', '128.0.0.0/2'", "'::/1', '8000::/1'"] {
            let found = refused(&proxies(halves));
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].code.as_deref(), Some("trust-everything"));
        }
    }

    #[test]
    fn overlapping_networks_count_once() {
        accepted(&proxies(
            "'0.0.0.0/2', '0.0.0.0/3', '10.0.0.0/8', '0.0.0.0/2'",
        ));
    }

    #[test]
    fn what_is_no_network_is_refused_at_its_place() {
        let found = refused(&proxies("'10.0.0.0/8', 'proxy'"));
        assert_eq!(
            found[0].message,
            "`proxy` is neither a network nor an address"
        );
        assert_eq!(found[0].column, Some(34));
    }
}
