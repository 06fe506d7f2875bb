//! What the client of an entry is given: who users are to it, tokens for which APIs, signed and refreshed how.
//! Leaves to others the making of tokens (`tokens`) and how requests are verified (`oidc`).

use std::collections::BTreeSet;

use toml::Spanned;
use url::{Host, Url};

use super::super::Report;
use super::super::client_keys::ClientKeys;
use super::super::client_record::{
    RefreshAddress, RefreshPolicy, RequestObjects, Sector, SignedRequests, SubjectType,
};
use super::super::profile::Rules;
use super::super::redirect_uri::is_loopback;
use super::super::scope_entry::OFFLINE_ACCESS;
use super::protocol::{AUDIENCE_TABLES, Refresh, RequestObject, SignatureWord, SubjectWord};
use super::{ClientEntry, Surroundings, texts, word};
use crate::config::{Algorithm, toml_file};

impl ClientEntry {
    /// Signed requests, RFC 9101: there is a key to verify them by, or none are taken.
    pub(super) fn request_objects(
        &self,
        report: &mut Report<'_>,
        keys: Option<ClientKeys>,
    ) -> RequestObjects {
        let Some(keys) = keys else {
            self.refuse_unverifiable(report);
            return RequestObjects::Refused;
        };
        let signed = SignedRequests {
            keys,
            algorithm: word(self.request_object_algorithm.as_ref()).map(SignatureWord::algorithm),
        };
        match word(self.request_object.as_ref()) {
            None | Some(RequestObject::Optional) => RequestObjects::Optional(signed),
            Some(RequestObject::Required) => RequestObjects::Required(signed),
        }
    }

    fn refuse_unverifiable(&self, report: &mut Report<'_>) {
        // Keys that are there and wrong are reported already.
        if self.jwks.is_some() || self.jwks_uri.is_some() {
            return;
        }
        let message = |key: &str| {
            format!(
                "the client `{}` has `{key}` and no keys to verify requests by",
                self.id
            )
        };
        let help = "give it `jwks_uri` or `jwks`, or remove the line";
        if let Some(at) = &self.request_object {
            report.error_with_help(at, message("request_object"), help);
        }
        if let Some(at) = &self.request_object_algorithm {
            report.error_with_help(at, message("request_object_algorithm"), help);
        }
    }

    /// What ID tokens are signed with: the profile's word counts, where it has one.
    pub(super) fn id_token_algorithm(
        &self,
        report: &mut Report<'_>,
        rules: &Rules,
    ) -> Option<Algorithm> {
        let (Some(known), Some(written)) = (rules.algorithm, &self.id_token_algorithm) else {
            let chosen = rules.algorithm.or(word(self.id_token_algorithm.as_ref()));
            // FAPI 2.0 Security Profile, section 5.4.1: not RS256, even where the configuration says so.
            return chosen.or(self.is_fapi().then_some(Algorithm::Es256));
        };
        if *written.get_ref() != known {
            report.error_with_help(
                written,
                format!(
                    "the profile `{}` of client `{}` knows ID tokens of one algorithm",
                    self.profile_name().as_str(),
                    self.id
                ),
                "remove the line: the profile chooses the algorithm",
            );
        }
        Some(known)
    }

    /// What the client is told users are called, OpenID Connect Core section 8.
    pub(super) fn subject_type(
        &self,
        report: &mut Report<'_>,
        key_exists: bool,
    ) -> Option<SubjectType> {
        let pairwise = |word: &&Spanned<SubjectWord>| *word.get_ref() == SubjectWord::Pairwise;
        let Some(pairwise) = self.subject.as_ref().filter(pairwise) else {
            if let Some(sector) = &self.sector {
                report.error_with_help(
                    sector,
                    format!("the client `{}` has a sector and public subjects", self.id),
                    "remove `sector`, or write `subject = \"pairwise\"`",
                );
            }
            return Some(SubjectType::Public);
        };
        if !key_exists {
            report.error_with_help(
                pairwise,
                format!(
                    "the client `{}` has pairwise subjects, and there is no key to make them with",
                    self.id
                ),
                "name the file with the key: `pairwise_key` in `[tokens]` of `doorward.toml`",
            );
        }
        let sector = match &self.sector {
            Some(sector) => {
                let url = self.url(report, "sector", sector)?;
                url.host_str().map(str::to_owned)
            }
            None => self.host_of_redirects(),
        };
        if sector.is_none() {
            report.error_with_help(
                pairwise,
                format!(
                    "the client `{}` has pairwise subjects, and its redirect URIs do not name one host",
                    self.id
                ),
                "say who is told the same names: `sector = \"https://…\"`",
            );
        }
        sector.map(|host| SubjectType::Pairwise(Sector::of(host)))
    }

