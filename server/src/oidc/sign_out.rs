//! `GET` and `POST /sign-out`: ends the session at the provider, after asking. Here come people who want to, and those
//! who were asked because a client wants them to (`logout`).

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::browser::Browser;
use super::logout::{Onward, ask, done, unreadable};
use super::page_error::PageError;
use super::parameters::Parameters;
use super::provider::Provider;
use super::session;
use crate::web::csrf::{self, Purpose};
use crate::web::headers::page;
use crate::web::pages::SignedOut;

/// `GET /sign-out`: asks.
pub async fn get(State(cx): State<Provider>, browser: Browser) -> Response {
    match begin(&cx, &browser).await {
        Ok(response) => response,
        Err(error) => error.respond_unrecorded(&cx),
    }
}

async fn begin(cx: &Provider, browser: &Browser) -> Result<Response, PageError> {
    Ok(match session::current(cx, browser, cx.now()).await? {
        Some(signed_in) => ask(cx, browser, &signed_in, None),
        None => page(StatusCode::OK, &SignedOut {}, cx.page_headers()),
    })
}

/// `POST /sign-out`: does it.
pub async fn post(State(cx): State<Provider>, browser: Browser, body: Bytes) -> Response {
    match sign_out(&cx, &browser, &body).await {
        Ok(response) => response,
        Err(error) => error.respond_unrecorded(&cx),
    }
}

async fn sign_out(cx: &Provider, browser: &Browser, body: &[u8]) -> Result<Response, PageError> {
    let form = Parameters::parse(body).map_err(unreadable)?;
    let cookie = browser.identity().ok_or_else(PageError::foreign_form)?;
    let token = form.get("csrf").unwrap_or("");
    if !csrf::same_origin(&browser.headers, &cx.issuer)
        || !csrf::verify(&cookie, Purpose::SignOut, None, token)
    {
        return Err(PageError::foreign_form());
    }
    // The form has been in the browser: where it leads is looked up again.
    let clients = cx.clients.current();
    let onward = Onward::find(&clients.value, form.get("client_id"), &form)?;
    session::end(cx, browser, cx.now()).await?;
    Ok(done(cx, onward.as_ref()))
}
