//! A client as the clients file writes it: its keys, and how they become a record.
//! Leaves the checks to the files below, how clients are found to `clients`, and what a profile rules to `profile`.

mod authentication;
mod checks;
mod profiles;
pub(super) mod protocol;
#[cfg(test)]
pub(super) mod tests;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use self::profiles::EntraEntry;
use self::protocol::{Refresh, RequestObject, SignatureWord, SubjectWord};
use super::audience_entry::{AudienceEntry, AudienceRecord};
use super::client_keys::RawKeys;
use super::client_record::{Binding, ClientRecord, Method, RefreshAddress, Security};
use super::clients::Certificates;
use super::fapi;
use super::profile::{ApplicationContext, Pkce, ProfileName};
use super::scope_entry::{OPENID, ScopeEntry, ScopeRecord};
use super::{HiddenText, RawAttributes, Report, attributes};
use crate::config::Algorithm;
use crate::domain::ids::{ApplicationId, ClientId};

/// The clients of this organisation: applications that let their users sign in here.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientsFile {
    /// One client each.
    #[serde(default)]
    pub(super) client: Vec<ClientEntry>,
    /// Scopes besides those of OpenID Connect, one each.
    #[serde(default)]
    pub(super) scope: Vec<ScopeEntry>,
    /// APIs that access tokens are made for, one each.
    #[serde(default)]
    pub(super) audience: Vec<AudienceEntry>,
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
    /// The kind of consumer; any relying party of OpenID Connect, where it is left out.
    #[schemars(with = "Option<ProfileName>")]
    profile: Option<Spanned<ProfileName>>,
    /// Where answers may be sent, compared exactly: `https`, or `http` on the user's own machine.
    #[schemars(with = "Vec<String>")]
    redirect_uris: Spanned<Vec<Spanned<String>>>,
    /// The secret of a confidential client, as `sha256:` and 64 hexadecimal digits.
    #[schemars(with = "Option<String>")]
    secret: Option<Spanned<HiddenText>>,
    /// Cannot keep a secret: an application in a browser or on a user's machine.
    #[serde(default)]
    public: bool,
    /// How the client proves itself; by its secret or not at all, as `secret` and `public` say, where it is left out.
    #[schemars(with = "Option<Method>")]
    auth: Option<Spanned<Method>>,
    /// The client's public keys, as a JWK set.
    #[serde(default)]
    #[schemars(schema_with = "protocol::key_set_schema")]
    jwks: Option<Spanned<RawKeys>>,
    /// The address of the client's public keys, as a JWK set.
    #[schemars(with = "Option<String>")]
    jwks_uri: Option<Spanned<String>>,
    /// The subject of the client's certificate, in the form of RFC 4514.
    #[schemars(with = "Option<String>")]
    tls_subject_dn: Option<Spanned<String>>,
    /// A DNS name among the alternative names of the client's certificate.
    #[schemars(with = "Option<String>")]
    tls_san_dns: Option<Spanned<String>>,
    /// A URI among the alternative names of the client's certificate.
    #[schemars(with = "Option<String>")]
    tls_san_uri: Option<Spanned<String>>,
    /// An e-mail address among the alternative names of the client's certificate.
    #[schemars(with = "Option<String>")]
    tls_san_email: Option<Spanned<String>>,
    /// An IP address among the alternative names of the client's certificate.
    #[schemars(with = "Option<String>")]
    tls_san_ip: Option<Spanned<String>>,
    /// Whether requests have to use PKCE, also where it is left out. Only a confidential client may go without.
    #[schemars(with = "Option<bool>")]
    pkce_required: Option<Spanned<bool>>,
    /// Whether requests have to be pushed before the browser comes.
    #[schemars(with = "Option<bool>")]
    par_required: Option<Spanned<bool>>,
    /// Whether requests may or have to be signed by the client.
    #[schemars(with = "Option<RequestObject>")]
    request_object: Option<Spanned<RequestObject>>,
    /// The one algorithm that requests may be signed with.
    #[schemars(with = "Option<SignatureWord>")]
    request_object_algorithm: Option<Spanned<SignatureWord>>,
    /// What ID tokens are signed with; what the configuration says, where it is left out.
    #[schemars(with = "Option<Algorithm>")]
    id_token_algorithm: Option<Spanned<Algorithm>>,
    /// Scopes that the client may ask for, `openid` among them.
    #[serde(default = "default_scopes")]
    scopes: BTreeSet<String>,
    /// Whether `acr_values` are a demand and not a wish.
    #[schemars(with = "Option<bool>")]
    acr_required: Option<Spanned<bool>>,
    /// Whether the client is told the same `sub` as others, or one of its own.
    #[schemars(with = "Option<SubjectWord>")]
    subject: Option<Spanned<SubjectWord>>,
    /// A URL whose host stands for all clients that are told the same pairwise `sub`.
    #[schemars(with = "Option<String>")]
    sector: Option<Spanned<String>>,
    /// Whether tokens have to be bound to a key of the client.
    #[schemars(with = "Option<Binding>")]
    bound: Option<Spanned<Binding>>,
    /// Whether the client may refresh, and until when.
    #[schemars(with = "Option<Refresh>")]
    refresh: Option<Spanned<Refresh>>,
    /// Whose address policies are told when the client refreshes.
    #[schemars(with = "Option<RefreshAddress>")]
    refresh_address: Option<Spanned<RefreshAddress>>,
    /// The audiences that the client may ask access tokens for.
    #[schemars(with = "Option<Vec<String>>")]
    audiences: Option<Spanned<Vec<Spanned<String>>>>,
    /// The audiences whose access tokens the client may introspect.
    #[schemars(with = "Option<Vec<String>>")]
    introspects: Option<Spanned<Vec<Spanned<String>>>>,
    /// Web origins that may call the endpoints from a browser, besides those of a public client's redirect URIs.
    #[schemars(with = "Option<Vec<String>>")]
    origins: Option<Spanned<Vec<Spanned<String>>>>,
    /// Where a browser may be sent after the user signed out, compared exactly.
    #[schemars(with = "Option<Vec<String>>")]
    post_logout_redirect_uris: Option<Spanned<Vec<Spanned<String>>>>,
    /// Where the client is told that a session ended.
    #[schemars(with = "Option<String>")]
    backchannel_logout_uri: Option<Spanned<String>>,
    /// Whether the client is held to the FAPI 2.0 Security Profile.
    #[schemars(with = "Option<bool>")]
    fapi: Option<Spanned<bool>>,
    /// Applications behind an Okta factor, by the id of their instance or by their name there.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    applications: Option<Spanned<BTreeMap<String, Spanned<String>>>>,
    /// Whether the application behind a request is believed in any request, or only in a signed one.
    #[schemars(with = "Option<ApplicationContext>")]
    application_context: Option<Spanned<ApplicationContext>>,
    /// What an external authentication method of Microsoft Entra knows of its consumer.
    #[schemars(with = "Option<EntraEntry>")]
    entra: Option<Spanned<EntraEntry>>,
}

