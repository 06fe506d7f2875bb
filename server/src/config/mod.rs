//! `doorward.toml`: what an operator can set, one file per section, unknown keys refused, defaults written once.
//! Only `cli` and `app` read it; the other rooms are given the few values they need.

mod client_tls;
mod decisions;
mod device;
mod directory;
mod duration;
mod findings;
mod geoip;
mod keys;
mod listen;
mod loops;
mod network;
mod operations;
mod outbound;
mod policies;
mod reload;
mod sessions;
mod throttle;
mod tokens;
pub mod toml_file;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

pub use client_tls::ClientTls;
pub use decisions::Decisions;
pub use device::{DeviceAuthority, DeviceHost, IdentityKind, KeyProtection};
pub use directory::Directory;
pub use findings::{Findings, locate};
pub use geoip::Geoip;
pub use keys::{Keys, Rotation};
pub use listen::Listen;
pub use loops::Loops;
pub use network::{ForwardedKind, Network};
pub use operations::Operations;
pub use outbound::Outbound;
pub use policies::Policies;
pub use reload::Reload;
pub use sessions::Sessions;
pub use throttle::Throttle;
pub use tokens::{Algorithm, Tokens};

use crate::domain::diagnostic::Diagnostic;

/// The configuration of a Doorward server. Relative paths start at the directory of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The URL by which clients know this provider, as it stands in every ID token.
    pub issuer: Url,
    /// The directory in which the server keeps its database.
    #[serde(default = "default_state")]
    pub state: PathBuf,
    /// Where browsers and clients reach the provider.
    #[serde(default)]
    pub listen: Listen,
    /// The host that asks for device certificates. Without it no device is ever known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceHost>,
    /// The host that asks clients for their certificates. Without it no client is known by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_tls: Option<ClientTls>,
    /// The policies.
    #[serde(default)]
    pub policies: Policies,
    /// Users and clients.
    #[serde(default)]
    pub directory: Directory,
    /// Databases that tell the country of an address.
    #[serde(default)]
    pub geoip: Geoip,
    /// Proxies in front of the provider.
    #[serde(default)]
    pub network: Network,
    /// Sessions of End-Users.
    #[serde(default)]
    pub sessions: Sessions,
    /// Codes and tokens.
    #[serde(default)]
    pub tokens: Tokens,
    /// Replacement of signing keys.
    #[serde(default)]
    pub keys: Keys,
    /// Limits on attempts to sign in.
    #[serde(default)]
    pub throttle: Throttle,
    /// Browsers that go round in circles.
    #[serde(default)]
    pub loops: Loops,
    /// Records of decisions.
    #[serde(default)]
    pub decisions: Decisions,
    /// How other servers are reached.
    #[serde(default)]
    pub outbound: Outbound,
    /// Health, status and metrics.
    #[serde(default)]
    pub operations: Operations,
    /// How soon a changed file is noticed.
    #[serde(default)]
    pub reload: Reload,
}

fn default_state() -> PathBuf {
    PathBuf::from("state")
}

