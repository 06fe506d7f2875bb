//! `doorward.toml`: what an operator can set, one file per section, unknown keys refused, defaults written once.
//! Only `cli` and `app` read it; the other rooms are given the few values they need.

mod decisions;
mod device;
mod directory;
mod duration;
mod findings;
mod geoip;
mod listen;
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

pub use decisions::Decisions;
pub use device::{DeviceHost, IdentityKind};
pub use directory::Directory;
pub use findings::{Findings, locate};
pub use geoip::Geoip;
pub use listen::Listen;
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
    /// Limits on attempts to sign in.
    #[serde(default)]
    pub throttle: Throttle,
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
        self.policies.anchor(base);
        self.directory.anchor(base);
        self.geoip.anchor(base);
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
        self.policies.check(findings);
        self.geoip.check(findings);
        self.network.check(findings);
        self.sessions.check(findings);
        self.tokens.check(findings);
        self.throttle.check(findings);
        self.decisions.check(findings);
        self.outbound.check(findings);
        self.reload.check(findings);
    }

    /// Two listeners on one address would be found by the operating system only after the first has started.
    fn check_addresses(&self, findings: &mut Findings<'_>) {
        let mut taken = vec![("listen", self.listen.address)];
        let others = self
            .device
            .iter()
            .map(|device| ("device", device.address))
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
mod tests {
    use super::*;

    const ISSUER: &str = "issuer = 'https://id.example.com'\n";

    /// The configuration that `sections` make together with an issuer on line 1.
    pub(super) fn accepted(sections: &str) -> Config {
        Config::parse(
            &format!("{ISSUER}{sections}"),
            "doorward.toml",
            Path::new(""),
        )
        .unwrap_or_else(|found| panic!("{found:#?}"))
    }

    /// What is found wrong with `sections` below an issuer on line 1.
    pub(super) fn refused(sections: &str) -> Vec<Diagnostic> {
        Config::parse(
            &format!("{ISSUER}{sections}"),
            "doorward.toml",
            Path::new(""),
        )
        .unwrap_err()
    }

    fn issuer(text: &str) -> Result<Config, Vec<Diagnostic>> {
        Config::parse(
            &format!("issuer = '{text}'\n"),
            "doorward.toml",
            Path::new(""),
        )
    }

    #[test]
    fn an_issuer_is_all_that_must_be_written() {
        let config = accepted("");
        assert_eq!(config.issuer_text(), "https://id.example.com");
        assert_eq!(config.state, PathBuf::from("state"));
        assert_eq!(config.device, None);
    }

    #[test]
    fn an_issuer_with_a_path_is_refused() {
        let config = issuer("https://id.example.com/").unwrap();
        assert_eq!(config.issuer_text(), "https://id.example.com");
        let found = issuer("https://example.com/id").unwrap_err();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "the issuer has the path `/id`");
        assert!(found[0].help.as_deref().unwrap().contains("host and port"));
    }

    #[test]
    fn http_is_for_this_machine_only() {
        assert!(issuer("http://localhost:8080").is_ok());
        assert!(issuer("http://127.0.0.1:8080").is_ok());
        assert!(issuer("http://[::1]:8080").is_ok());
        let found = issuer("http://id.example.com").unwrap_err();
        assert!(found[0].message.contains("not an https URL"));
    }

    #[test]
    fn an_issuer_with_query_fragment_or_user_is_refused() {
        for text in [
            "https://id.example.com?a=b",
            "https://id.example.com#a",
            "https://me@id.example.com",
        ] {
            assert_eq!(issuer(text).unwrap_err().len(), 1, "{text}");
        }
    }

    #[test]
    fn an_issuer_that_is_no_url_is_answered_with_how_to_begin_it() {
        let found = issuer("id.example.com").unwrap_err();
        assert_eq!(found[0].message, "`id.example.com` is not a whole URL");
        assert_eq!(found[0].help.as_deref(), Some("begin it with `https://`"));
    }

    #[test]
    fn relative_paths_start_at_the_directory_of_the_file() {
        let text = format!("{ISSUER}state = '/var/lib/doorward'\n[policies]\ndirectory = 'p'\n");
        let base = Path::new("/etc/doorward");
        let config = Config::parse(&text, "doorward.toml", base).unwrap();
        assert_eq!(config.policies.directory, base.join("p"));
        assert_eq!(config.directory.users, base.join("users.toml"));
        assert_eq!(config.state, PathBuf::from("/var/lib/doorward"));
    }

    #[test]
    fn unknown_sections_and_keys_are_refused() {
        let found = refused("[polices]\n[listen]\nadress = '127.0.0.1:1'\n");
        let help: Vec<_> = found.iter().filter_map(|it| it.help.as_deref()).collect();
        assert!(help.contains(&"did you mean `policies`?"), "{found:?}");
        assert!(help.contains(&"did you mean `address`?"), "{found:?}");
    }

    #[test]
    fn all_findings_are_reported_at_once() {
        let found = refused(
            "[listen]\naddress = '0.0.0.0:80'\n[network]\ntrusted_proxies = ['::/0']\n[tokens]\ncode_lifetime = '1h'\n",
        );
        let lines: Vec<_> = found.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [Some(3), Some(5), Some(7)]);
    }

    #[test]
    fn two_listeners_on_one_address_are_refused() {
        let found = refused("[operations]\naddress = '127.0.0.1:8080'\n");
        assert_eq!(
            found[0].message,
            "`127.0.0.1:8080` is the address of `[listen]` already"
        );
    }

    #[test]
    fn a_file_is_read_with_paths_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("doorward.toml");
        fs::write(&file, ISSUER).unwrap();
        let config = Config::load(&file).unwrap();
        assert_eq!(config.policies.directory, directory.path().join("policies"));
    }

    #[test]
    fn a_missing_file_is_told() {
        let found = Config::load(Path::new("absent/doorward.toml")).unwrap_err();
        assert_eq!(
            found[0].to_string(),
            "absent/doorward.toml: error: does not exist"
        );
    }

    #[test]
    fn what_is_written_out_reads_back_as_the_same_configuration() {
        let config =
            accepted("[sessions]\nidle = '12h'\n[network]\ntrusted_proxies = ['10.0.0.0/8']\n");
        let text = toml::to_string(&config).unwrap();
        let again = Config::parse(&text, "doorward.toml", Path::new("")).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn the_schema_knows_sections_and_defaults() {
        let schema = Config::json_schema().to_value();
        let text = schema.to_string();
        assert_eq!(schema["properties"]["issuer"]["format"], "uri");
        assert!(text.contains("\"400d\""), "{text}");
        assert!(text.contains("trusted_proxies"));
    }
}
