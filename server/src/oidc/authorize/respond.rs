//! Answers to the client: response modes and `iss` (RFC 9207), for codes and for errors. The page of a denial is left
//! to `denied.rs`.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use url::Url;

use super::Visit;
use super::client::RedirectTarget;
use super::error::{RedirectError, WalkError};
use super::pending::no_store;
use super::record;
use super::stopped::{self, KeptBack};
use crate::audit::{self, DecisionRecord, Ending};
use crate::directory::profile::ResponseMode;
use crate::domain::ids::Reference;
use crate::domain::secret::Secret;
use crate::oidc::intake::is_stored;
use crate::oidc::loop_breaker;
use crate::oidc::page_error::PageError;
use crate::oidc::session::Subject;
use crate::web::headers::page;
use crate::web::pages::FormPost;

/// Sends the code.
pub(super) fn code(visit: &Visit<'_>, target: &RedirectTarget, code: &Secret) -> Response {
    answer(visit, target, vec![("code", code.expose().to_owned())])
}

/// Sends the ID token (OpenID Connect Core 1.0, section 3.2.2.5).
pub(super) fn id_token(visit: &Visit<'_>, target: &RedirectTarget, token: String) -> Response {
    answer(visit, target, vec![("id_token", token)])
}

/// Sends an error, recorded as a refusal of the request itself.
pub(super) async fn refused(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    error: RedirectError,
) -> Response {
    let ending = Ending::Refused {
        error: error.error.as_str().to_owned(),
        detail: error.description.clone(),
    };
    let record = record::bare(visit, target, ending);
    match ended_at_client(visit, target, None, error, record).await {
        Ok(response) => response,
        Err(WalkError::Page(error)) => failed(visit, target, error).await,
        // INVARIANT: ending at the client makes no client error of its own.
        Err(WalkError::Client(_)) => {
            PageError::unavailable()
                .respond(visit.cx, visit.browser)
                .await
        }
    }
}

/// Shows what failed, recorded with the client that the person came from.
pub(super) async fn failed(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    error: PageError,
) -> Response {
    let ending = Ending::Refused {
        error: error.code.to_owned(),
        detail: error.message.clone(),
    };
    let record = record::bare(visit, target, ending);
    error.respond_with(visit.cx, visit.browser, record).await
}

/// Ends the request with an error at the client, under the record's reference.
pub(super) async fn ended_at_client(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    subject: Option<&Subject>,
    error: RedirectError,
    record: DecisionRecord,
) -> Result<Response, WalkError> {
    let cx = visit.cx;
    let reference = record.reference;
    let waiting = visit.transaction.as_ref().zip(visit.browser.identity());
    let stored = is_stored(cx, visit.browser, &record);
    if stored || waiting.is_some() {
        let mut work = cx.storage.begin().await?;
        if let Some((transaction, browser)) = &waiting {
            work.transactions()
                .take(&transaction.id, &browser.digest())
                .await?;
        }
        if error.error.answers() {
            let outcome = error.error.as_str();
            let too_often = stopped::count(visit, target, work.as_mut(), subject, outcome).await?;
            if let Some(kept_back) = too_often {
                let kept_back = KeptBack {
                    stored,
                    ..kept_back
                };
                return Ok(stopped::end(visit, target, work, record, kept_back).await?);
            }
        }
        if stored {
            audit::record(work.as_mut(), &record).await?;
        }
        work.commit().await?;
    }
    cx.log.write(record);
    let response = error_answer(visit, target, &error, reference);
    Ok(if error.error.answers() {
        loop_breaker::mark(visit, response)
    } else {
        response
    })
}

/// The error itself, with the reference that finds its record.
pub(super) fn error_answer(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    error: &RedirectError,
    reference: Reference,
) -> Response {
    answer(visit, target, described(error, reference))
}

/// The same as the fields of a form, for a page from which the person sends it.
pub(super) fn error_fields(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    error: &RedirectError,
    reference: Reference,
) -> Vec<(String, String)> {
    addressed(visit, target, described(error, reference))
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn described(error: &RedirectError, reference: Reference) -> Vec<(&'static str, String)> {
    let description = format!("{} (reference {reference})", error.description);
    vec![
        ("error", error.error.as_str().to_owned()),
        ("error_description", description),
    ]
}

/// The fields with those that every answer has.
fn addressed(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    mut fields: Vec<(&'static str, String)>,
) -> Vec<(&'static str, String)> {
    if let Some(state) = target.state() {
        fields.push(("state", state.to_owned()));
    }
    if target.client().profile.rules().names_issuer {
        fields.push(("iss", visit.cx.issuer_text.clone()));
    }
    fields
}

fn answer(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    fields: Vec<(&'static str, String)>,
) -> Response {
    let fields = addressed(visit, target, fields);
    match target.mode() {
        ResponseMode::Query => {
            // INVARIANT: registered redirect URIs parse; they are refused by the clients file otherwise.
            let Ok(mut url) = Url::parse(target.redirect_uri()) else {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            };
            url.query_pairs_mut().extend_pairs(fields);
            // 303: the browser must not post a form of ours to the client (RFC 9700, section 4.12).
            no_store(Redirect::to(url.as_str()).into_response())
        }
        ResponseMode::FormPost => {
            let shown = FormPost {
                action: target.redirect_uri().to_owned(),
                fields: fields
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
            };
            let headers = visit.cx.page_headers().posting_to(target.redirect_uri());
            page(StatusCode::OK, &shown, headers)
        }
    }
}
