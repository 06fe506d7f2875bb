//! What the profile of an entry brings and forbids: the keys of brokers, and those that mean nothing to them.
//! Leaves the rules themselves to `profile` and obeying them to `oidc`.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::super::guid::Guid;
use super::super::profile::{
    ApplicationContext, ENTRA_REDIRECT_URIS, EntraCloud, EntraMfa, OktaFactor, Profile,
    ProfileName, RedirectUris,
};
use super::super::{Report, check_id};
use super::{ClientEntry, word};
use crate::domain::ids::ApplicationId;

/// Keys that belong to one broker alone.
const OIDC_RP_FORBIDS: &[&str] = &["applications", "application_context", "entra"];

/// Okta redeems a code with a secret or an assertion and reads one answer: it knows no bound tokens, no pushed
/// requests and no other names of users than its own, and never refreshes.
const OKTA_FACTOR_FORBIDS: &[&str] = &[
    "par_required",
    "acr_required",
    "subject",
    "sector",
    "bound",
    "refresh",
    "refresh_address",
    "audiences",
    "introspects",
    "fapi",
    "entra",
];

/// As before; and there is no application behind the question, and no session that could end.
const OKTA_POSTURE_FORBIDS: &[&str] = &[
    "par_required",
    "acr_required",
    "subject",
    "sector",
    "bound",
    "refresh",
    "refresh_address",
    "audiences",
    "introspects",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "fapi",
    "applications",
    "application_context",
    "entra",
];

/// Entra sends a form and gets one back: there is no code, no token, no key and no session.
const ENTRA_MFA_FORBIDS: &[&str] = &[
    "jwks",
    "jwks_uri",
    "pkce_required",
    "par_required",
    "request_object",
    "request_object_algorithm",
    "acr_required",
    "subject",
    "sector",
    "bound",
    "refresh",
    "refresh_address",
    "audiences",
    "introspects",
    "origins",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "fapi",
    "applications",
    "application_context",
];

/// What an external authentication method of Microsoft Entra knows of its consumer, as the file writes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EntraEntry {
    /// The application that stands for this provider at Entra, a GUID.
    #[schemars(with = "String")]
    app_id: Spanned<String>,
    /// The tenants whose users are answered for, GUIDs.
    #[schemars(with = "Vec<String>")]
    tenants: Spanned<Vec<Spanned<String>>>,
    /// The cloud they are in.
    #[serde(default)]
    cloud: EntraCloud,
    /// The discovery document of the hints' issuer; that of the cloud, where it is left out.
    #[schemars(with = "Option<String>")]
    discovery: Option<Spanned<String>>,
}

impl ClientEntry {
    /// Reports keys that mean nothing to the profile, and says whether there were any.
    pub(super) fn refuse_foreign(&self, report: &mut Report<'_>) -> bool {
        let name = self.profile_name();
        let forbidden = match name {
            ProfileName::OidcRp => OIDC_RP_FORBIDS,
            ProfileName::OktaFactor => OKTA_FACTOR_FORBIDS,
            ProfileName::OktaPosture => OKTA_POSTURE_FORBIDS,
            ProfileName::EntraMfa => ENTRA_MFA_FORBIDS,
        };
        let mut foreign = false;
        for written in self.written() {
            if forbidden.contains(&written.key) {
                report.error_with_help(
                    &written.at,
                    format!(
                        "the profile `{}` of client `{}` has no use for `{}`",
                        name.as_str(),
                        self.id,
                        written.key
                    ),
                    "remove the key, or write the profile that it belongs to",
                );
                foreign = true;
            }
        }
        foreign
    }

    /// The profile with what belongs to it alone.
    pub(super) fn profile(&self, report: &mut Report<'_>, has_keys: bool) -> Option<Profile> {
        let name = self.profile_name();
        if name.rules().redirect_uris == RedirectUris::EntraOnly {
            self.check_entra_redirects(report);
        }
        match name {
            ProfileName::OidcRp => Some(Profile::OidcRp),
            ProfileName::OktaFactor => {
                Some(Profile::OktaFactor(self.okta_factor(report, has_keys)))
            }
            ProfileName::OktaPosture => Some(Profile::OktaPosture),
            ProfileName::EntraMfa => self.entra_mfa(report).map(Profile::EntraMfa),
        }
    }

    fn check_entra_redirects(&self, report: &mut Report<'_>) {
        for uri in self.redirect_uris.get_ref() {
            if !ENTRA_REDIRECT_URIS.contains(&uri.get_ref().as_str()) {
                report.error_with_help(
                    uri,
                    format!(
                        "the redirect URI `{uri}` of client `{}` is not one of Microsoft Entra",
                        self.id
                    ),
                    format!("it is one of: {}", ENTRA_REDIRECT_URIS.join(", ")),
                );
            }
        }
    }

    fn okta_factor(&self, report: &mut Report<'_>, has_keys: bool) -> OktaFactor {
        let mut applications = BTreeMap::new();
        for (key, application) in self.applications.iter().flat_map(Spanned::get_ref) {
            if key.is_empty() || key.contains(char::is_control) {
                report.error(
                    application,
                    format!(
                        "an application of client `{}` has no name at Okta, or control characters in it",
                        self.id
                    ),
                );
            }
            check_id(report, "application", application);
            applications.insert(key.clone(), ApplicationId::new(application.get_ref()));
        }
        let context = word(self.application_context.as_ref()).unwrap_or_default();
        if let Some(at) = self
            .application_context
            .as_ref()
            .filter(|_| context == ApplicationContext::Signed && !has_keys)
        {
            report.error_with_help(
                at,
                format!(
                    "the client `{}` signs its requests and has no keys to verify them by",
                    self.id
                ),
                "give it `jwks_uri` or `jwks`, or remove `application_context`",
            );
        }
        OktaFactor {
            applications,
            context,
        }
    }

    fn entra_mfa(&self, report: &mut Report<'_>) -> Option<EntraMfa> {
        let Some(entra) = &self.entra else {
            report.error_with_help(
                &self.id,
                format!("the client `{}` does not say whom it answers for", self.id),
                "the profile `entra-mfa` needs `entra = { app_id = \"…\", tenants = [\"…\"] }`",
            );
            return None;
        };
        let entry = entra.get_ref();
        let app_id = self.guid(report, "app_id", &entry.app_id);
        let written = entry.tenants.get_ref();
        if written.is_empty() {
            report.error(
                &entry.tenants,
                format!("the client `{}` answers for no tenant", self.id),
            );
        }
        let tenants: BTreeSet<Guid> = written
            .iter()
            .filter_map(|tenant| self.guid(report, "tenants", tenant))
            .collect();
        let discovery = match &entry.discovery {
            Some(written) => self.url(report, "discovery", written),
            // The address is a constant, and a test parses each of them.
            None => Url::parse(entry.cloud.discovery()).ok(),
        };
        Some(EntraMfa {
            app_id: app_id?,
            tenants,
            discovery: discovery?,
        })
    }

    fn guid(&self, report: &mut Report<'_>, key: &str, written: &Spanned<String>) -> Option<Guid> {
        match written.get_ref().parse::<Guid>() {
            Ok(guid) => Some(guid),
            Err(problem) => {
                report.error(
                    written,
                    format!(
                        "`{written}` in `{key}` of client `{}` is {problem}",
                        self.id
                    ),
                );
                None
            }
        }
    }
}
