//! `GET` and `POST /authorize` (OpenID Connect Core 1.0, section 3.1.2): the walk.
//!
//! Each stage owns what the one before it proved, and cannot be built without it: parameters, redirect
//! target, authorization request, subject, signals, answer, code. Coming back from a page re-enters the
//! same walk with the stored request, and nothing decided earlier is trusted.

mod arrival;
mod carried;
mod client;
mod denied;
mod error;
mod expected;
mod id_token_hint;
mod interaction;
mod issue;
mod pending;
mod posted;
mod profile;
mod record;
mod request;
mod request_object;
mod respond;
mod resume;
mod stopped;
mod wanted;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::TimeDelta;
use doorward_engine::{Action, Offers};
use form_urlencoded::Serializer;

use self::arrival::Arrived;
use self::client::RedirectTarget;
use self::error::WalkError;
use self::interaction::{LoginPrompt, Next};
use self::request::{AuthorizationRequest, Prompt};
use self::wanted::unmet;
use super::browser::Browser;
use super::page_error::PageError;
use super::parameters::Parameters;
use super::provider::Provider;
use super::session::{self, Subject};
use crate::access::{Answer, Question, Signals};
use crate::domain::clock::Timestamp;
use crate::domain::transaction::{DeviceCheck, Transaction};
use crate::web::cookies::{HostCookie, Persistence};

pub(super) use arrival::{PUSHED, examine};
pub(super) use carried::Carried;
pub(super) use id_token_hint::origin as origin_of_hint;
pub(super) use issue::{ACR_PASSWORD, ACR_PASSWORD_AND_DEVICE};
pub(super) use pending::{SignInPage, find as find_transaction, no_store};
pub use profile::EntraKeys;
pub(super) use profile::{advertise, hinted, keeps_session};
pub(super) use request_object::open as open_request_object;
pub use resume::{device as to_device_host, resume, return_to_client};

/// Longest query, in bytes, that a posted request is turned into.
const LONGEST_QUERY: usize = 4 * 1024;

/// One pass of the walk: the request as it came, or as it was stored, at one moment.
#[derive(Debug)]
pub(super) struct Visit<'a> {
    pub(super) cx: &'a Provider,
    pub(super) browser: &'a Browser,
    pub(super) parameters: Parameters,
    /// Which way it came.
    pub(super) arrived: Arrived,
    /// The stored request, on the way back from a page.
    pub(super) transaction: Option<Transaction>,
    /// The End-User wants to be someone else than the session says.
    pub(super) another_account: bool,
    pub(super) now: Timestamp,
}

/// `GET /authorize`.
pub async fn get(
    State(cx): State<Provider>,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Response {
    begin(&cx, &browser, query.unwrap_or_default().as_bytes()).await
}

/// `POST /authorize`: the same parameters in a form (OpenID Connect Core 1.0, section 3.1.2.1).
///
/// The form comes from another site, and `SameSite=Lax` keeps our cookies out of it: the browser is
/// asked to come again by `GET`, which brings them. What cannot stand in a link is stored meanwhile.
pub async fn post(State(cx): State<Provider>, browser: Browser, body: Bytes) -> Response {
    let parameters = match Parameters::parse(&body) {
        Ok(parameters) => parameters,
        Err(invalid) => return PageError::from(invalid).respond(&cx, &browser).await,
    };
    let query = Serializer::new(String::new())
        .extend_pairs(parameters.to_stored())
        .finish();
    if query.len() > LONGEST_QUERY || posted::holds_hint(&parameters) {
        return posted::receive(&cx, &browser, parameters).await;
    }
    let again = cx.endpoint(&format!("/authorize?{query}"));
    no_store(Redirect::to(&again).into_response())
}

async fn begin(cx: &Provider, browser: &Browser, encoded: &[u8]) -> Response {
    let parameters = match Parameters::parse(encoded) {
        Ok(parameters) => parameters,
        Err(invalid) => return PageError::from(invalid).respond(cx, browser).await,
    };
    if posted::counts_once(cx, &parameters) {
        return posted::receive(cx, browser, parameters).await;
    }
    let now = cx.now();
    let arrival = match arrival::resolve(cx, &parameters, browser, now).await {
        Ok(arrival) => arrival,
        Err(error) => {
            let visit = first(cx, browser, parameters, Arrived::default(), now);
            let record = record::refused(&visit, error.code, &error.message);
            return error.respond_with(cx, browser, record).await;
        }
    };
    let Some(identity) = arrival.newcomer else {
        let visit = first(cx, browser, arrival.parameters, arrival.arrived, now);
        return enter(visit).await;
    };
    let known = browser.with_identity(&identity);
    let visit = first(cx, &known, arrival.parameters, arrival.arrived, now);
    let mut response = enter(visit).await;
    let cookie = HostCookie::Browser.set(&identity, Persistence::UntilBrowserCloses);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// The walk of a request that has just arrived.
fn first<'a>(
    cx: &'a Provider,
    browser: &'a Browser,
    parameters: Parameters,
    arrived: Arrived,
    now: Timestamp,
) -> Visit<'a> {
    Visit {
        cx,
        browser,
        parameters,
        arrived,
        transaction: None,
        another_account: false,
        now,
    }
}

