//! The words of an entry that choose among ways of the protocol, and which of them the server cannot go yet.
//! Leaves to others whether what is chosen fits together (`authentication`, `tokens`, `profiles`).

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::super::Report;
use super::super::client_record::{Binding, Method};
use super::super::profile::ProfileName;
use super::ClientEntry;
use crate::jose;

/// Keys of the file, and values of keys, that are understood and not available yet. Whoever brings a feature
/// removes its words.
pub(in crate::directory) const NOT_YET: &[&str] = &["origins"];

/// The word for declarations of scopes.
pub(in crate::directory) const SCOPE_TABLES: &str = "[[scope]]";

/// The word for declarations of audiences.
pub(in crate::directory) const AUDIENCE_TABLES: &str = "[[audience]]";

/// Whether the client may refresh, and until when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Refresh {
    /// Not at all.
    #[default]
    Never,
    /// While the user's session lives.
    Session,
    /// Whether the user is there or not, after the client asked for the scope `offline_access`.
    Offline,
}

impl Refresh {
    fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Session => "session",
            Self::Offline => "offline",
        }
    }
}

/// Whether requests are signed by the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum RequestObject {
    /// They may be.
    Optional,
    /// They have to be.
    Required,
}

/// What the client is told users are called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SubjectWord {
    /// The same as every client is told.
    #[default]
    Public,
    /// Another name than clients of other sectors are told.
    Pairwise,
}

/// An algorithm by which clients sign: asymmetric ones only, because secrets are kept as hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SignatureWord {
    /// RSA with PKCS #1 v1.5 and SHA-256.
    Rs256,
    /// RSA with PKCS #1 v1.5 and SHA-384.
    Rs384,
    /// RSA with PKCS #1 v1.5 and SHA-512.
    Rs512,
    /// RSA with PSS and SHA-256.
    Ps256,
    /// RSA with PSS and SHA-384.
    Ps384,
    /// RSA with PSS and SHA-512.
    Ps512,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// `EdDSA` with Ed25519.
    EdDsa,
}

impl SignatureWord {
    pub(super) fn algorithm(self) -> jose::Algorithm {
        match self {
            Self::Rs256 => jose::Algorithm::Rs256,
            Self::Rs384 => jose::Algorithm::Rs384,
            Self::Rs512 => jose::Algorithm::Rs512,
            Self::Ps256 => jose::Algorithm::Ps256,
            Self::Ps384 => jose::Algorithm::Ps384,
            Self::Ps512 => jose::Algorithm::Ps512,
            Self::Es256 => jose::Algorithm::Es256,
            Self::Es384 => jose::Algorithm::Es384,
            Self::EdDsa => jose::Algorithm::EdDsa,
        }
    }
}

/// A key that an entry holds, and where.
pub(super) struct Written {
    pub(super) key: &'static str,
    /// The value, where some values are available later than the key.
    value: Option<&'static str>,
    pub(super) at: Spanned<()>,
}

impl Written {
    fn key<T>(key: &'static str, written: Option<&Spanned<T>>) -> Option<Self> {
        written.map(|value| Self {
            key,
            value: None,
            at: Spanned::new(value.span(), ()),
        })
    }

    fn word<T: Copy>(
        key: &'static str,
        written: Option<&Spanned<T>>,
        text: fn(T) -> &'static str,
    ) -> Option<Self> {
        Some(Self {
            value: written.map(|value| text(*value.get_ref())),
            ..Self::key(key, written)?
        })
    }

    /// The first of the words that says this key, or this value of it, is not available.
    fn unavailable(&self, not_yet: &[&str]) -> Option<String> {
        let with_value = self
            .value
            .map(|value| format!("{} = \"{value}\"", self.key));
        [Some(self.key.to_owned()), with_value]
            .into_iter()
            .flatten()
            .find(|word| not_yet.contains(&word.as_str()))
    }
}

