//! Another server on the own machine, that answers what a test wants, byte by byte; and an authority.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::{Remote, RemoteSettings};

/// Long enough for an answer from the own machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// What the client is set to, apart from what a test changes.
pub(super) fn settings() -> RemoteSettings {
    RemoteSettings {
        authorities: Vec::new(),
        proxy: None,
        timeout: PATIENCE,
    }
}

/// A client with these settings.
pub(super) fn remote() -> Remote {
    Remote::new(&settings()).unwrap()
}

/// A server that answers each request by its number, counted from 0, and then closes the connection. An empty answer
/// is none: it keeps the client waiting.
pub(super) struct Origin {
    pub(super) url: Url,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Origin {
    /// Answers over plain HTTP.
    pub(super) async fn start(answer: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        Self::serve("http://127.0.0.1", None, answer).await
    }

    /// Answers over TLS as `localhost`.
    pub(super) async fn with_tls(
        authority: &Authority,
        answer: impl Fn(usize) -> String + Send + Sync + 'static,
    ) -> Self {
        let tls = TlsAcceptor::from(Arc::new(authority.server()));
        Self::serve("https://localhost", Some(tls), answer).await
    }

    /// The requests so far: head and body.
    pub(super) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    async fn serve(
        base: &str,
        tls: Option<TlsAcceptor>,
        answer: impl Fn(usize) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (heard, answer) = (Arc::clone(&seen), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (heard, answer) = (Arc::clone(&heard), Arc::clone(&answer));
                let tls = tls.clone();
                tokio::spawn(async move {
                    match tls {
                        None => exchange(stream, &heard, &*answer).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                exchange(stream, &heard, &*answer).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            url: format!("{base}:{port}/document").parse().unwrap(),
            seen,
        }
    }
}

async fn exchange<S>(
    mut stream: S,
    heard: &Mutex<Vec<String>>,
    answer: &(dyn Fn(usize) -> String + Send + Sync),
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(request) = read(&mut stream).await else {
        return;
    };
    let number = {
        let mut heard = heard.lock().unwrap();
        heard.push(request);
        heard.len() - 1
    };
    let answer = answer(number);
    if answer.is_empty() {
        std::future::pending::<()>().await;
    }
    // A client that has read enough hangs up.
    if stream.write_all(answer.as_bytes()).await.is_ok() {
        let _ = stream.shutdown().await;
    }
}

/// One request, until its head is whole and its body as long as announced.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut text = String::new();
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.trim().parse().unwrap());
            if body.len() >= length {
                return Some(text);
            }
        }
        let mut buffer = [0; 4096];
        let read = stream
            .read(&mut buffer)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
}

/// An answer with this status line, these lines of the head, and this body.
pub(super) fn answer(status: &str, lines: &[&str], body: &str) -> String {
    let length = format!("content-length: {}", body.len());
    let mut head = vec![format!("HTTP/1.1 {status}"), length];
    head.extend(lines.iter().map(|line| (*line).to_owned()));
    head.push("connection: close".to_owned());
    format!("{}\r\n\r\n{body}", head.join("\r\n"))
}

/// The document, to be kept so many seconds.
pub(super) fn document(max_age: u32, body: &str) -> String {
    let kept = format!("cache-control: max-age={max_age}");
    answer("200 OK", &[&kept], body)
}

/// Issues certificates for `localhost`.
pub(super) struct Authority {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    pub(super) fn pem(&self) -> String {
        self.certificate.pem()
    }

    fn server(&self) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "localhost");
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}