    /// The one host of all redirect URIs, OpenID Connect Core section 8.1. The user's own machine is no such
    /// host: clients that run there would be told the same names, whoever they belong to.
    fn host_of_redirects(&self) -> Option<String> {
        let hosts: BTreeSet<Option<String>> = self
            .redirect_uris
            .get_ref()
            .iter()
            .map(|uri| {
                let url = Url::parse(uri.get_ref()).ok()?;
                let host: Host<&str> = url.host()?;
                (!is_loopback(&host)).then(|| host.to_string())
            })
            .collect();
        let mut hosts = hosts.into_iter();
        let first = hosts.next()?;
        first.filter(|_| hosts.next().is_none())
    }

    /// Whether the client may refresh, until when, and whose address counts then.
    pub(super) fn refresh_policy(
        &self,
        report: &mut Report<'_>,
        confidential: bool,
        not_yet: &[&str],
    ) -> RefreshPolicy {
        let refresh = word(self.refresh.as_ref()).unwrap_or_default();
        self.check_offline_access(report, refresh, not_yet);
        // A public client runs on the user's machine; a confidential one on a server of its own.
        let address = word(self.refresh_address.as_ref()).unwrap_or(if confidential {
            RefreshAddress::Unknown
        } else {
            RefreshAddress::Request
        });
        match refresh {
            Refresh::Session => RefreshPolicy::Session(address),
            Refresh::Offline => RefreshPolicy::Offline(address),
            Refresh::Never => {
                if let Some(at) = &self.refresh_address {
                    report.error_with_help(
                        at,
                        format!(
                            "the client `{}` has `refresh_address` and never refreshes",
                            self.id
                        ),
                        "remove the line, or write `refresh = \"session\"` or `refresh = \"offline\"`",
                    );
                }
                RefreshPolicy::Never
            }
        }
    }

    /// The scope and the key say the same, OpenID Connect Core section 11.
    fn check_offline_access(&self, report: &mut Report<'_>, refresh: Refresh, not_yet: &[&str]) {
        let asks = self.scopes.contains(OFFLINE_ACCESS);
        if refresh == Refresh::Offline && !asks {
            report.error_with_help(
                &self.id,
                format!("the scopes of client `{}` lack `offline_access`", self.id),
                "add it to `scopes`, or write `refresh = \"session\"`",
            );
        }
        // Before clients can refresh, the scope means nothing and may stand there.
        let can_refresh = !not_yet.contains(&"refresh");
        if can_refresh && refresh != Refresh::Offline && asks {
            report.error_with_help(
                &self.id,
                format!(
                    "the client `{}` may ask for `offline_access` and is not given it",
                    self.id
                ),
                "write `refresh = \"offline\"`, or remove the scope",
            );
        }
    }

    /// The audiences that the client may ask tokens for, RFC 8707.
    pub(super) fn audiences(
        &self,
        report: &mut Report<'_>,
        around: Surroundings<'_>,
    ) -> BTreeSet<String> {
        self.known_audiences(report, self.audiences.as_ref(), around)
    }

    /// The audiences whose tokens the client may introspect: RFC 7662, section 2.1 wants it to prove itself.
    pub(super) fn introspects(
        &self,
        report: &mut Report<'_>,
        around: Surroundings<'_>,
        confidential: bool,
    ) -> BTreeSet<String> {
        if let Some(at) = self.introspects.as_ref().filter(|_| !confidential) {
            report.error_with_help(
                at,
                format!("the client `{}` is public and introspects tokens", self.id),
                "give it a `secret`, or remove the line: tokens are shown to nobody who does not prove itself",
            );
        }
        self.known_audiences(report, self.introspects.as_ref(), around)
    }

    fn known_audiences(
        &self,
        report: &mut Report<'_>,
        written: Option<&Spanned<Vec<Spanned<String>>>>,
        around: Surroundings<'_>,
    ) -> BTreeSet<String> {
        let Some(written) = written else {
            return BTreeSet::new();
        };
        let known: Vec<&str> = around.audiences.keys().map(String::as_str).collect();
        for audience in written.get_ref() {
            let typed = audience.get_ref().as_str();
            if !known.contains(&typed) {
                let help = match toml_file::nearest(typed, &known) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("declare it: `{AUDIENCE_TABLES}` with `id = \"{typed}\"`"),
                };
                report.error_with_help(
                    audience,
                    format!(
                        "the audience `{typed}` of client `{}` is not declared",
                        self.id
                    ),
                    help,
                );
            }
        }
        texts(written)
    }
}
