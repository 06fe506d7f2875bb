//! The grant type `refresh_token` (RFC 6749, section 6; OpenID Connect Core 1.0, section 12): a refresh token becomes new
//! tokens, if the policies permit it by the facts of this moment. Each is good once, unless it is bound to its client
//! otherwise; a second use takes everything back.

use std::sync::Arc;

use serde_json::{Value, json};

use super::record::Refreshing;
use super::scope::narrowed;
use super::sender::{confirmation, proven};
use super::{issue, record};
use crate::access::{RefreshAnswer, RefreshPermit, RefreshRequest};
use crate::audit::{self, DecisionRecord, Ending};
use crate::directory::clients::{ClientRecord, RefreshAddress, RefreshPolicy, Security};
use crate::directory::users::UserRecord;
use crate::domain::clock::Timestamp;
use crate::domain::grant::{Confirmation, Grant, GrantKind};
use crate::domain::refresh::{PresentedRefresh, RefreshToken, Rotation, StoredRefresh};
use crate::domain::secret::{Secret, SecretHash};
use crate::oidc::client_authentication::AuthenticatedClient;
use crate::oidc::endpoint::{EndpointError, EndpointErrorCode, EndpointRequest};
use crate::oidc::provider::Provider;
use crate::oidc::resource;
use crate::storage::UnitOfWork;

/// The scope by which a client asks for tokens that outlive the session (OpenID Connect Core 1.0, section 11).
pub(super) const OFFLINE_ACCESS: &str = "offline_access";

/// The tokens that the refresh token in the form is worth.
pub(super) async fn refresh(
    cx: &Provider,
    request: &EndpointRequest,
    client: &AuthenticatedClient,
) -> Result<Value, EndpointError> {
    let presented = request
        .form
        .get("refresh_token")
        .ok_or_else(|| EndpointError::invalid_request("refresh_token is missing"))?;
    let (presented, now) = (Secret::from_untrusted(presented), cx.now());
    // The client as it is registered in the file that the record will name.
    let clients = cx.clients.current();
    let client = clients
        .value
        .by_id(client.record.id.as_str())
        .ok_or_else(|| EndpointError::invalid_client("the client is not known any more"))?;
    let address = address(client)?;

    let stored = find(cx, client, &presented, now).await?;
    let proven = proven(cx, request, client).await?;
    let confirmation = confirmation(client, &stored.grant, proven)?;
    let scope = narrowed(&stored.grant.scope, request.form.get("scope"), client)?;
    let audience = resource::of_token_request(
        &cx.issuer_text,
        client,
        &stored.grant.audience,
        &request.form,
    )?;

    let users = cx.users.current();
    let refreshing = Refreshing {
        cx,
        grant: &stored.grant,
        users: users.digest,
        clients: clients.digest,
        now,
    };
    let user = user(&refreshing, users.value.by_id(&stored.grant.user)).await?;
    session(&refreshing, client, &stored).await?;

    let asked = RefreshRequest {
        grant: &stored.grant,
        user,
        client,
        address,
        peer: request.peer.address,
        headers: &request.headers,
        now,
    };
    let signals = cx.signals.gather_for_refresh(&asked);
    let (permit, record) = match cx.access.decide_refresh(&asked, &signals) {
        RefreshAnswer::Permit(permit, grounds) => {
            let record = record::decided(&refreshing, user, &signals, &grounds, Ending::Permitted);
            (permit, record)
        }
        // The token stays: when what was missing is there, it works.
        RefreshAnswer::Refuse(grounds) => {
            let record = record::decided(&refreshing, user, &signals, &grounds, Ending::Denied);
            let why = "the access policies do not allow new tokens now";
            return Err(record::refuse(cx, record, why).await?);
        }
    };
    let renewal = Renewal {
        cx,
        client,
        stored: &stored,
        presented: &presented,
        user,
        scope,
        audience,
        confirmation,
        now,
    };
    renewal.carry_out(permit, record).await
}

