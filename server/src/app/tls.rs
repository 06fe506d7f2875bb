//! The TLS settings of the listeners: the main host never asks for a client certificate, the hosts of
//! devices and of clients always do. Certificates and keys are read in `signals::tls_identity`.

use std::sync::Arc;

use rustls::ServerConfig;

use crate::reload::Live;
use crate::signals::asking_tls::AskingTls;
use crate::signals::certificate::crypto;
use crate::signals::tls_identity::{LiveResolver, TlsIdentity};

/// Where a listener takes its settings from, anew for each connection.
#[derive(Debug, Clone)]
pub enum Tls {
    /// Settings that stay the same while the certificate in them follows its file.
    Main(Arc<ServerConfig>),
    /// Settings that also follow the authorities of those who are asked.
    Asking(Arc<AskingTls>),
}

impl Tls {
    /// The settings for the next handshake.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        match self {
            Self::Main(config) => Arc::clone(config),
            Self::Asking(asking) => asking.config(),
        }
    }
}

/// The settings of the main host.
pub fn main_config(identity: Live<TlsIdentity>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(crypto())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(LiveResolver(identity)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::asking_tls::fixtures::{HOST, live_identity, live_trust};
    use crate::signals::certificate::fixtures::Authority;

    #[tokio::test]
    async fn the_main_host_speaks_http_2_and_the_device_host_does_not() {
        let ca = Authority::root("CA");
        let identity = live_identity(&ca.server(HOST));
        let main = Tls::Main(Arc::new(main_config(identity.clone()).unwrap()));
        let device = Tls::Asking(Arc::new(AskingTls::new(identity, live_trust(&ca)).unwrap()));

        assert_eq!(main.config().alpn_protocols, [&b"h2"[..], b"http/1.1"]);
        assert_eq!(device.config().alpn_protocols, [b"http/1.1"]);
    }
}
