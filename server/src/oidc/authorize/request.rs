//! The rest of the authorization request, fully checked: scope, claims, PKCE, prompt, `max_age`, nonce.

use chrono::TimeDelta;
use data_encoding::BASE64URL_NOPAD;

use super::client::RedirectTarget;
use super::error::{ErrorCode, RedirectError};
use super::expected::Expected;
use super::id_token_hint;
use super::profile;
use super::wanted::Wanted;
use crate::directory::clients::ClientAuthentication;
use crate::directory::profile::ResponseType;
use crate::domain::claims_request::ClaimsRequest;
use crate::oidc::claims_request;
use crate::oidc::dpop;
use crate::oidc::parameters::Parameters;
use crate::oidc::provider::Provider;
use crate::oidc::resource::of_authorization_request;

/// An authorization request that is right in every parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AuthorizationRequest {
    /// What the client wants to be answered with.
    pub(super) response_type: ResponseType,
    /// The scopes that are granted: those asked for that the client may have.
    pub(super) scope: String,
    /// The S256 challenge of PKCE (RFC 7636).
    pub(super) code_challenge: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) prompt: Prompt,
    pub(super) max_age: Option<TimeDelta>,
    pub(super) login_hint: Option<String>,
    /// How the client wants the user authenticated.
    pub(super) wanted: Wanted,
    /// Single claims that the client asks for.
    pub(super) claims: ClaimsRequest,
    /// The key that has to redeem the code, where the request names one (RFC 9449, section 10).
    pub(super) dpop_jkt: Option<[u8; 32]>,
    /// The API that tokens are to be for, where the request already says so (RFC 8707).
    pub(super) resource: Option<String>,
    /// The user that an ID token hint or a claim names: nobody else will do.
    pub(super) expected_user: Option<Expected>,
}

/// What the client wants to happen in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    /// Whatever is needed.
    AsNeeded,
    /// Nothing: no page is ever shown.
    None,
    /// The user authenticates in any case.
    Login,
}

impl AuthorizationRequest {
    pub(super) fn parse(
        cx: &Provider,
        parameters: &Parameters,
        target: &RedirectTarget,
    ) -> Result<Self, RedirectError> {
        refuse_unsupported(parameters)?;
        let response_type = profile::response_type(parameters, target)?;
        let claims = claims(parameters)?;
        let hint = id_token_hint::subject(cx, parameters, target)?;
        Ok(Self {
            response_type,
            scope: scope(parameters, target)?,
            code_challenge: code_challenge(parameters, target)?,
            nonce: parameters.get("nonce").map(ToOwned::to_owned),
            prompt: prompt(parameters)?,
            max_age: max_age(parameters)?,
            login_hint: parameters.get("login_hint").map(ToOwned::to_owned),
            wanted: profile::wanted(parameters, &claims, target),
            dpop_jkt: dpop::parameter(parameters).map_err(invalid)?,
            resource: resource(cx, parameters, target)?,
            expected_user: Expected::parse(hint, &claims).map_err(invalid)?,
            claims,
        })
    }
}

fn invalid(description: impl Into<String>) -> RedirectError {
    RedirectError::new(ErrorCode::InvalidRequest, description)
}

fn resource(
    cx: &Provider,
    parameters: &Parameters,
    target: &RedirectTarget,
) -> Result<Option<String>, RedirectError> {
    of_authorization_request(&cx.issuer_text, target.client(), parameters)
        .map_err(|refused| RedirectError::new(ErrorCode::InvalidTarget, refused.to_string()))
}

/// Text of a request as it may stand in an error description (RFC 6749, section 4.1.2.1).
pub(super) fn shown(text: &str) -> String {
    text.chars()
        .filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '`'))
        .take(64)
        .collect()
}

/// What is not supported is refused by its own code, never ignored (OpenID Connect Core 1.0, section 6).
fn refuse_unsupported(parameters: &Parameters) -> Result<(), RedirectError> {
    for (name, code) in [
        ("request", ErrorCode::RequestNotSupported),
        ("request_uri", ErrorCode::RequestUriNotSupported),
        ("registration", ErrorCode::RegistrationNotSupported),
    ] {
        if parameters.get(name).is_some() {
            return Err(RedirectError::new(code, format!("{name} is not supported")));
        }
    }
    Ok(())
}

