//! `doorward doctor proxy`: the way back from a connection to the client, as a server walks it, with the headers that
//! are given. Walking it is left to `signals`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::check::Check;
use super::report::{Form, Report};
use crate::cli::{Exit, Failure};
use crate::config::{Config, ForwardedKind};
use crate::domain::clock::{Clock as _, SystemClock, Timestamp};
use crate::signals::address::{canonical, placeless};
use crate::signals::client_ip::{
    ClientAddress, ForwardedHeader, ForwardingSettings, client_address,
};

const EXAMPLES: &str = "\
Examples:
  doorward doctor proxy --peer 10.20.0.5 --header 'x-forwarded-for: 203.0.113.9'
  doorward doctor proxy --peer 203.0.113.9                who connects without a proxy
  doorward doctor proxy --peer 10.20.0.5 --header 'forwarded: for=203.0.113.9' --format json

Exit code: 0 the client is known, 1 something is bad or doubtful, 2 the configuration cannot be used";

const PEER: &str = "proxy.peer";
const HEADER: &str = "proxy.header";
const CHAIN: &str = "proxy.chain";
const CLIENT: &str = "proxy.client";

/// The names of the checks, in the order in which they are told.
pub(super) const CHECKS: &[&str] = &[PEER, HEADER, CHAIN, CLIENT];

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Args {
    /// The other end of the connection, as the server sees it
    #[arg(long, value_name = "ADDRESS", value_parser = peer)]
    peer: IpAddr,

    /// A header of the request, `NAME: VALUE`; each line of it on its own
    #[arg(long = "header", value_name = "HEADER", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,

    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,

    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let config = Config::load(&args.config).map_err(Failure::Files)?;
    let walk = Walk {
        settings: ForwardingSettings {
            trusted: config.network.trusted_proxies.clone(),
            header: match config.network.header {
                ForwardedKind::XForwardedFor => ForwardedHeader::XForwardedFor,
                ForwardedKind::Forwarded => ForwardedHeader::Forwarded,
            },
        },
        peer: canonical(args.peer),
        headers: lines(&args.headers),
    };
    let report = Report {
        command: "doorward doctor proxy",
        checks: walk.checks(SystemClock.now()),
    };
    report.tell(args.format)
}

/// Header lines, none of which replaces another.
fn lines(headers: &[(HeaderName, HeaderValue)]) -> HeaderMap {
    let mut lines = HeaderMap::new();
    for (name, value) in headers {
        lines.append(name.clone(), value.clone());
    }
    lines
}

/// An address, with a port or without.
fn peer(text: &str) -> Result<IpAddr, String> {
    text.parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .map_err(|_| format!("`{text}` is not an address such as `10.20.0.5`"))
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = || format!("`{text}` is not a header such as `x-forwarded-for: 203.0.113.9`");
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let name = name.trim().parse::<HeaderName>().map_err(|_| wrong())?;
    let value = value.trim().parse::<HeaderValue>().map_err(|_| wrong())?;
    Ok((name, value))
}

/// A connection with the headers of a request, and who is believed.
#[derive(Debug)]
struct Walk {
    settings: ForwardingSettings,
    peer: IpAddr,
    headers: HeaderMap,
}

impl Walk {
    fn checks(&self, now: Timestamp) -> Vec<Check> {
        let peer = SocketAddr::new(self.peer, 0);
        let found = client_address(&self.settings, peer, &self.headers, now);
        vec![
            self.of_peer(),
            self.of_header(),
            chain(&found),
            client(&found),
        ]
    }

    fn trusted(&self) -> bool {
        let mut networks = self.settings.trusted.iter();
        networks.any(|network| network.contains(&self.peer))
    }

    fn has(&self, header: ForwardedHeader) -> bool {
        self.headers.contains_key(header.name())
    }

    /// The header that is not the configured one.
    fn other(&self) -> ForwardedHeader {
        match self.settings.header {
            ForwardedHeader::XForwardedFor => ForwardedHeader::Forwarded,
            ForwardedHeader::Forwarded => ForwardedHeader::XForwardedFor,
        }
    }

    fn of_peer(&self) -> Check {
        let peer = self.peer;
        if self.trusted() {
            return Check::good(PEER, format!("{peer} is a trusted proxy"));
        }
        if self.has(self.settings.header) || self.has(self.other()) {
            let finding = format!("{peer} is no trusted proxy: what it forwards is not read");
            return Check::doubtful(PEER, finding).with_fix(
                "if it is a proxy of yours, name it in `trusted_proxies` of `[network]`",
            );
        }
        Check::good(
            PEER,
            format!("{peer} is no trusted proxy, and says nothing of others"),
        )
    }

