//! Permit in, authorization code out, in one unit of work with the decision record.

use axum::response::Response;

use super::kept::Kept;
use super::{NO_ACR, proven, take_stored};
use crate::access::{AccessPermit, Grounds, Signals};
use crate::audit::{self, Ending};
use crate::domain::code::NewCode;
use crate::domain::grant::{Grant, GrantKind};
use crate::domain::ids::GrantId;
use crate::domain::secret::Secret;
use crate::oidc::authorize::client::RedirectTarget;
use crate::oidc::authorize::error::WalkError;
use crate::oidc::authorize::request::AuthorizationRequest;
use crate::oidc::authorize::stopped::{self, PERMITTED};
use crate::oidc::authorize::wanted::Wanted;
use crate::oidc::authorize::{Visit, arrival, record, respond};
use crate::oidc::backchannel;
use crate::oidc::page_error::PageError;
use crate::oidc::session::{self, Standing, Subject};
use crate::oidc::subject;

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
    let authentication = subject.standing.authentication();
    let (methods, acr) = proven(authentication, signals);
    let kept = Kept::of(visit, target, subject, signals);
    let secret = Secret::generate(cx.entropy.as_ref());
    let code = NewCode {
        hash: secret.digest(),
        grant: Grant {
            id: GrantId::generate(cx.entropy.as_ref()),
            client,
            user,
            session: subject.standing.session_id().cloned(),
            subject: subject::of(cx, target.client(), &subject.user),
            application,
            kind: GrantKind::SignIn,
            scope: request.scope.clone(),
            nonce: request.nonce.clone(),
            auth_time: authentication.auth_time(),
            methods,
            acr: told(&request.wanted, acr),
            reference: record.reference,
            authentication: authentication.clone(),
            device: kept.device,
            address: kept.address,
            audience: request.resource.iter().cloned().collect(),
            confirmation: None,
            claims: request.claims.clone(),
            extra: target.claims().clone(),
        },
        redirect_uri: target.redirect_uri().to_owned(),
        code_challenge: request.code_challenge.clone(),
        dpop_jkt: request.dpop_jkt,
        issued_at: visit.now,
        expires_at: visit.now + cx.lifetimes.code,
    };
    let mut work = cx.storage.begin().await?;
    take_stored(visit, work.as_mut()).await?;
    // One that was pushed or signed gets one code, however often its link was opened (FAPI 2.0 Security Profile,
    // section 5.3.2.2).
    if !arrival::end(visit, target, work.as_mut()).await? {
        return Err(PageError::no_request().into());
    }
    let too_often = stopped::count(visit, target, work.as_mut(), Some(subject), PERMITTED).await?;
    if let Some(kept_back) = too_often {
        return Ok(stopped::end(visit, target, work, record, kept_back).await?);
    }
    work.codes().insert(&code).await?;
    if let Standing::Session(session) = &subject.standing {
        let used = session::used(
            session,
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
        backchannel::note(work.as_mut(), target.client(), &code.grant, used.expires_at).await?;
    }
    audit::record(work.as_mut(), &record).await?;
    work.commit().await?;
    cx.log.write(record);
    Ok(respond::code(visit, target, &secret))
}

/// The class to tell the client, where there is one.
fn told(wanted: &Wanted, reached: &str) -> Option<String> {
    let told = wanted.told(reached).filter(|class| *class != NO_ACR);
    told.map(ToOwned::to_owned)
}
