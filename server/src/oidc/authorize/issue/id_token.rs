//! Permit in, ID token out, from the authorization endpoint itself (OpenID Connect Core 1.0, section 3.2), in one unit of
//! work with the decision record. What the token says is left to the profile.

use axum::response::Response;

use super::take_stored;
use crate::access::{AccessPermit, Grounds, Signals};
use crate::audit::{self, Ending};
use crate::oidc::authorize::client::RedirectTarget;
use crate::oidc::authorize::error::WalkError;
use crate::oidc::authorize::request::AuthorizationRequest;
use crate::oidc::authorize::stopped::{self, PERMITTED};
use crate::oidc::authorize::{Visit, arrival, denied, profile, record, respond};
use crate::oidc::page_error::PageError;
use crate::oidc::session::Subject;
use crate::tokens;

/// The type of an ID token.
const TYPE: &str = "JWT";

/// Issues an ID token and sends it to the client. The token, its record, and the end of the stored request go together,
/// or none of them happened.
pub(super) async fn id_token(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    request: &AuthorizationRequest,
    subject: &Subject,
    signals: &Signals,
    permit: AccessPermit,
    grounds: &Grounds,
) -> Result<Response, WalkError> {
    let cx = visit.cx;
    let factor = match profile::factor(request, &subject.user, signals) {
        Ok(factor) => factor,
        Err(why) => {
            let told = profile::no_factor_in_words(why);
            return denied::unfit(visit, target, request, subject, signals, grounds, told).await;
        }
    };
    let record = record::decided(visit, target, subject, signals, grounds, Ending::Permitted);
    let (_, client, _) = permit.spend();
    // INVARIANT: whoever comes here has been hinted at, by what the request carries.
    let claims = profile::claims(visit, &client, request.nonce.as_deref(), &factor)
        .ok_or_else(PageError::no_transaction)?;
    let key = cx.keys.wanted(target.client().id_token_algorithm)?;
    let token = tokens::sign(&key, TYPE, &claims)?;
    let mut work = cx.storage.begin().await?;
    take_stored(visit, work.as_mut()).await?;
    if !arrival::end(visit, target, work.as_mut()).await? {
        return Err(PageError::no_request().into());
    }
    let too_often = stopped::count(visit, target, work.as_mut(), Some(subject), PERMITTED).await?;
    if let Some(kept_back) = too_often {
        return Ok(stopped::end(visit, target, work, record, kept_back).await?);
    }
    audit::record(work.as_mut(), &record).await?;
    work.commit().await?;
    cx.log.write(record);
    Ok(respond::id_token(visit, target, token))
}
