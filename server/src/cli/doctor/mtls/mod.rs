//! `doorward doctor mtls`: the TLS of a running server as browsers meet it, on the main host and on the device host.
//! How it is met is left to `probe`, and what is thought of it to `judge`.

mod host;
mod judge;
mod probe;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use url::Url;

use self::host::{Host, origin};
use self::judge::{Names, Side};
use super::check::Check;
use super::report::{Form, Report};
use crate::cli::{Exit, Failure};
use crate::config::{Config, DeviceHost};
use crate::domain::clock::{Clock, SystemClock, Timestamp};
use crate::reload::{Snapshot, Source as _, Watched};
use crate::signals::certificate::TrustSource;

const EXAMPLES: &str = "\
Examples:
  doorward doctor mtls                                    both hosts of `doorward.toml`
  doorward doctor mtls --ca company-ca.pem                with certificates of your own authority
  doorward doctor mtls --url https://id.example.com --device-url https://device.id.example.com

Exit code: 0 all is good, 1 something is bad or doubtful, 2 there is nothing to look at";

const MAIN: Names = Names {
    reached: "mtls.main-reached",
    chain: "mtls.main-chain",
    name: "mtls.main-name",
    wrong_host: "mtls.main-wrong-host",
};
const DEVICE: Names = Names {
    reached: "mtls.device-reached",
    chain: "mtls.device-chain",
    name: "mtls.device-name",
    wrong_host: "mtls.device-wrong-host",
};
const MAIN_SILENT: &str = "mtls.main-asks-nothing";
const DEVICE_ASKS: &str = "mtls.device-asks";
const HTTP_1: &str = "mtls.device-http1";
const NO_RESUMPTION: &str = "mtls.device-no-resumption";
const APART: &str = "mtls.names-apart";
const CLOCK: &str = "mtls.clock";

/// The names of the checks, in the order in which they are told.
pub(super) const CHECKS: &[&str] = &[
    MAIN.reached,
    MAIN.chain,
    MAIN.name,
    MAIN_SILENT,
    MAIN.wrong_host,
    DEVICE.reached,
    DEVICE.chain,
    DEVICE.name,
    DEVICE_ASKS,
    HTTP_1,
    NO_RESUMPTION,
    DEVICE.wrong_host,
    APART,
    CLOCK,
];

/// A host that nobody has (RFC 6761 section 6.4).
const NOBODY: &str = "other.invalid";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Args {
    /// The configuration that names both hosts
    #[arg(long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,

    /// The main host, instead of that of the configuration, which is not read then
    #[arg(long, value_name = "URL", value_parser = origin)]
    url: Option<Url>,

    /// The device host that belongs to it
    #[arg(long, value_name = "URL", value_parser = origin, requires = "url")]
    device_url: Option<Url>,

    /// A file in PEM with the authority of the hosts; those that this machine believes, if left out
    #[arg(long = "ca", value_name = "FILE")]
    authorities: Vec<PathBuf>,

    /// How long each connection may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    limit: Duration,

    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let roots = host::authorities(&args.authorities)?;
    let hosts = match &args.url {
        Some(url) => Hosts::of_urls(url, args.device_url.as_ref()),
        None => Hosts::of_config(&Config::load(&args.config).map_err(Failure::Files)?),
    };
    let looking = hosts.look(args.limit, &SystemClock);
    let [main, device] = crate::cli::threads()?.block_on(looking);
    let patient = Patient {
        main,
        device,
        expected: hosts.expected,
        behind_proxy: hosts.behind_proxy,
        roots,
        now: SystemClock.now(),
    };
    let report = Report {
        command: "doorward doctor mtls",
        checks: patient.checks(),
    };
    report.tell(args.format)
}

/// What to look at.
#[derive(Debug)]
struct Hosts {
    main: Option<Host>,
    device: Option<Host>,
    /// The names of the authorities that the device host has to name, where they are known.
    expected: Option<Vec<Vec<u8>>>,
    /// Whether a proxy terminates TLS of the main host; none where that is not known.
    behind_proxy: Option<bool>,
}

impl Hosts {
    fn of_urls(main: &Url, device: Option<&Url>) -> Self {
        Self {
            main: Host::of(main),
            device: device.and_then(Host::of),
            expected: None,
            behind_proxy: None,
        }
    }

    fn of_config(config: &Config) -> Self {
        let device = config.device.as_ref();
        Self {
            main: Host::of(&config.issuer),
            device: device.and_then(|device| Host::of(&device.url)),
            expected: device.and_then(expected),
            behind_proxy: Some(config.listen.certificate.is_none()),
        }
    }

    /// Both hosts, each asked for the other one as well.
    async fn look(&self, limit: Duration, clock: &dyn Clock) -> [Side; 2] {
        let name = |host: Option<&Host>| host.map_or(NOBODY, |host| host.name.as_str()).to_owned();
        let (main, device) = (name(self.main.as_ref()), name(self.device.as_ref()));
        let no_main = "the issuer is an http URL";
        let no_device = "there is no device host";
        [
            side(self.main.as_ref(), no_main, &device, limit, clock).await,
            side(self.device.as_ref(), no_device, &main, limit, clock).await,
        ]
    }
}

/// The names of the authorities in the files of the configuration. What is wrong with the files is told by
/// `doorward doctor config`.
fn expected(device: &DeviceHost) -> Option<Vec<Vec<u8>>> {
    let files = device.authority_files();
    let snapshot = Snapshot::read(&Watched::Files(files.clone())).ok()?;
    let source = TrustSource {
        name: "device-trust",
        authorities: files,
        hardware: Vec::new(),
        revocation_lists: Vec::new(),
    };
    let trust = source.build(&snapshot, None, SystemClock.now()).ok()?.value;
    let subjects = trust.subjects().into_iter();
    Some(subjects.map(|name| name.as_ref().to_vec()).collect())
}

