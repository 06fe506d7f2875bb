//! Permit in, authorization code out, in one unit of work with the decision record.

use axum::response::Response;

use super::Visit;
use super::client::RedirectTarget;
use super::error::WalkError;
use super::record;
use super::request::AuthorizationRequest;
use super::respond;
use crate::access::{AccessPermit, Grounds, Signals};
use crate::audit::{self, Ending};
use crate::domain::code::{Grant, NewCode};
use crate::domain::ids::GrantId;
use crate::domain::secret::Secret;
use crate::oidc::page_error::PageError;
use crate::oidc::session::{self, Subject};

/// `acr` of a sign-in by password.
pub(in crate::oidc) const ACR_PASSWORD: &str = "urn:doorward:acr:password";
/// `acr` of a sign-in by password on a device that proved itself.
pub(in crate::oidc) const ACR_PASSWORD_AND_DEVICE: &str = "urn:doorward:acr:password-and-device";

/// Issues a code and sends it to the client. The code, its record, and the end of the stored request
/// are committed together, or none of them happened.
pub(super) async fn code(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    request: &AuthorizationRequest,
    subject: &Subject,
    signals: &Signals,
    permit: AccessPermit,
    grounds: &Grounds,
) -> Result<Response, WalkError> {
    let cx = visit.cx;
    let record = record::decided(visit, target, subject, signals, grounds, Ending::Permitted);
    let (user, client, _application) = permit.spend();
    let authentication = &subject.session.authentication;
    let mut methods: Vec<String> = authentication.methods.iter().cloned().collect();
    let device = signals.device.fact.value().is_some();
    if device {
        // Proof of possession of a key in software (RFC 8176, section 2): nothing says hardware.
        methods.push("swk".to_owned());
    }
    let secret = Secret::generate(cx.entropy.as_ref());
    let code = NewCode {
        hash: secret.digest(),
        grant: Grant {
            id: GrantId::generate(cx.entropy.as_ref()),
            client,
            user,
            session: subject.session.id.clone(),
            scope: request.scope.clone(),
            nonce: request.nonce.clone(),
            auth_time: authentication.auth_time(),
            methods,
            acr: Some(
                if device {
                    ACR_PASSWORD_AND_DEVICE
                } else {
                    ACR_PASSWORD
                }
                .to_owned(),
            ),
            reference: record.reference,
        },
        redirect_uri: target.redirect_uri().to_owned(),
        code_challenge: request.code_challenge.clone(),
        issued_at: visit.now,
        expires_at: visit.now + cx.lifetimes.code,
    };
    let mut work = cx.storage.begin().await?;
    if let Some(transaction) = &visit.transaction {
        let browser = visit
            .browser
            .identity()
            .ok_or_else(PageError::no_transaction)?;
        // A stored request ends once, however often its last step is sent.
        let taken = work
            .transactions()
            .take(&transaction.id, &browser.digest())
            .await?;
        if taken.is_none() {
            return Err(PageError::no_transaction().into());
        }
    }
    work.codes().insert(&code).await?;
    let used = session::used(
        &subject.session,
        cx.lifetimes.session,
        cx.lifetimes.idle_session,
        visit.now,
    );
    // Only its times: what somebody else has changed about it meanwhile stays. One that has ended
    // meanwhile lets nobody in.
    let lives = work
        .sessions()
        .touch(&used.id, used.last_seen_at, used.expires_at)
        .await?;
    if !lives {
        return Err(PageError::no_transaction().into());
    }
    audit::record(work.as_mut(), &record).await?;
    work.commit().await?;
    cx.log.write(record);
    Ok(respond::code(visit, target, &secret))
}
