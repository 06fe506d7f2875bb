//! The discovery document (OpenID Connect Discovery 1.0, section 4; RFC 8414, section 3) and the keys. Both are ready
//! to send; the document is made anew when what it depends on is another one. What stands in it is left to
//! `document.rs`.

mod document;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde_json::{Value, json};

pub use self::document::{Members, Offer};
use super::provider::Provider;
use crate::reload::Digest;

/// The discovery document, as it is sent.
#[derive(Debug, Default)]
pub struct Discovery(ArcSwapOption<Made>);

/// A document, and what it was made for.
#[derive(Debug)]
struct Made {
    clients: Digest,
    keys: u64,
    bytes: Bytes,
}

impl Discovery {
    /// The document for the clients and the keys that are live.
    fn current(&self, cx: &Provider) -> Bytes {
        let clients = cx.clients.current();
        let keys = cx.keys.current();
        let made = self.0.load();
        if let Some(made) = &*made
            && made.clients == clients.digest
            && made.keys == keys.version()
        {
            return made.bytes.clone();
        }
        let offer = Offer {
            issuer: &cx.issuer_text,
            clients: &clients.value,
            algorithms: keys
                .algorithms()
                .map(|algorithm| json!(algorithm))
                .collect(),
            client_host: cx.client_host.as_ref(),
        };
        let bytes = Bytes::from(Value::Object(offer.document()).to_string());
        self.0.store(Some(Arc::new(Made {
            clients: clients.digest,
            keys: keys.version(),
            bytes: bytes.clone(),
        })));
        bytes
    }
}

/// `GET /.well-known/openid-configuration`, and the same at `/.well-known/oauth-authorization-server`.
pub async fn metadata(State(cx): State<Provider>) -> Response {
    published(cx.discovery.current(&cx))
}

/// `GET /jwks`.
pub async fn jwks(State(cx): State<Provider>) -> Response {
    published(cx.keys.published())
}

fn published(body: Bytes) -> Response {
    // Microsoft Entra reads no document that comes in chunks, whatever lies on the way.
    let length = HeaderValue::from(body.len());
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    // Short: a new key must reach clients before it signs.
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
