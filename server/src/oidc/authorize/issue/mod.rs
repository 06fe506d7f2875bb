//! What a permit is worth to the client: a file for each kind of answer, and here what all of them say of the way in
//! which the user has signed in. Nobody is let in without an `AccessPermit`.

mod code;
mod id_token;
mod kept;
mod report;

pub(super) use self::report::report;

use self::code::code;

use axum::response::Response;

use super::Visit;
use super::client::RedirectTarget;
use super::error::WalkError;
use super::request::AuthorizationRequest;
use crate::access::{AccessPermit, Grounds, Signals};
use crate::config::KeyProtection;
use crate::directory::profile::ResponseType;
use crate::domain::authentication::Authentication;
use crate::oidc::page_error::PageError;
use crate::oidc::session::Subject;
use crate::storage::UnitOfWork;

/// `acr` of a sign-in by password.
pub(in crate::oidc) const ACR_PASSWORD: &str = "urn:doorward:acr:password";
/// `acr` of a sign-in by password on a device that proved itself.
pub(in crate::oidc) const ACR_PASSWORD_AND_DEVICE: &str = "urn:doorward:acr:password-and-device";

/// No class at all: each of them has a password, and where the client has seen to that, none was entered here.
const NO_ACR: &str = "";

/// Issues what the client asked for.
pub(super) async fn answer(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    request: &AuthorizationRequest,
    subject: &Subject,
    signals: &Signals,
    permit: AccessPermit,
    grounds: &Grounds,
) -> Result<Response, WalkError> {
    match request.response_type {
        ResponseType::Code => code(visit, target, request, subject, signals, permit, grounds).await,
        ResponseType::IdToken => {
            id_token::id_token(visit, target, request, subject, signals, permit, grounds).await
        }
    }
}

/// Ends the stored request, if there is one: it ends once, however often its last step is sent.
async fn take_stored(visit: &Visit<'_>, work: &mut dyn UnitOfWork) -> Result<(), WalkError> {
    let Some(transaction) = &visit.transaction else {
        return Ok(());
    };
    let browser = visit
        .browser
        .identity()
        .ok_or_else(PageError::no_transaction)?;
    let taken = work
        .transactions()
        .take(&transaction.id, &browser.digest())
        .await?;
    if taken.is_none() {
        return Err(PageError::no_transaction().into());
    }
    Ok(())
}

/// The class that was reached, for `acr`.
pub(super) fn reached(authentication: &Authentication, signals: &Signals) -> &'static str {
    let (_, class) = proven(authentication, signals);
    class
}

/// Whether nothing was proved.
pub(super) fn is_nothing(authentication: &Authentication, signals: &Signals) -> bool {
    let (methods, _) = proven(authentication, signals);
    methods.is_empty()
}

/// What was proved: the methods for `amr`, and the class for `acr`.
fn proven(authentication: &Authentication, signals: &Signals) -> (Vec<String>, &'static str) {
    let mut methods: Vec<String> = authentication.methods.iter().cloned().collect();
    let device = signals.device.fact.value().is_some();
    if device {
        methods.push(key_method(signals).to_owned());
    }
    let class = match (authentication.password_at, device) {
        (None, _) => NO_ACR,
        (Some(_), false) => ACR_PASSWORD,
        (Some(_), true) => ACR_PASSWORD_AND_DEVICE,
    };
    (methods, class)
}

/// Proof of possession of a key (RFC 8176, section 2): in software, unless every authority that vouches for the key says
/// hardware.
fn key_method(signals: &Signals) -> &'static str {
    match signals.device.keys {
        KeyProtection::Hardware => "hwk",
        KeyProtection::Software => "swk",
    }
}
