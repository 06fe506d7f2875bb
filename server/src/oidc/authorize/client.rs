//! Client and redirect URI: they make the [`RedirectTarget`], which alone can send anything back.

use std::sync::Arc;

use crate::directory::clients::ClientRecord;
use crate::oidc::page_error::PageError;
use crate::oidc::parameters::Parameters;
use crate::oidc::provider::Provider;
use crate::reload::Digest;

/// A client that exists, with a redirect URI that is exactly one of its own, and how to answer there.
#[derive(Debug)]
pub(super) struct RedirectTarget {
    client: Arc<ClientRecord>,
    clients: Digest,
    redirect_uri: String,
    mode: ResponseMode,
    state: Option<String>,
}

/// How the answer reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// In a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl RedirectTarget {
    pub(super) fn client(&self) -> &ClientRecord {
        &self.client
    }

    /// The clients file that the client was read from.
    pub(super) fn clients(&self) -> Digest {
        self.clients
    }

    pub(super) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    pub(super) fn mode(&self) -> ResponseMode {
        self.mode
    }

    pub(super) fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// The target of a request. Whatever is wrong here is shown on a page and never sent anywhere.
pub(super) fn resolve(cx: &Provider, parameters: &Parameters) -> Result<RedirectTarget, PageError> {
    let Some(id) = parameters.get("client_id") else {
        return Err(PageError::bad_parameter(
            "client_id",
            "The link does not say which application it is for.",
        ));
    };
    let clients = cx.clients.current();
    let Some(client) = clients.value.by_id(id) else {
        return Err(PageError::bad_parameter(
            "client_id",
            "The application in this link is not known here.",
        ));
    };
    let Some(redirect_uri) = parameters.get("redirect_uri") else {
        return Err(PageError::bad_parameter(
            "redirect_uri",
            "The link does not say where to return to.",
        ));
    };
    // Character by character (RFC 9700, section 2.1).
    if !client
        .redirect_uris
        .iter()
        .any(|registered| registered == redirect_uri)
    {
        return Err(PageError::bad_parameter(
            "redirect_uri",
            "The link would return to an address that is not registered for this application.",
        ));
    }
    let mode = match parameters.get("response_mode") {
        None | Some("query") => ResponseMode::Query,
        Some("form_post") => ResponseMode::FormPost,
        Some(_) => {
            return Err(PageError::bad_parameter(
                "response_mode",
                "The link asks for an answer in a way that is not supported: use `query` or `form_post`.",
            ));
        }
    };
    Ok(RedirectTarget {
        client: Arc::clone(client),
        clients: clients.digest,
        redirect_uri: redirect_uri.to_owned(),
        mode,
        state: parameters.get("state").map(ToOwned::to_owned),
    })
}
