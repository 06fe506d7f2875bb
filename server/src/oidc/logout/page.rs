//! The page that asks whether to sign out, and what follows when it is done: the same for people who want to and for
//! clients that ask for it.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};

use super::request::Onward;
use crate::oidc::authorize::no_store;
use crate::oidc::browser::Browser;
use crate::oidc::provider::Provider;
use crate::oidc::session::SignedIn;
use crate::web::cookies::{HostCookie, Persistence};
use crate::web::csrf::{self, Purpose};
use crate::web::headers::page;
use crate::web::pages::{SignOut, SignOutOnward, SignedOut};

/// Asks. The form goes to `/sign-out`, which looks at everything in it again.
pub(in crate::oidc) fn ask(
    cx: &Provider,
    browser: &Browser,
    signed_in: &SignedIn,
    onward: Option<&Onward>,
) -> Response {
    let (cookie, new) = browser.identity_or_new(cx.entropy.as_ref());
    let shown = SignOut {
        username: signed_in.user.username.clone(),
        csrf: csrf::token(&cookie, Purpose::SignOut, None),
        onward: onward.map(|onward| SignOutOnward {
            application_name: onward.client().name.clone(),
            client_id: onward.client().id.to_string(),
            uri: onward.uri().to_owned(),
            state: onward.state().map(ToOwned::to_owned),
        }),
    };
    let mut headers = cx.page_headers();
    if let Some(onward) = onward {
        headers = headers.leading_to(onward.uri());
    }
    let mut response = page(StatusCode::OK, &shown, headers);
    if new {
        let set = HostCookie::Browser.set(&cookie, Persistence::UntilBrowserCloses);
        response.headers_mut().append(header::SET_COOKIE, set);
    }
    response
}

/// Says that it is done, or sends the browser on (OpenID Connect RP-Initiated Logout 1.0, section 3). The session has
/// ended before.
pub(in crate::oidc) fn done(cx: &Provider, onward: Option<&Onward>) -> Response {
    // INVARIANT: registered addresses parse; they are refused by the clients file otherwise.
    let mut response = match onward.and_then(Onward::location) {
        // 303: the browser must not post our form to the client.
        Some(location) => no_store(Redirect::to(&location).into_response()),
        None => page(StatusCode::OK, &SignedOut {}, cx.page_headers()),
    };
    response
        .headers_mut()
        .append(header::SET_COOKIE, HostCookie::Session.clear());
    response
}
