//! The page of a denial: why not, what held and what did not, and what could be done about it.
//!
//! A denial is a page first, and goes to the client on the person's click: a broker that retries by
//! itself cannot turn it into a loop.

use axum::http::StatusCode;
use axum::response::Response;
use doorward_engine::{
    Condition as EngineCondition, DenyReason, Explanation, FactRow, Held as EngineHeld,
    PolicyExplanation, Role,
};

use super::Visit;
use super::client::RedirectTarget;
use super::error::{ErrorCode, RedirectError, WalkError};
use super::pending::{Stored, store};
use super::record;
use super::request::{AuthorizationRequest, Prompt};
use super::{profile, respond};
use crate::access::{Denial, Grounds, Signals};
use crate::audit::Ending;
use crate::domain::clock::Timestamp;
use crate::domain::ids::Reference;
use crate::domain::transaction::{DeviceCheck, Stage};
use crate::oidc::session::{Standing, Subject};
use crate::web::csrf::{self, Purpose};
use crate::web::headers::page;
use crate::web::pages::{Condition, Denied, Held};

/// Shows why not, or tells the client where it wanted no page.
pub(super) async fn show(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    request: &AuthorizationRequest,
    subject: &Subject,
    signals: &Signals,
    denial: Denial,
) -> Result<Response, WalkError> {
    let cx = visit.cx;
    let record = record::decided(
        visit,
        target,
        subject,
        signals,
        &denial.grounds,
        Ending::Denied,
    );
    if request.prompt == Prompt::None {
        let error = RedirectError::new(
            ErrorCode::AccessDenied,
            "the access policies do not allow this sign-in",
        );
        return respond::ended_at_client(visit, target, Some(subject), error, record).await;
    }
    let reference = record.reference;
    let stored = store(visit, target, Stage::Denied, Some(record)).await?;

    let told = told(&denial);
    let shown = Denied {
        headline: headline(denial.because).to_owned(),
        reason: told
            .first()
            .and_then(|explained| explained.policy.reason.clone()),
        advice: told
            .iter()
            .filter_map(|explained| explained.policy.advice.clone())
            .collect(),
        conditions: told
            .iter()
            .flat_map(|explained| conditions(explained, visit))
            .collect(),
        device_note: device_note(visit, signals),
        ..bare(visit, target, subject, &stored, reference)
    };
    let headers = cx.page_headers().leading_to(target.redirect_uri());
    Ok(stored.with_cookie(page(StatusCode::FORBIDDEN, &shown, headers)))
}

/// Shows that the client cannot be told what it asks for, although the policies let the user in: in a headline and a
/// reason.
pub(super) async fn unfit(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    request: &AuthorizationRequest,
    subject: &Subject,
    signals: &Signals,
    grounds: &Grounds,
    (headline, reason): (&str, &str),
) -> Result<Response, WalkError> {
    let ending = Ending::Refused {
        error: ErrorCode::AccessDenied.as_str().to_owned(),
        detail: reason.to_owned(),
    };
    let record = record::decided(visit, target, subject, signals, grounds, ending);
    if request.prompt == Prompt::None {
        let error = RedirectError::new(ErrorCode::AccessDenied, reason);
        return respond::ended_at_client(visit, target, Some(subject), error, record).await;
    }
    let reference = record.reference;
    let stored = store(visit, target, Stage::Denied, Some(record)).await?;
    let shown = Denied {
        headline: headline.to_owned(),
        reason: Some(reason.to_owned()),
        device_note: device_note(visit, signals),
        ..bare(visit, target, subject, &stored, reference)
    };
    let headers = visit.cx.page_headers().leading_to(target.redirect_uri());
    Ok(stored.with_cookie(page(StatusCode::FORBIDDEN, &shown, headers)))
}

/// The page as it is whatever the reason.
fn bare(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    subject: &Subject,
    stored: &Stored,
    reference: Reference,
) -> Denied {
    let transaction = &stored.transaction;
    // Whom the consumer speaks of is no choice of the person here.
    let chosen = matches!(subject.standing, Standing::Session(_));
    Denied {
        application_name: target.client().name.clone(),
        headline: String::new(),
        reason: None,
        advice: Vec::new(),
        conditions: Vec::new(),
        device_note: None,
        reference: reference.to_string(),
        request_id: profile::request_id(visit),
        check_again_url: visit.cx.endpoint(&format!(
            "/authorize/resume?transaction={}&device=again",
            transaction.id
        )),
        transaction: transaction.id.to_string(),
        csrf: csrf::token(&stored.browser, Purpose::Return, Some(&transaction.id)),
        signed_in_as: Some(subject.user.username.clone()),
        another_account: chosen,
    }
}

