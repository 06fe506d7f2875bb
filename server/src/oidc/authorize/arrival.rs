//! How an authorization request arrives: as it stands in the link, signed by the client (RFC 9101), or stored before under
//! a name that the link has (RFC 9126). From here on there are its parameters, and what was proved with them. What the
//! parameters say is left to `client.rs` and `request.rs`; the signature to `request_object.rs`.

use super::Visit;
use super::carried::Carried;
use super::client::{self, RedirectTarget};
use super::error::{ErrorCode, RedirectError};
use super::request::AuthorizationRequest;
use super::request_object;
use crate::directory::clients::{ClientRecord, RequestObjects};
use crate::domain::clock::Timestamp;
use crate::domain::ids::ClientId;
use crate::domain::pushed::RequestOrigin;
use crate::domain::secret::{Secret, SecretHash};
use crate::domain::transaction::Transaction;
use crate::oidc::browser::Browser;
use crate::oidc::endpoint::{EndpointError, EndpointErrorCode};
use crate::oidc::origin::Origin;
use crate::oidc::page_error::PageError;
use crate::oidc::parameters::Parameters;
use crate::oidc::provider::Provider;
use crate::storage::{StorageError, UnitOfWork};

/// How the name of a request begins that its client has pushed (RFC 9126, section 2.2). A secret follows.
pub(in crate::oidc) const PUSHED: &str = "urn:ietf:params:oauth:request_uri:";

/// How the name of a request begins that a browser has posted.
pub(in crate::oidc) const POSTED: &str = "urn:doorward:arrival:";

/// A request that has just arrived.
#[derive(Debug)]
pub(super) struct Arrival {
    /// Its parameters: these count, and no others.
    pub(super) parameters: Parameters,
    pub(super) arrived: Arrived,
    /// The cookie of a browser that had none, and owns the stored request from now on.
    pub(super) newcomer: Option<Secret>,
}

/// Which way a request has arrived.
#[derive(Debug, Clone, Default)]
pub(in crate::oidc) struct Arrived {
    /// The stored request, which is used up where a code is issued.
    pub(in crate::oidc) stored: Option<SecretHash>,
    /// What was proved with it.
    pub(in crate::oidc) carried: Carried,
}

impl Arrived {
    /// That of a request which has waited for its person.
    pub(super) fn before(transaction: &Transaction) -> Self {
        Self {
            stored: transaction.pushed,
            carried: Carried::read(transaction.carried.as_deref()),
        }
    }
}

/// The request that a link stands for.
pub(super) async fn resolve(
    cx: &Provider,
    link: &Parameters,
    browser: &Browser,
    now: Timestamp,
) -> Result<Arrival, PageError> {
    let Some((secret, origin)) = link.get("request_uri").and_then(ours) else {
        // Any other `request_uri` is refused with what else is not supported.
        let arrival = Arrival {
            parameters: link.clone(),
            arrived: Arrived::default(),
            newcomer: None,
        };
        return opened(cx, arrival, now).await;
    };
    // RFC 9101, section 5.
    if link.get("request").is_some() {
        return Err(PageError::bad_parameter(
            "request",
            "The link holds a request, and the name of another one.",
        ));
    }
    // Whatever else stands beside the name does not count (RFC 9126, section 4; RFC 9101, section 5).
    let Some(client) = link.get("client_id") else {
        return Err(PageError::bad_parameter(
            "client_id",
            "The link does not say which application it is for.",
        ));
    };
    let hash = Secret::from_untrusted(secret).digest();
    let (identity, new) = browser.identity_or_new(cx.entropy.as_ref());
    let mut work = cx.storage.begin().await?;
    let found = work
        .pushed_requests()
        .claim(&hash, &ClientId::new(client), &identity.digest(), now)
        .await?;
    let Some(stored) = found.filter(|stored| stored.origin == origin) else {
        return Err(PageError::no_request());
    };
    work.commit().await?;
    let arrival = Arrival {
        parameters: Parameters::stored(stored.parameters),
        arrived: Arrived {
            stored: Some(hash),
            carried: Carried {
                pushed: origin == RequestOrigin::Pushed,
                ..Carried::read(stored.carried.as_deref())
            },
        },
        newcomer: new.then_some(identity),
    };
    opened(cx, arrival, now).await
}

