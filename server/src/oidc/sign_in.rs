//! `POST /sign-in`: the password. Attempts are counted before anything is verified, unknown users cost
//! as much as known ones, and the session's cookie is new afterwards.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use zeroize::Zeroizing;

use super::authorize::{SignInPage, find_transaction, no_store};
use super::browser::Browser;
use super::page_error::PageError;
use super::parameters::Parameters;
use super::provider::Provider;
use super::session;
use crate::domain::clock::Timestamp;
use crate::domain::secret::SecretHash;
use crate::domain::transaction::{Stage, Transaction};
use crate::signals::client_ip::client_address;
use crate::storage::{Attempt, StorageError};
use crate::web::csrf::{self, Purpose};
use crate::web::pages::SignInError;

/// `POST /sign-in`.
pub async fn post(State(cx): State<Provider>, browser: Browser, body: Bytes) -> Response {
    match sign_in(&cx, &browser, &body).await {
        Ok(response) => response,
        Err(error) => error.respond(&cx).await,
    }
}

async fn sign_in(cx: &Provider, browser: &Browser, body: &[u8]) -> Result<Response, PageError> {
    let form = Parameters::parse(body)?;
    let now = cx.now();
    let transaction = find_transaction(cx, browser, form.get("transaction"), now).await?;
    let cookie = browser.identity().ok_or_else(PageError::foreign_form)?;
    let token = form.get("csrf").unwrap_or("");
    if !csrf::same_origin(&browser.headers, &cx.issuer)
        || !csrf::verify(&cookie, Purpose::SignIn, Some(&transaction.id), token)
    {
        return Err(PageError::foreign_form());
    }
    let username = form.get("username").unwrap_or("").trim().to_owned();
    let password = Zeroizing::new(form.get("password").unwrap_or("").to_owned());

    if let Some(until) = throttled(cx, browser, &username, now).await? {
        let error = SignInError::throttled(until, now);
        let mut response = again(
            cx,
            &transaction,
            &cookie,
            username,
            error,
            StatusCode::TOO_MANY_REQUESTS,
        );
        let seconds = (until - now).num_seconds().max(1);
        if let Ok(value) = HeaderValue::try_from(seconds.to_string()) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        return Ok(response);
    }
    let users = cx.users.current();
    let user = users
        .value
        .by_username(&username)
        .filter(|user| !user.disabled);
    if !cx
        .passwords
        .verify(user.map(|user| &user.password), password)
        .await
    {
        tracing::info!(transaction = %transaction.id, "password refused");
        let error = SignInError::WrongCredentials;
        return Ok(again(
            cx,
            &transaction,
            &cookie,
            username,
            error,
            StatusCode::FORBIDDEN,
        ));
    }
    // INVARIANT: without a user the verification above fails.
    let user = user.ok_or_else(PageError::unavailable)?;

    let old = session::current(cx, browser, now)
        .await?
        .map(|subject| subject.session);
    let mut work = cx.storage.begin().await?;
    work.throttle().clear(&account_key(&username)).await?;
    let device = transaction.device.clone();
    let (session, set_cookie) =
        session::after_password(cx, work.as_mut(), user, old, device, now).await?;
    let authenticated = Transaction {
        session: Some(session),
        reauthenticated_at: Some(now),
        stage: Stage::Started,
        ..transaction
    };
    if !work.transactions().update(&authenticated).await? {
        return Err(PageError::no_transaction());
    }
    work.commit().await?;
    // 303: the next request carries no password (RFC 9700, section 4.12).
    let next = cx.endpoint(&format!(
        "/authorize/resume?transaction={}",
        authenticated.id
    ));
    let mut response = no_store(Redirect::to(&next).into_response());
    response
        .headers_mut()
        .append(header::SET_COOKIE, set_cookie);
    Ok(response)
}

fn account_key(username: &str) -> SecretHash {
    SecretHash::of(format!("account {}", username.to_lowercase()).as_bytes())
}

/// Counts this attempt for the account and for the address; until when there are too many, if so.
async fn throttled(
    cx: &Provider,
    browser: &Browser,
    username: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, StorageError> {
    let limits = cx.throttling;
    let client = client_address(
        &cx.signals.forwarding,
        browser.peer.address,
        &browser.headers,
        now,
    );
    // An address that cannot be told is one bucket: garbage in a header must not open a new one each time.
    let address = client
        .address
        .value()
        .map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let address_key = SecretHash::of(format!("address {address}").as_bytes());
    let mut work = cx.storage.begin().await?;
    let attempts = [
        work.throttle()
            .attempt(
                &account_key(username),
                now,
                limits.window,
                limits.per_account,
            )
            .await?,
        work.throttle()
            .attempt(&address_key, now, limits.window, limits.per_address)
            .await?,
    ];
    work.commit().await?;
    Ok(attempts
        .into_iter()
        .filter_map(|attempt| match attempt {
            Attempt::Blocked { until } => Some(until),
            Attempt::Allowed { .. } => None,
        })
        .max())
}

/// The page again, with what was wrong.
fn again(
    cx: &Provider,
    transaction: &Transaction,
    cookie: &crate::domain::secret::Secret,
    username: String,
    error: SignInError,
    status: StatusCode,
) -> Response {
    let clients = cx.clients.current();
    let client = clients.value.by_id(transaction.client.as_str());
    let parameters = Parameters::stored(transaction.parameters.clone());
    let shown = SignInPage {
        application_name: client.map_or_else(
            || transaction.client.to_string(),
            |client| client.name.clone(),
        ),
        redirect_uri: parameters.get("redirect_uri").unwrap_or(""),
        username,
        username_fixed: false,
        why: None,
        error: Some(error),
    };
    shown.respond(cx, status, &transaction.id, cookie)
}
