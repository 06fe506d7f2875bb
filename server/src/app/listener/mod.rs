//! Takes connections: TCP, TLS where it is configured, HTTP on top, and an orderly end. It tells
//! the handlers who is at the other end (`Peer`), and knows nothing of what they do.

mod misdirected;

pub use misdirected::refuse_misdirected;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::tls::Tls;
use crate::domain::peer::Peer;

/// Connections at a time; further ones wait in the queue of the operating system.
const CONNECTIONS: usize = 10_000;
/// A client that has not finished its handshake by then is let go.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The same for the head of a request, and for the pause between two requests of HTTP/1.
const HEADERS: Duration = Duration::from_secs(15);
/// A connection ends after the request at hand when it is this old, so that idle ones do not
/// collect, and clients find new addresses and new certificates.
const LIFETIME: Duration = Duration::from_hours(1);
/// Requests at hand may take this long to finish when a connection ends.
const GRACE: Duration = Duration::from_secs(20);
/// A pause when the system has no room for another connection.
const PAUSE: Duration = Duration::from_millis(100);
/// How often an HTTP/2 client has to show that it is still there, and how fast.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(10);
/// Requests at a time within one connection of HTTP/2.
const STREAMS: u32 = 64;
/// Bytes of a request's head. Ours carry a cookie and an authorization request.
const HEAD: usize = 64 * 1024;
const HEAD_HTTP2: u32 = 64 * 1024;

/// Serves the router until `shutdown`, then finishes the requests at hand and returns.
///
/// Each request carries a [`Peer`] among its extensions.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    shutdown: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let next = tokio::select! {
            () = shutdown.cancelled() => None,
            next = next(&listener, &room) => next,
        };
        let Some((stream, address, permit)) = next else {
            break;
        };
        let (tls, router, shutdown) = (tls.clone(), router.clone(), shutdown.clone());
        connections.spawn(async move {
            connection(stream, address, tls, router, &shutdown).await;
            drop(permit);
        });
    }
    // New clients are refused from here on, rather than kept waiting.
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The next connection, once there is room for it.
async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // INVARIANT: nobody closes the semaphore, so there is always a next one.
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return Some((stream, address, permit)),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                // Out of file descriptors, mostly. Trying again at once would only burn time.
                tracing::error!(%error, "cannot take connections");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

/// One connection, from its first byte to its last.
async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<Tls>,
    router: Router,
    shutdown: &CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%address, %error, "cannot send small packets at once");
    }
    let Some(tls) = tls else {
        return http(
            stream,
            Version::Http1,
            Peer::plain(address),
            router,
            shutdown,
        )
        .await;
    };
    let acceptor = TlsAcceptor::from(tls.config());
    match timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let (version, peer) = (version(&stream), peer(&stream, address));
            http(stream, version, peer, router, shutdown).await;
        }
        Ok(Err(error)) => tracing::debug!(%address, %error, "the TLS handshake failed"),
        Err(_) => tracing::debug!(%address, "the TLS handshake took too long"),
    }
}

/// The version of HTTP that both sides have agreed on. It is never guessed from the first bytes:
/// no timeout bounds the wait for them.
#[derive(Debug, Clone, Copy)]
enum Version {
    Http1,
    Http2,
}

fn version(stream: &TlsStream<TcpStream>) -> Version {
    let (_, session) = stream.get_ref();
    match session.alpn_protocol() {
        Some(b"h2") => Version::Http2,
        _ => Version::Http1,
    }
}

fn peer(stream: &TlsStream<TcpStream>, address: SocketAddr) -> Peer {
    let (_, session) = stream.get_ref();
    let certificates = session.peer_certificates().unwrap_or_default();
    Peer {
        address,
        certificates: certificates.iter().map(|der| der.to_vec()).collect(),
        server_name: session.server_name().map(str::to_ascii_lowercase),
        tls: true,
    }
}

async fn http<S>(
    stream: S,
    version: Version,
    peer: Peer,
    router: Router,
    shutdown: &CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let address = peer.address;
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        router.clone().oneshot(request)
    });
    let protocol = protocol(version);
    let mut connection = Box::pin(protocol.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%address, %error, "the connection broke");
            }
            return;
        }
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(LIFETIME) => {}
    }
    connection.as_mut().graceful_shutdown();
    match timeout(GRACE, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%address, %error, "the connection broke"),
        Err(_) => tracing::debug!(%address, "a request did not finish in time"),
    }
}

fn protocol(version: Version) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    match version {
        Version::Http1 => {
            builder
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS)
                .max_buf_size(HEAD);
            builder.http1_only()
        }
        Version::Http2 => {
            builder
                .http2()
                .timer(TokioTimer::new())
                .keep_alive_interval(PING)
                .keep_alive_timeout(PONG)
                .max_concurrent_streams(STREAMS)
                .max_header_list_size(HEAD_HTTP2);
            builder.http2_only()
        }
    }
}

#[cfg(test)]
mod tests;
