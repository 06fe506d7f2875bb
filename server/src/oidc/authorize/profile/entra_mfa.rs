//! Microsoft Entra, which has seen to a first factor and asks for another: whom it asks about, which factor the device
//! is, what it is told, and what a person is shown whom it cannot be told about. The hint itself is left to `entra_hint`.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::entra_hint::{self, EntraHint, HintRefused};
use crate::audit::{self, Ending};
use crate::directory::guid::Guid;
use crate::directory::profile::EntraMfa;
use crate::directory::users::UserRecord;
use crate::domain::authentication::Authentication;
use crate::domain::claims_request::ClaimsRequest;
use crate::domain::ids::ClientId;
use crate::oidc::authorize::carried::Carried;
use crate::oidc::authorize::client::RedirectTarget;
use crate::oidc::authorize::error::{ErrorCode, RedirectError};
use crate::oidc::authorize::{Visit, record, respond};
use crate::oidc::intake::is_stored;
use crate::oidc::provider::Provider;
use crate::oidc::session::{Hint, Standing, Subject};
use crate::reload::Digest;
use crate::storage::StorageError;
use crate::web::headers::page;
use crate::web::pages::RefusedHint;

/// The classes of Entra's that proof of possession belongs to.
const CLASSES: [&str; 4] = [
    "possessionorinherence",
    "knowledgeorpossession",
    "knowledgeorpossessionorinherence",
    "possession",
];

/// A method, by the names of RFC 8176, and the class of Entra's that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::oidc::authorize) struct Factor {
    class: String,
    method: &'static str,
}

/// Why Entra cannot be told of a factor, although the policies let the user in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::oidc::authorize) enum NoFactor {
    /// There is no device.
    NoDevice,
    /// Entra wants something else than possession: the first factor was one already.
    AnotherClass,
    /// Entra takes possession, but not in the way that a device proves it.
    AnotherMethod,
}

/// What the request proves.
pub(super) async fn received(
    visit: &Visit<'_>,
    entra: &EntraMfa,
) -> Result<EntraHint, HintRefused> {
    let text = visit.parameters.get("id_token_hint");
    let text = text.ok_or(HintRefused::Missing)?;
    let hint = entra_hint::verify(visit.cx, entra, text, visit.now).await?;
    if account(visit.cx, &hint.tenant, &hint.object).is_none() {
        return Err(HintRefused::Account(Box::new(hint)));
    }
    Ok(hint)
}

/// Whom a stored request is about.
pub(super) fn hinted(cx: &Provider, carried: &Carried) -> Option<Subject> {
    let (tenant, object) = carried.entra.as_ref()?.key()?;
    let (user, users) = account(cx, &tenant, &object)?;
    Some(Subject {
        user,
        users,
        standing: Standing::Hinted {
            authentication: Authentication::default(),
            by: Hint::Signed,
        },
    })
}

/// The user with this account. Never by a name or an address: those change, and guests have surprising ones.
fn account(cx: &Provider, tenant: &Guid, object: &Guid) -> Option<(Arc<UserRecord>, Digest)> {
    let users = cx.users.current();
    let user = users.value.by_entra(tenant, object)?;
    (!user.disabled).then(|| (Arc::clone(user), users.digest))
}

/// What a device is to Entra: one method among those that it asks for, which are never of the type of the first factor,
/// and one class.
pub(super) fn factor(asked: &ClaimsRequest, hardware: bool) -> Result<Factor, NoFactor> {
    let class = first(asked, "acr", &CLASSES).ok_or(NoFactor::AnotherClass)?;
    // The key of a device is one in hardware, where its authority says so, or else one in software; both prove that it
    // is there.
    let methods: &[&'static str] = if hardware {
        &["hwk", "swk", "pop"]
    } else {
        &["swk", "pop"]
    };
    let takes = |method: &&&str| match asked.id_token.get("amr") {
        None => true,
        Some(amr) => amr.accepts(&json!(method)),
    };
    let method = methods.iter().find(takes);
    Ok(Factor {
        class,
        method: method.copied().ok_or(NoFactor::AnotherMethod)?,
    })
}

/// The first value that is asked for among those that are possible; the first that is possible, where any would do.
fn first(asked: &ClaimsRequest, name: &str, possible: &[&str]) -> Option<String> {
    let values = asked
        .id_token
        .get(name)
        .map(|claim| claim.values.as_slice());
    match values {
        None | Some([]) => possible.first().map(|&value| value.to_owned()),
        Some(values) => values
            .iter()
            .filter_map(Value::as_str)
            .find(|value| possible.contains(value))
            .map(str::to_owned),
    }
}

/// What Entra is told: this and nothing else.
pub(in crate::oidc::authorize) fn claims(
    visit: &Visit<'_>,
    client: &ClientId,
    nonce: Option<&str>,
    factor: &Factor,
) -> Option<Map<String, Value>> {
    let account = visit.arrived.carried.entra.as_ref()?;
    let issued = visit.now;
    let expires = issued + visit.cx.lifetimes.id_token;
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    put("iss", json!(visit.cx.issuer_text));
    put("aud", json!(client.as_str()));
    put("exp", json!(expires.timestamp()));
    put("iat", json!(issued.timestamp()));
    // Entra's own name for the account, and none of ours.
    put("sub", json!(account.subject));
    if let Some(nonce) = nonce {
        put("nonce", json!(nonce));
    }
    put("acr", json!(factor.class));
    put("amr", json!([factor.method]));
    Some(claims)
}

