//! A client as the rest of the server knows it: every setting parsed, and none that contradicts another.
//! Leaves to others how the file writes it (`client_entry`), how clients are found (`clients`) and what its
//! profile rules (`profile`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use doorward_engine::AttributeValue;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::client_keys::ClientKeys;
use super::client_secret::ClientSecretHash;
use super::profile::{Profile, ResponseType};
use crate::config::Algorithm;
use crate::domain::distinguished_name::DistinguishedName;
use crate::domain::ids::{ApplicationId, ClientId};
use crate::jose;

/// One client as the operator registered it.
#[derive(Debug, Clone)]
pub struct ClientRecord {
    /// The identifier, `client_id` of requests.
    pub id: ClientId,
    /// The name that people see.
    pub name: String,
    /// The application that policies decide about.
    pub application: ApplicationId,
    /// Attributes that the organisation added to `Application` in its schema.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// The kind of consumer, which fixes much of the protocol.
    pub profile: Profile,
    /// Where answers may be sent. A request is matched by exact comparison, RFC 9700 section 4.1.3.
    pub redirect_uris: Vec<String>,
    /// How the client proves itself at the token endpoint.
    pub authentication: ClientAuthentication,
    /// Whether requests have to use PKCE, RFC 7636.
    pub pkce_required: bool,
    /// Scopes that the client may ask for.
    pub scopes: BTreeSet<String>,
    /// Whether requests have to be pushed before the browser comes, RFC 9126 section 6.
    pub par_required: bool,
    /// Whether and how requests may be signed.
    pub request_objects: RequestObjects,
    /// Whether `acr_values` are a demand and not a wish.
    pub acr_required: bool,
    /// What ID tokens are signed with, where it is not what the configuration says.
    pub id_token_algorithm: Option<Algorithm>,
    /// What the client is told users are called.
    pub subject: SubjectType,
    /// Whether tokens have to be bound to a key of the client.
    pub binding: Binding,
    /// Whether and how long the client may refresh.
    pub refresh: RefreshPolicy,
    /// Identifiers of the audiences that the client may ask access tokens for, RFC 8707.
    pub audiences: BTreeSet<String>,
    /// Identifiers of the audiences whose tokens the client may introspect, RFC 7662.
    pub introspects: BTreeSet<String>,
    /// Web origins, besides those of its redirect URIs, that may call the endpoints from a browser.
    pub origins: BTreeSet<String>,
    /// Where a browser may be sent after the user signed out.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where the client is told that a session ended.
    pub backchannel_logout_uri: Option<Url>,
    /// Whether the client is held to the FAPI 2.0 Security Profile.
    pub security: Security,
}

impl ClientRecord {
    /// Whether the client cannot prove itself, RFC 6749 section 2.1.
    #[must_use]
    pub fn is_public(&self) -> bool {
        matches!(self.authentication, ClientAuthentication::None)
    }

    /// The public keys of the client, where it has any.
    #[must_use]
    pub fn keys(&self) -> Option<&ClientKeys> {
        match (&self.authentication, &self.request_objects) {
            (
                ClientAuthentication::PrivateKeyJwt(keys)
                | ClientAuthentication::SelfSignedTls(keys),
                _,
            ) => Some(keys),
            (_, RequestObjects::Optional(signed) | RequestObjects::Required(signed)) => {
                Some(&signed.keys)
            }
            (_, RequestObjects::Refused) => None,
        }
    }

    /// The web origins that may call the endpoints from a browser: those of a public client's redirect URIs,
    /// because it runs there, and those that the operator names.
    pub(super) fn web_origins(&self) -> impl Iterator<Item = String> {
        let response_types = self.profile.rules().response_types;
        let runs_there = self.is_public() && response_types.contains(&ResponseType::Code);
        self.redirect_uris
            .iter()
            .filter(move |_| runs_there)
            .filter_map(|uri| Url::parse(uri).ok())
            .map(|uri| uri.origin().ascii_serialization())
            .chain(self.origins.iter().cloned())
    }
}

