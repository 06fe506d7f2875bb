//! Scopes: which claims each stands for, as the organisation declares them beside those of OpenID Connect.
//! Leaves to others who may ask for a scope (`client_entry`) and the claims of a user (`oidc`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::{Report, Unique};

/// The scope without which a request is not one of OpenID Connect, Core section 3.1.2.1.
pub(super) const OPENID: &str = "openid";

/// The scope that asks for refresh without the user, OpenID Connect Core section 11.
pub(super) const OFFLINE_ACCESS: &str = "offline_access";

/// Scopes that are known without being declared.
pub(super) const STANDARD: [&str; 4] = [OPENID, "profile", "email", OFFLINE_ACCESS];

/// Claims by which tokens are verified or acted upon: nothing that is known of a user may stand in their place.
const RESERVED: &[&str] = &[
    // RFC 7519, section 4.1.
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    // OpenID Connect Core, sections 2, 3.1.3.6, 3.3.2.11 and 5.6.2.
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "_claim_names",
    "_claim_sources",
    // OpenID Connect Back-Channel Logout, section 2.4.
    "sid",
    "events",
    // RFC 7800, section 3.1; RFC 8693, section 4; RFC 9068, section 2.2; RFC 9493, section 4.1.
    "cnf",
    "act",
    "may_act",
    "scope",
    "client_id",
    "sub_id",
    // RFC 7662, section 2.2.
    "active",
    "token_type",
    // OpenID Connect Core, section 7.4; RFC 9101, section 4.
    "sub_jwk",
    "request",
    "request_uri",
    // What the profiles of brokers answer.
    "device_context",
    "app_name",
    "app_instance_id",
    "tid",
    "oid",
];

/// A scope, and what it is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeRecord {
    /// Its name.
    pub id: String,
    /// The claims it stands for, and where each comes from.
    pub claims: BTreeMap<String, ClaimSource>,
    /// Whether the claims stand in ID tokens too, and not only in answers of the userinfo endpoint.
    pub id_token: bool,
}

/// What is known of a user, as the source of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimSource {
    /// The groups the user is directly in.
    Groups,
    /// The full name.
    Name,
    /// The name to sign in with.
    Username,
    /// The e-mail address.
    Email,
    /// Whether the organisation vouches for the address.
    EmailVerified,
    /// The permanent identifier, whatever subject the client is told.
    Id,
    /// An attribute of this name.
    Attribute(String),
}

impl ClaimSource {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "groups" => Self::Groups,
            "name" => Self::Name,
            "username" => Self::Username,
            "email" => Self::Email,
            "email_verified" => Self::EmailVerified,
            "id" => Self::Id,
            other => {
                let name = other.strip_prefix("attributes.")?;
                (!name.is_empty()).then(|| Self::Attribute(name.to_owned()))?
            }
        })
    }
}

/// A scope, as the clients file writes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeEntry {
    /// The scope's name: one word.
    #[schemars(with = "String")]
    pub(super) id: Spanned<String>,
    /// Claims that the scope stands for, each with its source: `groups`, `name`, `username`, `email`,
    /// `email_verified`, `id`, or an attribute such as `attributes.department`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    claims: BTreeMap<String, Spanned<String>>,
    /// Whether the claims stand in ID tokens too.
    #[serde(default)]
    id_token: bool,
}

/// The scopes of OpenID Connect that stand for claims, Core section 5.4, and where their claims come from. ID tokens
/// have them too: whoever asks for no more than these reads the ID token and nothing else.
pub(super) fn standard() -> BTreeMap<String, ScopeRecord> {
    let rows = [
        (OPENID, Vec::new()),
        (
            "profile",
            vec![
                ("name", ClaimSource::Name),
                ("preferred_username", ClaimSource::Username),
            ],
        ),
        (
            "email",
            vec![
                ("email", ClaimSource::Email),
                ("email_verified", ClaimSource::EmailVerified),
            ],
        ),
    ];
    let named = |(claim, source): (&str, ClaimSource)| (claim.to_owned(), source);
    rows.into_iter()
        .map(|(id, claims)| {
            let record = ScopeRecord {
                id: id.to_owned(),
                claims: claims.into_iter().map(named).collect(),
                id_token: true,
            };
            (id.to_owned(), record)
        })
        .collect()
}

/// The standard scopes and what the file declares; everything wrong is reported.
pub(super) fn check(
    report: &mut Report<'_>,
    entries: Vec<ScopeEntry>,
) -> BTreeMap<String, ScopeRecord> {
    let mut scopes = standard();
    let mut ids = Unique::default();
    let mut sources: BTreeMap<String, ClaimSource> = scopes
        .values()
        .flat_map(|scope| scope.claims.clone())
        .collect();
    for entry in entries {
        let id = check_id(report, &entry.id);
        ids.claim(report, id.clone(), &entry.id, &format!("the scope `{id}`"));
        let mut claims = BTreeMap::new();
        for (claim, source) in entry.claims {
            if let Some(source) = check_claim(report, &claim, &source, &mut sources) {
                claims.insert(claim, source);
            }
        }
        let record = ScopeRecord {
            id: id.clone(),
            claims,
            id_token: entry.id_token,
        };
        scopes.insert(id, record);
    }
    scopes
}

