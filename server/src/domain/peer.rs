//! The other end of a connection, as the listener saw it.
//! Whether its address may speak for somebody else is decided in `signals::client_ip`, and whether
//! its certificates count for anything in `signals::certificate`.

use std::net::SocketAddr;

/// The other end of the connection a request came over; the listener puts it among the request's
/// extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The address of the socket: the client's own, or that of the proxy before us.
    pub address: SocketAddr,
    /// What the client presented in the handshake, DER, leaf first; empty without a client
    /// certificate. The client has proved that it holds the leaf's key. Nothing else is known of
    /// these bytes: path, validity, revocation and purpose are not checked yet.
    pub certificates: Vec<Vec<u8>>,
    /// The host name the client asked for in the handshake (server name indication, RFC 6066
    /// section 3), in lower case.
    pub server_name: Option<String>,
    /// Whether the connection is encrypted by this process.
    pub tls: bool,
}

impl Peer {
    /// The other end of a connection without TLS.
    #[must_use]
    pub fn plain(address: SocketAddr) -> Self {
        Self {
            address,
            certificates: Vec::new(),
            server_name: None,
            tls: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_peer_has_presented_nothing() {
        let peer = Peer::plain(SocketAddr::from(([203, 0, 113, 9], 40_000)));

        assert!(!peer.tls);
        assert!(peer.certificates.is_empty());
        assert_eq!(peer.server_name, None);
    }
}
