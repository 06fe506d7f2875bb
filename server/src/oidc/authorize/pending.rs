//! Storing an authorization request while the End-User is on a page, and finding it again.
//!
//! A stored request belongs to the browser that began it: without that browser's cookie nobody can go
//! on with it, whatever they were sent.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use doorward_engine::DenyReason;

use super::Visit;
use super::client::RedirectTarget;
use super::error::{ErrorCode, RedirectError, WalkError};
use super::interaction::LoginPrompt;
use super::record;
use super::request::{AuthorizationRequest, Prompt};
use super::respond;
use crate::access::{Signals, StepUp};
use crate::audit::{self, DecisionRecord, Ending};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{Reference, TransactionId};
use crate::domain::secret::Secret;
use crate::domain::transaction::{DeviceCheck, Stage, Transaction};
use crate::oidc::browser::Browser;
use crate::oidc::origin::Origin;
use crate::oidc::page_error::PageError;
use crate::oidc::provider::Provider;
use crate::oidc::session::Subject;
use crate::storage::{StorageError, UnitOfWork};
use crate::web::cookies::{HostCookie, Persistence};
use crate::web::csrf::{self, Purpose};
use crate::web::headers::page;
use crate::web::pages::{DeviceCheck as DeviceCheckPage, SignIn, SignInError};

/// A stored request, with what the browser needs to go on with it.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) transaction: Transaction,
    pub(super) browser: Secret,
    cookie: Option<HeaderValue>,
}

/// Lets in what will be stored for a stranger, unless too many of them wait already. Whoever has a session,
/// or is vouched for, is no stranger; what was stored before is counted; and where no page may be shown, nothing waits.
pub(super) fn admit(
    visit: &Visit<'_>,
    request: &AuthorizationRequest,
    subject: Option<&Subject>,
) -> Result<(), PageError> {
    let known = subject.is_some_and(|subject| !subject.standing.is_strangers());
    if known || visit.transaction.is_some() || request.prompt == Prompt::None {
        return Ok(());
    }
    let origin = Origin::of(visit.cx, visit.browser, visit.now);
    let begun = visit.cx.intake.begin(origin, visit.now);
    begun.map_err(|until| PageError::too_many(until, visit.now))
}

/// The request as stored, at `stage`; stored now if it was not yet. What was decided on the way is
/// recorded with it, or neither happened.
pub(super) async fn store(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    stage: Stage,
    record: Option<DecisionRecord>,
) -> Result<Stored, WalkError> {
    let cx = visit.cx;
    let reference = match &record {
        Some(record) if stage == Stage::Denied => record.reference,
        // A request that goes on after a denial leaves that reference to the denial.
        _ => Reference::generate(cx.entropy.as_ref()),
    };
    let mut work = cx.storage.begin().await?;
    if let Some(record) = &record {
        audit::record(work.as_mut(), record).await?;
    }
    if let (Some(known), Some(browser)) = (&visit.transaction, visit.browser.identity()) {
        let transaction = Transaction {
            reference,
            stage,
            ..known.clone()
        };
        if !work.transactions().update(&transaction).await? {
            return Err(PageError::no_transaction().into());
        }
        commit(visit, work, record).await?;
        return Ok(Stored {
            transaction,
            browser,
            cookie: None,
        });
    }
    let (browser, new) = visit.browser.identity_or_new(cx.entropy.as_ref());
    let lifetime = cx.lifetimes.transaction;
    let patience = target.client().profile.rules().transaction;
    let transaction = Transaction {
        id: TransactionId::generate(cx.entropy.as_ref()),
        reference,
        parameters: visit.parameters.to_stored(),
        pushed: visit.arrived.stored,
        carried: visit.arrived.carried.to_stored(),
        client: target.client().id.clone(),
        session: None,
        device_check: DeviceCheck::NotDone,
        device: None,
        reauthenticated_at: None,
        stage,
        created_at: visit.now,
        expires_at: visit.now + patience.map_or(lifetime, |longest| longest.min(lifetime)),
    };
    work.transactions()
        .insert(&transaction, &browser.digest())
        .await?;
    commit(visit, work, record).await?;
    let cookie = new.then(|| HostCookie::Browser.set(&browser, Persistence::UntilBrowserCloses));
    Ok(Stored {
        transaction,
        browser,
        cookie,
    })
}