    fn of_header(&self) -> Check {
        let (wanted, other) = (self.settings.header, self.other());
        if !self.trusted() {
            return Check::not_checked(HEADER, "only of a trusted proxy a header is read");
        }
        let (name, ignored) = (wanted.name(), other.name());
        match (self.has(wanted), self.has(other)) {
            (true, false) => Check::good(HEADER, format!("`{name}` is read")),
            (true, true) => {
                let finding = format!("`{name}` is read, and `{ignored}` is not");
                Check::doubtful(HEADER, finding).with_fix(format!(
                    "see which of them the proxy writes: it may only pass on the other; let it remove `{ignored}`"
                ))
            }
            (false, true) => {
                let finding = format!("the proxy sends `{ignored}`, and `{name}` is configured");
                Check::bad(HEADER, finding).with_fix(format!(
                    "if the proxy writes it, set `header = \"{}\"` in `[network]`",
                    ignored.to_lowercase()
                ))
            }
            (false, false) => Check::bad(HEADER, format!("the proxy sends no `{name}`"))
                .with_fix(format!("let the proxy write `{name}` in every request")),
        }
    }
}

/// Each hop, the nearest first.
fn chain(found: &ClientAddress) -> Check {
    let hops = found.trail.iter();
    let lines: Vec<String> = hops
        .map(|hop| format!("{}: {}", hop.address, hop.verdict))
        .collect();
    let lines = lines.join("\n");
    if found.address.value().is_some() {
        Check::good(CHAIN, lines)
    } else {
        Check::bad(CHAIN, lines)
            .with_fix("the walk ends at the last of these hops: see what it writes")
    }
}

fn client(found: &ClientAddress) -> Check {
    let Some(address) = found.address.value() else {
        let reason = found.address.reason().unwrap_or_default();
        return Check::bad(CLIENT, format!("the address is not known: {reason}")).with_fix(
            "policies that need an address, a network or a country do without it until then",
        );
    };
    match placeless(*address) {
        None => Check::good(CLIENT, format!("the client is {address}")),
        Some(why) => Check::doubtful(CLIENT, format!("the client is {address}, and {why}"))
            .with_fix(
                "if it is one more proxy of yours, name it in `trusted_proxies` of `[network]`",
            ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::check::Verdict;

    /// What is found of a peer and header lines, behind proxies in 10.20.0.0/16.
    fn found(peer_text: &str, written: &[&str]) -> Vec<Check> {
        let headers: Vec<_> = written.iter().map(|line| header(line).unwrap()).collect();
        let walk = Walk {
            settings: ForwardingSettings {
                trusted: vec!["10.20.0.0/16".parse().unwrap()],
                header: ForwardedHeader::XForwardedFor,
            },
            peer: peer(peer_text).unwrap(),
            headers: lines(&headers),
        };
        walk.checks("2026-11-24T12:00:00Z".parse().unwrap())
    }

    fn verdicts(checks: &[Check]) -> Vec<Verdict> {
        checks.iter().map(|check| check.verdict).collect()
    }

    #[test]
    fn every_check_is_made_in_its_order() {
        let checks = found("10.20.0.5", &["x-forwarded-for: 203.0.113.9"]);
        let ids: Vec<&str> = checks.iter().map(|check| check.id).collect();
        assert_eq!(ids, CHECKS);
        assert_eq!(verdicts(&checks), [Verdict::Good; 4]);
    }

    #[test]
    fn each_hop_is_told_with_what_was_thought_of_it() {
        let lines = [
            "x-forwarded-for: 192.0.2.1, 203.0.113.9",
            "x-forwarded-for: 10.20.0.7",
        ];
        let checks = found("10.20.0.5:4711", &lines);
        assert_eq!(
            checks[2].finding,
            "10.20.0.5: trusted proxy\n10.20.0.7: trusted proxy\n203.0.113.9: client"
        );
        assert_eq!(checks[3].finding, "the client is 203.0.113.9");
    }

    #[test]
    fn a_proxy_that_is_not_trusted_is_doubtful() {
        let checks = found("10.30.0.5", &["x-forwarded-for: 203.0.113.9"]);
        assert_eq!(checks[0].verdict, Verdict::Doubtful);
        assert_eq!(checks[1].verdict, Verdict::NotChecked);
        assert_eq!(
            checks[3].finding,
            "the client is 10.30.0.5, and the address is private"
        );
    }

    #[test]
    fn the_header_has_to_be_the_configured_one() {
        let none = found("10.20.0.5", &[]);
        assert_eq!(none[1].finding, "the proxy sends no `X-Forwarded-For`");
        let other = found("10.20.0.5", &["forwarded: for=203.0.113.9"]);
        assert_eq!(other[1].verdict, Verdict::Bad);
        assert!(
            other[1]
                .fix
                .as_deref()
                .unwrap()
                .contains("header = \"forwarded\"")
        );
        let both = ["forwarded: for=192.0.2.1", "x-forwarded-for: 203.0.113.9"];
        assert_eq!(found("10.20.0.5", &both)[1].verdict, Verdict::Doubtful);
    }

    #[test]
    fn what_is_no_address_ends_the_walk() {
        let checks = found("10.20.0.5", &["x-forwarded-for: 203.0.113.9, nonsense"]);
        assert_eq!(verdicts(&checks)[2..], [Verdict::Bad, Verdict::Bad]);
        assert!(checks[2].finding.ends_with("nonsense: is not an address"));
        assert!(
            checks[3]
                .finding
                .contains("`nonsense` in `X-Forwarded-For`")
        );
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for text in ["x-forwarded-for", ": 203.0.113.9", "a b: c", "a: b\nc"] {
            assert!(header(text).is_err(), "{text}");
        }
        assert!(peer("localhost").is_err());
    }
}
