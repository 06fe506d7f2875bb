//! Checks of what Entra publishes for us: who signs its hints, with which keys, and by which clock.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::Value;
use url::Url;

use super::{CLOCK, Door, HINT_ISSUER, HINT_KEYS, Patient};
use crate::cli::doctor::check::Check;
use crate::cli::doctor::door::{Members, Met, Seen, judged, meet};
use crate::domain::clock::Clock;
use crate::jose::{Algorithm, JsonWebKeys, Strictness};
use crate::remote::Remote;

/// What Entra writes instead of a tenant where a document is for all of them.
const ANY_TENANT: &str = "{tenantid}";
/// From then on hints count as coming from the future, sooner or later.
const FAR: TimeDelta = TimeDelta::seconds(30);

const NO_CLIENT: &str = "no client has the profile `entra-mfa`";
const FIX: &str = "see whether `[outbound]` leads there, and whether `cloud` of `[client.entra]` is the right one";

/// Who signs hints.
#[derive(Debug)]
pub(super) struct HintIssuer {
    pub(super) url: Url,
    pub(super) discovery: Met,
    /// The keys that the document names; none where it names none.
    pub(super) keys: Option<(Url, Met)>,
}

/// Asks for the documents of these clients, each once.
pub(super) async fn ask(
    remote: Option<&Remote>,
    doors: &[Door<'_>],
    clock: &dyn Clock,
) -> Vec<HintIssuer> {
    let mut issuers: Vec<HintIssuer> = Vec::new();
    for door in doors {
        let url = &door.entra.discovery;
        if issuers.iter().any(|known| known.url == *url) {
            continue;
        }
        let discovery = meet(remote, Method::GET, url, clock).await;
        let keys = match keys_of(&discovery) {
            Some(keys) => {
                let met = meet(remote, Method::GET, &keys, clock).await;
                Some((keys, met))
            }
            None => None,
        };
        issuers.push(HintIssuer {
            url: url.clone(),
            discovery,
            keys,
        });
    }
    issuers
}

fn keys_of(discovery: &Met) -> Option<Url> {
    let members = discovery.members()?;
    Url::parse(members.get("jwks_uri")?.as_str()?).ok()
}

impl Patient<'_> {
    pub(super) fn hint_issuer(&self) -> Check {
        let mut lines = Vec::new();
        for issuer in &self.hints {
            let url = &issuer.url;
            match &issuer.discovery {
                Met::Unasked(why) => return Check::not_checked(HINT_ISSUER, *why),
                Met::Silent(why) => lines.push(format!("`{url}` {why}")),
                Met::Answered(seen) => match seen.members() {
                    Err(why) => lines.push(format!("`{url}` {why}")),
                    Ok(members) => lines.extend(self.wrong_issuer(url, &members)),
                },
            }
        }
        if self.hints.is_empty() {
            return Check::not_checked(HINT_ISSUER, NO_CLIENT);
        }
        let good = "it is known who signs the hints of the tenant";
        judged(HINT_ISSUER, lines, good, (Check::bad, FIX))
    }

    fn wrong_issuer(&self, url: &Url, members: &Members) -> Vec<String> {
        let mut lines = Vec::new();
        match members.get("issuer").and_then(Value::as_str) {
            None => lines.push(format!("`{url}` names no issuer")),
            Some(issuer) if !self.of_tenant(issuer).contains(self.tenant.as_str()) => {
                lines.push(format!("`{issuer}` is the issuer of another tenant"));
            }
            Some(_) => {}
        }
        let keys = members.get("jwks_uri").and_then(Value::as_str);
        if keys.is_none_or(|keys| Url::parse(keys).is_err()) {
            lines.push(format!("`{url}` names no keys"));
        }
        lines
    }

    fn of_tenant(&self, issuer: &str) -> String {
        issuer.replace(ANY_TENANT, self.tenant.as_str())
    }

    pub(super) fn hint_keys(&self) -> Check {
        if self.hints.is_empty() {
            return Check::not_checked(HINT_KEYS, NO_CLIENT);
        }
        let (mut lines, mut asked) = (Vec::new(), false);
        for issuer in &self.hints {
            if let Met::Unasked(why) = &issuer.discovery {
                return Check::not_checked(HINT_KEYS, *why);
            }
            // That there are none is told by the check before.
            let Some((url, met)) = &issuer.keys else {
                continue;
            };
            asked = true;
            let why = match met {
                Met::Unasked(why) => return Check::not_checked(HINT_KEYS, *why),
                Met::Silent(why) => Some(why.clone()),
                Met::Answered(seen) => match seen.members() {
                    Err(why) => Some(why),
                    Ok(set) => self.wrong_keys(issuer, &set),
                },
            };
            lines.extend(why.map(|why| format!("`{url}` {why}")));
        }
        if !asked {
            return Check::not_checked(HINT_KEYS, "it is not known where the keys are: see above");
        }
        let good = "the keys that sign the hints of the tenant can be fetched";
        judged(HINT_KEYS, lines, good, (Check::bad, FIX))
    }

    /// Why no key of a set can sign a hint of the tenant.
    fn wrong_keys(&self, issuer: &HintIssuer, set: &Members) -> Option<String> {
        let known = match JsonWebKeys::from_object(set, Strictness::Foreign) {
            Ok(known) => known,
            Err(error) => return Some(format!("cannot be used: {error}")),
        };
        let members = issuer.discovery.members()?;
        let expected = self.of_tenant(members.get("issuer")?.as_str()?);
        let listed = set.get("keys").and_then(Value::as_array);
        // Some keys are for one tenant only.
        let theirs: Vec<&str> = listed
            .into_iter()
            .flatten()
            .filter(|key| {
                let named = key.get("issuer").and_then(Value::as_str);
                named.is_none_or(|named| self.of_tenant(named) == expected)
            })
            .filter_map(|key| key.get("kid")?.as_str())
            .collect();
        let signs = known.all().any(|key| {
            key.fits(Algorithm::Rs256) && key.id().is_some_and(|kid| theirs.contains(&kid))
        });
        (!signs).then(|| "has no key that signs hints of this tenant with RS256".to_owned())
    }

    /// Hints are as old as their `iat` says, by the clock of this provider.
    pub(super) fn clock(&self) -> Check {
        self.documents.discovery.when_read(CLOCK, |seen, _| {
            let theirs = self.hints.iter().find_map(|it| it.discovery.seen());
            let (Some(own), Some(theirs)) = (seen.ahead(), theirs.and_then(Seen::ahead)) else {
                return Check::not_checked(CLOCK, "only one of the two servers tells the time");
            };
            let apart = (own - theirs).abs();
            let finding = format!(
                "the clocks of this provider and of Entra are {} s apart",
                apart.num_seconds()
            );
            if apart < FAR {
                return Check::good(CLOCK, finding);
            }
            Check::bad(CLOCK, finding).with_fix("keep the clock of the server by NTP")
        })
    }
}