/// Shows that nothing can be said about a hint, with a button that tells Entra so.
pub(in crate::oidc::authorize) async fn refuse(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    refused: &HintRefused,
) -> Result<Response, StorageError> {
    let cx = visit.cx;
    let ending = Ending::Refused {
        error: refused.code().to_owned(),
        detail: refused.says(),
    };
    let mut record = record::bare(visit, target, ending);
    if let HintRefused::Account(hint) = refused {
        record.caller.tenant = Some(hint.tenant.to_string());
        record.caller.object_id = Some(hint.object.to_string());
    }
    let reference = record.reference;
    tracing::info!(
        %reference, code = refused.code(), cause = refused.cause(), "a hint of Entra is refused"
    );
    if is_stored(cx, visit.browser, &record) {
        let mut work = cx.storage.begin().await?;
        audit::record(work.as_mut(), &record).await?;
        work.commit().await?;
    }
    cx.log.write(record);
    let error = RedirectError::new(
        ErrorCode::AccessDenied,
        "nothing can be said about this account",
    );
    let shown = RefusedHint {
        application_name: target.client().name.clone(),
        message: refused.says(),
        help: help(refused).to_owned(),
        code: refused.code().to_owned(),
        request_id: request_id(visit),
        action: target.redirect_uri().to_owned(),
        fields: respond::error_fields(visit, target, &error, reference),
        reference: reference.to_string(),
    };
    let status = match refused {
        HintRefused::NoKeys(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    let headers = cx.page_headers().posting_to(target.redirect_uri());
    Ok(page(status, &shown, headers))
}

fn help(refused: &HintRefused) -> &'static str {
    match refused {
        HintRefused::Time | HintRefused::Used => {
            "Go back, and sign in at Microsoft once more from the beginning."
        }
        HintRefused::NoKeys(_) => {
            "Wait a minute. Then go back, and sign in at Microsoft once more from the beginning."
        }
        HintRefused::Account(_) => {
            "Ask your help desk to add your account at Microsoft Entra to your account here."
        }
        _ => "You cannot change that yourself. Tell your help desk what stands below.",
    }
}

/// What Entra calls the request, where it looks like it: whatever else somebody may write there is not shown.
pub(in crate::oidc::authorize) fn request_id(visit: &Visit<'_>) -> Option<String> {
    let written = visit.parameters.get("client-request-id")?;
    written.parse().ok().map(|id: Guid| id.to_string())
}

/// What a person is shown whose device is of no use to Entra, as the headline and the reason of a page.
pub(in crate::oidc::authorize) fn in_words(why: NoFactor) -> (&'static str, &'static str) {
    let headline = match why {
        NoFactor::NoDevice => "This device is not known",
        NoFactor::AnotherClass | NoFactor::AnotherMethod => {
            "Your device cannot be your second factor here"
        }
    };
    let reason = match why {
        NoFactor::NoDevice => {
            "The second factor is a device that is known here, and no such device has shown its certificate."
        }
        NoFactor::AnotherClass => {
            "The first factor was already something you have. Microsoft Entra asks for something else now."
        }
        NoFactor::AnotherMethod => {
            "Microsoft Entra does not take the certificate of a device for this sign-in."
        }
    };
    (headline, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(acr: &Value, amr: &Value) -> ClaimsRequest {
        let mut id_token = Map::new();
        for (name, values) in [("acr", acr), ("amr", amr)] {
            if !values.is_null() {
                id_token.insert(name.to_owned(), json!({ "values": values }));
            }
        }
        serde_json::from_value(json!({ "id_token": id_token })).unwrap()
    }

    fn told(acr: &Value, amr: &Value, hardware: bool) -> Result<(String, &'static str), NoFactor> {
        let factor = factor(&asked(acr, amr), hardware)?;
        Ok((factor.class, factor.method))
    }

    fn class(acr: &Value) -> Result<String, NoFactor> {
        told(acr, &Value::Null, false).map(|(class, _)| class)
    }

    fn method(amr: &Value, hardware: bool) -> Result<&'static str, NoFactor> {
        told(&Value::Null, amr, hardware).map(|(_, method)| method)
    }

    #[test]
    fn the_class_is_the_first_one_asked_for_that_possession_belongs_to() {
        let of = |values: Value| class(&values);
        let possession = json!(["knowledge", "inherence", "possession"]);
        assert_eq!(of(possession).unwrap(), "possession");
        let both = json!(["knowledgeorpossession", "possessionorinherence"]);
        assert_eq!(of(both).unwrap(), "knowledgeorpossession");
        assert_eq!(of(Value::Null).unwrap(), "possessionorinherence");
    }

    #[test]
    fn after_a_first_factor_of_possession_a_device_is_no_second_one() {
        let others = json!(["knowledgeorinherence", "knowledge", "inherence", 7]);
        assert_eq!(class(&others), Err(NoFactor::AnotherClass));
    }

    #[test]
    fn the_method_is_the_most_that_is_true_of_what_is_asked_for() {
        let all = json!(["face", "fido", "pop", "swk", "hwk"]);
        assert_eq!(method(&all, true), Ok("hwk"));
        assert_eq!(method(&all, false), Ok("swk"));
        assert_eq!(method(&json!(["swk", "pop"]), true), Ok("swk"));
        assert_eq!(method(&json!(["pop", "hwk"]), false), Ok("pop"));
        assert_eq!(method(&Value::Null, true), Ok("hwk"));
        assert_eq!(method(&Value::Null, false), Ok("swk"));
    }

    #[test]
    fn a_key_in_software_is_never_said_to_be_in_hardware() {
        let refused = Err(NoFactor::AnotherMethod);
        assert_eq!(method(&json!(["hwk"]), false), refused);
        assert_eq!(method(&json!(["hwk"]), true), Ok("hwk"));
        assert_eq!(method(&json!(["face", "iris"]), true), refused);
    }
}
