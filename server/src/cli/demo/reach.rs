//! How the clients of the demo reach the provider on this machine: under which names, trusting whose
//! certificates, and holding which certificate of their own. What they say is left to `browser` and
//! `relying_party`.

use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Identity};
use zeroize::Zeroizing;

/// A server of the demo answers at once, or something is wrong.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How to reach a provider that runs on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The certificates of the authorities that servers are believed by, in PEM. No other authority counts.
    pub authorities_pem: String,
    /// The hosts that are on this machine, whatever the name service says.
    pub hosts: Vec<String>,
}

/// The certificate and key of a device, as a browser on it would hold them.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceIdentity {
    /// The certificate, then those of its authorities, in PEM.
    pub chain_pem: String,
    /// The private key in PEM.
    pub key_pem: Zeroizing<String>,
}

impl Reach {
    /// An HTTP client that follows no redirect and keeps no cookie by itself. It presents `identity`
    /// to whichever server asks for a certificate.
    pub fn client(&self, identity: Option<&DeviceIdentity>) -> Result<Client, reqwest::Error> {
        let authorities = Certificate::from_pem_bundle(self.authorities_pem.as_bytes())?;
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(LONGEST_WAIT)
            .tls_certs_only(authorities);
        for host in &self.hosts {
            // The port of the URL counts, so none is given here.
            builder = builder.resolve(host, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        }
        if let Some(identity) = identity {
            builder = builder.identity(identity.read()?);
        }
        builder.build()
    }
}

impl DeviceIdentity {
    fn read(&self) -> Result<Identity, reqwest::Error> {
        let both = Zeroizing::new(format!("{}\n{}", *self.key_pem, self.chain_pem));
        Identity::from_pem(both.as_bytes())
    }
}

impl fmt::Debug for DeviceIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceIdentity")
            .field("chain_pem", &self.chain_pem)
            .field("key_pem", &"…")
            .finish()
    }
}

/// An error with its causes, on one line. HTTP clients hide in the causes what a person wants to know.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        // Some errors repeat their cause in their own words.
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::pki::DevelopmentCa;

    fn reach(authorities_pem: &str) -> Reach {
        Reach {
            authorities_pem: authorities_pem.to_owned(),
            hosts: vec!["device.localhost".to_owned()],
        }
    }

    #[test]
    fn a_client_can_hold_the_certificate_of_a_device() {
        let directory = tempfile::tempdir().unwrap();
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let ca = DevelopmentCa::create(directory.path(), now).unwrap();
        let issued = ca.issue_device("mbp-ana", "MBP-ANA", 30, now).unwrap();
        let identity = DeviceIdentity {
            chain_pem: issued.chain_pem.clone(),
            key_pem: issued.key_pem.clone(),
        };
        let reach = reach(ca.certificate_pem());
        assert!(reach.client(Some(&identity)).is_ok());
        assert!(reach.client(None).is_ok());
        assert!(!format!("{identity:?}").contains("PRIVATE KEY"));
    }

    #[test]
    fn an_identity_without_a_key_is_refused() {
        let identity = DeviceIdentity {
            chain_pem: String::new(),
            key_pem: Zeroizing::new(String::new()),
        };
        assert!(reach("").client(Some(&identity)).is_err());
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("the request failed")]
        struct Failed(#[source] std::io::Error);

        let error = Failed(std::io::Error::other("connection refused"));
        assert_eq!(
            with_causes(&error),
            "the request failed: connection refused"
        );
    }
}
