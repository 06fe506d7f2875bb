//! The discovery document (OpenID Connect Discovery 1.0, section 3) and the keys. Both are made once
//! and sent as they are; whatever is advertised works, and nothing else is accepted.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthUrl, AuthenticationContextClass, IssuerUrl, JsonWebKeySetUrl,
    ProviderMetadata, ResponseTypes, Scope, TokenUrl, UserInfoUrl,
};
use serde::{Deserialize, Serialize};

use super::authorize::{ACR_PASSWORD, ACR_PASSWORD_AND_DEVICE};
use super::provider::Provider;

/// Metadata that the crate's own type has no field for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(
    clippy::struct_field_names,
    reason = "the names are those of the specifications"
)]
struct OAuthMetadata {
    /// RFC 9207, section 3.
    authorization_response_iss_parameter_supported: bool,
    /// RFC 8414, section 2.
    code_challenge_methods_supported: Vec<String>,
    /// OpenID Connect Prompt Create 1.0, section 4.
    prompt_values_supported: Vec<String>,
}

impl AdditionalProviderMetadata for OAuthMetadata {}

type Metadata = ProviderMetadata<
    OAuthMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// The discovery document cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// An endpoint is no URL.
    #[error("the issuer does not make URLs: {0}")]
    Url(#[from] url::ParseError),
    /// It cannot be written.
    #[error("the discovery document cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// The discovery document of `issuer`, for ID tokens signed with `algorithm`.
pub fn metadata(issuer: &str, algorithm: CoreJwsSigningAlgorithm) -> Result<Bytes, MetadataError> {
    let endpoint = |path: &str| format!("{issuer}{path}");
    let claims = [
        "sub",
        "iss",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "acr",
        "amr",
        "sid",
        "name",
        "preferred_username",
        "email",
        "email_verified",
    ];
    let metadata = Metadata::new(
        IssuerUrl::new(issuer.to_owned())?,
        AuthUrl::new(endpoint("/authorize"))?,
        JsonWebKeySetUrl::new(endpoint("/jwks"))?,
        vec![ResponseTypes::new(vec![CoreResponseType::Code])],
        vec![CoreSubjectIdentifierType::Public],
        vec![algorithm],
        OAuthMetadata {
            authorization_response_iss_parameter_supported: true,
            code_challenge_methods_supported: vec!["S256".to_owned()],
            prompt_values_supported: ["none", "login", "select_account"]
                .map(ToOwned::to_owned)
                .to_vec(),
        },
    )
    .set_token_endpoint(Some(TokenUrl::new(endpoint("/token"))?))
    .set_userinfo_endpoint(Some(UserInfoUrl::new(endpoint("/userinfo"))?))
    .set_scopes_supported(Some(
        ["openid", "profile", "email"]
            .map(|s| Scope::new(s.to_owned()))
            .to_vec(),
    ))
    .set_response_modes_supported(Some(vec![
        CoreResponseMode::Query,
        CoreResponseMode::FormPost,
    ]))
    .set_grant_types_supported(Some(vec![CoreGrantType::AuthorizationCode]))
    .set_acr_values_supported(Some(
        [ACR_PASSWORD, ACR_PASSWORD_AND_DEVICE]
            .map(|acr| AuthenticationContextClass::new(acr.to_owned()))
            .to_vec(),
    ))
    .set_token_endpoint_auth_methods_supported(Some(vec![
        CoreClientAuthMethod::ClientSecretBasic,
        CoreClientAuthMethod::ClientSecretPost,
        CoreClientAuthMethod::None,
    ]))
    .set_claim_types_supported(Some(vec![CoreClaimType::Normal]))
    .set_claims_supported(Some(
        claims
            .map(|name| CoreClaimName::new(name.to_owned()))
            .to_vec(),
    ))
    .set_claims_parameter_supported(Some(false))
    .set_request_parameter_supported(Some(false))
    .set_request_uri_parameter_supported(Some(false));
    Ok(serde_json::to_vec(&metadata)?.into())
}

/// `GET /.well-known/openid-configuration`.
pub async fn openid_configuration(State(cx): State<Provider>) -> Response {
    json(cx.discovery.clone())
}

/// `GET /jwks`.
pub async fn jwks(State(cx): State<Provider>) -> Response {
    json(cx.keys.published())
}

fn json(body: Bytes) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    // Short: a new key must reach clients before it signs.
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
