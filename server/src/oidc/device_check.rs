//! The device host: reads the client certificate of its own TLS connection and hands back a one-time
//! result. What the certificate is worth is decided later, by whoever decides the request.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::TimeDelta;

use super::authorize::no_store;
use super::browser::Browser;
use super::page_error::PageError;
use super::parameters::Parameters;
use super::provider::Provider;
use crate::domain::authentication::DeviceProof;
use crate::domain::secret::Secret;

/// How long the result is good for: one redirect.
const RESULT_LIFETIME: TimeDelta = TimeDelta::minutes(2);

/// `GET /check` on the device host.
pub async fn check(
    State(cx): State<Provider>,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Response {
    match result(&cx, &browser, query.unwrap_or_default().as_bytes()).await {
        Ok(url) => no_store(Redirect::to(&url).into_response()),
        Err(error) => error.respond_unrecorded(&cx),
    }
}

async fn result(cx: &Provider, browser: &Browser, query: &[u8]) -> Result<String, PageError> {
    let given = Parameters::parse(query)?;
    let ticket = Secret::from_untrusted(given.get("ticket").unwrap_or(""));
    let now = cx.now();
    let mut work = cx.storage.begin().await?;
    let Some(transaction) = work.tickets().take_ticket(&ticket.digest(), now).await? else {
        return Err(PageError::no_ticket());
    };
    let chain = &browser.peer.certificates;
    let proof = (!chain.is_empty()).then(|| DeviceProof {
        chain: chain.clone(),
        proved_at: now,
        address: browser.peer.address.ip().to_canonical(),
    });
    let result = Secret::generate(cx.entropy.as_ref());
    work.tickets()
        .insert_result(
            &result.digest(),
            &transaction,
            proof.as_ref(),
            now + RESULT_LIFETIME,
        )
        .await?;
    work.commit().await?;
    Ok(cx.endpoint(&format!(
        "/authorize/resume?transaction={transaction}&device={}",
        result.expose()
    )))
}