fn headline(because: DenyReason) -> &'static str {
    match because {
        DenyReason::Forbidden => "A rule of your organisation does not allow this sign-in",
        DenyReason::NoPermit => "Your sign-in does not meet what this application requires",
        DenyReason::PolicyError | DenyReason::InvalidRequest => "Your sign-in could not be checked",
    }
}

/// The policies worth telling a person about: the forbids that fired, or the nearest of the
/// permits for this user.
fn told(denial: &Denial) -> Vec<&PolicyExplanation> {
    let Some(Explanation {
        forbids, permits, ..
    }) = &denial.grounds.explanation
    else {
        return Vec::new();
    };
    match denial.because {
        DenyReason::Forbidden => forbids.iter().collect(),
        // Rules for other people are none of this person's business.
        DenyReason::NoPermit => permits
            .iter()
            .filter(|explained| explained.addressed)
            .take(1)
            .collect(),
        DenyReason::PolicyError | DenyReason::InvalidRequest => Vec::new(),
    }
}

fn conditions(explained: &PolicyExplanation, visit: &Visit<'_>) -> Vec<Condition> {
    explained
        .conditions
        .iter()
        .map(|condition| {
            let (label, held) = match (condition.role, condition.held) {
                // What speaks against the user is never a success.
                (Role::Applies, _) => (format!("Applies because: {}", condition.words), Held::No),
                (Role::Requires, EngineHeld::Yes) => (sentence(&condition.words), Held::Yes),
                (Role::Requires, EngineHeld::No) => (sentence(&condition.words), Held::No),
                (Role::Requires, EngineHeld::Unknown) => {
                    (sentence(&condition.words), Held::Unknown)
                }
            };
            Condition::new(label, held, found(condition, visit.now))
        })
        .collect()
}

/// What was found. Words of ours begin with a capital letter; a value stays as it is written in the data.
fn found(condition: &EngineCondition, now: Timestamp) -> String {
    let detail = condition.detail(now);
    match condition.facts.first() {
        Some(first) if in_our_words(first) => sentence(&detail),
        _ => detail,
    }
}

/// Whether the row begins with words of ours: a reason, a yes or no, an age.
fn in_our_words(row: &FactRow) -> bool {
    let flags = ["device.managed", "device.diskEncrypted", "device.compliant"];
    row.value.is_none() || flags.contains(&row.name.as_str()) || row.name.ends_with("Age")
}

/// With a capital letter at its beginning.
fn sentence(text: &str) -> String {
    let mut symbols = text.chars();
    symbols
        .next()
        .map(|first| first.to_uppercase().chain(symbols).collect())
        .unwrap_or_default()
}

fn device_note(visit: &Visit<'_>, signals: &Signals) -> Option<String> {
    let check = visit
        .transaction
        .as_ref()
        .map(|transaction| transaction.device_check);
    let absent = check == Some(DeviceCheck::Absent) && signals.device.fact.value().is_none();
    absent.then(|| {
        "No device certificate was presented. If this is a company device, close the browser completely, open it again, and choose the company certificate when it asks."
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str, value: Option<&str>, unknown: Option<&str>) -> String {
        let row = FactRow {
            name: name.to_owned(),
            value: value.map(ToOwned::to_owned),
            unknown: unknown.map(ToOwned::to_owned),
            source: String::new(),
            observed_at: None,
        };
        let condition = EngineCondition {
            words: String::new(),
            role: Role::Requires,
            held: EngineHeld::No,
            facts: vec![row],
        };
        found(&condition, "2026-11-24T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn values_are_shown_as_they_are_written_in_the_data() {
        for (name, value) in [
            ("user.groups", "employees"),
            ("user", "u-ana"),
            ("device", "mbp-ana"),
            ("device.platform", "macOS"),
            ("device.assignedTo", "u-ana"),
            ("session.methods", "pwd"),
        ] {
            assert_eq!(shown(name, Some(value), None), value, "{name}");
        }
    }

    #[test]
    fn words_of_ours_begin_with_a_capital_letter() {
        let managed = shown("device.managed", Some("not managed"), None);
        assert_eq!(managed, "Not managed");
        let password = shown("session.passwordAge", Some("entered 20 h ago"), None);
        assert_eq!(password, "Entered 20 h ago");
        let unknown = shown("country", None, Some("the address is private"));
        assert_eq!(unknown, "The address is private");
    }
}