fn scope(parameters: &Parameters, target: &RedirectTarget) -> Result<String, RedirectError> {
    let asked: Vec<&str> = parameters
        .get("scope")
        .unwrap_or("")
        .split(' ')
        .filter(|s| !s.is_empty())
        .collect();
    if !asked.contains(&"openid") {
        return Err(RedirectError::new(
            ErrorCode::InvalidScope,
            "scope must contain openid",
        ));
    }
    let mut granted: Vec<&str> = Vec::new();
    for scope in asked {
        // Scopes that the client may not have are left out (RFC 6749, section 3.3).
        if target.client().scopes.contains(scope) && !granted.contains(&scope) {
            granted.push(scope);
        }
    }
    if !granted.contains(&"openid") {
        return Err(RedirectError::new(
            ErrorCode::InvalidScope,
            "this client may not ask for openid",
        ));
    }
    Ok(granted.join(" "))
}

/// PKCE with S256 only (RFC 7636, RFC 9700 section 2.1.1): `plain` protects nothing.
fn code_challenge(
    parameters: &Parameters,
    target: &RedirectTarget,
) -> Result<Option<String>, RedirectError> {
    if !profile::has_pkce(target) {
        return Ok(None);
    }
    let client = target.client();
    let public = matches!(client.authentication, ClientAuthentication::None);
    match (
        parameters.get("code_challenge"),
        parameters.get("code_challenge_method"),
    ) {
        (None, None) if public || client.pkce_required => {
            Err(invalid("code_challenge is missing: PKCE is required"))
        }
        // RFC 9700, section 2.1.1: without PKCE it is the nonce that ties a code to its request.
        (None, None) if parameters.get("nonce").is_none() => {
            Err(invalid("nonce is missing: without PKCE it is required"))
        }
        (None, None) => Ok(None),
        (None, Some(_)) => Err(invalid("code_challenge is missing")),
        (Some(challenge), Some("S256")) => {
            // 43 characters, no more and no other (RFC 7636, section 4.2).
            let decoded = BASE64URL_NOPAD.decode(challenge.as_bytes());
            match decoded {
                Ok(digest) if digest.len() == 32 => Ok(Some(challenge.to_owned())),
                _ => Err(invalid("code_challenge is not the base64url of a SHA-256")),
            }
        }
        (Some(_), _) => Err(invalid("code_challenge_method must be S256")),
    }
}

fn prompt(parameters: &Parameters) -> Result<Prompt, RedirectError> {
    let values: Vec<&str> = parameters
        .get("prompt")
        .unwrap_or("")
        .split(' ')
        .filter(|s| !s.is_empty())
        .collect();
    let mut prompt = Prompt::AsNeeded;
    for value in &values {
        prompt = match (*value, prompt) {
            // OpenID Connect Core 1.0, section 3.1.2.1: `none` stands alone.
            ("none", _) if values.len() == 1 => Prompt::None,
            ("none", _) => return Err(invalid("prompt=none cannot be combined")),
            // Who may choose an account may also be asked for its password.
            ("login" | "select_account", _) => Prompt::Login,
            // There is no consent to ask for: clients are the organisation's own.
            ("consent", prompt) => prompt,
            (other, _) => {
                return Err(invalid(format!(
                    "prompt `{}` is not supported",
                    shown(other)
                )));
            }
        };
    }
    Ok(prompt)
}

fn claims(parameters: &Parameters) -> Result<ClaimsRequest, RedirectError> {
    let Some(text) = parameters.get("claims") else {
        return Ok(ClaimsRequest::default());
    };
    claims_request::parse(text).map_err(invalid)
}

fn max_age(parameters: &Parameters) -> Result<Option<TimeDelta>, RedirectError> {
    let Some(text) = parameters.get("max_age") else {
        return Ok(None);
    };
    let seconds: Option<u32> = text.parse().ok();
    seconds
        .map(|seconds| Some(TimeDelta::seconds(seconds.into())))
        .ok_or_else(|| invalid("max_age is not a number of seconds"))
}
