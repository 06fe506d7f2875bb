//! A relying party: an application that lets people sign in with the provider, by discovery, PKCE,
//! `state`, `nonce` and a verified ID token. What it does for them afterwards is nobody's business here.

use std::pin::Pin;
use std::sync::Arc;

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AccessTokenHash, AsyncHttpClient, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError,
    Scope, TokenResponse as _,
};
use serde_json::{Map, Value};
use url::Url;

use super::reach::with_causes;
use crate::domain::clock::Clock;
use crate::domain::entropy::Entropy;
use crate::domain::secret::Secret;

/// The scopes that are asked for, besides `openid`.
const SCOPES: [&str; 2] = ["profile", "email"];

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What an application needs to know about itself.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The `client_id`.
    pub client_id: String,
    /// The secret of a confidential client.
    pub secret: Option<Secret>,
    /// Where answers go.
    pub redirect_uri: String,
}

/// An application that has found its provider.
#[derive(Debug)]
pub struct RelyingParty {
    client: Client,
    issuer: String,
    http: BackChannel,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// A sign-in that was begun: what the application has to remember until the answer comes.
#[derive(Debug)]
pub struct Begun {
    /// Where to send the browser.
    pub url: Url,
    /// The `state` that the answer has to carry.
    pub state: String,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// The parameters of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned(Vec<(String, String)>);

/// A person who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The `sub`.
    pub subject: String,
    /// Every claim of the ID token.
    pub claims: Map<String, Value>,
}

/// Why nobody is signed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelyingPartyError {
    /// Something of the registration is no URL.
    #[error("`{0}` is no URL")]
    Url(String),
    /// The provider was not found, or what it says of itself is wrong.
    #[error("the provider cannot be used: {0}")]
    Provider(String),
    /// The provider refused.
    #[error("{error}: {description}")]
    Refused {
        /// The error code.
        error: String,
        /// What the provider says about it.
        description: String,
    },
    /// The answer is not one to the question.
    #[error("the answer does not fit: {0}")]
    Answer(&'static str),
    /// The code could not be exchanged.
    #[error("the code was not accepted: {0}")]
    Code(String),
    /// The ID token proves nothing.
    #[error("the ID token does not count: {0}")]
    IdToken(String),
}

impl RelyingParty {
    /// Finds out about the provider, and fetches its keys (OpenID Connect Discovery 1.0, section 4).
    pub async fn discover(
        issuer: &str,
        registration: Registration,
        http: reqwest::Client,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, RelyingPartyError> {
        let no_url = |text: &str| RelyingPartyError::Url(text.to_owned());
        let Registration {
            client_id,
            secret,
            redirect_uri,
        } = registration;
        let redirect = RedirectUrl::new(redirect_uri.clone()).map_err(|_| no_url(&redirect_uri))?;
        let issuer_url = IssuerUrl::new(issuer.to_owned()).map_err(|_| no_url(issuer))?;
        let http = BackChannel(http);
        let metadata = CoreProviderMetadata::discover_async(issuer_url, &http)
            .await
            .map_err(|error| RelyingPartyError::Provider(with_causes(&error)))?;
        let secret = secret.map(|secret| ClientSecret::new(secret.expose().to_owned()));
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new(client_id), secret)
            .set_redirect_uri(redirect);
        Ok(Self {
            client,
            issuer: issuer.to_owned(),
            http,
            clock,
            entropy,
        })
    }

    /// Begins a sign-in.
    #[must_use]
    pub fn begin(&self) -> Begun {
        let random = || Secret::generate(self.entropy.as_ref()).expose().to_owned();
        // INVARIANT: a secret has 43 symbols, as many as RFC 7636 section 4.1 asks for.
        let verifier = PkceCodeVerifier::new(random());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let (state, nonce) = (CsrfToken::new(random()), Nonce::new(random()));
        let (url, state, nonce) = self
            .client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || state,
                move || nonce,
            )
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        Begun {
            url,
            state: state.into_secret(),
            nonce,
            verifier,
        }
    }