impl Config {
    /// Reads and checks the file at `path`.
    pub fn load(path: &Path) -> Result<Self, Vec<Diagnostic>> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            let message = match error.kind() {
                io::ErrorKind::NotFound => "does not exist".to_owned(),
                io::ErrorKind::InvalidData => "is not a text in UTF-8".to_owned(),
                _ => format!("cannot be read: {error}"),
            };
            vec![Diagnostic::error(file.as_str(), message)]
        })?;
        Self::parse(&text, &file, path.parent().unwrap_or(Path::new("")))
    }

    /// Checks `text`, the content of `file`; relative paths in it start at `base`.
    pub fn parse(text: &str, file: &str, base: &Path) -> Result<Self, Vec<Diagnostic>> {
        let mut config: Self = toml_file::parse(text, file)?;
        let mut findings = Findings::new(text, file);
        config.check(&mut findings);
        config.anchor(base);
        findings.verdict(config)
    }

    /// The JSON schema of the file, for editors and for the reference.
    #[must_use]
    pub fn json_schema() -> Schema {
        schemars::schema_for!(Self)
    }

    /// The issuer as clients compare it, character by character: a bare origin has no slash at its end.
    #[must_use]
    pub fn issuer_text(&self) -> &str {
        self.issuer.as_str().trim_end_matches('/')
    }

    fn anchor(&mut self, base: &Path) {
        anchor(&mut self.state, base);
        self.listen.anchor(base);
        if let Some(device) = &mut self.device {
            device.anchor(base);
        }
        if let Some(host) = &mut self.client_tls {
            host.anchor(base);
        }
        self.policies.anchor(base);
        self.directory.anchor(base);
        self.geoip.anchor(base);
        self.tokens.anchor(base);
        self.decisions.anchor(base);
        self.outbound.anchor(base);
    }

    fn check(&self, findings: &mut Findings<'_>) {
        check_issuer(&self.issuer, findings);
        self.check_addresses(findings);
        self.listen.check(findings);
        if let Some(device) = &self.device {
            device.check(&self.issuer, findings);
        }
        if let Some(host) = &self.client_tls {
            host.check(&self.issuer, self.device.as_ref(), findings);
        }
        self.policies.check(findings);
        self.geoip.check(findings);
        self.network.check(findings);
        self.sessions.check(findings);
        self.tokens.check(findings);
        self.keys.check(&self.tokens, findings);
        self.throttle.check(findings);
        self.loops.check(findings);
        self.decisions.check(findings);
        self.outbound.check(findings);
        self.reload.check(findings);
    }

    /// Two listeners on one address would be found by the operating system only after the first has started.
    fn check_addresses(&self, findings: &mut Findings<'_>) {
        let mut taken = vec![("listen", self.listen.address)];
        let device = self.device.as_ref().map(|host| ("device", host.address));
        let clients = self.client_tls.as_ref();
        let clients = clients.map(|host| ("client_tls", host.address));
        let others = device
            .into_iter()
            .chain(clients)
            .chain([("operations", self.operations.address)]);
        for (section, address) in others {
            // Port 0 asks for any free port.
            let rival = taken
                .iter()
                .find(|(_, other)| *other == address && address.port() != 0);
            if let Some((owner, _)) = rival {
                findings.error(
                    &format!("{section}.address"),
                    format!("`{address}` is the address of `[{owner}]` already"),
                    "give each listener an address and port of its own",
                );
            }
            taken.push((section, address));
        }
    }
}

/// Resolves a path as it is meant: relative to the directory of the file it is written in.
fn anchor(path: &mut PathBuf, base: &Path) {
    *path = base.join(&*path);
}

/// OpenID Connect Discovery 1.0, section 3: https, with neither query nor fragment; here no path either.
fn check_issuer(issuer: &Url, findings: &mut Findings<'_>) {
    let protected = issuer.scheme() == "https" || (issuer.scheme() == "http" && is_local(issuer));
    if !protected {
        findings.error(
            "issuer",
            format!("`{issuer}` is not an https URL"),
            "write `https://` and the name by which browsers reach the provider; `http://localhost` is for trying out",
        );
    }
    if issuer.query().is_some() || issuer.fragment().is_some() {
        findings.error(
            "issuer",
            "an issuer has neither query nor fragment",
            "end the URL before `?` or `#`",
        );
    }
    // The endpoints are served at the root of the host; under a path no client would find them.
    if !matches!(issuer.path(), "" | "/") {
        findings.error(
            "issuer",
            format!("the issuer has the path `{}`", issuer.path()),
            "end the URL after host and port: Doorward serves a host of its own, such as `https://id.example.com`",
        );
    }
    if !issuer.username().is_empty() || issuer.password().is_some() {
        findings.error(
            "issuer",
            "an issuer names no user",
            "leave out everything before `@`",
        );
    }
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
