//! A report in, authorization code out, in one unit of work with the decision record. The code is worth a statement about
//! the device, and nothing else.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{key_method, take_stored};
use crate::access::{Report, Signals};
use crate::audit::{self, Ending};
use crate::domain::claims_request::ClaimsRequest;
use crate::domain::code::NewCode;
use crate::domain::grant::{Grant, GrantKind};
use crate::domain::ids::GrantId;
use crate::domain::secret::Secret;
use crate::oidc::authorize::client::RedirectTarget;
use crate::oidc::authorize::error::WalkError;
use crate::oidc::authorize::request::AuthorizationRequest;
use crate::oidc::authorize::stopped::{self, REPORTED};
use crate::oidc::authorize::{Visit, arrival, record, respond};
use crate::oidc::page_error::PageError;
use crate::oidc::session::Subject;
use crate::oidc::subject;

/// The scope of every report, whatever the client asked for: it says nothing of the person but `sub`.
const SCOPE: &str = "openid";

/// Issues a code for what is reported of the device, and sends it to the client. There is a code whatever the policies
/// said, so nothing but a [`Report`] can be turned into one here.
pub(in crate::oidc::authorize) async fn report(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    request: &AuthorizationRequest,
    subject: &Subject,
    signals: &Signals,
    report: Report,
) -> Result<Response, WalkError> {
    let cx = visit.cx;
    let ending = Ending::Reported {
        managed: report.managed,
        compliant: report.compliant,
    };
    let record = record::decided(visit, target, subject, signals, &report.grounds, ending);
    let extra = claims(&report);
    let known = report.device.is_some();
    let (user, client, application) = report.permit.spend();
    let authentication = subject.standing.authentication();
    let mut methods: Vec<String> = authentication.methods.iter().cloned().collect();
    if known {
        methods.push(key_method(signals).to_owned());
    }
    let secret = Secret::generate(cx.entropy.as_ref());
    let code = NewCode {
        hash: secret.digest(),
        grant: Grant {
            id: GrantId::generate(cx.entropy.as_ref()),
            client,
            user,
            // No session is used for it, and none ends it.
            session: None,
            subject: subject::of(cx, target.client(), &subject.user),
            application,
            kind: GrantKind::Posture,
            scope: SCOPE.to_owned(),
            nonce: request.nonce.clone(),
            auth_time: authentication.auth_time(),
            methods,
            acr: None,
            reference: record.reference,
            authentication: authentication.clone(),
            device: None,
            address: None,
            audience: Vec::new(),
            confirmation: None,
            claims: ClaimsRequest::default(),
            extra,
        },
        redirect_uri: target.redirect_uri().to_owned(),
        code_challenge: request.code_challenge.clone(),
        dpop_jkt: request.dpop_jkt,
        issued_at: visit.now,
        expires_at: visit.now + cx.lifetimes.code,
    };
    let mut work = cx.storage.begin().await?;
    take_stored(visit, work.as_mut()).await?;
    if !arrival::end(visit, target, work.as_mut()).await? {
        return Err(PageError::no_request().into());
    }
    let too_often = stopped::count(visit, target, work.as_mut(), Some(subject), REPORTED).await?;
    if let Some(kept_back) = too_often {
        return Ok(stopped::end(visit, target, work, record, kept_back).await?);
    }
    work.codes().insert(&code).await?;
    audit::record(work.as_mut(), &record).await?;
    work.commit().await?;
    cx.log.write(record);
    Ok(respond::code(visit, target, &secret))
}

/// What Okta reads of the device.
fn claims(report: &Report) -> Map<String, Value> {
    let mut device = Map::new();
    let mut put = |name: &str, value: Value| device.insert(name.to_owned(), value);
    put("managed", json!(report.managed));
    put("compliant", json!(report.compliant));
    if let Some(id) = &report.device {
        put("externalId", json!(id));
    }
    [("device_context".to_owned(), Value::Object(device))]
        .into_iter()
        .collect()
}
