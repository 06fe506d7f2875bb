//! Refuses requests that came over a connection made for another host. Without it a browser could
//! reuse the main host's connection for the device host, where a certificate would be expected and
//! nobody has asked for one. Which hosts exist is decided by the router and the certificates.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::domain::peer::Peer;

/// Middleware for every router behind TLS: lets a request through if the host it asks for is the
/// one that the handshake was made for, and answers 421 otherwise (RFC 9110 section 15.5.20), upon
/// which the browser opens a connection of its own.
pub async fn refuse_misdirected(request: Request, next: Next) -> Response {
    match check(&request) {
        Ok(()) => next.run(request).await,
        // The words are those of every answer that no handler has written.
        Err(status) => status.into_response(),
    }
}

/// A handshake without a server name binds nothing: there the certificate alone decides.
fn check(request: &Request) -> Result<(), StatusCode> {
    let Some(expected) = request
        .extensions()
        .get::<Peer>()
        .and_then(|peer| peer.server_name.as_deref())
    else {
        return Ok(());
    };
    let hosts = hosts(request).ok_or(StatusCode::BAD_REQUEST)?;
    if hosts.is_empty() {
        return Err(StatusCode::BAD_REQUEST);
    }
    if hosts.iter().all(|host| same_host(host, expected)) {
        Ok(())
    } else {
        Err(StatusCode::MISDIRECTED_REQUEST)
    }
}

/// Every host that the request names, in its target (RFC 9112 section 3.2.2, RFC 9113 section
/// 8.3.1) and in its header; `None` if one of them is no host.
fn hosts(request: &Request) -> Option<Vec<String>> {
    let target = request.uri().authority().cloned().map(Some);
    let header = request
        .headers()
        .get_all(HOST)
        .iter()
        .map(|value| Authority::try_from(value.as_bytes()).ok());
    target
        .into_iter()
        .chain(header)
        .map(|authority| authority.map(|authority| authority.host().to_owned()))
        .collect()
}

/// Names compare without case, and the dot at the end of a full name means nothing here.
fn same_host(host: &str, expected: &str) -> bool {
    host.strip_suffix('.')
        .unwrap_or(host)
        .eq_ignore_ascii_case(expected)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::body::Body;

    use super::*;

    fn request(uri: &str, hosts: &[&str], server_name: Option<&str>) -> Request {
        let mut request = Request::builder().uri(uri).body(Body::empty()).unwrap();
        for host in hosts {
            request.headers_mut().append(HOST, host.parse().unwrap());
        }
        let mut peer = Peer::plain(SocketAddr::from(([127, 0, 0, 1], 1)));
        peer.server_name = server_name.map(str::to_owned);
        request.extensions_mut().insert(peer);
        request
    }

    #[test]
    fn the_host_of_the_handshake_is_let_through() {
        for host in ["id.example", "ID.example", "id.example.", "id.example:8443"] {
            let request = request("/", &[host], Some("id.example"));
            assert_eq!(check(&request), Ok(()), "{host}");
        }
    }

    #[test]
    fn another_host_is_misdirected() {
        for host in ["device.id.example", "id.example.evil", "[::1]"] {
            let request = request("/", &[host], Some("id.example"));
            assert_eq!(
                check(&request),
                Err(StatusCode::MISDIRECTED_REQUEST),
                "{host}"
            );
        }
    }

    #[test]
    fn the_target_of_a_request_names_its_host_too() {
        let same = request("https://id.example/", &[], Some("id.example"));
        assert_eq!(check(&same), Ok(()));

        let other = request(
            "https://other.example/",
            &["id.example"],
            Some("id.example"),
        );
        assert_eq!(check(&other), Err(StatusCode::MISDIRECTED_REQUEST));
    }

    #[test]
    fn a_second_host_cannot_hide_behind_the_first() {
        let request = request("/", &["id.example", "other.example"], Some("id.example"));
        assert_eq!(check(&request), Err(StatusCode::MISDIRECTED_REQUEST));
    }

    #[test]
    fn a_request_without_a_host_is_a_bad_one() {
        for hosts in [Vec::new(), vec!["not a host"]] {
            let request = request("/", &hosts, Some("id.example"));
            assert_eq!(check(&request), Err(StatusCode::BAD_REQUEST));
        }
    }

    #[test]
    fn a_handshake_without_a_server_name_binds_nothing() {
        let request = request("/", &["other.example"], None);
        assert_eq!(check(&request), Ok(()));
    }
}
