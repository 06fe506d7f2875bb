//! A request that a browser posts and that cannot be asked for again by its link: it is too long for one, or holds a hint
//! that counts once. It is stored, and the browser comes again with the name of it and with its cookies. How it is found
//! then is left to `arrival`.

use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::TimeDelta;
use form_urlencoded::Serializer;

use super::arrival::{Arrived, POSTED};
use super::carried::{Carried, EntraAccount};
use super::client::RedirectTarget;
use super::error::WalkError;
use super::pending::no_store;
use super::profile::{self, EntraHint, HintRefused};
use super::{Visit, arrival, client, first, record, respond};
use crate::domain::pushed::{PushedRequest, RequestOrigin};
use crate::domain::secret::Secret;
use crate::oidc::browser::Browser;
use crate::oidc::origin::Origin;
use crate::oidc::page_error::PageError;
use crate::oidc::parameters::Parameters;
use crate::oidc::provider::Provider;

/// How long the browser may take to come again, which it does at once. With the longest life of a sign-in for a consumer
/// that is not patient, this makes five minutes.
const LIFETIME: TimeDelta = TimeDelta::seconds(30);

/// The parameter that says whom a request is about: an ID token of ours, or one of Entra's that counts once.
const HINT: &str = "id_token_hint";

/// Whether these parameters cannot stand in a link: what they say of a person would stay in logs and histories.
pub(super) fn holds_hint(parameters: &Parameters) -> bool {
    parameters.get(HINT).is_some()
}

/// Whether this is a request that has to be stored whichever way it comes: its hint counts once, and a link is opened
/// again at every turn. The link to a stored one is none.
pub(super) fn counts_once(cx: &Provider, parameters: &Parameters) -> bool {
    let clients = cx.clients.current();
    let client = parameters
        .get("client_id")
        .and_then(|id| clients.value.by_id(id));
    client.is_some_and(|client| profile::hints_once(client)) && !is_named(parameters)
}

/// Whether the parameters are the name of a request. Then nothing else beside it counts (RFC 9126, section 4).
fn is_named(parameters: &Parameters) -> bool {
    parameters.get("request_uri").is_some()
}

/// Stores the request, and asks the browser to come again.
pub(super) async fn receive(cx: &Provider, browser: &Browser, parameters: Parameters) -> Response {
    if is_named(&parameters) {
        return again(cx, &parameters, |name| {
            matches!(name, "client_id" | "request_uri")
        });
    }
    let now = cx.now();
    // A signed request says in itself where answers go. It is opened again when the browser has come.
    let arrival = match arrival::resolve(cx, &parameters, browser, now).await {
        Ok(arrival) => arrival,
        Err(error) => {
            let visit = first(cx, browser, parameters, Arrived::default(), now);
            let record = record::refused(&visit, error.code, &error.message);
            return error.respond_with(cx, browser, record).await;
        }
    };
    let visit = first(cx, browser, arrival.parameters, arrival.arrived, now);
    let target = match client::resolve(cx, &visit.parameters, visit.arrived.carried.signed) {
        Ok(target) => target,
        Err(error) => {
            let record = record::refused(&visit, error.code, &error.message);
            return error.respond_with(cx, browser, record).await;
        }
    };
    match stored(&visit, &target, &parameters).await {
        Ok(response) => response,
        Err(WalkError::Client(error)) => respond::refused(&visit, &target, error).await,
        Err(WalkError::Page(error)) => respond::failed(&visit, &target, error).await,
    }
}

/// The browser is asked to come again with some of the parameters.
fn again(cx: &Provider, parameters: &Parameters, wanted: impl Fn(&str) -> bool) -> Response {
    let mut pairs = parameters.to_stored();
    pairs.retain(|(name, _)| wanted(name));
    let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let again = cx.endpoint(&format!("/authorize?{query}"));
    no_store(Redirect::to(&again).into_response())
}

async fn stored(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    posted: &Parameters,
) -> Result<Response, WalkError> {
    let cx = visit.cx;
    let proved = match profile::received(visit, target.client()).await {
        Ok(proved) => proved,
        Err(refused) => return Ok(profile::refuse_hint(visit, target, &refused).await?),
    };
    if proved.is_none() {
        // Whoever posts without a hint may be a stranger: cookies, which would say, have stayed at home.
        let origin = Origin::of(cx, visit.browser, visit.now);
        let begun = cx.intake.begin(origin, visit.now);
        begun.map_err(|until| PageError::too_many(until, visit.now))?;
    }
    let secret = Secret::generate(cx.entropy.as_ref());
    let request = PushedRequest {
        parameters: kept(posted, proved.is_some()),
        client: target.client().id.clone(),
        origin: RequestOrigin::Posted,
        carried: carried(proved.as_ref()).to_stored(),
        expires_at: visit.now + LIFETIME,
    };
    let mut work = cx.storage.begin().await?;
    if let Some(hint) = &proved {
        // In one unit with what it becomes: a hint that was claimed and not stored would be lost.
        let claimed = work
            .replays()
            .claim(&hint.key, hint.forgotten_at, visit.now);
        if !claimed.await? {
            drop(work);
            let used = HintRefused::Used;
            return Ok(profile::refuse_hint(visit, target, &used).await?);
        }
    }
    work.pushed_requests()
        .insert(&secret.digest(), &request)
        .await?;
    work.commit().await?;
    let name = [
        ("client_id".to_owned(), target.client().id.to_string()),
        (
            "request_uri".to_owned(),
            format!("{POSTED}{}", secret.expose()),
        ),
    ];
    Ok(again(cx, &Parameters::stored(name.into()), |_| true))
}

/// What is kept of the parameters: a hint that was verified already is no longer needed.
fn kept(parameters: &Parameters, without_hint: bool) -> Vec<(String, String)> {
    let mut kept = parameters.to_stored();
    kept.retain(|(name, _)| !(without_hint && name == HINT));
    kept
}

fn carried(proved: Option<&EntraHint>) -> Carried {
    Carried {
        counted: proved.is_none(),
        entra: proved.map(|hint| EntraAccount::new(&hint.tenant, &hint.object, &hint.subject)),
        ..Carried::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_that_was_verified_is_not_kept() {
        let parameters = Parameters::parse(b"state=s&id_token_hint=a.b.c").unwrap();
        assert!(holds_hint(&parameters));
        let names = |kept: Vec<(String, String)>| -> Vec<String> {
            kept.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(kept(&parameters, true)), ["state"]);
        assert_eq!(names(kept(&parameters, false)), ["state", HINT]);
    }

    #[test]
    fn a_hint_that_was_verified_is_carried() {
        let hint = EntraHint {
            tenant: "0b5c7f1e-2222-4333-8444-555566667777".parse().unwrap(),
            object: "6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91".parse().unwrap(),
            subject: "pairwise".to_owned(),
            key: crate::domain::secret::SecretHash::of(b"hint"),
            forgotten_at: "2026-11-24T12:00:00Z".parse().unwrap(),
        };
        let account = carried(Some(&hint)).entra.unwrap();
        assert_eq!(account.key(), Some((hint.tenant, hint.object)));
        assert_eq!(account.subject, "pairwise");
        let counted = carried(None);
        assert!(counted.counted && counted.entra.is_none());
    }
}