fn check_id(report: &mut Report<'_>, id: &Spanned<String>) -> String {
    let text = id.get_ref().as_str();
    if !is_scope(text) {
        report.error(
            id,
            format!("the scope `{text}` is not one word of visible ASCII"),
        );
    } else if STANDARD.contains(&text) {
        report.error_with_help(
            id,
            format!("the scope `{text}` is known without being declared"),
            "give yours another name: clients rely on what this one means",
        );
    }
    text.to_owned()
}

/// The source of a claim. A claim has one source in all scopes, or its value would depend on who asks.
fn check_claim(
    report: &mut Report<'_>,
    claim: &str,
    written: &Spanned<String>,
    sources: &mut BTreeMap<String, ClaimSource>,
) -> Option<ClaimSource> {
    if RESERVED.contains(&claim) {
        report.error_with_help(
            written,
            format!("the claim `{claim}` belongs to the protocol"),
            "give yours another name",
        );
        return None;
    }
    if claim.is_empty() || claim.contains(char::is_control) {
        report.error(written, "a claim has no name, or control characters in it");
        return None;
    }
    let Some(source) = ClaimSource::parse(written.get_ref()) else {
        report.error_with_help(
            written,
            format!("the claim `{claim}` comes from `{written}`, which nothing of a user is called"),
            "write `groups`, `name`, `username`, `email`, `email_verified`, `id`, or an attribute such as `attributes.department`",
        );
        return None;
    };
    let known = sources
        .entry(claim.to_owned())
        .or_insert_with(|| source.clone());
    if *known != source {
        report.error_with_help(
            written,
            format!("the claim `{claim}` comes from two sources"),
            "give one of the two another name: a claim means one thing in every scope",
        );
        return None;
    }
    Some(source)
}

/// A scope token, RFC 6749 section 3.3.
pub(super) fn is_scope(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::super::client_entry::tests::{messages, read_everything};
    use super::*;

    fn scope(claims: &str) -> String {
        format!("[[scope]]\nid = 'staff'\nclaims = {{ {claims} }}\n")
    }

    #[test]
    fn a_scope_maps_claims_to_what_is_known_of_a_user() {
        let text = scope("groups = 'groups', department = 'attributes.department', mail = 'email'");
        let clients = read_everything(&text).unwrap();
        let staff = &clients.scopes()["staff"];
        assert!(!staff.id_token);
        assert_eq!(staff.claims["groups"], ClaimSource::Groups);
        assert_eq!(staff.claims["mail"], ClaimSource::Email);
        assert_eq!(
            staff.claims["department"],
            ClaimSource::Attribute("department".to_owned())
        );
    }

    #[test]
    fn the_standard_scopes_stand_in_the_same_table() {
        let clients = read_everything(&scope("groups = 'groups'")).unwrap();
        let names: Vec<&String> = clients.scopes().keys().collect();
        assert_eq!(names, ["email", "openid", "profile", "staff"]);
        let profile = &clients.scopes()["profile"];
        assert!(profile.id_token);
        assert_eq!(profile.claims["preferred_username"], ClaimSource::Username);
        assert!(clients.scopes()["openid"].claims.is_empty());
    }

    #[test]
    fn claims_of_the_protocol_are_reserved() {
        for claim in ["sub", "aud", "amr", "cnf", "scope", "device_context"] {
            assert_eq!(
                messages(&scope(&format!("{claim} = 'groups'"))),
                [format!("the claim `{claim}` belongs to the protocol")]
            );
        }
    }

    #[test]
    fn a_claim_has_one_source_in_all_scopes() {
        let two = "[[scope]]\nid = 'a'\nclaims = { team = 'groups' }\n[[scope]]\nid = 'b'\nclaims = { team = 'name' }\n";
        assert_eq!(messages(two), ["the claim `team` comes from two sources"]);
        let expected = ["the claim `email` comes from two sources"];
        assert_eq!(messages(&scope("email = 'attributes.mail'")), expected);
        assert!(read_everything(&scope("email = 'email'")).is_ok());
    }

    #[test]
    fn sources_are_known_by_name() {
        for source in ["", "group", "attributes", "attributes.", "password"] {
            let found = messages(&scope(&format!("team = '{source}'")));
            let expected = format!("the claim `team` comes from `{source}`");
            assert!(found[0].starts_with(&expected), "{found:?}");
        }
    }

    #[test]
    fn a_scope_is_one_word_declared_once_and_not_a_standard_one() {
        assert!(!messages("[[scope]]\nid = 'a b'\n").is_empty());
        assert_eq!(
            messages("[[scope]]\nid = 'email'\n"),
            ["the scope `email` is known without being declared"]
        );
        assert_eq!(
            messages("[[scope]]\nid = 'a'\n[[scope]]\nid = 'a'\n"),
            ["the scope `a` is used twice"]
        );
    }
}