fn default_scopes() -> BTreeSet<String> {
    [OPENID, "profile", "email"].map(str::to_owned).into()
}

/// What the rest of the file declares, and what the server cannot do yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// Scopes, by their names.
    pub(super) scopes: &'a BTreeMap<String, ScopeRecord>,
    /// Audiences, by their identifiers.
    pub(super) audiences: &'a BTreeMap<String, AudienceRecord>,
    /// Keys and values that are not available yet.
    pub(super) not_yet: &'a [&'a str],
    /// Whether there is a key to make pairwise subjects with.
    pub(super) pairwise: bool,
    /// What certificates of clients are good for.
    pub(super) certificates: Certificates,
}

impl ClientEntry {
    /// The record, where nothing in it is wrong beyond use; everything wrong is reported.
    pub(super) fn check(
        mut self,
        report: &mut Report<'_>,
        around: Surroundings<'_>,
    ) -> Option<ClientRecord> {
        self.check_ids(report);
        self.check_redirect_uris(report);
        self.check_scopes(report, around);
        let attributes = attributes(report, mem::take(&mut self.attributes));
        // Whether keys that do nothing here fit together is of no interest.
        if self.refuse_unavailable(report, around.not_yet) || self.refuse_foreign(report) {
            return None;
        }
        let rules = self.profile_name().rules();
        let keys = self.client_keys(report);
        let authentication = self.authentication(report, keys.as_ref());
        self.check_certificates(report, around.certificates);
        let profile = self.profile(report, keys.is_some());
        let request_objects = self.request_objects(report, keys);
        let subject = self.subject_type(report, around.pairwise);
        // Who proves itself wrongly meant to prove itself.
        let confidential = authentication
            .as_ref()
            .is_none_or(|proof| proof.method() != Method::None);
        let security = if self.is_fapi() {
            Security::Fapi
        } else {
            Security::Plain
        };
        let id = self.id.get_ref();
        // What may be missing stands last, so that nothing wrong goes unreported.
        let record = ClientRecord {
            id: ClientId::new(id),
            name: self.name.as_ref().unwrap_or(id).clone(),
            application: ApplicationId::new(
                self.application.as_ref().unwrap_or(&self.id).get_ref(),
            ),
            attributes,
            redirect_uris: texts(&self.redirect_uris),
            pkce_required: self.pkce_required(report, rules.pkce),
            scopes: self.scopes.clone(),
            // FAPI 2.0 Security Profile, section 5.3.2.2: requests are pushed.
            par_required: self.is_fapi() || is_true(self.par_required.as_ref()),
            acr_required: is_true(self.acr_required.as_ref()),
            id_token_algorithm: self.id_token_algorithm(report, rules),
            binding: word(self.bound.as_ref()).unwrap_or_default(),
            refresh: self.refresh_policy(report, confidential, around.not_yet),
            audiences: self.audiences(report, around),
            introspects: self.introspects(report, around, confidential),
            origins: self.origins(report),
            post_logout_redirect_uris: self.post_logout_redirect_uris(report),
            backchannel_logout_uri: self.backchannel_logout_uri(report),
            security,
            profile: profile?,
            authentication: authentication?,
            request_objects,
            subject: subject?,
        };
        self.check_security(report, &record, around);
        Some(record)
    }

