//! What a profile has to say where the walk asks: whom a request is about, which application it is for, how it may be
//! asked and answered. The rules themselves stand with the clients (`directory::profile`); a consumer that needs more
//! than rules has a file of its own here.

mod entra_hint;
mod entra_keys;
mod entra_mfa;
mod okta_factor;
mod okta_posture;

pub(super) use entra_hint::{EntraHint, HintRefused};
pub use entra_keys::EntraKeys;
pub(super) use entra_mfa::{
    claims, in_words as no_factor_in_words, refuse as refuse_hint, request_id,
};
pub(super) use okta_factor::Context as OktaContext;
pub(super) use okta_posture::answer as answer_anyway;

use doorward_engine::{Action, Application, Device};
use serde_json::{Map, Value};

use self::entra_mfa::{Factor, NoFactor};
use super::Visit;
use super::carried::Carried;
use super::client::RedirectTarget;
use super::error::{ErrorCode, RedirectError};
use super::request::AuthorizationRequest;
use super::wanted::Wanted;
use crate::access::{self, Signals};
use crate::config::KeyProtection;
use crate::directory::clients::ClientRecord;
use crate::directory::profile::{
    Pkce, Profile, Refusal, ResponseMode, ResponseType, Rules, SessionUse,
};
use crate::directory::users::UserRecord;
use crate::domain::claims_request::ClaimsRequest;
use crate::oidc::discovery::{Members, Offer};
use crate::oidc::page_error::PageError;
use crate::oidc::parameters::Parameters;
use crate::oidc::provider::Provider;
use crate::oidc::session::Subject;

/// Whom the request is about, where the profile knows without a session. Whoever it names for a stored request stays
/// the same until that request ends: a password that is entered in between counts for that user.
pub(in crate::oidc) fn hinted(
    cx: &Provider,
    client: &ClientRecord,
    parameters: &Parameters,
    carried: &Carried,
) -> Option<Subject> {
    match client.profile {
        Profile::EntraMfa(_) => entra_mfa::hinted(cx, carried),
        Profile::OktaFactor(_) => okta_factor::hinted(cx, parameters, carried.signed),
        // Users of the others have a session here, or begin one.
        Profile::OidcRp | Profile::OktaPosture => None,
    }
}

/// Whether whoever the client names may have a session here as well, and begin one with the password.
pub(in crate::oidc) fn keeps_session(client: &ClientRecord) -> bool {
    client.profile.rules().session != SessionUse::None
}

/// Refuses a request about whose user the profile says nothing, where nobody else's word counts: the consumer has said
/// whom it means, and there is no such user any more.
pub(super) fn check_unhinted(
    client: &ClientRecord,
    parameters: &Parameters,
    carried: &Carried,
) -> Result<(), RedirectError> {
    let names_somebody = matches!(client.profile, Profile::OktaFactor(_))
        && carried.signed
        && parameters.get("login_hint").is_some();
    if hints_once(client) || names_somebody {
        return Err(RedirectError::new(
            ErrorCode::AccessDenied,
            "the account is not known here any more",
        ));
    }
    Ok(())
}

/// Whether requests of the client come with a hint that counts once.
pub(super) fn hints_once(client: &ClientRecord) -> bool {
    matches!(client.profile, Profile::EntraMfa(_))
}

/// What such a request proves; nothing where there is nothing to prove.
pub(super) async fn received(
    visit: &Visit<'_>,
    client: &ClientRecord,
) -> Result<Option<EntraHint>, HintRefused> {
    match &client.profile {
        Profile::EntraMfa(entra) => entra_mfa::received(visit, entra).await.map(Some),
        Profile::OidcRp | Profile::OktaFactor(_) | Profile::OktaPosture => Ok(None),
    }
}

/// Whether the answer is worth nothing without a device, whatever the policies ask for.
pub(super) fn needs_device(client: &ClientRecord) -> bool {
    matches!(client.profile, Profile::EntraMfa(_))
}

/// What the device is as a factor, where that is all that the client is told. A certificate that no record of the
/// inventory knows is nobody's, and a device of others is no factor of this user.
pub(super) fn factor(
    request: &AuthorizationRequest,
    user: &UserRecord,
    signals: &Signals,
) -> Result<Factor, NoFactor> {
    let device = signals.device.fact.value();
    let is_theirs = |device: &Device| {
        access::is_in_inventory(device) && device.assigned_to.contains(user.id.as_str())
    };
    if !device.is_some_and(is_theirs) {
        return Err(NoFactor::NoDevice);
    }
    let hardware = signals.device.keys == KeyProtection::Hardware;
    entra_mfa::factor(&request.claims, hardware)
}

