//! Errors that a person sees as a page: before a redirect target exists, and where the provider itself
//! fails. The operator's face goes to the log, the person's face to the page; both have the reference.

use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::browser::Browser;
use super::intake::is_stored;
use super::parameters::InvalidParameters;
use super::provider::Provider;
use crate::audit::{self, DecisionRecord, Ending};
use crate::domain::clock::Timestamp;
use crate::domain::ids::Reference;
use crate::storage::StorageError;
use crate::tokens::TokenError;
use crate::web::headers::page;
use crate::web::pages::ErrorPage;

/// What went wrong, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageError {
    /// The HTTP status.
    pub status: StatusCode,
    /// The error code for the record.
    pub code: &'static str,
    /// The page's heading.
    pub title: &'static str,
    /// What is wrong, in a sentence.
    pub message: String,
    /// The parameter at fault.
    pub parameter: Option<&'static str>,
    /// What to do.
    pub help: &'static str,
    /// After how many seconds it is worth trying again.
    pub retry_after: Option<i64>,
}

const ASK_THE_APPLICATION: &str = "This link was put together by the application. Go back to it and try again; if that does not help, tell the people who run it.";
const START_AGAIN: &str = "Go back to the application and sign in from there.";

impl PageError {
    /// The request is wrong in one parameter.
    #[must_use]
    pub fn bad_parameter(parameter: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "invalid_request",
            title: "This sign-in link does not work",
            message: message.into(),
            parameter: Some(parameter),
            help: ASK_THE_APPLICATION,
            retry_after: None,
        }
    }

    /// The sign-in is over, was never begun in this browser, or took too long.
    #[must_use]
    pub fn no_transaction() -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "no_transaction",
            title: "This sign-in is over",
            message: "It was finished, took too long, or was begun in another browser.".to_owned(),
            parameter: None,
            help: START_AGAIN,
            retry_after: None,
        }
    }

    /// A stored request is over, was never there, or belongs to another browser (RFC 9126, section 4).
    #[must_use]
    pub fn no_request() -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "invalid_request_uri",
            title: "This sign-in link is over",
            message: "It was used already, is too old, or was opened in another browser first."
                .to_owned(),
            parameter: Some("request_uri"),
            help: START_AGAIN,
            retry_after: None,
        }
    }

    /// A signed request is not what it has to be (RFC 9101, section 6.3).
    #[must_use]
    pub fn bad_request_object(why: &impl fmt::Display) -> Self {
        Self {
            code: "invalid_request_object",
            ..Self::bad_parameter(
                "request",
                format!("The signed request in this link is refused: {why}."),
            )
        }
    }

    /// A form came from elsewhere, or from a page that is too old.
    #[must_use]
    pub fn foreign_form() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            code: "foreign_form",
            title: "This form cannot be used",
            message: "It was not sent from our own page in this browser.".to_owned(),
            parameter: None,
            help: START_AGAIN,
            retry_after: None,
        }
    }

    /// The device host was called without a ticket that counts.
    #[must_use]
    pub fn no_ticket() -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "no_ticket",
            title: "This device check is over",
            message: "Its ticket was used already, or is too old.".to_owned(),
            parameter: None,
            help: START_AGAIN,
            retry_after: None,
        }
    }

    /// Something that the provider needs is not there right now.
    #[must_use]
    pub fn unavailable() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "temporarily_unavailable",
            title: "Signing in is not possible right now",
            message: "The provider cannot reach something that it needs.".to_owned(),
            parameter: None,
            help: "Try again in a minute.",
            retry_after: Some(30),
        }
    }

    /// Too many sign-ins were begun at the person's address and not finished.
    #[must_use]
    pub fn too_many(until: Timestamp, now: Timestamp) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "too_many_requests",
            title: "Too many sign-ins at a time",
            message:
                "Too many sign-ins were begun at your address in a short time, and not finished."
                    .to_owned(),
            parameter: None,
            help: "Wait some minutes. Then go back to the application and sign in from there.",
            retry_after: Some((until - now).num_seconds().max(1)),
        }
    }

    /// The page, recorded under a reference of its own.
    pub async fn respond(self, cx: &Provider, browser: &Browser) -> Response {
        let now = cx.now();
        let reference = Reference::generate(cx.entropy.as_ref());
        let record = DecisionRecord::new(
            reference,
            now,
            Ending::Refused {
                error: self.code.to_owned(),
                detail: self.message.clone(),
            },
        );
        self.respond_with(cx, browser, record).await
    }

    /// The page for a request that is recorded as `record`.
    pub async fn respond_with(
        self,
        cx: &Provider,
        browser: &Browser,
        record: DecisionRecord,
    ) -> Response {
        let reference = record.reference;
        if let Err(error) = store(cx, browser, &record).await {
            // The page is shown all the same: it lets nobody in.
            tracing::error!(%reference, %error, "record of a refused request cannot be stored");
        }
        cx.log.write(record);
        self.shown(cx, reference)
    }

    /// The page of something that is no request for access, and so leaves no record: the server's log
    /// knows the reference.
    #[must_use]
    pub fn respond_unrecorded(self, cx: &Provider) -> Response {
        let reference = Reference::generate(cx.entropy.as_ref());
        tracing::info!(%reference, code = self.code, message = %self.message, "refused");
        self.shown(cx, reference)
    }

    fn shown(self, cx: &Provider, reference: Reference) -> Response {
        let shown = ErrorPage {
            status: self.status.as_u16(),
            title: self.title.to_owned(),
            message: self.message,
            parameter: self.parameter.map(ToOwned::to_owned),
            reference: Some(reference.to_string()),
            help: Some(self.help.to_owned()),
        };
        let mut response = page(self.status, &shown, cx.page_headers());
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Stores the record, within bounds: strangers must not fill the database with requests that are wrong.
async fn store(
    cx: &Provider,
    browser: &Browser,
    record: &DecisionRecord,
) -> Result<(), StorageError> {
    if !is_stored(cx, browser, record) {
        return Ok(());
    }
    let mut work = cx.storage.begin().await?;
    audit::record(work.as_mut(), record).await?;
    work.commit().await
}

impl From<StorageError> for PageError {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "storage failed");
        Self::unavailable()
    }
}

impl From<TokenError> for PageError {
    fn from(error: TokenError) -> Self {
        tracing::error!(%error, "token cannot be made");
        Self::unavailable()
    }
}

impl From<InvalidParameters> for PageError {
    fn from(error: InvalidParameters) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "invalid_request",
            title: "This sign-in link does not work",
            message: format!("In this link {error}."),
            parameter: None,
            help: ASK_THE_APPLICATION,
            retry_after: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn whoever_has_to_wait_is_told_for_how_long() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let after = |wait: TimeDelta| PageError::too_many(now + wait, now).retry_after;
        assert_eq!(after(TimeDelta::seconds(90)), Some(90));
        assert_eq!(after(TimeDelta::milliseconds(10)), Some(1));
        assert!(PageError::unavailable().retry_after.is_some());
        assert!(PageError::no_transaction().retry_after.is_none());
    }
}
