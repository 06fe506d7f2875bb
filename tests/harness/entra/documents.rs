//! Documents as they come over the wire, by HTTP/1.1 and by HTTP/2: with the headers that a client library would hide.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::installation::Installation;
use crate::pki::MAIN_HOST;

/// The longest document that is read.
const LONGEST: usize = 256 * 1024;

/// A document with its headers.
#[derive(Debug, Clone)]
pub struct Document {
    /// The status.
    pub status: u16,
    /// The headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Bytes,
}

impl Document {
    /// Asks for it by HTTP/1.1.
    pub async fn http1(files: &Installation, method: &str, path: &str) -> Self {
        let stream = connect(files, b"http/1.1").await;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .expect("a connection");
        let serving = tokio::spawn(connection);
        let authority = format!("{MAIN_HOST}:{}", files.ports.main);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", authority)
            .body(Body::empty())
            .expect("a request");
        let document = Self::read(sender.send_request(request).await.expect("an answer")).await;
        serving.abort();
        document
    }

    /// Asks for it by HTTP/2.
    pub async fn http2(files: &Installation, method: &str, path: &str) -> Self {
        let stream = connect(files, b"h2").await;
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("a connection");
        let serving = tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(format!("https://{MAIN_HOST}:{}{path}", files.ports.main))
            .body(Body::empty())
            .expect("a request");
        let document = Self::read(sender.send_request(request).await.expect("an answer")).await;
        serving.abort();
        document
    }

    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    async fn read(response: Response<Incoming>) -> Self {
        let (parts, body) = response.into_parts();
        let headers = parts.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), value.into_owned())
        });
        Self {
            status: parts.status.as_u16(),
            headers: headers.collect(),
            body: to_bytes(Body::new(body), LONGEST).await.expect("a body"),
        }
    }
}

async fn connect(files: &Installation, protocol: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_file(files.path("pki/servers/ca.pem")).expect("a root");
    roots.add(root).expect("a root");
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let tcp = TcpStream::connect(("127.0.0.1", files.ports.main))
        .await
        .expect("a connection");
    let name = ServerName::try_from(MAIN_HOST).expect("a name");
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await;
    let stream = stream.expect("a handshake");
    let (_, session) = stream.get_ref();
    assert_eq!(session.alpn_protocol(), Some(protocol));
    stream
}