/// How a client proves itself, RFC 6749 section 2.1.
#[derive(Debug, Clone)]
pub enum ClientAuthentication {
    /// Not at all: a public client, which cannot keep a secret.
    None,
    /// With the secret of this hash: a confidential client.
    Secret(ClientSecretHash),
    /// With an assertion signed by one of these keys, RFC 7523 and OpenID Connect Core section 9.
    PrivateKeyJwt(ClientKeys),
    /// With a certificate of an authority that names it so, RFC 8705 section 2.1.
    Tls(TlsName),
    /// With a certificate it signed itself, of one of these keys, RFC 8705 section 2.2.
    SelfSignedTls(ClientKeys),
}

impl ClientAuthentication {
    /// The method, without what it needs.
    #[must_use]
    pub fn method(&self) -> Method {
        match self {
            Self::None => Method::None,
            Self::Secret(_) => Method::Secret,
            Self::PrivateKeyJwt(_) => Method::PrivateKeyJwt,
            Self::Tls(_) => Method::Tls,
            Self::SelfSignedTls(_) => Method::SelfSignedTls,
        }
    }
}

/// A method by which clients prove themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Not at all.
    None,
    /// A secret, in the header or in the form.
    Secret,
    /// A signed assertion.
    PrivateKeyJwt,
    /// A certificate of a known authority.
    Tls,
    /// A certificate of a known key.
    SelfSignedTls,
}

impl Method {
    /// The word for it in the clients file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Secret => "secret",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::Tls => "tls",
            Self::SelfSignedTls => "self_signed_tls",
        }
    }
}

/// The one name that a client's certificate is known by, RFC 8705 section 2.1.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsName {
    /// The distinguished name of its subject.
    SubjectDn(DistinguishedName),
    /// A DNS name among its alternative names.
    Dns(String),
    /// A URI among its alternative names.
    Uri(String),
    /// An e-mail address among its alternative names.
    Email(String),
    /// An IP address among its alternative names.
    Ip(IpAddr),
}

/// Whether the client's requests may be signed, RFC 9101.
#[derive(Debug, Clone)]
pub enum RequestObjects {
    /// No: there is no key to verify one by.
    Refused,
    /// They may be.
    Optional(SignedRequests),
    /// They have to be.
    Required(SignedRequests),
}

/// What signed requests are verified with.
#[derive(Debug, Clone)]
pub struct SignedRequests {
    /// The client's public keys.
    pub keys: ClientKeys,
    /// The one algorithm that is taken; any that fits the key, where it is left out.
    pub algorithm: Option<jose::Algorithm>,
}

/// What a client is told users are called, OpenID Connect Core section 8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectType {
    /// Every client is told the same.
    Public,
    /// Each sector is told another name.
    Pairwise(Sector),
}

/// The clients that are told the same names: a host, OpenID Connect Core section 8.1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sector(String);

impl Sector {
    /// The sector of this host.
    pub(super) fn of(host: impl Into<String>) -> Self {
        Self(host.into())
    }

    /// The host.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What tokens of the client have to be bound to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    /// Nothing: whoever has a token may use it.
    #[default]
    None,
    /// A key that each request proves, RFC 9449.
    Dpop,
    /// The certificate of the connection, RFC 8705 section 3.
    Certificate,
    /// One of the two, as the client likes.
    Any,
}

impl Binding {
    /// The word for it in the clients file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Dpop => "dpop",
            Self::Certificate => "certificate",
            Self::Any => "any",
        }
    }
}

/// Whether the client may get new access tokens without the browser, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshPolicy {
    /// Never.
    Never,
    /// While the user's session here lives.
    Session(RefreshAddress),
    /// Whether the user is there or not, after it asked for the scope `offline_access`.
    Offline(RefreshAddress),
}

/// Whose address policies are told when a client refreshes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshAddress {
    /// That of the request: the client runs on the user's machine.
    Request,
    /// None: the request comes from a server, which says nothing about the user.
    Unknown,
    /// That of the sign-in, as old as it is.
    SignIn,
}

/// The set of rules that a client is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// OAuth and OpenID Connect with their best current practice, RFC 9700.
    Plain,
    /// The FAPI 2.0 Security Profile besides.
    Fapi,
}