async fn commit(
    visit: &Visit<'_>,
    work: Box<dyn UnitOfWork>,
    record: Option<DecisionRecord>,
) -> Result<(), StorageError> {
    work.commit().await?;
    if let Some(record) = record {
        visit.cx.log.write(record);
    }
    Ok(())
}

/// The stored request of this browser.
pub(in crate::oidc) async fn find(
    cx: &Provider,
    browser: &Browser,
    id: Option<&str>,
    now: Timestamp,
) -> Result<Transaction, PageError> {
    let (Some(id), Some(cookie)) = (id, browser.identity()) else {
        return Err(PageError::no_transaction());
    };
    let mut work = cx.storage.read().await?;
    work.transactions()
        .find(&TransactionId::new(id), &cookie.digest(), now)
        .await?
        .ok_or_else(PageError::no_transaction)
}

impl Stored {
    pub(super) fn with_cookie(&self, mut response: Response) -> Response {
        if let Some(cookie) = &self.cookie {
            response
                .headers_mut()
                .append(header::SET_COOKIE, cookie.clone());
        }
        response
    }
}

/// The sign-in page, for whoever must show it.
#[derive(Debug)]
pub(in crate::oidc) struct SignInPage<'a> {
    pub(in crate::oidc) application_name: String,
    pub(in crate::oidc) redirect_uri: &'a str,
    pub(in crate::oidc) username: String,
    pub(in crate::oidc) username_fixed: bool,
    pub(in crate::oidc) why: Option<String>,
    pub(in crate::oidc) error: Option<SignInError>,
}

impl SignInPage<'_> {
    pub(in crate::oidc) fn respond(
        self,
        cx: &Provider,
        status: StatusCode,
        transaction: &TransactionId,
        browser: &Secret,
    ) -> Response {
        let shown = SignIn {
            application_name: self.application_name,
            username: self.username,
            username_fixed: self.username_fixed,
            error: self.error,
            why: self.why,
            transaction: transaction.to_string(),
            csrf: csrf::token(browser, Purpose::SignIn, Some(transaction)),
        };
        page(
            status,
            &shown,
            cx.page_headers().leading_to(self.redirect_uri),
        )
    }
}

/// Asks for the password, or says that the user would have to be asked.
pub(super) async fn sign_in(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    request: &AuthorizationRequest,
    prompt: LoginPrompt,
) -> Result<Response, WalkError> {
    if request.prompt == Prompt::None {
        let error = RedirectError::new(ErrorCode::LoginRequired, "the user must sign in");
        let ending = interaction_required(&error);
        let record = record::bare(visit, target, ending);
        return respond::ended_at_client(visit, target, None, error, record).await;
    }
    let stored = store(visit, target, Stage::AskedPassword, None).await?;
    let shown = SignInPage {
        application_name: target.client().name.clone(),
        redirect_uri: target.redirect_uri(),
        username: prompt.username,
        username_fixed: prompt.username_fixed,
        why: prompt.why,
        error: None,
    };
    let response = shown.respond(
        visit.cx,
        StatusCode::OK,
        &stored.transaction.id,
        &stored.browser,
    );
    Ok(stored.with_cookie(response))
}

