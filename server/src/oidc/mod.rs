//! The protocol: OpenID Connect Core 1.0 on OAuth 2.0, endpoint by endpoint in reading order.
//! Whether someone may is asked of `access`; this room asks, issues, and answers.

pub mod authorize;
mod backchannel;
mod browser;
mod claims;
mod claims_request;
mod client_authentication;
mod client_host;
mod device_check;
mod discovery;
mod dpop;
mod endpoint;
mod intake;
mod introspect;
mod logout;
mod loop_breaker;
mod origin;
mod page_error;
mod parameters;
mod provider;
mod pushed;
mod resource;
mod revoke;
mod session;
mod sign_in;
mod sign_out;
mod subject;
mod token;
mod userinfo;

pub use authorize::EntraKeys;
pub use backchannel::{Backchannel, logout_token};
pub use browser::Browser;
pub use client_authentication::keys::ClientKeySets;
pub use client_host::ClientHost;
pub use device_check::check as device_check;
pub use discovery::{Discovery, Members, Offer, jwks, metadata};
pub use endpoint::{EndpointError, EndpointErrorCode, EndpointRequest};
pub use intake::Intake;
pub use introspect::post as introspect;
pub use logout::{get as log_out_by_query, post as log_out_by_form};
pub use loop_breaker::Loops;
pub use page_error::PageError;
pub use provider::{Lifetimes, Parts, Provider, Throttling};
pub use pushed::post as push;
pub use revoke::post as revoke;
pub use sign_in::post as sign_in;
pub use sign_out::{get as sign_out_page, post as sign_out};
pub use subject::PairwiseKey;
pub use token::post as token;
pub use userinfo::get as userinfo;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::web::headers::page;
use crate::web::pages::Home;

/// `GET /`: that the provider runs, for whoever typed its address.
pub async fn home(State(cx): State<Provider>) -> Response {
    let home = Home {
        issuer: cx.issuer_text.clone(),
    };
    page(StatusCode::OK, &home, cx.page_headers())
}
