//! What a client asks for when it wants a session to end (OpenID Connect RP-Initiated Logout 1.0, section 2), and where
//! the browser may go afterwards. Whether the session ends is left to `mod.rs` and `sign_out`.

use std::sync::Arc;

use url::Url;

use crate::directory::clients::{ClientRecord, Clients};
use crate::domain::ids::SessionId;
use crate::oidc::authorize::origin_of_hint;
use crate::oidc::page_error::PageError;
use crate::oidc::parameters::{InvalidParameters, Parameters};
use crate::oidc::provider::Provider;

/// A request to end a session.
pub(super) struct LogoutRequest {
    /// The session that an ID token of ours names.
    pub(super) session: Option<SessionId>,
    /// Where the browser goes afterwards.
    pub(super) onward: Option<Onward>,
}

impl LogoutRequest {
    /// Whatever is wrong here is shown on a page, and the browser is sent nowhere. A hint that we did not issue is no
    /// hint: the person is asked, as without one.
    pub(super) fn parse(cx: &Provider, parameters: &Parameters) -> Result<Self, PageError> {
        let named = parameters.get("client_id");
        let hint = parameters
            .get("id_token_hint")
            .and_then(|hint| origin_of_hint(cx, hint));
        if let (Some(named), Some(hint)) = (named, &hint)
            && !hint.clients.contains(named)
        {
            // Section 2: the two have to match.
            let message = "The link belongs to another application than it says.";
            return Err(bad_parameter("client_id", message));
        }
        let client = named.or_else(|| hint.as_ref().and_then(|hint| hint.clients.sole()));
        let onward = Onward::find(&cx.clients.current().value, client, parameters)?;
        Ok(Self {
            session: hint.and_then(|hint| hint.session),
            onward,
        })
    }
}

/// A client, with an address that is exactly one of those that it may have the browser back at. A session that nobody
/// asked to end is none of its business.
#[derive(Debug)]
pub(in crate::oidc) struct Onward {
    client: Arc<ClientRecord>,
    uri: String,
    state: Option<String>,
}

impl Onward {
    /// Where the parameters want the browser to go, if anywhere.
    pub(in crate::oidc) fn find(
        clients: &Clients,
        client: Option<&str>,
        parameters: &Parameters,
    ) -> Result<Option<Self>, PageError> {
        let Some(uri) = parameters.get("post_logout_redirect_uri") else {
            return Ok(None);
        };
        let Some(id) = client else {
            let message =
                "The link says where to return to, but not which application it belongs to.";
            return Err(bad_parameter("client_id", message));
        };
        let Some(client) = clients.by_id(id) else {
            let message = "The application in this link is not known here.";
            return Err(bad_parameter("client_id", message));
        };
        // Section 3: exactly one of those that are registered.
        if !client
            .post_logout_redirect_uris
            .iter()
            .any(|registered| registered == uri)
        {
            let message =
                "The link would return to an address that is not registered for this application.";
            return Err(bad_parameter("post_logout_redirect_uri", message));
        }
        Ok(Some(Self {
            client: Arc::clone(client),
            uri: uri.to_owned(),
            state: parameters.get("state").map(ToOwned::to_owned),
        }))
    }

    pub(super) fn client(&self) -> &ClientRecord {
        &self.client
    }

    pub(super) fn uri(&self) -> &str {
        &self.uri
    }

    pub(super) fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The address with the state that the client sent (section 3).
    pub(super) fn location(&self) -> Option<String> {
        let Some(state) = &self.state else {
            return Some(self.uri.clone());
        };
        let mut url = Url::parse(&self.uri).ok()?;
        url.query_pairs_mut().append_pair("state", state);
        Some(url.into())
    }
}

/// A link, or a form of a client, that cannot be read.
pub(in crate::oidc) fn unreadable(error: InvalidParameters) -> PageError {
    about_signing_out(error.into())
}

fn bad_parameter(parameter: &'static str, message: &'static str) -> PageError {
    about_signing_out(PageError::bad_parameter(parameter, message))
}

fn about_signing_out(error: PageError) -> PageError {
    PageError {
        title: "This sign-out link does not work",
        ..error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENTS: &str = "\
        [[client]]\nid = 'wiki-web'\npublic = true\n\
        redirect_uris = ['https://wiki.example.com/callback']\n\
        post_logout_redirect_uris = ['https://wiki.example.com/bye?from=id']\n\
        [[client]]\nid = 'notes'\npublic = true\n\
        redirect_uris = ['https://notes.example.com/callback']\n";

    fn found(client: Option<&str>, form: &str) -> Result<Option<Onward>, PageError> {
        let clients = Clients::parse(CLIENTS, "clients.toml").unwrap().value;
        let parameters = Parameters::parse(form.as_bytes()).unwrap();
        Onward::find(&clients, client, &parameters)
    }

    fn refused(client: Option<&str>, form: &str) -> Option<&'static str> {
        found(client, form).unwrap_err().parameter
    }

    const REGISTERED: &str = "post_logout_redirect_uri=https://wiki.example.com/bye?from%3Did";

    #[test]
    fn the_state_is_given_back_and_nothing_else_is_changed() {
        let location = |form: &str| {
            let onward = found(Some("wiki-web"), form).unwrap().unwrap();
            onward.location().unwrap()
        };
        let bare = "https://wiki.example.com/bye?from=id";
        assert_eq!(location(REGISTERED), bare);
        assert_eq!(location(&format!("{REGISTERED}&state=")), bare);
        let with_state = location(&format!("{REGISTERED}&state=a%26b"));
        assert_eq!(with_state, format!("{bare}&state=a%26b"));
    }

    #[test]
    fn whoever_names_no_address_goes_nowhere() {
        for client in [None, Some("wiki-web"), Some("nobody")] {
            assert!(found(client, "state=a").unwrap().is_none());
        }
    }

    #[test]
    fn an_address_without_a_known_client_is_refused() {
        assert_eq!(refused(None, REGISTERED), Some("client_id"));
        assert_eq!(refused(Some("nobody"), REGISTERED), Some("client_id"));
    }

    #[test]
    fn an_address_that_is_not_exactly_registered_is_refused() {
        for uri in [
            "https://wiki.example.com/bye",
            "https://wiki.example.com/bye?from=id&x",
            "https://wiki.example.com/bye?from=id#",
            "https://wiki.example.com/BYE?from=id",
            "https://wiki.example.com:443/bye?from=id",
            "https://wiki.example.com/callback",
            "https://wiki.example.com.evil.test/bye?from=id",
            "https://wiki.example.com@evil.test/bye?from=id",
            "//wiki.example.com/bye?from=id",
            "javascript:alert(1)",
        ] {
            let form = form_urlencoded::Serializer::new(String::new())
                .append_pair("post_logout_redirect_uri", uri)
                .finish();
            let parameter = refused(Some("wiki-web"), &form);
            assert_eq!(parameter, Some("post_logout_redirect_uri"), "{uri}");
        }
        let others = refused(Some("notes"), REGISTERED);
        assert_eq!(others, Some("post_logout_redirect_uri"));
    }
}
