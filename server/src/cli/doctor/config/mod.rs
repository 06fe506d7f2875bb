//! `doorward doctor config`: what a configuration names, loaded and compared as a server would at its start, without
//! one. What each check looks at is left to the files below.

mod files;
mod keys;
mod sources;
mod together;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::sources::Sources;
use super::check::Check;
use super::report::{Form, Report};
use crate::cli::{Exit, Failure};
use crate::config::Config;
use crate::domain::clock::{Clock, SystemClock, Timestamp};
use crate::domain::diagnostic::Diagnostic;

const EXAMPLES: &str = "\
Examples:
  doorward doctor config                                  would a server start, and do what is meant?
  doorward doctor config --config /etc/doorward/doorward.toml
  doorward doctor config --format junit                   for a pipeline

Exit code: 0 all is good, 1 something is bad or doubtful, 2 the configuration cannot be read";

const FILE: &str = "config.file";
const CLOCK: &str = "config.clock";
const PROXIES: &str = "config.proxies";
const TLS: &str = "config.tls";
const KEYS: &str = "config.keys";
const POLICIES: &str = "config.policies";
const USERS: &str = "config.users";
const CLIENTS: &str = "config.clients";
const DECLARED: &str = "config.declared";
const ACTIONS: &str = "config.actions";
const GEOIP: &str = "config.geoip";
const OUTBOUND: &str = "config.outbound";
const DEVICE_HOST: &str = "config.device-host";
const DEVICE_TRUST: &str = "config.device-trust";
const DEVICE_TLS: &str = "config.device-tls";
const INVENTORY: &str = "config.inventory";
const INVENTORY_AGE: &str = "config.inventory-age";
const OWNERS: &str = "config.owners";
const CLIENT_TLS: &str = "config.client-tls";
const CLIENT_TRUST: &str = "config.client-trust";

/// The names of the checks, in the order in which they are told.
pub(super) const CHECKS: &[&str] = &[
    FILE,
    CLOCK,
    PROXIES,
    TLS,
    KEYS,
    POLICIES,
    USERS,
    CLIENTS,
    DECLARED,
    ACTIONS,
    GEOIP,
    OUTBOUND,
    DEVICE_HOST,
    DEVICE_TRUST,
    DEVICE_TLS,
    INVENTORY,
    INVENTORY_AGE,
    OWNERS,
    CLIENT_TLS,
    CLIENT_TRUST,
];

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Args {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,

    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    examine(&args.config, &clock)?.tell(args.format)
}

/// Every check. Only a file that cannot be read at all leaves nothing to tell.
fn examine(path: &Path, clock: &Arc<dyn Clock>) -> Result<Report, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let file = path.display().to_string();
    let base = path.parent().unwrap_or(Path::new(""));
    let checks = match Config::parse(&text, &file, base) {
        Ok(config) => Patient::of(&config, clock).checks(&file),
        Err(wrong) => refused(wrong),
    };
    Ok(Report {
        command: "doorward doctor config",
        checks,
    })
}

/// A configuration, and what it names.
#[derive(Debug)]
struct Patient<'a> {
    config: &'a Config,
    sources: Sources,
    now: Timestamp,
}

impl<'a> Patient<'a> {
    fn of(config: &'a Config, clock: &Arc<dyn Clock>) -> Self {
        Self {
            config,
            sources: Sources::load(config, clock),
            now: clock.now(),
        }
    }

    /// In the order of [`CHECKS`].
    fn checks(&self, file: &str) -> Vec<Check> {
        vec![
            Check::good(FILE, format!("`{file}` can be used")),
            self.clock(),
            self.proxies(),
            self.tls(),
            self.keys(),
            self.policies(),
            self.users(),
            self.clients(),
            self.declared(),
            self.actions(),
            self.geoip(),
            self.outbound(),
            self.device_host(),
            self.device_trust(),
            self.device_tls(),
            self.inventory(),
            self.inventory_age(),
            self.owners(),
            self.client_tls(),
            self.client_trust(),
        ]
    }
}

/// The checks of a configuration that no server takes: what it names cannot be told from it.
fn refused(wrong: Vec<Diagnostic>) -> Vec<Check> {
    let trusts_all = |it: &Diagnostic| it.code.as_deref() == Some("trust-everything");
    let (proxies, others): (Vec<Diagnostic>, Vec<Diagnostic>) =
        wrong.into_iter().partition(trusts_all);
    CHECKS
        .iter()
        .map(|id| match *id {
            FILE if others.is_empty() => Check::bad(
                FILE,
                format!("the configuration is refused: see `{PROXIES}`"),
            ),
            FILE => Check::of(FILE, &others, ""),
            PROXIES if !proxies.is_empty() => Check::of(PROXIES, &proxies, ""),
            other => Check::not_checked(other, "the configuration cannot be used"),
        })
        .collect()
}

#[cfg(test)]
mod tests;