    /// Ends a sign-in with the answer that came back.
    pub async fn finish(
        &self,
        begun: Begun,
        returned: &Returned,
    ) -> Result<SignedIn, RelyingPartyError> {
        let code = self.accept(&begun, returned)?;
        let no_code = RelyingPartyError::Code;
        let tokens = self
            .client
            .exchange_code(code)
            .map_err(|error| no_code(error.to_string()))?
            .set_pkce_verifier(begun.verifier)
            .request_async(&self.http)
            .await
            .map_err(|error| match error {
                RequestTokenError::ServerResponse(refusal) => no_code(refusal.to_string()),
                other => no_code(with_causes(&other)),
            })?;

        let untrusted = RelyingPartyError::IdToken;
        let token = tokens
            .id_token()
            .ok_or_else(|| untrusted("there is none".to_owned()))?;
        let clock = Arc::clone(&self.clock);
        let verifier = self
            .client
            .id_token_verifier()
            .set_time_fn(move || clock.now());
        let claims = token
            .claims(&verifier, &begun.nonce)
            .map_err(|error| untrusted(with_causes(&error)))?;
        // OpenID Connect Core 1.0, section 3.1.3.8: the access token is the one that came with it.
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = token
                .signing_alg()
                .map_err(|error| untrusted(with_causes(&error)))?;
            let key = token
                .signing_key(&verifier)
                .map_err(|error| untrusted(with_causes(&error)))?;
            let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key)
                .map_err(|error| untrusted(with_causes(&error)))?;
            if actual != *expected {
                return Err(untrusted(
                    "the access token is not the one in `at_hash`".to_owned(),
                ));
            }
        }
        let subject = claims.subject().as_str().to_owned();
        match serde_json::to_value(claims) {
            Ok(Value::Object(claims)) => Ok(SignedIn { subject, claims }),
            _ => Err(untrusted("its claims are no object".to_owned())),
        }
    }

    /// The code of an answer to this very question.
    fn accept(
        &self,
        begun: &Begun,
        returned: &Returned,
    ) -> Result<AuthorizationCode, RelyingPartyError> {
        // RFC 6749 section 10.12.
        if returned.get("state") != Some(begun.state.as_str()) {
            return Err(RelyingPartyError::Answer(
                "`state` is not the one that was sent",
            ));
        }
        // RFC 9207 section 2.4.
        if returned.get("iss").is_some_and(|iss| iss != self.issuer) {
            return Err(RelyingPartyError::Answer("`iss` is another provider"));
        }
        if let Some(error) = returned.get("error") {
            let description = returned
                .get("error_description")
                .unwrap_or("no description");
            return Err(RelyingPartyError::Refused {
                error: error.to_owned(),
                description: description.to_owned(),
            });
        }
        returned
            .get("code")
            .map(|code| AuthorizationCode::new(code.to_owned()))
            .ok_or(RelyingPartyError::Answer("there is no `code`"))
    }
}

impl Returned {
    /// The answer in the query of a redirect.
    #[must_use]
    pub fn from_query(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The client's own connection to the provider, which no browser sees.
#[derive(Debug)]
struct BackChannel(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for BackChannel {
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, reqwest::Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(exchange(&self.0, request))
    }
}

async fn exchange(
    http: &reqwest::Client,
    request: HttpRequest,
) -> Result<HttpResponse, reqwest::Error> {
    let response = http.execute(request.try_into()?).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut answer = HttpResponse::new(response.bytes().await?.to_vec());
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::response::IntoResponse as _;
    use axum::routing::get;

    use super::super::reach::Reach;
    use super::*;
    use crate::domain::clock::SystemClock;
    use crate::domain::entropy::SeededEntropy;

    /// A relying party of a provider that has discovery and no keys.
    async fn party() -> RelyingParty {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let metadata = serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        });
        let json = |body: Value| {
            let kind = [("content-type", "application/json")];
            let answer = (kind, body.to_string());
            get(move || async move { answer.into_response() })
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", json(metadata))
            .route("/jwks", json(serde_json::json!({ "keys": [] })));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let registration = Registration {
            client_id: "wiki".to_owned(),
            secret: None,
            redirect_uri: "http://localhost:8445/callback".to_owned(),
        };
        let reach = Reach {
            authorities_pem: String::new(),
            hosts: Vec::new(),
        };
        let http = reach.client(None).unwrap();
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SeededEntropy::new(1)));
        RelyingParty::discover(&issuer, registration, http, clock, entropy)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_sign_in_begins_with_a_code_flow_pkce_state_and_nonce() {
        let party = party().await;
        let begun = party.begin();
        let asked = Returned::from_query(begun.url.query().unwrap());
        assert_eq!(begun.url.path(), "/authorize");
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", "wiki"),
            ("redirect_uri", "http://localhost:8445/callback"),
            ("scope", "openid profile email"),
            ("code_challenge_method", "S256"),
            ("state", begun.state.as_str()),
        ] {
            assert_eq!(asked.get(name), Some(value), "{name}");
        }
        assert_ne!(asked.get("nonce"), asked.get("state"));
        assert_ne!(party.begin().state, begun.state);
    }

    async fn refused(answer: impl Fn(&Begun) -> String) -> RelyingPartyError {
        let party = party().await;
        let begun = party.begin();
        let returned = Returned::from_query(&answer(&begun));
        party.finish(begun, &returned).await.unwrap_err()
    }

    #[tokio::test]
    async fn an_answer_with_another_state_is_refused() {
        let error = refused(|_| "code=1&state=x".to_owned()).await;
        assert!(error.to_string().contains("`state`"));
    }

    #[tokio::test]
    async fn an_answer_of_another_provider_is_refused() {
        let error = refused(|begun| format!("code=1&iss=x&state={}", begun.state)).await;
        assert!(error.to_string().contains("`iss`"));
    }

    #[tokio::test]
    async fn a_refusal_is_told_with_its_description() {
        let error = refused(|begun| {
            let state = &begun.state;
            format!("error=access_denied&error_description=not+you&state={state}")
        })
        .await;
        assert_eq!(error.to_string(), "access_denied: not you");
    }

    #[tokio::test]
    async fn a_code_that_is_not_accepted_is_told() {
        let error = refused(|begun| format!("code=1&state={}", begun.state)).await;
        assert!(matches!(error, RelyingPartyError::Code(_)), "{error}");
    }
}
