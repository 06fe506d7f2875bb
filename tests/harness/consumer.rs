//! A server of somebody else: of a client, that publishes its keys and hears of sign-outs; of another provider. It
//! answers what a test tells it to, and remembers what it was asked. What is right to ask is left to the tests.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use axum::serve::Listener;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use url::form_urlencoded;

use super::installation::Installation;
use super::pki::MAIN_HOST;
use super::wait::eventually;

/// A running server. It is gone when it is dropped.
#[derive(Debug)]
pub struct Consumer {
    base: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

/// What a path is answered with.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    delay: Duration,
    /// Whether there is an answer at all.
    answers: bool,
}

/// A request that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query.
    pub query: Option<String>,
    /// The headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

#[derive(Debug, Default)]
struct Shared {
    /// By path; the last reply is given again and again.
    replies: Mutex<BTreeMap<String, VecDeque<Reply>>>,
    received: Mutex<Vec<Received>>,
}

impl Consumer {
    /// Serves over TLS, with a certificate by the authority that the servers of this installation have theirs from.
    pub async fn https(files: &Installation) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let tls = TlsAcceptor::from(Arc::new(tls(files)));
        let port = tcp.local_addr().expect("bound").port();
        Self::serve("https", port, Secure { tcp, tls })
    }

    /// Serves without TLS.
    pub async fn http() -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = tcp.local_addr().expect("bound").port();
        Self::serve("http", port, tcp)
    }

    /// What the server under test has to be told, so that it believes a [`Consumer`] with TLS.
    pub const CONFIGURATION: &'static str =
        "\n[outbound]\nauthorities = [\"pki/servers/ca.pem\"]\n";

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// From now on this path is answered so.
    pub fn answer(&self, path: &str, reply: Reply) {
        self.answer_in_turn(path, [reply]);
    }

    /// From now on this path is answered so, one request after the other, and then always as the last time.
    pub fn answer_in_turn(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        let replies = replies.into_iter().collect();
        let mut known = self.shared.replies.lock().expect("no panic before");
        known.insert(path.to_owned(), replies);
    }

    /// The requests for this path so far.
    pub fn requests(&self, path: &str) -> Vec<Received> {
        let received = self.shared.received.lock().expect("no panic before");
        received
            .iter()
            .filter(|request| request.path == path)
            .cloned()
            .collect()
    }

    /// How many requests for this path there have been.
    pub fn count(&self, path: &str) -> usize {
        self.requests(path).len()
    }

    /// Waits until there have been at least so many requests for this path.
    pub async fn receives(&self, path: &str, count: usize) -> Vec<Received> {
        eventually(&format!("{count} requests for {path}"), async || {
            let requests = self.requests(path);
            (requests.len() >= count).then_some(requests)
        })
        .await
    }

    fn serve<L>(scheme: &str, port: u16, listener: L) -> Self
    where
        L: Listener<Addr = SocketAddr>,
    {
        let shared = Arc::new(Shared::default());
        let router = Router::new()
            .fallback(receive)
            .with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("served");
        });
        Self {
            base: format!("{scheme}://{MAIN_HOST}:{port}"),
            shared,
            serving,
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Reply {
    /// Status 200 with this document.
    pub fn json(document: &Value) -> Self {
        Self::text(&document.to_string()).with_header("content-type", "application/json")
    }

    /// Status 200 with this body, whatever it is.
    pub fn text(body: &str) -> Self {
        Self {
            body: body.to_owned(),
            ..Self::status(200)
        }
    }

    /// This status and nothing else.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
            delay: Duration::ZERO,
            answers: true,
        }
    }

    /// No answer at all: the connection stays open.
    pub fn never() -> Self {
        Self {
            answers: false,
            ..Self::status(200)
        }
    }

    /// The reply with one more header.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The reply after this time: a server that is slow.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    async fn respond(self) -> Response {
        if !self.answers {
            pending::<()>().await;
        }
        tokio::time::sleep(self.delay).await;
        // Each request comes by a connection of its own, so that none outlives the server.
        let mut response = Response::builder()
            .status(self.status)
            .header("connection", "close");
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(Body::from(self.body)).expect("a response")
    }
}

impl Received {
    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body as a form; of a field that stands twice the last one.
    pub fn form(&self) -> BTreeMap<String, String> {
        form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect()
    }
}

impl Shared {
    fn remember(&self, request: Received) {
        let mut received = self.received.lock().expect("no panic before");
        received.push(request);
    }

    fn next_reply(&self, path: &str) -> Option<Reply> {
        let mut replies = self.replies.lock().expect("no panic before");
        let waiting = replies.get_mut(path)?;
        if waiting.len() > 1 {
            waiting.pop_front()
        } else {
            waiting.front().cloned()
        }
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let headers = headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.as_str().to_owned(), value.into_owned())
    });
    let request = Received {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let reply = shared.next_reply(&request.path);
    shared.remember(request);
    reply.unwrap_or(Reply::status(404)).respond().await
}

/// A listener that has finished the handshake of each connection it gives away.
struct Secure {
    tcp: TcpListener,
    tls: TlsAcceptor,
}

impl Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            // A client that does not believe the certificate is gone again.
            let (stream, address) = self.tcp.accept().await.expect("a connection");
            if let Ok(stream) = self.tls.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

/// The certificate of the main host: it says `localhost`, as every server here.
fn tls(files: &Installation) -> ServerConfig {
    let chain = CertificateDer::pem_file_iter(files.path("pki/main.pem"))
        .expect("a file")
        .collect::<Result<Vec<_>, _>>()
        .expect("certificates");
    let key = PrivateKeyDer::from_pem_file(files.path("pki/main-key.pem")).expect("a key");
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate and its key")
}

#[cfg(test)]
mod tests {
    use reqwest::Client;
    use serde_json::json;

    use super::*;

    fn client() -> Client {
        Client::builder().no_proxy().build().expect("a client")
    }

    #[tokio::test]
    async fn a_path_is_answered_as_told_and_what_it_was_asked_is_kept() {
        let server = Consumer::http().await;
        server.answer("/keys", Reply::json(&json!({ "keys": [] })));
        let url = server.url("/keys?a=b");
        let answer = client().post(url).form(&[("token", "a b")]).send().await;
        assert_eq!(answer.unwrap().text().await.unwrap(), r#"{"keys":[]}"#);
        let request = &server.receives("/keys", 1).await[0];
        assert_eq!(request.method, "POST");
        assert_eq!(request.query.as_deref(), Some("a=b"));
        assert_eq!(request.form()["token"], "a b");
        assert!(request.header("content-type").is_some());
    }

    #[tokio::test]
    async fn replies_are_given_in_turn_and_the_last_one_for_ever() {
        let server = Consumer::http().await;
        server.answer_in_turn("/logout", [Reply::status(500), Reply::status(204)]);
        for expected in [500, 204, 204] {
            let answer = client().get(server.url("/logout")).send().await.unwrap();
            assert_eq!(answer.status(), expected);
        }
        assert_eq!(server.count("/logout"), 3);
        let other = client().get(server.url("/other")).send().await.unwrap();
        assert_eq!(other.status(), 404);
    }

    #[tokio::test]
    async fn over_tls_it_is_believed_by_the_authority_of_the_installation() {
        let files = Installation::new();
        let server = Consumer::https(&files).await;
        server.answer("/", Reply::text("here"));
        let client = Client::builder()
            .no_proxy()
            .tls_certs_only([files.pki.root()])
            .build()
            .unwrap();
        let answer = client.get(server.url("/")).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "here");
    }
}
