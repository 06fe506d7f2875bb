//! A client as others write it: discovery, PKCE, state, nonce, exchange of the code, verification
//! of the ID token, userinfo. It is built on a library that knows nothing of Doorward.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, SubjectIdentifier, TokenResponse as _,
};
use reqwest::{Client, Request, Url};
use serde_json::Value;

use super::answer::Answer;
use super::fixtures::TestClient;
use super::page::Page;
use super::provider::TestProvider;

/// A client that has read the discovery document.
#[derive(Debug)]
pub struct RelyingParty {
    /// What it is registered as.
    pub client: TestClient,
    issuer: String,
    metadata: CoreProviderMetadata,
    http: Client,
}

/// One attempt of the client to sign somebody in.
#[derive(Debug)]
pub struct Attempt {
    /// Where the browser is sent.
    pub url: Url,
    /// What ties the answer to the browser.
    pub state: String,
    /// What ties the ID token to the attempt.
    pub nonce: Nonce,
    /// What proves that whoever redeems the code has asked for it.
    pub verifier: String,
}

/// What a code was exchanged for. All of it has been verified.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The ID token.
    pub id_token: String,
    /// The access token.
    pub access_token: String,
    /// The claims of the ID token.
    pub claims: Value,
    /// The header of the ID token.
    pub header: Value,
}

impl RelyingParty {
    pub(crate) async fn discover(provider: &TestProvider, client: TestClient) -> Self {
        let http = provider.http().clone();
        let issuer = IssuerUrl::new(provider.issuer()).expect("a URL");
        let send = |request| send(http.clone(), request);
        let metadata = CoreProviderMetadata::discover_async(issuer, &send)
            .await
            .expect("a discovery document");
        Self {
            client,
            issuer: provider.issuer(),
            metadata,
            http,
        }
    }

    /// Begins an attempt with state, nonce and PKCE, for all scopes.
    pub fn begin(&self) -> Attempt {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = CoreClient::from_provider_metadata(
            self.metadata.clone(),
            self.client_id(),
            self.client_secret(),
        )
        .set_redirect_uri(self.redirect_uri())
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scope(Scope::new("profile".to_owned()))
        .add_scope(Scope::new("email".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
        Attempt {
            url,
            state: state.into_secret(),
            nonce,
            verifier: verifier.into_secret(),
        }
    }

    /// Checks the answer and exchanges its code, and verifies the ID token: signature, issuer,
    /// audience, expiry, nonce, and that it belongs to the access token.
    pub async fn redeem(&self, attempt: &Attempt, answer: &Answer) -> Tokens {
        self.check(attempt, answer);
        let client = CoreClient::from_provider_metadata(
            self.metadata.clone(),
            self.client_id(),
            self.client_secret(),
        )
        .set_redirect_uri(self.redirect_uri());
        let send = |request| send(self.http.clone(), request);
        let response: CoreTokenResponse = client
            .exchange_code(AuthorizationCode::new(answer.code().to_owned()))
            .expect("a token endpoint")
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()))
            .request_async(&send)
            .await
            .expect("tokens");

        let id_token = response.id_token().expect("an ID token");
        let verifier = client.id_token_verifier();
        let claims = id_token
            .claims(&verifier, &attempt.nonce)
            .expect("a genuine ID token");
        let algorithm = id_token.signing_alg().expect("a signature");
        let key = id_token.signing_key(&verifier).expect("a key");
        let hash = AccessTokenHash::from_token(response.access_token(), algorithm, key);
        assert_eq!(
            claims.access_token_hash(),
            Some(&hash.expect("a hash")),
            "the ID token belongs to the access token"
        );
        let text = id_token.to_string();
        let mut parts = text.split('.').map(decoded);
        Tokens {
            access_token: response.access_token().secret().clone(),
            header: parts.next().expect("a header"),
            claims: parts.next().expect("claims"),
            id_token: text.clone(),
        }
    }

    /// What every client checks before it looks at anything else: that the answer is for this
    /// attempt, and from this provider (RFC 9207).
    pub fn check(&self, attempt: &Attempt, answer: &Answer) {
        assert_eq!(answer.redirect_uri, self.client.redirect_uri, "{answer:?}");
        assert_eq!(answer.get("state"), Some(&*attempt.state), "{answer:?}");
        assert_eq!(answer.get("iss"), Some(&*self.issuer), "{answer:?}");
    }

    /// What userinfo says about the owner of these tokens.
    pub async fn userinfo(&self, tokens: &Tokens) -> CoreUserInfoClaims {
        let client = CoreClient::from_provider_metadata(
            self.metadata.clone(),
            self.client_id(),
            self.client_secret(),
        );
        let send = |request| send(self.http.clone(), request);
        let subject = tokens.claims["sub"].as_str().expect("a subject");
        client
            .user_info(
                AccessToken::new(tokens.access_token.clone()),
                Some(SubjectIdentifier::new(subject.to_owned())),
            )
            .expect("a userinfo endpoint")
            .request_async(&send)
            .await
            .expect("claims")
    }

    /// Asks the userinfo endpoint with this access token, whatever comes of it.
    pub async fn userinfo_page(&self, access_token: &str) -> Page {
        let url = format!("{}/userinfo", self.issuer);
        let request = self.http.get(url).bearer_auth(access_token);
        Page::read(request.send().await.expect("an answer")).await
    }

    /// The parameters with which this client redeems a code.
    pub fn redemption(&self, attempt: &Attempt, code: &str) -> BTreeMap<String, String> {
        let mut form = BTreeMap::from([
            ("grant_type".to_owned(), "authorization_code".to_owned()),
            ("code".to_owned(), code.to_owned()),
            (
                "redirect_uri".to_owned(),
                self.client.redirect_uri.to_owned(),
            ),
            ("code_verifier".to_owned(), attempt.verifier.clone()),
            ("client_id".to_owned(), self.client.id.to_owned()),
        ]);
        if let Some(secret) = self.client.secret() {
            form.insert("client_secret".to_owned(), secret.to_owned());
        }
        form
    }

    /// Posts a form to the token endpoint, whatever comes of it.
    pub async fn token_page(&self, form: &BTreeMap<String, String>) -> Page {
        let url = format!("{}/token", self.issuer);
        let request = self.http.post(url).form(form);
        Page::read(request.send().await.expect("an answer")).await
    }

    fn client_id(&self) -> ClientId {
        ClientId::new(self.client.id.to_owned())
    }

    fn client_secret(&self) -> Option<ClientSecret> {
        let secret = self.client.secret()?;
        Some(ClientSecret::new(secret.to_owned()))
    }

    fn redirect_uri(&self) -> RedirectUrl {
        RedirectUrl::new(self.client.redirect_uri.to_owned()).expect("a URL")
    }
}

impl Attempt {
    /// The attempt with another parameter, in place of one of that name or on top.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// The attempt with a parameter that is there already, once more.
    pub fn with_again(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// The attempt without a parameter.
    pub fn without(mut self, name: &str) -> Self {
        let mut kept = self.parameters();
        kept.retain(|(known, _)| known != name);
        self.url.query_pairs_mut().clear().extend_pairs(kept);
        self
    }

    /// The parameters, in order.
    pub fn parameters(&self) -> Vec<(String, String)> {
        self.url.query_pairs().into_owned().collect()
    }
}

/// Sends a request of the library by the client of the tests.
async fn send(http: Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let answer = http.execute(Request::try_from(request)?).await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = HttpResponse::new(answer.bytes().await?.to_vec());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// Header or claims of a token.
fn decoded(part: &str) -> Value {
    let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}
