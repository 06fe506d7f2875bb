//! Whole connections over the loopback interface.

use std::sync::Arc;

use axum::middleware::from_fn;
use axum::routing::get;
use axum::{Extension, Router};
use rustls::version::{TLS12, TLS13};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::{refuse_misdirected, serve};
use crate::app::tls::Tls;
use crate::domain::peer::Peer;
use crate::signals::asking_tls::AskingTls;
use crate::signals::asking_tls::fixtures::{HOST, Wallet, browser, live_identity, live_trust};
use crate::signals::certificate::fixtures::Authority;

/// A listener that tells its clients what it knows about them.
struct Running {
    port: u16,
    shutdown: CancellationToken,
    ended: JoinHandle<()>,
}

impl Running {
    async fn start(tls: Option<Tls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shutdown = CancellationToken::new();
        let router = Router::new()
            .route(
                "/",
                get(|Extension(peer): Extension<Peer>| async move { description(&peer) }),
            )
            .layer(from_fn(refuse_misdirected));
        let ended = tokio::spawn(serve(listener, tls, router, shutdown.clone()));
        Self {
            port,
            shutdown,
            ended,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// The answer to one request over TLS.
    async fn ask(&self, ca: &Authority, wallet: Arc<Wallet>, host: &str) -> String {
        let settings = browser(ca, wallet, &[&TLS12, &TLS13]);
        let connector = TlsConnector::from(Arc::new(settings));
        let name = ServerName::try_from(HOST).unwrap();
        let stream = connector.connect(name, self.connect().await).await.unwrap();
        answer(stream, host).await
    }
}

fn description(peer: &Peer) -> String {
    let (tls, presented) = (peer.tls, peer.certificates.len());
    let name = peer.server_name.as_deref().unwrap_or_default();
    format!("tls {tls}, presented {presented}, name `{name}`")
}

async fn answer<S>(mut stream: S, host: &str) -> String
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn device_tls(ca: &Authority) -> Tls {
    let identity = live_identity(&ca.server(HOST));
    Tls::Asking(Arc::new(AskingTls::new(identity, live_trust(ca)).unwrap()))
}

#[tokio::test]
async fn without_tls_a_request_carries_a_plain_peer() {
    let running = Running::start(None).await;

    let answer = answer(running.connect().await, "localhost").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.ends_with("tls false, presented 0, name ``"),
        "{answer}"
    );
}

#[tokio::test]
async fn over_tls_a_request_carries_what_the_handshake_has_shown() {
    let ca = Authority::root("CA");
    let running = Running::start(Some(device_tls(&ca))).await;
    let leaf = ca.device(|_| {});
    let wallet = Wallet::holding(&leaf, &leaf.key);

    let answer = running.ask(&ca, wallet, HOST).await;
    let expected = format!("tls true, presented 1, name `{HOST}`");
    assert!(answer.ends_with(&expected), "{answer}");
}

#[tokio::test]
async fn a_request_for_another_host_is_sent_away() {
    let ca = Authority::root("CA");
    let running = Running::start(Some(device_tls(&ca))).await;

    let answer = running.ask(&ca, Wallet::empty(), "id.example").await;
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
}

#[tokio::test]
async fn a_client_that_does_not_speak_tls_does_not_stop_the_listener() {
    let ca = Authority::root("CA");
    let running = Running::start(Some(device_tls(&ca))).await;

    let mut stream = running.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let answer = running.ask(&ca, Wallet::empty(), HOST).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_shutdown_ends_idle_connections_and_the_listener() {
    let running = Running::start(None).await;
    let mut stream = running.connect().await;
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    stream.read_u8().await.unwrap();

    running.shutdown.cancel();
    running.ended.await.unwrap();
    assert!(
        TcpStream::connect(("127.0.0.1", running.port))
            .await
            .is_err()
    );
}
