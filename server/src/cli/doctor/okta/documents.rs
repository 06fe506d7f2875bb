//! Checks of what the provider publishes, as Okta meets it, and of the keys that Okta publishes for it.

use chrono::TimeDelta;
use reqwest::Method;
use url::Url;

use super::{CLIENT_KEYS, CLOCK, DISCOVERY, Patient, REACHED, RS256};
use crate::cli::doctor::check::Check;
use crate::cli::doctor::door::{Met, Place, Seen, inconsistent, judged, lists, meet, rs256};
use crate::directory::clients::{ClientKeys, ClientRecord};
use crate::domain::clock::Clock;
use crate::jose::{JsonWebKeys, Strictness};
use crate::remote::Remote;

/// The clock of an answer tells whole seconds.
const TICK: TimeDelta = TimeDelta::seconds(1);
/// A clock that is this far behind is not kept at all.
const FAR_BEHIND: TimeDelta = TimeDelta::seconds(30);

/// What was to be had.
#[derive(Debug)]
pub(super) struct Documents {
    pub(super) url: Url,
    pub(super) discovery: Met,
    pub(super) keys: Met,
    /// The keys of clients that are fetched.
    pub(super) client_keys: Vec<(Url, Met)>,
}

impl Documents {
    /// Asks for everything.
    pub(super) async fn ask(
        remote: Option<&Remote>,
        place: &Place,
        clients: &[&ClientRecord],
        clock: &dyn Clock,
    ) -> Self {
        let url = place.own("/.well-known/openid-configuration");
        let mut client_keys: Vec<(Url, Met)> = Vec::new();
        for client in clients {
            if let Some(ClientKeys::Remote(url)) = client.keys()
                && client_keys.iter().all(|(known, _)| known != url)
            {
                let met = meet(remote, Method::GET, url, clock).await;
                client_keys.push((url.clone(), met));
            }
        }
        Self {
            discovery: meet(remote, Method::GET, &url, clock).await,
            keys: meet(remote, Method::GET, &place.own("/jwks"), clock).await,
            client_keys,
            url,
        }
    }
}

impl Patient<'_> {
    pub(super) fn reached(&self) -> Check {
        self.documents.discovery.reached(
            REACHED,
            &self.documents.url,
            "see whether the server runs, whether the name leads to it, and whether its certificate is believed: `doorward doctor mtls`",
        )
    }

    /// The endpoints that somebody has to type in at Okta, and what Okta asks for.
    pub(super) fn discovery(&self) -> Check {
        self.documents.discovery.when_read(DISCOVERY, |_, members| {
            let mut lines = inconsistent(members, self.place.config.issuer_text());
            for (name, word) in [
                ("response_types_supported", "code"),
                ("response_modes_supported", "query"),
                ("scopes_supported", "openid"),
                ("scopes_supported", "profile"),
                ("scopes_supported", "email"),
                ("code_challenge_methods_supported", "S256"),
            ] {
                if !lists(members, name, word) {
                    lines.push(format!("`{name}` has no `{word}`"));
                }
            }
            judged(
                DISCOVERY,
                lines,
                "the document says what the configuration says",
                (
                    Check::bad,
                    "see whether this server runs with this configuration, and what a proxy in between makes of it",
                ),
            )
        })
    }

    pub(super) fn rs256(&self) -> Check {
        rs256(RS256, &self.documents.discovery, &self.documents.keys)
    }

    pub(super) fn client_keys(&self) -> Check {
        let asked = &self.documents.client_keys;
        if asked.is_empty() {
            return Check::not_checked(CLIENT_KEYS, "no keys of Okta's are fetched");
        }
        let mut lines = Vec::new();
        for (url, met) in asked {
            let why = match met {
                Met::Unasked(why) => return Check::not_checked(CLIENT_KEYS, *why),
                Met::Silent(why) => why.clone(),
                Met::Answered(seen) => match keys_in(seen) {
                    Ok(_) => continue,
                    Err(why) => why,
                },
            };
            lines.push(format!("`{url}` {why}"));
        }
        judged(
            CLIENT_KEYS,
            lines,
            "the keys of Okta can be fetched",
            (
                Check::bad,
                "correct `jwks_uri` of the client, and see whether `[outbound]` leads there",
            ),
        )
    }

    /// Okta may allow the clock no difference at all: then a token from the future is refused.
    pub(super) fn clock(&self) -> Check {
        self.documents.discovery.when_read(CLOCK, |seen, _| {
            let Some(ahead) = seen.ahead() else {
                return Check::not_checked(CLOCK, "the server does not tell the time");
            };
            let seconds = ahead.num_seconds();
            if ahead > TICK {
                return Check::bad(
                    CLOCK,
                    format!("the clock of the server is {seconds} s ahead of that of this machine"),
                )
                .with_fix(
                    "keep both by NTP: Okta refuses tokens from the future, even by a second",
                );
            }
            if ahead < -FAR_BEHIND {
                let behind = seconds.abs();
                return Check::doubtful(
                    CLOCK,
                    format!("the clock of the server is {behind} s behind that of this machine"),
                )
                .with_fix("keep both by NTP");
            }
            Check::good(
                CLOCK,
                "no token comes from the future, by the clock of this machine",
            )
        })
    }
}

/// The keys of a client in an answer, or why there are none.
fn keys_in(seen: &Seen) -> Result<JsonWebKeys, String> {
    let members = seen.members()?;
    JsonWebKeys::from_object(&members, Strictness::Foreign)
        .map_err(|error| format!("cannot be used: {error}"))
}