/// The first refresh token of a grant, and how storage keeps it; none where the client may not refresh, or did not ask
/// to do so when the user is gone.
pub(super) fn first(
    cx: &Provider,
    client: &ClientRecord,
    grant: &Grant,
    now: Timestamp,
) -> Option<(Secret, RefreshToken)> {
    // What was only reported lets nobody in, and nobody stays in by it.
    if grant.kind != GrantKind::SignIn {
        return None;
    }
    let offline = grant.scope.split(' ').any(|scope| scope == OFFLINE_ACCESS);
    let session = match client.refresh {
        RefreshPolicy::Session(_) => Some(grant.session.clone()?),
        RefreshPolicy::Offline(_) if offline => None,
        RefreshPolicy::Offline(_) | RefreshPolicy::Never => return None,
    };
    let secret = Secret::generate(cx.entropy.as_ref());
    let token = RefreshToken {
        hash: secret.digest(),
        grant: grant.clone(),
        session,
        issued_at: now,
        expires_at: now + cx.lifetimes.refresh,
        idle_until: now + cx.lifetimes.idle_refresh,
    };
    Some((secret, token))
}

/// Whose address counts when the client refreshes, if it may.
fn address(client: &ClientRecord) -> Result<RefreshAddress, EndpointError> {
    match client.refresh {
        RefreshPolicy::Session(address) | RefreshPolicy::Offline(address) => Ok(address),
        RefreshPolicy::Never => Err(EndpointError::new(
            EndpointErrorCode::UnauthorizedClient,
            "this client may not refresh",
        )),
    }
}

/// The refresh token, if it was issued to this client and nobody has used it.
async fn find(
    cx: &Provider,
    client: &ClientRecord,
    presented: &Secret,
    now: Timestamp,
) -> Result<Box<StoredRefresh>, EndpointError> {
    let mut work = cx.storage.read().await?;
    let found = work.refresh_tokens().find(&presented.digest(), now).await?;
    drop(work);
    match found {
        // RFC 6749, section 10.4.
        PresentedRefresh::Live(stored) | PresentedRefresh::Used(stored)
            if stored.grant.client != client.id =>
        {
            Err(EndpointError::invalid_grant(
                "the refresh token was issued to another client",
            ))
        }
        PresentedRefresh::Live(stored) => Ok(stored),
        PresentedRefresh::Used(stored) => {
            let work = cx.storage.begin().await?;
            Err(take_back(cx, work, &stored.grant, now).await?)
        }
        PresentedRefresh::Unknown => Err(unknown()),
    }
}

/// The user, if the directory still lets them in.
async fn user<'a>(
    refreshing: &Refreshing<'_>,
    user: Option<&'a Arc<UserRecord>>,
) -> Result<&'a Arc<UserRecord>, EndpointError> {
    match user.filter(|user| !user.disabled) {
        Some(user) => Ok(user),
        None => Err(gone(refreshing, "the user is not known any more").await?),
    }
}

/// A token of a session ends with it, and so does one that was to outlive it where the client may no longer do so.
async fn session(
    refreshing: &Refreshing<'_>,
    client: &ClientRecord,
    stored: &StoredRefresh,
) -> Result<(), EndpointError> {
    let lives = match (&stored.session, client.refresh) {
        (Some(session), _) => {
            let mut work = refreshing.cx.storage.read().await?;
            work.sessions().lives(session, refreshing.now).await?
        }
        (None, policy) => matches!(policy, RefreshPolicy::Offline(_)),
    };
    if lives {
        return Ok(());
    }
    Err(gone(refreshing, "the session of the user is over").await?)
}

/// The grant is worth nothing any more, whatever the policies say.
async fn gone(refreshing: &Refreshing<'_>, why: &str) -> Result<EndpointError, EndpointError> {
    let ending = Ending::Refused {
        error: EndpointErrorCode::InvalidGrant.as_str().to_owned(),
        detail: why.to_owned(),
    };
    let record = record::bare(refreshing.cx, refreshing.grant, refreshing.now, ending);
    record::refuse(refreshing.cx, record, why).await
}

fn unknown() -> EndpointError {
    EndpointError::invalid_grant("the refresh token is unknown, too old, or revoked")
}

