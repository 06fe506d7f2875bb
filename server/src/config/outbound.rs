//! `[outbound]`: how Doorward reaches other servers, such as those whose keys it has to know.
//! Which servers those are stands with the clients; they are asked in `remote`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::duration::{self, SECOND};
use super::findings::Findings;
use crate::domain::diagnostic::Diagnostic;

/// The way to other servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Outbound {
    /// PEM files with certificate authorities to believe, besides those of the machine.
    pub authorities: Vec<PathBuf>,
    /// The proxy on the way out: `http://proxy.example.com:3128`. The machine itself is reached without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Url>,
    /// How long another server may take to answer.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub timeout: Duration,
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            authorities: Vec::new(),
            proxy: None,
            timeout: 5 * SECOND,
        }
    }
}

impl Outbound {
    pub(super) fn anchor(&mut self, base: &Path) {
        for authority in &mut self.authorities {
            super::anchor(authority, base);
        }
    }

    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        if let Some(proxy) = &self.proxy {
            check_proxy(proxy, findings);
        }
        let allowed = SECOND..=30 * SECOND;
        findings.check_duration("outbound.timeout", self.timeout, &allowed);
    }
}

fn check_proxy(proxy: &Url, findings: &mut Findings<'_>) {
    if !proxy.username().is_empty() || proxy.password().is_some() {
        let finding = findings.at(
            "outbound.proxy",
            "the proxy has a user name or a password in it",
        );
        let help =
            "leave out everything before `@`, and let the proxy know this machine by its address";
        // The line itself is not shown: what is printed at a start ends in logs.
        let finding = Diagnostic {
            excerpt: None,
            ..finding.with_help(help)
        };
        findings.push(finding);
        return;
    }
    if !matches!(proxy.scheme(), "http" | "https") {
        findings.error(
            "outbound.proxy",
            format!("`{proxy}` is no HTTP proxy"),
            "write `http://` or `https://`, then its host and port",
        );
    }
    let bare = matches!(proxy.path(), "" | "/");
    if !bare || proxy.query().is_some() || proxy.fragment().is_some() {
        findings.error(
            "outbound.proxy",
            format!("`{proxy}` says more than where the proxy is"),
            "end the URL after host and port",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{accepted, refused};

    fn proxy(url: &str) -> String {
        format!("[outbound]\nproxy = '{url}'\n")
    }

    #[test]
    fn other_servers_are_reached_directly_unless_something_else_is_written() {
        let outbound = accepted("").outbound;
        assert_eq!(outbound, Outbound::default());
        assert_eq!(outbound.proxy, None);
    }

    #[test]
    fn a_proxy_is_a_host_and_a_port() {
        let outbound = accepted(&proxy("http://proxy.example.com:3128")).outbound;
        assert_eq!(outbound.proxy.unwrap().port(), Some(3128));
        for url in ["socks5://proxy.example.com", "http://proxy.example.com/a?b"] {
            let found = refused(&proxy(url));
            assert_eq!((found.len(), found[0].line), (1, Some(3)), "{url}");
        }
    }

    #[test]
    fn a_proxy_with_a_password_is_refused_without_repeating_it() {
        let found = refused(&proxy("http://me:hush@proxy.example.com"));
        assert_eq!((found.len(), found[0].line), (1, Some(3)));
        assert!(!format!("{found:?}").contains("hush"));
    }

    #[test]
    fn a_server_is_waited_for_half_a_minute_at_most() {
        accepted("[outbound]\ntimeout = '30s'\n");
        for timeout in ["999ms", "31s"] {
            let found = refused(&format!("[outbound]\ntimeout = '{timeout}'\n"));
            assert_eq!(found[0].line, Some(3), "{timeout}");
        }
    }

    #[test]
    fn authorities_lie_beside_the_configuration() {
        let text = "issuer = 'https://id.example.com'\n[outbound]\nauthorities = ['ca.pem']\n";
        let base = Path::new("/etc/doorward");
        let config = crate::config::Config::parse(text, "doorward.toml", base).unwrap();
        assert_eq!(config.outbound.authorities, [base.join("ca.pem")]);
    }
}