async fn side(
    host: Option<&Host>,
    absent: &'static str,
    other: &str,
    limit: Duration,
    clock: &dyn Clock,
) -> Side {
    let Some(host) = host.cloned() else {
        return Side::Absent(absent);
    };
    match probe::look(&host, other, limit, clock).await {
        Ok(seen) => Side::Reached {
            host,
            seen: Box::new(seen),
        },
        Err(why) => Side::Unreached { host, why },
    }
}

/// Both hosts as they were seen, and what they are judged by.
#[derive(Debug)]
struct Patient {
    main: Side,
    device: Side,
    expected: Option<Vec<Vec<u8>>>,
    behind_proxy: Option<bool>,
    roots: Arc<RootCertStore>,
    now: Timestamp,
}

impl Patient {
    /// In the order of [`CHECKS`].
    fn checks(&self) -> Vec<Check> {
        let (main, device) = (&self.main, &self.device);
        vec![
            main.reached(MAIN.reached),
            self.chain(main, &MAIN),
            main.when_seen(MAIN.name, |host, seen| judge::named(MAIN.name, host, seen)),
            self.main_asks_nothing(),
            self.main_wrong_host(),
            device.reached(DEVICE.reached),
            self.chain(device, &DEVICE),
            device.when_seen(DEVICE.name, |host, seen| {
                judge::named(DEVICE.name, host, seen)
            }),
            self.device_asks(),
            self.http_1(),
            self.no_resumption(),
            device.when_seen(DEVICE.wrong_host, |_, seen| {
                judge::misdirected(DEVICE.wrong_host, seen, true)
            }),
            judge::apart(APART, main, device),
            judge::clock(CLOCK, [main, device]),
        ]
    }

    fn chain(&self, side: &Side, names: &Names) -> Check {
        side.when_seen(names.chain, |host, seen| {
            judge::chain(names.chain, (host, seen), &self.roots, self.now)
        })
    }

    fn main_asks_nothing(&self) -> Check {
        self.main.when_seen(MAIN_SILENT, |_, seen| match seen.hints {
            None => Check::good(MAIN_SILENT, "no certificate is asked for"),
            Some(_) => Check::doubtful(MAIN_SILENT, "a certificate is asked for on every page")
                .with_fix("only the device host has to ask: turn client certificates off at the proxy of the main host"),
        })
    }

    fn main_wrong_host(&self) -> Check {
        let id = MAIN.wrong_host;
        self.main.when_seen(id, |_, seen| match self.behind_proxy {
            Some(true) => Check::not_checked(id, "a proxy terminates TLS of the main host"),
            known => judge::misdirected(id, seen, known.is_some()),
        })
    }

    fn device_asks(&self) -> Check {
        self.device.when_seen(DEVICE_ASKS, |_, seen| {
            let untouched = "nothing may terminate TLS in between: let it reach the device host untouched";
            let Some(hints) = &seen.hints else {
                return Check::bad(DEVICE_ASKS, "no certificate is asked for").with_fix(untouched);
            };
            let named = judge::authorities(hints);
            if named.is_empty() {
                return Check::doubtful(DEVICE_ASKS, "a certificate is asked for, of any authority")
                    .with_fix(untouched);
            }
            let finding = format!("a certificate of {} is asked for", named.join(", "));
            match &self.expected {
                Some(expected) if !same(expected, hints) => {
                    let wanted = judge::authorities(expected).join(", ");
                    Check::bad(DEVICE_ASKS, format!("{finding}, and {wanted} configured")).with_fix(
                        "see whether this server runs with this configuration, and whether the file was refused: `doorward doctor config`",
                    )
                }
                _ => Check::good(DEVICE_ASKS, finding),
            }
        })
    }

    fn http_1(&self) -> Check {
        self.device
            .when_seen(HTTP_1, |_, seen| match seen.protocol.as_deref() {
                Some("http/1.1") => Check::good(HTTP_1, "of HTTP/2 and HTTP/1.1 it takes HTTP/1.1"),
                None => Check::doubtful(HTTP_1, "it chooses no protocol").with_fix(
                    "nothing may terminate TLS in between: let it reach the device host untouched",
                ),
                Some(other) => Check::bad(
                    HTTP_1,
                    format!("it takes `{other}`, which browsers share among hosts"),
                )
                .with_fix(
                    "nothing may terminate TLS in between: let it reach the device host untouched",
                ),
            })
    }

    fn no_resumption(&self) -> Check {
        self.device.when_seen(NO_RESUMPTION, |_, seen| {
            if seen.resumed.is_empty() {
                return Check::good(NO_RESUMPTION, "each connection is a handshake of its own");
            }
            let versions = seen.resumed.join(" and ");
            let finding = format!(
                "sessions go on in another connection by {versions}: the key is not proved again"
            );
            Check::bad(NO_RESUMPTION, finding).with_fix(
                "nothing may terminate TLS in between: let it reach the device host untouched",
            )
        })
    }
}

/// Whether both hold the same names, in whatever order.
fn same(one: &[Vec<u8>], other: &[Vec<u8>]) -> bool {
    one.iter().all(|name| other.contains(name)) && other.iter().all(|name| one.contains(name))
}

#[cfg(test)]
mod tests;
