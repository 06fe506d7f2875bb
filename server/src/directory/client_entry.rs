//! A client as the clients file writes it, and what may be wrong with it.
//! Leaves to others how clients are found (`clients`) and which redirect URIs are acceptable (`redirect_uri`).

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::client_secret::ClientSecretHash;
use super::clients::{ClientAuthentication, ClientRecord};
use super::{HiddenText, RawAttributes, Report, attributes, check_id, redirect_uri};
use crate::domain::ids::{ApplicationId, ClientId};

/// The scope without which a request is not one of OpenID Connect, Core section 3.1.2.1.
const OPENID: &str = "openid";

/// The clients of this organisation: applications that let their users sign in here.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientsFile {
    /// One client each.
    #[serde(default)]
    pub(super) client: Vec<ClientEntry>,
}

/// A client, as the file writes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientEntry {
    /// The `client_id`: 1 to 255 visible ASCII characters.
    #[schemars(with = "String")]
    pub(super) id: Spanned<String>,
    /// The name that people see; the id, where it is left out.
    name: Option<String>,
    /// The application that policies decide about; the id, where it is left out.
    #[schemars(with = "Option<String>")]
    application: Option<Spanned<String>>,
    /// Attributes that the organisation added to `Application` in its schema.
    #[serde(default)]
    #[schemars(schema_with = "super::attributes_schema")]
    attributes: RawAttributes,
    /// Where answers may be sent, compared exactly: `https`, or `http` on the user's own machine.
    #[schemars(with = "Vec<String>")]
    redirect_uris: Spanned<Vec<Spanned<String>>>,
    /// The secret of a confidential client, as `sha256:` and 64 hexadecimal digits.
    #[schemars(with = "Option<String>")]
    secret: Option<Spanned<HiddenText>>,
    /// Cannot keep a secret: an application in a browser or on a user's machine.
    #[serde(default)]
    public: bool,
    /// Whether requests have to use PKCE. Only a confidential client may go without.
    #[serde(default = "always")]
    pkce_required: bool,
    /// Scopes that the client may ask for, `openid` among them.
    #[serde(default = "default_scopes")]
    scopes: BTreeSet<String>,
}

fn always() -> bool {
    true
}

fn default_scopes() -> BTreeSet<String> {
    [OPENID, "profile", "email"].map(str::to_owned).into()
}

impl ClientEntry {
    /// The record, where nothing in it is wrong beyond use; everything wrong is reported.
    pub(super) fn check(self, report: &mut Report<'_>) -> Option<ClientRecord> {
        check_id(report, "client", &self.id);
        if let Some(application) = &self.application {
            check_id(report, "application", application);
        }
        self.check_redirect_uris(report);
        self.check_scopes(report);
        let authentication = self.authentication(report)?;
        if !self.pkce_required && self.public {
            report.error_with_help(
                &self.id,
                format!("the public client `{}` goes without PKCE", self.id),
                "remove `pkce_required = false`: nothing else protects the codes of a public client",
            );
        }
        let id = self.id.into_inner();
        Some(ClientRecord {
            name: self.name.unwrap_or_else(|| id.clone()),
            application: ApplicationId::new(
                self.application
                    .map_or_else(|| id.clone(), Spanned::into_inner),
            ),
            attributes: attributes(report, self.attributes),
            redirect_uris: self
                .redirect_uris
                .into_inner()
                .into_iter()
                .map(Spanned::into_inner)
                .collect(),
            authentication,
            pkce_required: self.pkce_required,
            scopes: self.scopes,
            id: ClientId::new(id),
        })
    }

    /// A client without a secret has to say so: a forgotten line must not make it public.
    fn authentication(&self, report: &mut Report<'_>) -> Option<ClientAuthentication> {
        match (&self.secret, self.public) {
            (Some(secret), false) => match secret.get_ref().0.parse::<ClientSecretHash>() {
                Ok(hash) => Some(ClientAuthentication::Secret(hash)),
                Err(refused) => {
                    report.error(
                        secret,
                        format!("the secret of client `{}` is {refused}", self.id),
                    );
                    None
                }
            },
            (None, true) => Some(ClientAuthentication::None),
            (None, false) => {
                report.error_with_help(
                    &self.id,
                    format!("the client `{}` has no secret", self.id),
                    "write `public = true` if it cannot keep one, or give it a `secret`",
                );
                None
            }
            (Some(secret), true) => {
                report.error_with_help(
                    secret,
                    format!("the client `{}` is public and has a secret", self.id),
                    "remove one of the two: a secret that everybody can read proves nothing",
                );
                None
            }
        }
    }