impl ClientEntry {
    /// The keys of the protocol that the entry holds.
    pub(super) fn written(&self) -> Vec<Written> {
        let keys = [
            Written::word("profile", self.profile.as_ref(), ProfileName::as_str),
            Written::word("auth", self.auth.as_ref(), Method::as_str),
            Written::key("jwks", self.jwks.as_ref()),
            Written::key("jwks_uri", self.jwks_uri.as_ref()),
            Written::key("tls_subject_dn", self.tls_subject_dn.as_ref()),
            Written::key("tls_san_dns", self.tls_san_dns.as_ref()),
            Written::key("tls_san_uri", self.tls_san_uri.as_ref()),
            Written::key("tls_san_email", self.tls_san_email.as_ref()),
            Written::key("tls_san_ip", self.tls_san_ip.as_ref()),
            Written::key("pkce_required", self.pkce_required.as_ref()),
            Written::key("par_required", self.par_required.as_ref()),
            Written::key("request_object", self.request_object.as_ref()),
            Written::key(
                "request_object_algorithm",
                self.request_object_algorithm.as_ref(),
            ),
            Written::key("id_token_algorithm", self.id_token_algorithm.as_ref()),
            Written::key("acr_required", self.acr_required.as_ref()),
            Written::key("subject", self.subject.as_ref()),
            Written::key("sector", self.sector.as_ref()),
            Written::word("bound", self.bound.as_ref(), Binding::as_str),
            Written::word("refresh", self.refresh.as_ref(), Refresh::as_str),
            Written::key("refresh_address", self.refresh_address.as_ref()),
            Written::key("audiences", self.audiences.as_ref()),
            Written::key("introspects", self.introspects.as_ref()),
            Written::key("origins", self.origins.as_ref()),
            Written::key(
                "post_logout_redirect_uris",
                self.post_logout_redirect_uris.as_ref(),
            ),
            Written::key(
                "backchannel_logout_uri",
                self.backchannel_logout_uri.as_ref(),
            ),
            Written::key("fapi", self.fapi.as_ref()),
            Written::key("applications", self.applications.as_ref()),
            Written::key("application_context", self.application_context.as_ref()),
            Written::key("entra", self.entra.as_ref()),
        ];
        keys.into_iter().flatten().collect()
    }

    /// Reports what the server cannot do yet, and says whether there was any of it.
    pub(super) fn refuse_unavailable(&self, report: &mut Report<'_>, not_yet: &[&str]) -> bool {
        let mut refused = false;
        for written in self.written() {
            if let Some(word) = written.unavailable(not_yet) {
                refuse(report, &written.at, &word);
                refused = true;
            }
        }
        refused
    }
}

/// Reports a table of the file that is not available yet.
pub(in crate::directory) fn refuse_table<T>(
    report: &mut Report<'_>,
    not_yet: &[&str],
    word: &str,
    first: Option<&Spanned<T>>,
) {
    if let Some(at) = first.filter(|_| not_yet.contains(&word)) {
        refuse(report, at, word);
    }
}

fn refuse<T>(report: &mut Report<'_>, at: &Spanned<T>, word: &str) {
    report.error(at, format!("`{word}` is not available yet"));
}

/// Without the keys that are not available yet: an editor must not offer what the server refuses.
pub(in crate::directory) fn without_unavailable(mut schema: Schema) -> Schema {
    let is_key = |key: &str| !NOT_YET.contains(&key);
    let is_table = |key: &str| is_key(&format!("[[{key}]]"));
    retain(&mut schema, "/properties", is_table);
    retain(&mut schema, "/$defs/ClientEntry/properties", is_key);
    // What described only the removed ones goes too, and what described only that.
    loop {
        let text = schema.as_value().to_string();
        let named = |name: &str| text.contains(&format!("\"#/$defs/{name}\""));
        if !retain(&mut schema, "/$defs", named) {
            return schema;
        }
    }
}

/// Keeps some members of the object at this place, and says whether others have gone.
fn retain(schema: &mut Schema, place: &str, keep: impl Fn(&str) -> bool) -> bool {
    let Some(Value::Object(members)) = schema.pointer_mut(place) else {
        return false;
    };
    let before = members.len();
    members.retain(|name, _| keep(name));
    members.len() < before
}

/// The shape of a JWK set, RFC 7517 section 5.
pub(super) fn key_set_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": { "keys": { "type": "array", "items": { "type": "object" } } },
        "required": ["keys"]
    })
}