/// A refresh token was used twice, so two have it, and nobody can say which of them it belongs to: whatever the grant
/// was worth is taken back (RFC 9700, section 4.14.2). Two uses at the same moment are no exception.
async fn take_back(
    cx: &Provider,
    mut work: Box<dyn UnitOfWork>,
    grant: &Grant,
    now: Timestamp,
) -> Result<EndpointError, EndpointError> {
    let why = "the refresh token was used already, and everything that it was worth is revoked";
    let revoked = work.refresh_tokens().revoke_grant(&grant.id).await?
        + work.access_tokens().revoke_grant(&grant.id).await?;
    let ending = Ending::Refused {
        error: "refresh_reused".to_owned(),
        detail: "the refresh token was used already".to_owned(),
    };
    let record = record::bare(cx, grant, now, ending);
    let reference = record.reference;
    audit::record(work.as_mut(), &record).await?;
    work.commit().await?;
    cx.log.write(record);
    tracing::warn!(%reference, client = %grant.client, revoked, "refresh token was used twice");
    Ok(record::error(why, reference))
}

/// A refresh that is permitted.
#[derive(Debug)]
struct Renewal<'a> {
    cx: &'a Provider,
    client: &'a ClientRecord,
    stored: &'a StoredRefresh,
    presented: &'a Secret,
    user: &'a UserRecord,
    /// What the new access token is good for.
    scope: String,
    /// The APIs that it is for.
    audience: Vec<String>,
    /// What it is bound to.
    confirmation: Option<Confirmation>,
    now: Timestamp,
}

impl Renewal<'_> {
    /// Permit in, tokens out, in one unit of work with the decision record.
    async fn carry_out(
        self,
        permit: RefreshPermit,
        record: DecisionRecord,
    ) -> Result<Value, EndpointError> {
        let (user, client, application) = permit.spend();
        let grant = Grant {
            user,
            client,
            application,
            scope: self.scope.clone(),
            audience: self.audience.clone(),
            // It belonged to the request for the code (OpenID Connect Core 1.0, section 12.2).
            nonce: None,
            reference: record.reference,
            confirmation: self.confirmation,
            ..self.stored.grant.clone()
        };
        let (cx, now) = (self.cx, self.now);
        let mut work = cx.storage.begin().await?;
        let replaced = self.replace(work.as_mut()).await?;
        let kept = match replaced {
            Replaced::By(token) => token,
            Replaced::Reused => return Err(take_back(cx, work, &self.stored.grant, now).await?),
            Replaced::Gone => return Err(unknown()),
        };
        let mut tokens = issue::tokens(cx, work.as_mut(), &grant, self.user, now).await?;
        add(&mut tokens, &kept);
        audit::record(work.as_mut(), &record).await?;
        work.commit().await?;
        cx.log.write(record);
        Ok(tokens)
    }

    /// Replaces the token by the next one. Clients of FAPI keep theirs (FAPI 2.0 Security Profile, section 5.3.2.1): it
    /// is of no use to anybody else, and a lost answer locks nobody out.
    async fn replace(&self, work: &mut dyn UnitOfWork) -> Result<Replaced, EndpointError> {
        let old: SecretHash = self.presented.digest();
        let idle_until = self.now + self.cx.lifetimes.idle_refresh;
        if self.client.security == Security::Fapi {
            let touched = work
                .refresh_tokens()
                .touch(&old, idle_until, self.now)
                .await?;
            return Ok(if touched {
                Replaced::By(self.presented.clone())
            } else {
                Replaced::Gone
            });
        }
        let next = Secret::generate(self.cx.entropy.as_ref());
        let token = RefreshToken {
            hash: next.digest(),
            grant: Grant {
                // A token that was bound to nothing is from now on bound to what was proved (RFC 9449, section 5).
                confirmation: self.confirmation,
                ..self.stored.grant.clone()
            },
            session: self.stored.session.clone(),
            issued_at: self.now,
            expires_at: self.stored.expires_at,
            idle_until,
        };
        let rotation = work.refresh_tokens().rotate(&old, &token, self.now).await?;
        Ok(match rotation {
            Rotation::Rotated(_) => Replaced::By(next),
            Rotation::Reused(_) => Replaced::Reused,
            Rotation::Unknown => Replaced::Gone,
        })
    }
}

/// What became of the refresh token.
#[derive(Debug)]
enum Replaced {
    /// This is the one to use from now on.
    By(Secret),
    /// Somebody else has used it in the meantime.
    Reused,
    /// It was revoked in the meantime.
    Gone,
}

/// Adds the refresh token to what the client is told.
pub(super) fn add(tokens: &mut Value, refresh: &Secret) {
    if let Value::Object(members) = tokens {
        members.insert("refresh_token".to_owned(), json!(refresh.expose()));
    }
}