/// The secret in the name of a request that is stored here.
fn ours(request_uri: &str) -> Option<(&str, RequestOrigin)> {
    [
        (PUSHED, RequestOrigin::Pushed),
        (POSTED, RequestOrigin::Posted),
    ]
    .into_iter()
    .find_map(|(prefix, origin)| Some((request_uri.strip_prefix(prefix)?, origin)))
}

/// The request with the parameters that the client has signed, if it has.
async fn opened(cx: &Provider, arrival: Arrival, now: Timestamp) -> Result<Arrival, PageError> {
    let Some(signed) = request_object::open(cx, &arrival.parameters, now).await? else {
        return Ok(arrival);
    };
    Ok(Arrival {
        parameters: signed.parameters,
        arrived: Arrived {
            carried: Carried {
                signed: true,
                once: signed.once,
                ..arrival.arrived.carried
            },
            ..arrival.arrived
        },
        ..arrival
    })
}

/// Whether the request came in the way that the client has promised to take. One that has waited was asked when it came.
pub(super) fn check(visit: &Visit<'_>, target: &RedirectTarget) -> Result<(), RedirectError> {
    if visit.transaction.is_some() {
        return Ok(());
    }
    let carried = &visit.arrived.carried;
    // RFC 9126, section 6; FAPI 2.0 Security Profile, section 5.3.2.2.
    if target.client().par_required && !carried.pushed {
        return Err(RedirectError::new(
            ErrorCode::InvalidRequest,
            "requests of this client have to be pushed",
        ));
    }
    check_signed(target.client(), carried)
}

/// RFC 9101, section 10.5: who has promised to sign cannot be impersonated by leaving the signature out.
fn check_signed(client: &ClientRecord, carried: &Carried) -> Result<(), RedirectError> {
    if matches!(client.request_objects, RequestObjects::Required(_)) && !carried.signed {
        return Err(RedirectError::new(
            ErrorCode::InvalidRequest,
            "requests of this client have to be signed",
        ));
    }
    Ok(())
}

/// Checks a request that is pushed as it will be checked when its browser comes (RFC 9126, section 2.1). The errors are
/// those of the authorization endpoint (section 2.3).
pub(in crate::oidc) fn examine(
    cx: &Provider,
    parameters: &Parameters,
    carried: &Carried,
) -> Result<(), EndpointError> {
    let told = |error: RedirectError| {
        let code = EndpointErrorCode::Authorization(error.error.as_str());
        EndpointError::new(code, error.description)
    };
    let target = client::resolve(cx, parameters, carried.signed).map_err(|error| {
        EndpointError::new(EndpointErrorCode::Authorization(error.code), error.message)
    })?;
    check_signed(target.client(), carried).map_err(told)?;
    AuthorizationRequest::parse(cx, parameters, &target).map_err(told)?;
    Ok(())
}

/// Uses the request up, in the unit of work that issues what was asked for. False where that has happened before.
pub(super) async fn end(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    work: &mut dyn UnitOfWork,
) -> Result<bool, StorageError> {
    let Arrived { stored, carried } = &visit.arrived;
    if let Some(stored) = stored
        && !work.pushed_requests().end(stored).await?
    {
        return Ok(false);
    }
    // It was counted when it was pushed or posted.
    if carried.counted {
        let origin = Origin::of(visit.cx, visit.browser, visit.now);
        visit.cx.intake.finish(origin);
    }
    match &carried.once {
        Some(once) => once.spend(&target.client().id, work, visit.now).await,
        None => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_stored_request_says_which_way_it_came() {
        let pushed = ours("urn:ietf:params:oauth:request_uri:abc");
        assert_eq!(pushed, Some(("abc", RequestOrigin::Pushed)));
        let posted = ours("urn:doorward:arrival:abc");
        assert_eq!(posted, Some(("abc", RequestOrigin::Posted)));
        for foreign in [
            "https://app.example.com/request",
            "urn:ietf:params:oauth:request_uri",
            "URN:ietf:params:oauth:request_uri:abc",
            " urn:doorward:arrival:abc",
        ] {
            assert_eq!(ours(foreign), None, "{foreign}");
        }
    }
}
