//! The host that asks clients for their certificates, as the configuration has it: its sources, its settings of TLS, and
//! what clients can prove there. What it serves is left to `routes.rs`.

use std::sync::Arc;

use super::tls::Tls;
use crate::config::{ClientTls, Config};
use crate::directory::clients::Certificates;
use crate::domain::clock::Timestamp;
use crate::oidc::ClientHost;
use crate::reload::Live;
use crate::signals::asking_tls::AskingTls;
use crate::signals::certificate::{CertificateTrust, TrustSource};
use crate::signals::tls_identity::{TlsIdentity, TlsIdentitySource};

/// What the host needs of its files, live.
#[derive(Debug, Clone)]
pub(super) struct ClientSources {
    pub(super) identity: Live<TlsIdentity>,
    /// Who vouches for clients; nothing where they are known by their keys alone.
    pub(super) trust: Option<Live<CertificateTrust>>,
}

/// What certificates of clients are good for.
pub(crate) fn certificates(config: &Config) -> Certificates {
    match &config.client_tls {
        None => Certificates::NotAskedFor,
        Some(host) if host.authorities.is_empty() => Certificates::ByKey,
        Some(_) => Certificates::ByNameAndKey,
    }
}

/// Certificate and key of the host.
pub(crate) fn identity_source(host: &ClientTls) -> TlsIdentitySource {
    TlsIdentitySource {
        name: "client-tls",
        certificate: host.certificate.clone(),
        key: host.key.clone(),
    }
}

/// Who vouches for clients, if anybody does.
pub(crate) fn trust_source(host: &ClientTls) -> Option<TrustSource> {
    (!host.authorities.is_empty()).then(|| TrustSource {
        name: "client-trust",
        authorities: host.authorities.clone(),
        // How a client keeps its key is its own business.
        hardware: Vec::new(),
        revocation_lists: host.revocation_lists.clone(),
    })
}

/// The host, as the protocol knows it.
pub(super) fn host(config: &Config, sources: Option<&ClientSources>) -> Option<ClientHost> {
    let (host, sources) = config.client_tls.as_ref().zip(sources)?;
    Some(ClientHost::new(&host.url, sources.trust.clone()))
}

/// The settings for its listener.
pub(super) fn tls(sources: &ClientSources, now: Timestamp) -> Result<Tls, rustls::Error> {
    // Without authorities no names are sent, and a client chooses among all the certificates that it has.
    let nobody = || Live::fixed("client-trust", CertificateTrust::nobody(), now);
    let trust = sources.trust.clone().unwrap_or_else(nobody);
    let asking = AskingTls::new(sources.identity.clone(), trust)?;
    Ok(Tls::Asking(Arc::new(asking)))
}
