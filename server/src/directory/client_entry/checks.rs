//! The identifiers, addresses and scopes of an entry.
//! Leaves to others which addresses are acceptable (`redirect_uri`) and how a request is matched (`oidc`).

use std::collections::BTreeSet;

use url::Url;

use super::super::scope_entry::{OPENID, STANDARD, is_scope};
use super::super::{Report, check_id, redirect_uri};
use super::protocol::SCOPE_TABLES;
use super::{ClientEntry, Surroundings, texts};

impl ClientEntry {
    pub(super) fn check_ids(&self, report: &mut Report<'_>) {
        check_id(report, "client", &self.id);
        if let Some(application) = &self.application {
            check_id(report, "application", application);
        }
    }

    pub(super) fn check_redirect_uris(&self, report: &mut Report<'_>) {
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

    pub(super) fn check_scopes(&self, report: &mut Report<'_>, around: Surroundings<'_>) {
        let client = self.id.get_ref();
        if !self.scopes.contains(OPENID) {
            report.error(
                &self.id,
                format!("the scopes of client `{client}` lack `openid`"),
            );
        }
        for scope in &self.scopes {
            if !is_scope(scope) {
                report.error(
                    &self.id,
                    format!(
                        "the scope `{scope}` of client `{client}` is not one word of visible ASCII"
                    ),
                );
            } else if !is_declared(scope, around) {
                report.error_with_help(
                    &self.id,
                    format!("the scope `{scope}` of client `{client}` is not declared"),
                    "declare it in a `[[scope]]` or among the scopes of an `[[audience]]`",
                );
            }
        }
    }

    /// Origins as browsers send them, RFC 6454 section 6.2.
    pub(super) fn origins(&self, report: &mut Report<'_>) -> BTreeSet<String> {
        let Some(origins) = &self.origins else {
            return BTreeSet::new();
        };
        for origin in origins.get_ref() {
            if let Err(problem) = check_origin(origin.get_ref()) {
                report.error_with_help(
                    origin,
                    format!("the origin `{origin}` of client `{}` {problem}", self.id),
                    "write it as in `https://app.example.com`",
                );
            }
        }
        texts(origins)
    }

    /// RP-Initiated Logout 1.0, section 3.1: compared exactly, as redirect URIs are.
    pub(super) fn post_logout_redirect_uris(&self, report: &mut Report<'_>) -> Vec<String> {
        let Some(uris) = &self.post_logout_redirect_uris else {
            return Vec::new();
        };
        for uri in uris.get_ref() {
            self.url(report, "post_logout_redirect_uris", uri);
        }
        texts(uris)
    }

    /// Back-Channel Logout 1.0, section 2.2: an absolute URI without a fragment.
    pub(super) fn backchannel_logout_uri(&self, report: &mut Report<'_>) -> Option<Url> {
        let written = self.backchannel_logout_uri.as_ref()?;
        self.url(report, "backchannel_logout_uri", written)
    }
}

/// Whether the scope means something. Before scopes can be declared, any word may stand for one.
fn is_declared(scope: &str, around: Surroundings<'_>) -> bool {
    let mut audiences = around.audiences.values();
    around.not_yet.contains(&SCOPE_TABLES)
        || STANDARD.contains(&scope)
        || around.scopes.contains_key(scope)
        || audiences.any(|audience| audience.scopes.contains(scope))
}

fn check_origin(text: &str) -> Result<(), &'static str> {
    redirect_uri::check(text)?;
    let origin = Url::parse(text).map(|url| url.origin().ascii_serialization());
    if origin.is_ok_and(|origin| origin == text) {
        Ok(())
    } else {
        Err("is more than scheme, host and port")
    }
}