/// Asks for what the planner demands: the device first, since it costs no typing.
pub(super) async fn step_up(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    request: &AuthorizationRequest,
    subject: &Subject,
    signals: &Signals,
    step_up: StepUp,
) -> Result<Response, WalkError> {
    let cx = visit.cx;
    let demand = &step_up.demand;
    if request.prompt == Prompt::None {
        let error = if demand.devices.is_empty() {
            RedirectError::new(ErrorCode::LoginRequired, "the user must enter the password")
        } else {
            RedirectError::new(
                ErrorCode::InteractionRequired,
                "the user's device must be checked",
            )
        };
        let ending = interaction_required(&error);
        let record = record::decided(visit, target, subject, signals, &step_up.grounds, ending);
        return respond::ended_at_client(visit, target, Some(subject), error, record).await;
    }
    // Asking is a decision of its own, whether or not the user ever comes back.
    let ending = Ending::StepUpAsked {
        password: demand.password,
        device: !demand.devices.is_empty(),
    };
    let record = record::decided(visit, target, subject, signals, &step_up.grounds, ending);
    let why = reason(&step_up);
    if demand.devices.is_empty() {
        let stored = store(visit, target, Stage::AskedPassword, Some(record)).await?;
        let shown = SignInPage {
            application_name: target.client().name.clone(),
            redirect_uri: target.redirect_uri(),
            username: subject.user.username.clone(),
            username_fixed: true,
            why,
            error: None,
        };
        let response = shown.respond(cx, StatusCode::OK, &stored.transaction.id, &stored.browser);
        return Ok(stored.with_cookie(response));
    }
    let names = device_names(signals, subject, &demand.devices);
    let stored = store(visit, target, Stage::AskedDevice, Some(record)).await?;
    Ok(device_check(visit, target, subject, &stored, why, names))
}

/// Asks for the device although the policies would do without: the client prefers to know it.
pub(super) async fn preferred_device(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    subject: &Subject,
) -> Result<Response, WalkError> {
    let stored = store(visit, target, Stage::AskedDevice, None).await?;
    let why = "The application would like to know which device you are on.".to_owned();
    Ok(device_check(
        visit,
        target,
        subject,
        &stored,
        Some(why),
        Vec::new(),
    ))
}

/// Asks for the device of whoever it is. Nothing is said on a page in between: whoever has no certificate comes back
/// without one, and is answered too.
pub(super) async fn device_first(
    visit: &Visit<'_>,
    target: &RedirectTarget,
) -> Result<Response, WalkError> {
    let stored = store(visit, target, Stage::AskedDevice, None).await?;
    let response = Redirect::to(&to_device_host(visit, &stored)).into_response();
    Ok(stored.with_cookie(no_store(response)))
}

fn to_device_host(visit: &Visit<'_>, stored: &Stored) -> String {
    let id = &stored.transaction.id;
    let path = format!("/authorize/device?transaction={id}");
    visit.cx.endpoint(&path)
}

fn device_check(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    subject: &Subject,
    stored: &Stored,
    why: Option<String>,
    device_names: Vec<String>,
) -> Response {
    let continue_url = to_device_host(visit, stored);
    // A browser that has shown a device before knows what happens: no page in between.
    if subject.standing.device().is_some() {
        let response = Redirect::to(&continue_url).into_response();
        return stored.with_cookie(no_store(response));
    }
    let shown = DeviceCheckPage {
        application_name: target.client().name.clone(),
        continue_url,
        why,
        device_names,
        transaction: stored.transaction.id.to_string(),
    };
    let headers = visit.cx.page_headers().leading_to(target.redirect_uri());
    stored.with_cookie(page(StatusCode::OK, &shown, headers))
}

fn interaction_required(error: &RedirectError) -> Ending {
    Ending::InteractionRequired {
        error: error.error.as_str().to_owned(),
    }
}

/// Why something is asked for: the reason of the rule that is nearest to permitting, or that forbade.
fn reason(step_up: &StepUp) -> Option<String> {
    let explanation = step_up.grounds.explanation.as_ref()?;
    let policies = match step_up.grounds.decision.outcome {
        doorward_engine::Outcome::StepUp {
            instead_of: DenyReason::Forbidden,
            ..
        } => &explanation.forbids,
        _ => &explanation.permits,
    };
    let told = policies.iter().find(|explained| explained.addressed)?;
    told.policy.reason.clone()
}

/// Names of the user's own devices that would do; other devices are nobody's business.
fn device_names(signals: &Signals, subject: &Subject, ids: &[String]) -> Vec<String> {
    let Some(versions) = &signals.versions.devices else {
        return Vec::new();
    };
    let inventory = &versions.inventory.value;
    inventory
        .assigned_to(&subject.user.id)
        .filter(|record| ids.iter().any(|id| id == record.id.as_str()))
        .map(|record| record.name.clone())
        .collect()
}

/// The response, never to be stored by anyone on the way.
pub(in crate::oidc) fn no_store(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    response
}
