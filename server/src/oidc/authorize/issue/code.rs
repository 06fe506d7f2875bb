//! Permit in, authorization code out, in one unit of work with the decision record.

use axum::response::Response;
use serde_json::Map;

use super::proven;
use crate::access::{AccessPermit, Grounds, Signals};
use crate::audit::{self, Ending};
use crate::domain::claims_request::ClaimsRequest;
use crate::domain::code::NewCode;
use crate::domain::grant::{Grant, GrantKind};
use crate::domain::ids::GrantId;
use crate::domain::secret::Secret;
use crate::oidc::authorize::client::RedirectTarget;
use crate::oidc::authorize::error::WalkError;
use crate::oidc::authorize::request::AuthorizationRequest;
use crate::oidc::authorize::{Visit, record, respond};
use crate::oidc::page_error::PageError;
use crate::oidc::session::{self, Subject};

/// Issues a code and sends it to the client. The code, its record, and the end of the stored request
/// are committed together, or none of them happened.
pub(in crate::oidc::authorize) async fn code(
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
    let (user, client, application) = permit.spend();
    let authentication = &subject.session.authentication;
    let (methods, acr) = proven(authentication, signals);
    let secret = Secret::generate(cx.entropy.as_ref());
    let code = NewCode {
        hash: secret.digest(),
        grant: Grant {
            id: GrantId::generate(cx.entropy.as_ref()),
            client,
            user,
            session: Some(subject.session.id.clone()),
            subject: subject.user.id.to_string(),
            application,
            kind: GrantKind::SignIn,
            scope: request.scope.clone(),
            nonce: request.nonce.clone(),
            auth_time: authentication.auth_time(),
            methods,
            acr: Some(acr.to_owned()),
            reference: record.reference,
            authentication: authentication.clone(),
            device: None,
            address: None,
            audience: Vec::new(),
            confirmation: None,
            claims: ClaimsRequest::default(),
            extra: Map::new(),
        },
        redirect_uri: target.redirect_uri().to_owned(),
        code_challenge: request.code_challenge.clone(),
        dpop_jkt: None,
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