    fn profile_name(&self) -> ProfileName {
        word(self.profile.as_ref()).unwrap_or_default()
    }

    fn is_fapi(&self) -> bool {
        is_true(self.fapi.as_ref())
    }

    fn pkce_required(&self, report: &mut Report<'_>, pkce: Pkce) -> bool {
        let written = word(self.pkce_required.as_ref());
        let public = self.public || word(self.auth.as_ref()) == Some(Method::None);
        if public && pkce == Pkce::Required && written == Some(false) {
            report.error_with_help(
                &self.id,
                format!("the public client `{}` goes without PKCE", self.id),
                "remove `pkce_required = false`: nothing else protects the codes of a public client",
            );
        }
        written.unwrap_or(pkce == Pkce::Required)
    }

    fn check_security(
        &self,
        report: &mut Report<'_>,
        record: &ClientRecord,
        around: Surroundings<'_>,
    ) {
        let Some(at) = self.fapi.as_ref().filter(|_| self.is_fapi()) else {
            return;
        };
        for lack in fapi::lacks(record, around.audiences) {
            report.error_with_help(
                at,
                format!(
                    "the client `{}` is held to FAPI 2.0 and {}",
                    self.id, lack.what
                ),
                lack.help,
            );
        }
    }
}

/// A word that is written, without its place.
fn word<T: Copy>(written: Option<&Spanned<T>>) -> Option<T> {
    written.map(|word| *word.get_ref())
}

fn is_true(written: Option<&Spanned<bool>>) -> bool {
    word(written).unwrap_or(false)
}

/// Texts without their places.
fn texts<C: FromIterator<String>>(written: &Spanned<Vec<Spanned<String>>>) -> C {
    written
        .get_ref()
        .iter()
        .map(|text| text.get_ref().clone())
        .collect()
}
