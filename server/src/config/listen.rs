//! `[listen]`: where browsers and clients reach the provider, and with which certificate.
//! Sockets and TLS themselves are made in `app`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::findings::Findings;

/// The main listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// Address and port to listen on.
    pub address: SocketAddr,
    /// PEM file with the certificate chain, the server's own certificate first.
    /// Without it a proxy on the same machine must terminate TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// PEM file with the private key of the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            certificate: None,
            key: None,
        }
    }
}

impl Listen {
    pub(super) fn anchor(&mut self, base: &Path) {
        for file in self.certificate.iter_mut().chain(self.key.iter_mut()) {
            super::anchor(file, base);
        }
    }

    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        match (&self.certificate, &self.key) {
            (Some(_), None) => findings.error(
                "listen.certificate",
                "a certificate needs its key",
                "add `key`, the PEM file with the private key",
            ),
            (None, Some(_)) => findings.error(
                "listen.key",
                "a key needs its certificate",
                "add `certificate`, the PEM file with the certificate chain",
            ),
            // Passwords and codes must not cross a network unprotected.
            (None, None) if !self.address.ip().to_canonical().is_loopback() => findings.error(
                "listen.address",
                format!("`{}` would be served without TLS", self.address),
                "add `certificate` and `key`, or listen on `127.0.0.1` behind a proxy that terminates TLS",
            ),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{accepted, refused};

    #[test]
    fn the_default_is_a_loopback_address_without_tls() {
        let listen = accepted("").listen;
        assert!(listen.address.ip().is_loopback());
        assert_eq!(listen.certificate, None);
    }

    #[test]
    fn any_address_is_accepted_with_certificate_and_key() {
        accepted("[listen]\naddress = '0.0.0.0:443'\ncertificate = 'tls.pem'\nkey = 'tls.key'\n");
    }

    #[test]
    fn an_address_of_the_network_without_tls_is_refused() {
        for address in ["0.0.0.0:80", "192.0.2.1:80", "[::]:80"] {
            let found = refused(&format!("[listen]\naddress = '{address}'\n"));
            assert_eq!(found.len(), 1);
            assert!(found[0].message.contains("without TLS"), "{found:?}");
            assert_eq!(found[0].line, Some(3));
        }
    }

    #[test]
    fn a_certificate_without_key_is_refused() {
        let found = refused("[listen]\ncertificate = 'tls.pem'\n");
        assert_eq!(found[0].message, "a certificate needs its key");
    }

    #[test]
    fn a_key_without_certificate_is_refused() {
        let found = refused("[listen]\nkey = 'tls.key'\n");
        assert_eq!(found[0].message, "a key needs its certificate");
    }
}
