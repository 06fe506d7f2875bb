//! `[client_tls]`: the host that asks clients for their certificates, and which authorities it believes.
//! Certificates are verified in `signals`, and tell a client in `oidc`; without this section none is asked for.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::device::DeviceHost;
use super::findings::Findings;

/// The host for clients with certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientTls {
    /// The origin of the host, as clients see it: `https://mtls.id.example.com`.
    pub url: Url,
    /// Address and port to listen on. TLS must reach this listener untouched: no proxy in between can terminate it.
    pub address: SocketAddr,
    /// PEM file with the certificate chain of the host.
    pub certificate: PathBuf,
    /// PEM file with the private key of the certificate.
    pub key: PathBuf,
    /// PEM files with the certificate authorities that issue certificates of clients. Without any, clients are known by
    /// their keys alone.
    #[serde(default)]
    pub authorities: Vec<PathBuf>,
    /// Files with certificate revocation lists, PEM or DER. With any list, a certificate whose status
    /// the lists do not tell is refused.
    #[serde(default)]
    pub revocation_lists: Vec<PathBuf>,
}

impl ClientTls {
    pub(super) fn anchor(&mut self, base: &Path) {
        for file in [&mut self.certificate, &mut self.key]
            .into_iter()
            .chain(self.authorities.iter_mut())
            .chain(self.revocation_lists.iter_mut())
        {
            super::anchor(file, base);
        }
    }

    pub(super) fn check(
        &self,
        issuer: &Url,
        device: Option<&DeviceHost>,
        findings: &mut Findings<'_>,
    ) {
        self.check_url(issuer, device, findings);
        if self.authorities.is_empty() && !self.revocation_lists.is_empty() {
            findings.error(
                "client_tls.revocation_lists",
                "without an authority there is nothing that could be revoked",
                "name the PEM file of the authority under `authorities`, or remove the lists",
            );
        }
    }

    fn check_url(&self, issuer: &Url, device: Option<&DeviceHost>, findings: &mut Findings<'_>) {
        let url = &self.url;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if url.scheme() != "https" || !bare {
            findings.error(
                "client_tls.url",
                format!("`{url}` is not the origin of a host for clients"),
                "write an https URL without path, query or user, as in `https://mtls.id.example.com`",
            );
        } else if url.origin() == issuer.origin() {
            // On a shared origin every page of the provider would ask for a certificate.
            findings.error(
                "client_tls.url",
                "the host for clients needs an origin other than the issuer's",
                "give it a name of its own, as in `https://mtls.id.example.com`",
            );
        } else if device.is_some_and(|device| device.url.origin() == url.origin()) {
            // Each believes other authorities, and browsers would be shown those of clients.
            findings.error(
                "client_tls.url",
                "the host for clients needs an origin other than the device host's",
                "give it a name of its own, as in `https://mtls.id.example.com`",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::tests::{accepted, refused};

    const HOST: &str = "[client_tls]\nurl = 'https://mtls.example.com'\naddress = '0.0.0.0:8445'\ncertificate = 'm.pem'\nkey = 'm.key'\n";
    const DEVICE: &str = "[device]\nurl = 'https://device.example.com'\naddress = '0.0.0.0:8444'\ncertificate = 'd.pem'\nkey = 'd.key'\nauthorities = ['ca.pem']\ninventory = 'devices.toml'\n";

    fn with(from: &str, to: &str) -> String {
        assert!(HOST.contains(from));
        HOST.replace(from, to)
    }

    #[test]
    fn a_host_for_clients_needs_no_authority() {
        let host = accepted(HOST).client_tls.unwrap();
        assert!(host.authorities.is_empty() && host.revocation_lists.is_empty());
        assert_eq!(accepted("").client_tls, None);
    }

    #[test]
    fn its_files_are_looked_for_beside_the_configuration() {
        let text = format!(
            "issuer = 'https://id.example.com'\n{HOST}authorities = ['ca.pem']\nrevocation_lists = ['ca.crl']\n"
        );
        let config = Config::parse(&text, "doorward.toml", Path::new("/etc/doorward")).unwrap();
        let host = config.client_tls.unwrap();
        assert_eq!(host.key, Path::new("/etc/doorward/m.key"));
        assert_eq!(host.authorities, [Path::new("/etc/doorward/ca.pem")]);
        assert_eq!(host.revocation_lists, [Path::new("/etc/doorward/ca.crl")]);
    }

    #[test]
    fn the_origins_of_other_hosts_are_refused() {
        let found = refused(&with("mtls.example.com", "id.example.com"));
        assert!(found[0].message.contains("other than the issuer"));
        assert_eq!(found[0].line, Some(3));
        let same = with("mtls.example.com", "device.example.com");
        let found = refused(&format!("{DEVICE}{same}"));
        assert!(found[0].message.contains("other than the device host"));
    }

    #[test]
    fn a_host_without_https_or_with_a_path_is_refused() {
        for url in ["http://mtls.example.com", "https://mtls.example.com/token"] {
            let found = refused(&with("https://mtls.example.com", url));
            assert!(found[0].message.contains("origin of a host for clients"));
        }
    }

    #[test]
    fn lists_without_an_authority_are_refused() {
        let found = refused(&format!("{HOST}revocation_lists = ['ca.crl']\n"));
        assert!(found[0].message.contains("nothing that could be revoked"));
    }

    #[test]
    fn the_address_of_another_listener_is_refused() {
        let same = with("8445", "8444");
        let found = refused(&format!("{DEVICE}{same}"));
        assert_eq!(
            found[0].message,
            "`0.0.0.0:8444` is the address of `[device]` already"
        );
    }
}
