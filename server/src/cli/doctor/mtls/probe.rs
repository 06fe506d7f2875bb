//! Handshakes and requests with a host, and what was seen of them. Nothing is believed and nothing judged here.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{DATE, HOST};
use axum::http::{HeaderMap, Request};
use chrono::{DateTime, Utc};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ALL_VERSIONS, ClientConfig, DigitallySignedStruct, HandshakeKind, SignatureScheme,
    SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::host::Host;
use crate::domain::clock::{Clock, Timestamp};
use crate::signals::certificate::crypto;

/// The versions of TLS, each tried for itself where sessions are resumed in different ways.
static VERSIONS: [(&str, &SupportedProtocolVersion); 2] =
    [("TLS 1.3", &TLS13), ("TLS 1.2", &TLS12)];
const HTTP_1: &[u8] = b"http/1.1";
const HTTP_2: &[u8] = b"h2";

/// What was seen of a host.
#[derive(Debug)]
pub(super) struct Seen {
    /// The certificate, and those sent along with it.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// The protocol that was chosen of HTTP/2 and HTTP/1.1.
    pub(super) protocol: Option<String>,
    /// The names of authorities, in DER, where a certificate was asked for.
    pub(super) hints: Option<Vec<Vec<u8>>>,
    /// Versions of TLS in which a second connection went on with the first.
    pub(super) resumed: Vec<&'static str>,
    /// What requests were answered.
    pub(super) answers: Result<Answers, String>,
}

/// What two requests were answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answers {
    /// The time of the host.
    pub(super) date: Option<Timestamp>,
    /// Our time when it was told.
    pub(super) at: Timestamp,
    /// The status of the answer to a request for another host.
    pub(super) misdirected: u16,
}

/// Looks at a host; requests that it should refuse are for `other`. Each connection may take as long as `limit`.
pub(super) async fn look(
    host: &Host,
    other: &str,
    limit: Duration,
    clock: &dyn Clock,
) -> Result<Seen, String> {
    let wallet = Arc::new(Wallet::default());
    let both = settings(ALL_VERSIONS, &[HTTP_2, HTTP_1], Arc::clone(&wallet))?;
    let stream = within(limit, connect(host, both)).await?;
    let connection = stream.get_ref().1;
    let chain = connection.peer_certificates().unwrap_or_default().to_vec();
    let protocol = connection.alpn_protocol();
    let protocol = protocol.map(|name| String::from_utf8_lossy(name).into_owned());
    drop(stream);
    let mut resumed = Vec::new();
    for (name, version) in VERSIONS {
        // A version that the host does not speak resumes nothing.
        if within(limit, resumes(host, version)).await == Ok(true) {
            resumed.push(name);
        }
    }
    Ok(Seen {
        chain,
        protocol,
        hints: wallet.hints(),
        resumed,
        answers: within(limit, answers(host, other, clock)).await,
    })
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    timeout(limit, work).await.unwrap_or_else(|_| {
        Err(format!(
            "no answer within {}",
            humantime::format_duration(limit)
        ))
    })
}

async fn connect(host: &Host, settings: Arc<ClientConfig>) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(host.name.clone())
        .map_err(|_| format!("`{}` is no name of a host", host.name))?;
    let stream = match host.at {
        Some(address) => TcpStream::connect((address, host.port)).await,
        None => TcpStream::connect((host.name.as_str(), host.port)).await,
    };
    let stream = stream.map_err(|error| format!("cannot connect: {error}"))?;
    let connector = TlsConnector::from(settings);
    let connected = connector.connect(name, stream).await;
    connected.map_err(|error| format!("no TLS: {error}"))
}

/// Whether a second connection goes on with the session of the first.
async fn resumes(host: &Host, version: &'static SupportedProtocolVersion) -> Result<bool, String> {
    let settings = settings(&[version], &[HTTP_1], Arc::new(Wallet::default()))?;
    let first = connect(host, Arc::clone(&settings)).await?;
    // Tickets come after the handshake: only who reads gets them.
    let mut sender = speak(first).await?;
    ask(&mut sender, &host.name).await?;
    drop(sender);
    let second = connect(host, settings).await?;
    Ok(second.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed))
}

async fn answers(host: &Host, other: &str, clock: &dyn Clock) -> Result<Answers, String> {
    let settings = settings(ALL_VERSIONS, &[HTTP_1], Arc::new(Wallet::default()))?;
    let mut sender = speak(connect(host, settings).await?).await?;
    let (_, headers) = ask(&mut sender, &host.name).await?;
    let at = clock.now();
    let (misdirected, _) = ask(&mut sender, other).await?;
    Ok(Answers {
        date: date(&headers),
        at,
        misdirected,
    })
}

async fn speak(stream: TlsStream<TcpStream>) -> Result<SendRequest<Body>, String> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("no HTTP: {error}"))?;
    // It ends with its sender; what goes wrong there is told to the sender.
    tokio::spawn(connection);
    Ok(sender)
}

/// The status and the headers of the answer to a request for the start page of a host.
async fn ask(sender: &mut SendRequest<Body>, host: &str) -> Result<(u16, HeaderMap), String> {
    let silent = |error: hyper::Error| format!("no answer: {error}");
    let request = Request::head("/")
        .header(HOST, host)
        .body(Body::empty())
        .map_err(|error| error.to_string())?;
    sender.ready().await.map_err(silent)?;
    let (parts, _) = sender
        .send_request(request)
        .await
        .map_err(silent)?
        .into_parts();
    Ok((parts.status.as_u16(), parts.headers))
}

/// The time in an answer, RFC 9110 section 6.6.1.
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    let time = DateTime::parse_from_rfc2822(text).ok()?;
    Some(time.with_timezone(&Utc))
}

fn settings(
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&[u8]],
    wallet: Arc<Wallet>,
) -> Result<Arc<ClientConfig>, String> {
    let verifier = DangerTakesAnyChain {
        algorithms: crypto().signature_verification_algorithms,
    };
    let mut settings = ClientConfig::builder_with_provider(crypto())
        .with_protocol_versions(versions)
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(wallet);
    settings.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(settings))
}

/// A browser without certificates, which keeps what it was asked for.
#[derive(Debug, Default)]
struct Wallet(Mutex<Option<Vec<Vec<u8>>>>);

impl Wallet {
    fn hints(&self) -> Option<Vec<Vec<u8>>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ResolvesClientCert for Wallet {
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        _sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let hints = root_hint_subjects
            .iter()
            .map(|hint| hint.to_vec())
            .collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(hints);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Takes any certificate, so that a wrong one can be looked at, and checks that the host has its key. No secret goes
/// over such a connection.
struct DangerTakesAnyChain {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for DangerTakesAnyChain {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for DangerTakesAnyChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DangerTakesAnyChain")
            .finish_non_exhaustive()
    }
}
