//! `GET` and `POST /logout` (OpenID Connect RP-Initiated Logout 1.0): a client wants the session at the provider to end,
//! and the browser back. What people open themselves is `/sign-out`, which also does what is asked about here.

mod page;
mod request;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use form_urlencoded::Serializer;
use serde_json::json;

use self::request::LogoutRequest;
use super::authorize::no_store;
use super::browser::Browser;
use super::discovery::{Members, Offer};
use super::page_error::PageError;
use super::parameters::{InvalidParameters, Parameters};
use super::provider::Provider;
use super::session;

pub(super) use self::page::{ask, done};
pub(super) use self::request::{Onward, unreadable};

/// Longest query, in bytes, that a posted request is turned into: the longest hint and some more.
const LONGEST_QUERY: usize = 10 * 1024;

/// `GET /logout`.
pub async fn get(
    State(cx): State<Provider>,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    match log_out(&cx, &browser, query.as_bytes()).await {
        Ok(response) => response,
        Err(error) => error.respond_unrecorded(&cx),
    }
}

/// Section 2: the person is asked, unless an ID token of this very session says which session is meant. Without a
/// session there is nothing to ask.
async fn log_out(cx: &Provider, browser: &Browser, query: &[u8]) -> Result<Response, PageError> {
    let parameters = Parameters::parse(query).map_err(unreadable)?;
    let request = LogoutRequest::parse(cx, &parameters)?;
    let now = cx.now();
    let onward = request.onward.as_ref();
    match session::current(cx, browser, now).await? {
        Some(signed_in) if request.session.as_ref() != Some(&signed_in.session.id) => {
            Ok(ask(cx, browser, &signed_in, onward))
        }
        _ => {
            session::end(cx, browser, now).await?;
            Ok(done(cx, onward))
        }
    }
}

/// `POST /logout`: the same parameters in a form (section 2).
///
/// The form comes from another site, and `SameSite=Lax` keeps our cookies out of it: the browser is asked to come again
/// by `GET`, which brings them.
pub async fn post(State(cx): State<Provider>, body: Bytes) -> Response {
    match again(&cx, &body) {
        Ok(response) => response,
        Err(error) => error.respond_unrecorded(&cx),
    }
}

fn again(cx: &Provider, body: &[u8]) -> Result<Response, PageError> {
    let parameters = Parameters::parse(body).map_err(unreadable)?;
    let query = Serializer::new(String::new())
        .extend_pairs(parameters.to_stored())
        .finish();
    if query.len() > LONGEST_QUERY {
        return Err(unreadable(InvalidParameters::TooLong));
    }
    let again = cx.endpoint(&format!("/logout?{query}"));
    Ok(no_store(Redirect::to(&again).into_response()))
}

/// What the discovery document says of it: RP-Initiated Logout 1.0, section 2.1; Back-Channel Logout 1.0, section 2.1.
pub(super) fn advertise(offer: &Offer<'_>, members: &mut Members) {
    let endpoint = format!("{}/logout", offer.issuer);
    members.insert("end_session_endpoint".to_owned(), json!(endpoint));
    for name in [
        "backchannel_logout_supported",
        "backchannel_logout_session_supported",
    ] {
        members.insert(name.to_owned(), json!(true));
    }
}
