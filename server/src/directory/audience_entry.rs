//! Audiences: the APIs that access tokens are made for.
//! Leaves to others who may ask for such tokens (`client_entry`) and making them (`tokens`).

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::scope_entry::{STANDARD, is_scope};
use super::{Report, Unique};
use crate::config::Algorithm;

/// An API that access tokens are made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudienceRecord {
    /// Its identifier: `resource` of requests (RFC 8707), `aud` of tokens.
    pub id: String,
    /// The name that people see.
    pub name: String,
    /// What its tokens look like.
    pub format: TokenFormat,
    /// Scopes that mean something to it.
    pub scopes: BTreeSet<String>,
}

/// What the access tokens of an audience look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFormat {
    /// A random text, which the API introspects.
    Opaque,
    /// A JWT that the API verifies by itself, RFC 9068, signed so.
    Jwt(Algorithm),
}

/// An audience, as the clients file writes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AudienceEntry {
    /// The identifier: an absolute URI without a fragment, such as `https://api.example.com`.
    #[schemars(with = "String")]
    pub(super) id: Spanned<String>,
    /// The name that people see; the id, where it is left out.
    name: Option<String>,
    /// What access tokens look like.
    #[serde(default)]
    format: Format,
    /// What they are signed with, where they are JWTs.
    #[schemars(with = "Option<Algorithm>")]
    algorithm: Option<Spanned<Algorithm>>,
    /// Scopes that mean something to the API.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    scopes: Vec<Spanned<String>>,
}

/// The format of access tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// A JWT that the API verifies by itself.
    #[default]
    Jwt,
    /// A random text, which the API introspects.
    Opaque,
}

/// Reads what the file declares; everything wrong is reported.
pub(super) fn check(
    report: &mut Report<'_>,
    entries: Vec<AudienceEntry>,
) -> BTreeMap<String, AudienceRecord> {
    let mut ids = Unique::default();
    let mut audiences = BTreeMap::new();
    for entry in entries {
        let id = entry.id.get_ref().clone();
        ids.claim(
            report,
            id.clone(),
            &entry.id,
            &format!("the audience `{id}`"),
        );
        check_id(report, &entry.id);
        let record = AudienceRecord {
            name: entry.name.clone().unwrap_or_else(|| id.clone()),
            format: entry.token_format(report),
            scopes: entry.checked_scopes(report),
            id: id.clone(),
        };
        audiences.insert(id, record);
    }
    audiences
}

/// An absolute URI without a fragment, RFC 8707 section 2.
fn check_id(report: &mut Report<'_>, id: &Spanned<String>) {
    let problem = match Url::parse(id.get_ref()) {
        Err(_) => "is not an absolute URI",
        Ok(uri) if uri.fragment().is_some() => "has a fragment",
        Ok(_) => return,
    };
    report.error_with_help(
        id,
        format!("the audience `{id}` {problem}"),
        "write it as in `https://api.example.com`",
    );
}

impl AudienceEntry {
    fn token_format(&self, report: &mut Report<'_>) -> TokenFormat {
        match (self.format, &self.algorithm) {
            (Format::Opaque, None) => TokenFormat::Opaque,
            (Format::Opaque, Some(algorithm)) => {
                report.error_with_help(
                    algorithm,
                    format!("the tokens of `{}` are opaque and not signed", self.id),
                    "remove `algorithm`, or write `format = \"jwt\"`",
                );
                TokenFormat::Opaque
            }
            // RFC 9068, section 4: what every API has to understand.
            (Format::Jwt, None) => TokenFormat::Jwt(Algorithm::Rs256),
            (Format::Jwt, Some(algorithm)) => TokenFormat::Jwt(*algorithm.get_ref()),
        }
    }

    fn checked_scopes(&self, report: &mut Report<'_>) -> BTreeSet<String> {
        for scope in &self.scopes {
            let text = scope.get_ref().as_str();
            if !is_scope(text) {
                report.error(
                    scope,
                    format!("the scope `{text}` is not one word of visible ASCII"),
                );
            } else if STANDARD.contains(&text) {
                report.error_with_help(
                    scope,
                    format!("the scope `{text}` is about the user and not about an API"),
                    "remove it",
                );
            }
        }
        self.scopes
            .iter()
            .map(|scope| scope.get_ref().clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::client_entry::tests::{messages, read_everything};
    use super::*;

    fn audience(fields: &str) -> String {
        format!("[[audience]]\nid = 'https://api.example.com'\n{fields}\n")
    }

    #[test]
    fn tokens_are_jwts_signed_with_what_every_api_understands() {
        let clients = read_everything(&audience("scopes = ['orders']")).unwrap();
        let api = &clients.audiences()["https://api.example.com"];
        assert_eq!(api.format, TokenFormat::Jwt(Algorithm::Rs256));
        assert_eq!(api.name, "https://api.example.com");
        assert!(api.scopes.contains("orders"));
    }

    #[test]
    fn an_audience_says_what_its_tokens_look_like() {
        let clients = read_everything(&audience("name = 'Orders'\nformat = 'opaque'")).unwrap();
        let api = &clients.audiences()["https://api.example.com"];
        assert_eq!(
            (api.name.as_str(), api.format),
            ("Orders", TokenFormat::Opaque)
        );
        assert_eq!(
            messages(&audience("format = 'opaque'\nalgorithm = 'es256'")),
            ["the tokens of `https://api.example.com` are opaque and not signed"]
        );
    }

    #[test]
    fn an_audience_is_an_absolute_uri_declared_once() {
        assert!(read_everything("[[audience]]\nid = 'urn:example:api'\n").is_ok());
        assert_eq!(
            messages("[[audience]]\nid = 'api'\n"),
            ["the audience `api` is not an absolute URI"]
        );
        assert_eq!(
            messages("[[audience]]\nid = 'https://a.example#b'\n"),
            ["the audience `https://a.example#b` has a fragment"]
        );
        let twice = audience("") + &audience("");
        assert_eq!(
            messages(&twice),
            ["the audience `https://api.example.com` is used twice"]
        );
    }

    #[test]
    fn scopes_of_an_audience_are_not_about_the_user() {
        assert_eq!(
            messages(&audience("scopes = ['email']")),
            ["the scope `email` is about the user and not about an API"]
        );
    }
}
