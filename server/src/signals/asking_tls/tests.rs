//! Handshakes with the device host, over a pipe in memory.

use std::io;
use std::sync::Arc;

use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::AskingTls;
use super::fixtures::{HOST, Wallet, browser, live_identity, live_trust};
use crate::signals::certificate::fixtures::Authority;

/// A device host with an authority for its own certificate and one for devices.
struct DeviceHost {
    servers: Authority,
    devices: Authority,
    tls: AskingTls,
}

impl DeviceHost {
    fn new() -> Self {
        let servers = Authority::root("Servers");
        let devices = Authority::root("Devices");
        let identity = live_identity(&servers.server(HOST));
        let tls = AskingTls::new(identity, live_trust(&devices)).unwrap();
        Self {
            servers,
            devices,
            tls,
        }
    }

    fn browser(&self, wallet: &Arc<Wallet>) -> ClientConfig {
        browser(&self.servers, Arc::clone(wallet), &[&TLS12, &TLS13])
    }

    async fn meet(
        &self,
        browser: Arc<ClientConfig>,
    ) -> (
        io::Result<server::TlsStream<DuplexStream>>,
        io::Result<client::TlsStream<DuplexStream>>,
    ) {
        let (near, far) = tokio::io::duplex(1 << 16);
        let acceptor = TlsAcceptor::from(self.tls.config());
        let connector = TlsConnector::from(browser);
        let host = ServerName::try_from(HOST).unwrap();
        tokio::join!(acceptor.accept(near), connector.connect(host, far))
    }

    /// The certificates that the server has seen.
    async fn presented(&self, wallet: &Arc<Wallet>) -> Vec<Vec<u8>> {
        let (server, _client) = self.meet(Arc::new(self.browser(wallet))).await;
        let server = server.unwrap();
        let certificates = server.get_ref().1.peer_certificates().unwrap_or_default();
        certificates.iter().map(|der| der.to_vec()).collect()
    }
}

#[tokio::test]
async fn a_browser_without_a_certificate_is_let_in() {
    let host = DeviceHost::new();

    assert!(host.presented(&Wallet::empty()).await.is_empty());
}

#[tokio::test]
async fn the_certificate_of_the_browser_is_seen() {
    let host = DeviceHost::new();
    let leaf = host.devices.device(|_| {});
    let wallet = Wallet::holding(&leaf, &leaf.key);

    assert_eq!(host.presented(&wallet).await, [leaf.der]);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_left_to_the_page() {
    let host = DeviceHost::new();
    let leaf = Authority::root("Elsewhere").device(|_| {});
    let wallet = Wallet::holding(&leaf, &leaf.key);

    assert_eq!(host.presented(&wallet).await, [leaf.der]);
}

#[tokio::test]
async fn a_certificate_without_its_key_ends_the_handshake() {
    let host = DeviceHost::new();
    let (leaf, other) = (host.devices.device(|_| {}), host.devices.device(|_| {}));
    let wallet = Wallet::holding(&leaf, &other.key);

    let (server, _client) = host.meet(Arc::new(host.browser(&wallet))).await;
    assert!(server.is_err());
}

#[tokio::test]
async fn the_browser_is_told_the_names_of_the_authorities() {
    let host = DeviceHost::new();
    let wallet = Wallet::empty();

    host.presented(&wallet).await;
    let names: Vec<Vec<u8>> = host
        .tls
        .trust
        .current()
        .value
        .subjects()
        .iter()
        .map(|name| name.as_ref().to_vec())
        .collect();
    assert_eq!(wallet.hints(), names);
}

#[tokio::test]
async fn no_session_is_ever_resumed() {
    let host = DeviceHost::new();
    let leaf = host.devices.device(|_| {});
    for version in [&TLS12, &TLS13] {
        let wallet = Wallet::holding(&leaf, &leaf.key);
        // The same settings again: they carry the browser's memory of sessions.
        let browser = Arc::new(browser(&host.servers, wallet, &[version]));

        for _ in 0..2 {
            let (server, client) = host.meet(Arc::clone(&browser)).await;
            let (mut server, mut client) = (server.unwrap(), client.unwrap());
            // Whatever the server sends after the handshake has arrived with this byte.
            server.write_all(b"!").await.unwrap();
            server.flush().await.unwrap();
            client.read_u8().await.unwrap();
            let kind = client.get_ref().1.handshake_kind();
            assert_ne!(kind, Some(HandshakeKind::Resumed));
        }
    }
}

#[tokio::test]
async fn only_http_1_is_spoken() {
    let host = DeviceHost::new();
    let mut browser = host.browser(&Wallet::empty());
    browser.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];

    let (_server, client) = host.meet(Arc::new(browser)).await;
    let client = client.unwrap();
    let protocol = client.get_ref().1.alpn_protocol();
    assert_eq!(protocol, Some(b"http/1.1".as_slice()));
}

#[tokio::test]
async fn the_settings_are_kept_while_the_trust_stays_the_same() {
    let host = DeviceHost::new();

    assert!(Arc::ptr_eq(&host.tls.config(), &host.tls.config()));
}
