//! The ways back into the walk, from the pages in between, and the way out of a denial.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::TimeDelta;

use super::arrival::Arrived;
use super::error::{ErrorCode, RedirectError};
use super::pending::{find, no_store};
use super::stopped::{self, DENIED};
use super::{Visit, client, enter, record, respond};
use crate::audit::Ending;
use crate::domain::clock::Timestamp;
use crate::domain::ids::TransactionId;
use crate::domain::secret::Secret;
use crate::domain::transaction::{DeviceCheck, Stage, Transaction};
use crate::oidc::browser::Browser;
use crate::oidc::page_error::PageError;
use crate::oidc::parameters::Parameters;
use crate::oidc::provider::Provider;
use crate::storage::{DeviceVisit, StorageError};
use crate::web::csrf::{self, Purpose};

/// How long a ticket to the device host is good for: one redirect.
const TICKET_LIFETIME: TimeDelta = TimeDelta::minutes(2);

/// What the way back says about the device.
#[derive(Debug)]
enum Device {
    /// The End-User wants to go on without the check.
    Skipped,
    /// Everything is checked again.
    Again,
    /// The device host was visited, and this is what it saw.
    Visited(DeviceVisit),
}

/// `GET /authorize/resume`: back from a page or from the device host.
pub async fn resume(
    State(cx): State<Provider>,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Response {
    match back(&cx, &browser, query.unwrap_or_default().as_bytes()).await {
        Ok(visit) => enter(visit).await,
        Err(error) => error.respond(&cx, &browser).await,
    }
}

async fn back<'a>(
    cx: &'a Provider,
    browser: &'a Browser,
    query: &[u8],
) -> Result<Visit<'a>, PageError> {
    let given = Parameters::parse(query)?;
    let now = cx.now();
    let id = given.get("transaction");
    let device = match given.get("device") {
        None => None,
        Some("skip") => Some(Device::Skipped),
        Some("again") => Some(Device::Again),
        Some(result) => spend(cx, id, result, now).await?.map(Device::Visited),
    };
    let mut transaction = find(cx, browser, id, now).await?;
    if let Some(device) = device {
        transaction = after_device(cx, transaction, device).await?;
    }
    Ok(Visit {
        cx,
        browser,
        parameters: Parameters::stored(transaction.parameters.clone()),
        arrived: Arrived::before(&transaction),
        another_account: given.get("account") == Some("another"),
        transaction: Some(transaction),
        now,
    })
}

/// What the device host saw, by its result. It is spent before anyone asks whose browser shows it:
/// whoever got hold of it cannot try another browser next.
async fn spend(
    cx: &Provider,
    transaction: Option<&str>,
    result: &str,
    now: Timestamp,
) -> Result<Option<DeviceVisit>, StorageError> {
    let Some(transaction) = transaction else {
        return Ok(None);
    };
    let secret = Secret::from_untrusted(result);
    let mut work = cx.storage.begin().await?;
    let visit = work
        .tickets()
        .take_result(&secret.digest(), &TransactionId::new(transaction), now)
        .await?;
    work.commit().await?;
    Ok(visit)
}

/// The stored request after the device host, after skipping it, or before checking again.
async fn after_device(
    cx: &Provider,
    transaction: Transaction,
    device: Device,
) -> Result<Transaction, StorageError> {
    let mut work = cx.storage.begin().await?;
    let changed = match device {
        Device::Skipped => Transaction {
            device_check: DeviceCheck::Absent,
            ..transaction
        },
        Device::Again => Transaction {
            device_check: DeviceCheck::NotDone,
            device: None,
            reauthenticated_at: None,
            ..transaction
        },
        Device::Visited(visit) => {
            if let (Some(proof), Some(session)) = (&visit.proof, &transaction.session) {
                work.sessions().set_device(session, Some(proof)).await?;
            }
            Transaction {
                device_check: match visit.proof {
                    Some(_) => DeviceCheck::Presented,
                    None => DeviceCheck::Absent,
                },
                device: visit.proof,
                ..transaction
            }
        }
    };
    work.transactions().update(&changed).await?;
    work.commit().await?;
    Ok(changed)
}

/// `GET /authorize/device`: to the device host, with a ticket that is good once.
pub async fn device(
    State(cx): State<Provider>,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Response {
    match ticket(&cx, &browser, query.unwrap_or_default().as_bytes()).await {
        Ok(url) => no_store(Redirect::to(&url).into_response()),
        Err(error) => error.respond(&cx, &browser).await,
    }
}

async fn ticket(cx: &Provider, browser: &Browser, query: &[u8]) -> Result<String, PageError> {
    let given = Parameters::parse(query)?;
    let now = cx.now();
    let transaction = find(cx, browser, given.get("transaction"), now).await?;
    let Some(host) = &cx.device_host else {
        return Err(PageError::no_ticket());
    };
    let ticket = Secret::generate(cx.entropy.as_ref());
    let session = crate::oidc::session::current(cx, browser, now).await?;
    let mut work = cx.storage.begin().await?;
    work.tickets()
        .insert_ticket(&ticket.digest(), &transaction.id, now + TICKET_LIFETIME)
        .await?;
    // The session whose device this will be: the one that is signed in here and now.
    let bound = Transaction {
        session: session.map(|subject| subject.session.id),
        ..transaction
    };
    work.transactions().update(&bound).await?;
    work.commit().await?;
    let mut url = host.clone();
    url.set_path("/check");
    url.query_pairs_mut().append_pair("ticket", ticket.expose());
    Ok(url.into())
}

/// `POST /authorize/return`: the person has read why not, and goes back to the application.
pub async fn return_to_client(
    State(cx): State<Provider>,
    browser: Browser,
    body: Bytes,
) -> Response {
    match leave(&cx, &browser, &body).await {
        Ok(response) => response,
        Err(error) => error.respond(&cx, &browser).await,
    }
}

async fn leave(cx: &Provider, browser: &Browser, body: &[u8]) -> Result<Response, PageError> {
    let form = Parameters::parse(body)?;
    let now = cx.now();
    let transaction = find(cx, browser, form.get("transaction"), now).await?;
    let cookie = browser.identity().ok_or_else(PageError::foreign_form)?;
    let token = form.get("csrf").unwrap_or("");
    if !csrf::same_origin(&browser.headers, &cx.issuer)
        || !csrf::verify(&cookie, Purpose::Return, Some(&transaction.id), token)
    {
        return Err(PageError::foreign_form());
    }
    if transaction.stage != Stage::Denied {
        return Err(PageError::no_transaction());
    }
    let mut work = cx.storage.begin().await?;
    let taken = work
        .transactions()
        .take(&transaction.id, &cookie.digest())
        .await?;
    let taken = taken.ok_or_else(PageError::no_transaction)?;
    let visit = Visit {
        cx,
        browser,
        parameters: Parameters::stored(taken.parameters.clone()),
        arrived: Arrived::before(&taken),
        transaction: None,
        another_account: false,
        now,
    };
    // Resolved again: the client may have changed since the request was stored.
    let target = client::resolve(cx, &visit.parameters, visit.arrived.carried.signed)?;
    let too_often = stopped::count(&visit, &target, work.as_mut(), None, DENIED).await?;
    if let Some(kept_back) = too_often {
        let record = record::bare(&visit, &target, Ending::Denied);
        return Ok(stopped::end(&visit, &target, work, record, kept_back).await?);
    }
    work.commit().await?;
    let error = RedirectError::new(
        ErrorCode::AccessDenied,
        "the access policies do not allow this sign-in",
    );
    Ok(respond::error_answer(
        &visit,
        &target,
        &error,
        taken.reference,
    ))
}