/// Until the client and its redirect URI are known, errors are pages.
async fn enter(visit: Visit<'_>) -> Response {
    let cx = visit.cx;
    let target = match client::resolve(cx, &visit.parameters, visit.arrived.carried.signed) {
        Ok(target) => target,
        Err(error) => {
            let record = record::refused(&visit, error.code, &error.message);
            return error.respond_with(cx, visit.browser, record).await;
        }
    };
    match walk(&visit, &target).await {
        Ok(response) => response,
        Err(WalkError::Client(error)) => respond::refused(&visit, &target, error).await,
        Err(WalkError::Page(error)) => respond::failed(&visit, &target, error).await,
    }
}

/// The walk proper. The client is known, so what is wrong with its request goes back to it.
async fn walk(visit: &Visit<'_>, target: &RedirectTarget) -> Result<Response, WalkError> {
    let cx = visit.cx;
    arrival::check(visit, target)?;
    let request = AuthorizationRequest::parse(cx, &visit.parameters, target)?;
    if profile::answers_anyway(target.client()) {
        return Box::pin(profile::answer_anyway(visit, target, &request)).await;
    }

    let subject = subject(visit, target).await?;
    pending::admit(visit, &request, subject.as_ref())?;
    let subject = match interaction::next(&request, subject, visit, target) {
        Next::Ask(prompt) => return pending::sign_in(visit, target, &request, prompt).await,
        Next::Proceed(subject) => subject,
    };

    let stored = visit.transaction.as_ref();
    let proof = session::newest(
        stored.and_then(|transaction| transaction.device.clone()),
        subject.standing.device().cloned(),
    );
    let check = stored.map_or(DeviceCheck::NotDone, |transaction| transaction.device_check);
    let headers = &visit.browser.headers;
    let signals = cx.signals.gather(
        visit.browser.peer.address,
        headers,
        proof.as_ref(),
        check,
        visit.now,
    );
    let offers = || Offers {
        // What was just done in this request cannot be improved by doing it again.
        password: stored.is_none_or(|transaction| {
            transaction
                .reauthenticated_at
                .is_none_or(|at| visit.now - at > TimeDelta::minutes(1))
        }),
        devices: match check {
            DeviceCheck::NotDone => cx.signals.candidates(&signals, &subject.user.id, visit.now),
            DeviceCheck::Absent | DeviceCheck::Presented => Vec::new(),
        },
    };

    let question = Question {
        action: Action::SignIn,
        user: &subject.user,
        client: target.client(),
        application: target.application(),
        authentication: subject.standing.authentication(),
        signals: &signals,
        now: visit.now,
    };
    // A consumer that names its user is told what was proved here, and nothing at all is no answer, whatever the
    // policies permit.
    let unproved = subject.is_hinted()
        && profile::keeps_session(target.client())
        && issue::is_nothing(subject.standing.authentication(), &signals);
    let wants_device =
        unproved || request.wanted.prefers_device() || profile::needs_device(target.client());
    match cx.access.decide(&question, offers) {
        // The permit of this moment is dropped: with the device known, everything is decided anew.
        Answer::Permit(..) if wants_device && could_check(visit, &request, &signals) => {
            pending::preferred_device(visit, target, &subject).await
        }
        Answer::Permit(..) if unproved => {
            let prompt = LoginPrompt::again(&subject, "The application wants to know it is you.");
            pending::sign_in(visit, target, &request, prompt).await
        }
        // So is one that is worth less than the client demands.
        Answer::Permit(_, grounds)
            if unmet(
                &request.wanted,
                issue::reached(subject.standing.authentication(), &signals),
            ) =>
        {
            wanted::refuse(visit, target, &request, &subject, &signals, &grounds).await
        }
        Answer::Permit(permit, grounds) => {
            issue::answer(
                visit, target, &request, &subject, &signals, permit, &grounds,
            )
            .await
        }
        Answer::StepUp(step_up) => {
            pending::step_up(visit, target, &request, &subject, &signals, step_up).await
        }
        Answer::Deny(denial) => {
            denied::show(visit, target, &request, &subject, &signals, denial).await
        }
    }
}

/// Whom the request is about: whomever its profile knows without a session, or else whoever is signed in.
async fn subject(visit: &Visit<'_>, target: &RedirectTarget) -> Result<Option<Subject>, WalkError> {
    let cx = visit.cx;
    let (client, carried) = (target.client(), &visit.arrived.carried);
    let Some(hinted) = profile::hinted(cx, client, &visit.parameters, carried) else {
        profile::check_unhinted(client, &visit.parameters, carried)?;
        let signed_in = session::current(cx, visit.browser, visit.now).await?;
        return Ok(signed_in.map(Subject::from));
    };
    // Who has a session as well has proved more than the hint says.
    if profile::keeps_session(client)
        && let Some(signed_in) = session::current(cx, visit.browser, visit.now).await?
        && signed_in.user.id == hinted.user.id
    {
        return Ok(Some(signed_in.into()));
    }
    let stored = visit.transaction.as_ref();
    let entered_at = stored.and_then(|transaction| transaction.reauthenticated_at);
    Ok(Some(Subject {
        standing: hinted.standing.with_password(entered_at),
        ..hinted
    }))
}

/// Whether the device is not known, and asking for it is still open.
fn could_check(visit: &Visit<'_>, request: &AuthorizationRequest, signals: &Signals) -> bool {
    let check = visit.transaction.as_ref().map(|stored| stored.device_check);
    signals.device.fact.value().is_none()
        && request.prompt != Prompt::None
        && visit.cx.device_host.is_some()
        && matches!(check, None | Some(DeviceCheck::NotDone))
}

#[cfg(test)]
mod tests;
