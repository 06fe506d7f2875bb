//! Client and redirect URI: they make the [`RedirectTarget`], which alone can send anything back.

use std::sync::Arc;

use doorward_engine::Application;
use serde_json::{Map, Value};

use super::profile;
use crate::directory::clients::ClientRecord;
use crate::directory::profile::ResponseMode;
use crate::oidc::page_error::PageError;
use crate::oidc::parameters::Parameters;
use crate::oidc::provider::Provider;
use crate::reload::Digest;

/// A client that exists, with a redirect URI that is exactly one of its own, and how to answer there.
#[derive(Debug)]
pub(super) struct RedirectTarget {
    client: Arc<ClientRecord>,
    clients: Digest,
    application: Application,
    claims: Map<String, Value>,
    redirect_uri: String,
    mode: ResponseMode,
    state: Option<String>,
}

impl RedirectTarget {
    pub(super) fn client(&self) -> &ClientRecord {
        &self.client
    }

    /// The clients file that the client was read from.
    pub(super) fn clients(&self) -> Digest {
        self.clients
    }

    /// The application that policies decide about.
    pub(super) fn application(&self) -> &Application {
        &self.application
    }

    /// Claims by which the client is told what was asked of us, where its profile has such.
    pub(super) fn claims(&self) -> &Map<String, Value> {
        &self.claims
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

/// The target of a request, whose parameters the client has `signed` or has not. Whatever is wrong here is shown on a
/// page and never sent anywhere.
pub(super) fn resolve(
    cx: &Provider,
    parameters: &Parameters,
    signed: bool,
) -> Result<RedirectTarget, PageError> {
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
    let Some(mode) = profile::response_mode(client, parameters) else {
        let modes = profile::response_modes_in_words(client);
        return Err(PageError::bad_parameter(
            "response_mode",
            format!("The link asks for an answer in a way that is not supported: use {modes}."),
        ));
    };
    let (application, claims) = profile::application(client, parameters, signed)?;
    Ok(RedirectTarget {
        client: Arc::clone(client),
        clients: clients.digest,
        application,
        claims,
        redirect_uri: redirect_uri.to_owned(),
        mode,
        state: parameters.get("state").map(ToOwned::to_owned),
    })
}
