//! Takes the addresses that the configuration names, before anything is served on them.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::StartError;

/// Listens on this address.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Io {
            what: format!("cannot listen on {address}"),
            source,
        })
}

/// Listens on this address, if there is one.
pub(super) async fn listen_if(
    address: Option<SocketAddr>,
) -> Result<Option<TcpListener>, StartError> {
    match address {
        Some(address) => listen(address).await.map(Some),
        None => Ok(None),
    }
}

/// Where it really listens: port 0 asks for any free one.
pub(super) fn local(listener: &TcpListener, asked: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(asked)
}

/// The same of a listener that there may be.
pub(super) fn local_if(
    listener: Option<&TcpListener>,
    asked: Option<SocketAddr>,
) -> Option<SocketAddr> {
    listener
        .zip(asked)
        .map(|(listener, asked)| local(listener, asked))
}
