//! `GET` and `POST /sign-out`: ends the session at the provider, after asking.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;

use super::browser::Browser;
use super::page_error::PageError;
use super::parameters::Parameters;
use super::provider::Provider;
use super::session;
use crate::web::cookies::{HostCookie, Persistence};
use crate::web::csrf::{self, Purpose};
use crate::web::headers::page;
use crate::web::pages::{SignOut, SignedOut};

/// `GET /sign-out`: asks.
pub async fn get(State(cx): State<Provider>, browser: Browser) -> Response {
    match ask(&cx, &browser).await {
        Ok(response) => response,
        Err(error) => error.respond_unrecorded(&cx),
    }
}

async fn ask(cx: &Provider, browser: &Browser) -> Result<Response, PageError> {
    let Some(subject) = session::current(cx, browser, cx.now()).await? else {
        return Ok(page(StatusCode::OK, &SignedOut {}, cx.page_headers()));
    };
    let (cookie, new) = browser.identity_or_new(cx.entropy.as_ref());
    let shown = SignOut {
        username: subject.user.username.clone(),
        csrf: csrf::token(&cookie, Purpose::SignOut, None),
    };
    let mut response = page(StatusCode::OK, &shown, cx.page_headers());
    if new {
        let set = HostCookie::Browser.set(&cookie, Persistence::UntilBrowserCloses);
        response.headers_mut().append(header::SET_COOKIE, set);
    }
    Ok(response)
}

/// `POST /sign-out`: does it.
pub async fn post(State(cx): State<Provider>, browser: Browser, body: Bytes) -> Response {
    match sign_out(&cx, &browser, &body).await {
        Ok(response) => response,
        Err(error) => error.respond_unrecorded(&cx),
    }
}

async fn sign_out(cx: &Provider, browser: &Browser, body: &[u8]) -> Result<Response, PageError> {
    let form = Parameters::parse(body)?;
    let cookie = browser.identity().ok_or_else(PageError::foreign_form)?;
    let token = form.get("csrf").unwrap_or("");
    if !csrf::same_origin(&browser.headers, &cx.issuer)
        || !csrf::verify(&cookie, Purpose::SignOut, None, token)
    {
        return Err(PageError::foreign_form());
    }
    if let Some(subject) = session::current(cx, browser, cx.now()).await? {
        let mut work = cx.storage.begin().await?;
        work.sessions().delete(&subject.session.id).await?;
        work.commit().await?;
    }
    let mut response = page(StatusCode::OK, &SignedOut {}, cx.page_headers());
    response
        .headers_mut()
        .append(header::SET_COOKIE, HostCookie::Session.clear());
    Ok(response)
}