/// How the client wants its user authenticated. One whose classes are its own is answered by its profile.
pub(super) fn wanted(
    parameters: &Parameters,
    claims: &ClaimsRequest,
    target: &RedirectTarget,
) -> Wanted {
    let client = target.client();
    match client.profile {
        Profile::EntraMfa(_) => Wanted::Nothing,
        Profile::OidcRp | Profile::OktaFactor(_) | Profile::OktaPosture => {
            Wanted::parse(parameters, claims, client.acr_required)
        }
    }
}

/// What the discovery document says for the profiles of the clients that are live.
pub(in crate::oidc) fn advertise(offer: &Offer<'_>, members: &mut Members) {
    let answers = |client: &ClientRecord| client.profile.rules().response_types;
    let mut clients = offer.clients.all();
    if clients.any(|client| answers(client).contains(&ResponseType::IdToken)) {
        for (name, value) in [
            ("response_types_supported", "id_token"),
            ("grant_types_supported", "implicit"),
        ] {
            if let Some(Value::Array(values)) = members.get_mut(name) {
                values.push(Value::from(value));
            }
        }
    }
}

/// The application that the request is for: the client's, unless the profile knows of others behind it. With it come the
/// claims by which the client is told so.
pub(super) fn application(
    client: &ClientRecord,
    parameters: &Parameters,
    signed: bool,
) -> Result<(Application, Map<String, Value>), PageError> {
    match &client.profile {
        Profile::OktaFactor(okta) => okta_factor::application(client, okta, parameters, signed),
        Profile::OidcRp | Profile::OktaPosture | Profile::EntraMfa(_) => {
            let own = access::application(client, &client.application);
            Ok((own, Map::new()))
        }
    }
}

/// What the policies are asked for the client.
pub(super) fn action(client: &ClientRecord) -> Action {
    match client.profile {
        Profile::OidcRp | Profile::OktaFactor(_) | Profile::EntraMfa(_) => Action::SignIn,
        Profile::OktaPosture => Action::Posture,
    }
}

/// Whether the client is answered whatever the policies say, and refuses the person itself.
pub(super) fn answers_anyway(client: &ClientRecord) -> bool {
    client.profile.rules().refusal == Refusal::AnswerAnyway
}

/// How the answer reaches the client. Nothing where it asks for a way that its profile does not go.
pub(super) fn response_mode(
    client: &ClientRecord,
    parameters: &Parameters,
) -> Option<ResponseMode> {
    let rules = client.profile.rules();
    match parameters.get("response_mode") {
        None => Some(rules.default_mode),
        Some(asked) => modes(rules).find(|mode| mode.as_str() == asked),
    }
}

/// The ways that there are, in words: "`query` or `form_post`".
pub(super) fn response_modes_in_words(client: &ClientRecord) -> String {
    in_words(modes(client.profile.rules()).map(ResponseMode::as_str))
}

fn modes(rules: &Rules) -> impl Iterator<Item = ResponseMode> {
    rules.modes.iter().copied()
}

/// What the client wants to be answered with, if its profile has it (RFC 6749, section 4.1.2.1).
pub(super) fn response_type(
    parameters: &Parameters,
    target: &RedirectTarget,
) -> Result<ResponseType, RedirectError> {
    let possible = target.client().profile.rules().response_types;
    let Some(asked) = parameters.get("response_type") else {
        return Err(RedirectError::new(
            ErrorCode::InvalidRequest,
            "response_type is missing",
        ));
    };
    let found = possible.iter().find(|known| known.as_str() == asked);
    found.copied().ok_or_else(|| {
        let use_instead = in_words(possible.iter().map(|known| known.as_str()));
        let asked = super::request::shown(asked);
        RedirectError::new(
            ErrorCode::UnsupportedResponseType,
            format!("response_type `{asked}` is not supported: use {use_instead}"),
        )
    })
}

/// Whether there is a code that PKCE could protect.
pub(super) fn has_pkce(target: &RedirectTarget) -> bool {
    target.client().profile.rules().pkce != Pkce::Unused
}

/// What the log of the other side calls this request, for whoever has to find it there.
pub(super) fn log_elsewhere(client: &ClientRecord, request_id: Option<&str>) -> String {
    match (&client.profile, request_id) {
        (Profile::OktaFactor(_) | Profile::OktaPosture, _) => {
            "events named user.authentication.auth_via_IDP in the System Log of Okta".to_owned()
        }
        (Profile::EntraMfa(_), Some(id)) => {
            format!("the request with the id {id} in the sign-in logs of Microsoft Entra")
        }
        (Profile::EntraMfa(_), None) => {
            "the user at this time in the sign-in logs of Microsoft Entra".to_owned()
        }
        (Profile::OidcRp, _) => {
            "answers to its redirect URI at this time, and what became of them, in the log of the application"
                .to_owned()
        }
    }
}

/// Words of a protocol as a sentence names them: "`query` or `form_post`".
fn in_words<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    words.join(" or ")
}
