//! What becomes of a request whose browser goes round in circles: a page for the person, an error for a client that
//! wants no page, and one alert for the operator. When it comes to that is told by `loop_breaker`.

use axum::http::StatusCode;
use axum::response::Response;
use doorward_engine::words;

use super::client::RedirectTarget;
use super::error::{ErrorCode, RedirectError};
use super::{Visit, profile, respond};
use crate::audit::{self, DecisionRecord, Ending};
use crate::oidc::loop_breaker::{self, Passing, Verdict};
use crate::oidc::session::Subject;
use crate::storage::{StorageError, UnitOfWork};
use crate::web::headers::page;
use crate::web::pages::Stopped;

/// An answer that is kept back.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeptBack {
    /// The answer in one word.
    pub(super) outcome: &'static str,
    /// Whether nobody has been told yet.
    pub(super) first: bool,
    /// Whether the record is stored.
    pub(super) stored: bool,
}

/// Counts the answer within the unit of work that ends the request. Where it came too often, [`end`] it.
pub(super) async fn count(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    work: &mut dyn UnitOfWork,
    subject: Option<&Subject>,
    outcome: &'static str,
) -> Result<Option<KeptBack>, StorageError> {
    let passing = Passing {
        client: &target.client().id,
        application: &target.application().id,
        subject,
        outcome,
    };
    Ok(match loop_breaker::count(visit, work, &passing).await? {
        Verdict::GoOn => None,
        Verdict::Stop { first } => Some(KeptBack {
            outcome,
            first,
            stored: true,
        }),
    })
}

/// Ends the request, with what was counted in `work`.
pub(super) async fn end(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    mut work: Box<dyn UnitOfWork>,
    record: DecisionRecord,
    kept_back: KeptBack,
) -> Result<Response, StorageError> {
    let record = DecisionRecord {
        ending: Ending::LoopStopped {
            outcome: kept_back.outcome.to_owned(),
        },
        ..record
    };
    if kept_back.stored {
        audit::record(work.as_mut(), &record).await?;
    }
    work.commit().await?;
    if kept_back.first {
        alert(visit, &record, kept_back.outcome);
    }
    let response = answer(visit, target, &record, kept_back.outcome);
    visit.cx.log.write(record);
    Ok(response)
}

/// Somebody has to look at what the client makes of our answers. Once for each loop and window is enough to see that.
fn alert(visit: &Visit<'_>, record: &DecisionRecord, outcome: &str) {
    let loops = visit.cx.loops;
    tracing::error!(
        event = "loop",
        reference = %record.reference,
        client = record.client.as_deref(),
        application = record.application.as_deref(),
        user = record.user.as_deref(),
        outcome,
        limit = loops.limit,
        window_seconds = loops.window.num_seconds(),
        "a client sends a browser round in circles: it was stopped"
    );
}

fn answer(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    record: &DecisionRecord,
    outcome: &str,
) -> Response {
    let cx = visit.cx;
    let window = words::span(cx.loops.window);
    // No page is ever shown then (OpenID Connect Core 1.0, section 3.1.2.1).
    if visit.parameters.get("prompt").map(str::trim) == Some("none") {
        let limit = cx.loops.limit;
        let error = RedirectError::new(
            ErrorCode::InteractionRequired,
            format!("the same answer was given more than {limit} times within {window}"),
        );
        return respond::error_answer(visit, target, &error, record.reference);
    }
    let request_id = record.caller.client_request_id.clone();
    let shown = Stopped {
        application_name: target.client().name.clone(),
        limit: cx.loops.limit,
        window,
        answer: in_words(outcome).to_owned(),
        elsewhere: profile::log_elsewhere(target.client(), request_id.as_deref()),
        state: record.caller.state.clone(),
        reference: record.reference.to_string(),
    };
    page(StatusCode::FORBIDDEN, &shown, cx.page_headers())
}

/// What we answered, for the person.
fn in_words(outcome: &str) -> &'static str {
    match outcome {
        PERMITTED => "you may sign in",
        DENIED => "you may not sign in",
        REPORTED => "what is known of your device",
        // The client wants more than the policies do.
        "unmet_authentication_requirements" => "you cannot sign in in the way that it demands",
        _ => "you have to do something first",
    }
}

/// The answer that a code stands for.
pub(super) const PERMITTED: &str = "permitted";
/// The answer that a code stands for which lets nobody in.
pub(super) const REPORTED: &str = "reported";
/// The answer that the person has read, and takes back to the client.
pub(super) const DENIED: &str = "denied-returned";