    fn check_redirect_uris(&self, report: &mut Report<'_>) {
        let client = self.id.get_ref();
        if self.redirect_uris.get_ref().is_empty() {
            report.error(
                &self.redirect_uris,
                format!("the client `{client}` has no redirect URI"),
            );
        }
        for uri in self.redirect_uris.get_ref() {
            if let Err(problem) = redirect_uri::check(uri.get_ref()) {
                report.error(
                    uri,
                    format!("the redirect URI `{uri}` of client `{client}` {problem}"),
                );
            }
        }
    }

    fn check_scopes(&self, report: &mut Report<'_>) {
        let client = self.id.get_ref();
        if !self.scopes.contains(OPENID) {
            report.error(
                &self.id,
                format!("the scopes of client `{client}` lack `openid`"),
            );
        }
        for scope in self.scopes.iter().filter(|scope| !is_scope(scope)) {
            report.error(
                &self.id,
                format!(
                    "the scope `{scope}` of client `{client}` is not one word of visible ASCII"
                ),
            );
        }
    }
}

/// A scope token, RFC 6749 section 3.3.
fn is_scope(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::clients::{Clients, schema};
    use crate::domain::diagnostic::Diagnostic;

    pub(in crate::directory) const SECRET: &str =
        "secret = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'";
    pub(in crate::directory) const URIS: &str = "redirect_uris = ['https://app.example/callback']";

    pub(in crate::directory) fn client(fields: &[&str]) -> String {
        format!("[[client]]\nid = 'wiki'\n{}\n", fields.join("\n"))
    }

    fn refused(text: &str) -> Vec<Diagnostic> {
        match Clients::parse(text, "clients.toml") {
            Ok(_) => panic!("accepted"),
            Err(diagnostics) => diagnostics,
        }
    }

    #[test]
    fn a_client_without_secret_is_not_silently_public() {
        let found = refused(&client(&[URIS]));
        assert_eq!(found[0].message, "the client `wiki` has no secret");
    }

    #[test]
    fn a_public_client_has_no_secret() {
        let found = refused(&client(&[URIS, "public = true", SECRET]));
        assert_eq!(
            found[0].message,
            "the client `wiki` is public and has a secret"
        );
    }

    #[test]
    fn only_a_confidential_client_goes_without_pkce() {
        let without = "pkce_required = false";
        let confidential = client(&[URIS, SECRET, without]);
        assert!(Clients::parse(&confidential, "clients.toml").is_ok());
        let found = refused(&client(&[URIS, "public = true", without]));
        assert_eq!(
            found[0].message,
            "the public client `wiki` goes without PKCE"
        );
    }

    #[test]
    fn a_secret_in_the_clear_is_refused_and_not_repeated() {
        let found = refused(&client(&[URIS, "secret = 'hunter2'"]));
        assert!(found[0].message.contains("not a hashed secret"));
        assert!(!format!("{found:?}").contains("hunter2"));
    }

    #[test]
    fn a_refused_redirect_uri_is_named_with_its_client_at_its_place() {
        let found = refused(&client(&[
            SECRET,
            "redirect_uris = ['https://a.example', 'x']",
        ]));
        assert_eq!(
            found[0].message,
            "the redirect URI `x` of client `wiki` is not an absolute URL"
        );
        assert_eq!((found[0].line, found[0].column), (Some(4), Some(39)));
    }

    #[test]
    fn a_client_without_redirect_uri_is_refused() {
        assert!(!refused(&client(&[SECRET, "redirect_uris = []"])).is_empty());
    }

    #[test]
    fn scopes_contain_openid() {
        let found = refused(&client(&[URIS, SECRET, "scopes = ['profile']"]));
        assert_eq!(
            found[0].message,
            "the scopes of client `wiki` lack `openid`"
        );
        assert!(!refused(&client(&[URIS, SECRET, "scopes = ['openid', 'a b']"])).is_empty());
    }

    #[test]
    fn an_id_belongs_to_one_client() {
        let one = client(&[URIS, SECRET]);
        let found = refused(&[one.clone(), one].concat());
        assert_eq!(found[0].message, "the id `wiki` is used twice");
        assert_eq!(
            found[0].help.as_deref(),
            Some("it is used first at clients.toml:2:6")
        );
    }

    #[test]
    fn the_schema_names_every_key() {
        let schema = serde_json::to_string(&schema()).unwrap();
        for key in [
            "redirect_uris",
            "secret",
            "public",
            "pkce_required",
            "scopes",
        ] {
            assert!(schema.contains(key), "{key}");
        }
    }
}
