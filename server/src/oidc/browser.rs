//! The other end of a request: its connection, its headers, its cookies.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{self, HeaderValue};
use axum::http::request::Parts;

use crate::domain::entropy::Entropy;
use crate::domain::peer::Peer;
use crate::domain::secret::Secret;
use crate::web::cookies::HostCookie;

/// Whoever sent the request. Nothing in it is believed yet.
#[derive(Debug, Clone)]
pub struct Browser {
    /// The connection.
    pub peer: Peer,
    /// The headers.
    pub headers: HeaderMap,
}

impl Browser {
    /// The cookie that stands for the End-User's session.
    #[must_use]
    pub fn session(&self) -> Option<Secret> {
        HostCookie::Session.read(&self.headers)
    }

    /// The cookie that binds stored requests and forms to this browser.
    #[must_use]
    pub fn identity(&self) -> Option<Secret> {
        HostCookie::Browser.read(&self.headers)
    }

    /// The browser's cookie, or a new one; whether it is new says whether it must be set.
    #[must_use]
    pub fn identity_or_new(&self, entropy: &dyn Entropy) -> (Secret, bool) {
        match self.identity() {
            Some(known) => (known, false),
            None => (Secret::generate(entropy), true),
        }
    }

    /// This browser, as if it had sent the cookie already that its answer will set.
    pub(super) fn with_identity(&self, identity: &Secret) -> Self {
        let mut known = self.clone();
        let cookie = format!("{}={}", HostCookie::Browser.name(), identity.expose());
        // INVARIANT: a secret of ours is base64url, which any header may hold.
        if let Ok(mut line) = HeaderValue::try_from(cookie) {
            line.set_sensitive(true);
            known.headers.append(header::COOKIE, line);
        }
        known
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Browser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        // INVARIANT: the listener always says who is there; without it the address is one that no
        // rule can favour.
        let nobody = || Peer::plain(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
        Ok(Self {
            peer: parts
                .extensions
                .get::<Peer>()
                .cloned()
                .unwrap_or_else(nobody),
            headers: parts.headers.clone(),
        })
    }
}
