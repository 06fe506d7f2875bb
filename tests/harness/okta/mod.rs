//! Okta as a consumer: endpoints that an administrator typed in, a browser that is sent here and comes back, a code that is
//! redeemed. What comes of it is written down as it is; which of it Okta would take is told by the rows.

mod factor;
mod posture;
mod rows;

pub use factor::FACTOR;
pub use posture::POSTURE;
pub use rows::{Exchange, Row, broken};

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use data_encoding::BASE64;
use doorward::directory::client_secret;
use doorward::domain::entropy::SystemEntropy;
use reqwest::Url;
use serde_json::{Value, json};

use super::answer::Answer;
use super::browser::{Arrival, Browser};
use super::fixtures::Credentials;
use super::jwt::{self, TestKey};
use super::now;
use super::page::Page;
use super::provider::TestProvider;

/// Where answers go, in an org of Okta's.
pub const ORG: &str = "https://example.okta.com/oauth2/v1/authorize/callback";
/// Where they go in an org with a name of its own: Okta uses the host that the person came by.
pub const CUSTOM: &str = "https://login.example.com/oauth2/v1/authorize/callback";
/// What Okta asks for, unless somebody changed it.
pub const SCOPES: &str = "openid profile email";

/// The verifier and the challenge of RFC 7636, appendix B: that it is always the same is no concern here.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// How Okta proves itself at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// With its secret, in the header.
    Basic,
    /// With its secret, in the form.
    Post,
    /// With a text that it signs.
    Assertion,
}

/// What Okta is registered with here.
#[derive(Debug)]
pub struct Okta {
    /// What the clients file keeps of the secret.
    pub stored: String,
    /// What Okta signs with.
    pub key: TestKey,
    secret: String,
}

/// One way of asking.
#[derive(Debug, Clone)]
pub struct Ask {
    client: &'static str,
    proof: Proof,
    changed: BTreeMap<&'static str, String>,
    pkce: bool,
    signed: Vec<(&'static str, &'static str)>,
}

/// What came of sending a browser here.
#[derive(Debug, Clone)]
pub struct Trip {
    /// What was sent.
    pub sent: BTreeMap<String, String>,
    /// Status of the page at which the browser stood still, where it did.
    pub page: Option<u16>,
    /// The answer, straight or after that page.
    pub answer: Option<Answer>,
    /// Status of the token endpoint.
    pub status: Option<u16>,
    /// What the token endpoint said.
    pub tokens: Value,
    /// What userinfo said.
    pub userinfo: Value,
    /// The clock of Okta when it had the tokens, in seconds.
    pub received: i64,
}

impl Okta {
    /// An org that has been given a secret and has made a key.
    pub fn new() -> Self {
        let (secret, stored) = client_secret::generate(&SystemEntropy);
        Self {
            stored,
            key: TestKey::rs256(),
            secret: secret.expose().to_owned(),
        }
    }

    /// Sends the browser, in which this person signs in where that is asked for, and redeems what comes back.
    pub async fn send(
        &self,
        provider: &TestProvider,
        browser: &mut Browser,
        person: Option<Credentials>,
        ask: &Ask,
    ) -> Trip {
        let issuer = provider.issuer();
        let sent = self.parameters(ask, &issuer);
        let mut url = Url::parse(&format!("{issuer}/authorize")).expect("a URL");
        url.query_pairs_mut().extend_pairs(&sent);
        let arrival = match person {
            Some(person) => browser.walk(url.as_str(), person).await,
            None => browser.visit(url.as_str()).await,
        };
        let mut trip = Trip {
            sent,
            page: None,
            answer: None,
            status: None,
            tokens: Value::Null,
            userinfo: Value::Null,
            received: 0,
        };
        trip.answer = match arrival {
            Arrival::Client(answer) => Some(answer),
            Arrival::Page(page) => {
                trip.page = Some(page.status);
                leave(browser, &page).await
            }
        };
        let code = trip.answer.as_ref().and_then(|answer| answer.get("code"));
        if let Some(code) = code.map(str::to_owned) {
            self.redeem(provider, ask, &code, &mut trip).await;
        }
        trip
    }

    fn parameters(&self, ask: &Ask, issuer: &str) -> BTreeMap<String, String> {
        let mut sent: BTreeMap<&str, String> = BTreeMap::from([
            ("client_id", ask.client.to_owned()),
            ("redirect_uri", ORG.to_owned()),
            ("response_type", "code".to_owned()),
            ("scope", SCOPES.to_owned()),
            ("state", unique("state")),
            ("nonce", unique("nonce")),
        ]);
        sent.extend(ask.changed.clone());
        if ask.pkce {
            sent.insert("code_challenge", CHALLENGE.to_owned());
            sent.insert("code_challenge_method", "S256".to_owned());
        }
        if !ask.signed.is_empty() {
            // RFC 9101, section 4: what is signed is the whole request.
            let mut claims = json!(sent);
            claims["iss"] = json!(ask.client);
            claims["aud"] = json!(issuer);
            claims["exp"] = json!(now().timestamp() + 60);
            for (name, value) in &ask.signed {
                claims[*name] = json!(value);
            }
            sent.insert("request", self.key.token(None, &claims));
        }
        sent.into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    async fn redeem(&self, provider: &TestProvider, ask: &Ask, code: &str, trip: &mut Trip) {
        let issuer = provider.issuer();
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", trip.sent["redirect_uri"].clone()),
        ];
        if ask.pkce {
            form.push(("code_verifier", VERIFIER.to_owned()));
        }
        let mut header = None;
        match ask.proof {
            Proof::Basic => {
                // Neither of the two has a character that would have to be encoded (RFC 6749, section 2.3.1).
                let pair = format!("{}:{}", ask.client, self.secret);
                header = Some(format!("Basic {}", BASE64.encode(pair.as_bytes())));
            }
            Proof::Post => {
                form.push(("client_id", ask.client.to_owned()));
                form.push(("client_secret", self.secret.clone()));
            }
            Proof::Assertion => {
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                form.push(("client_assertion_type", kind.to_owned()));
                form.push(("client_assertion", self.assertion(ask.client, &issuer)));
            }
        }
        let http = provider.http();
        let mut request = http.post(format!("{issuer}/token")).form(&form);
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let page = Page::read(request.send().await.expect("an answer")).await;
        trip.received = now().timestamp();
        trip.status = Some(page.status);
        trip.tokens = page.json();
        if let Some(token) = trip.tokens["access_token"].as_str() {
            let request = http.get(format!("{issuer}/userinfo")).bearer_auth(token);
            let page = Page::read(request.send().await.expect("an answer")).await;
            trip.userinfo = page.json();
        }
    }

    fn assertion(&self, client: &str, issuer: &str) -> String {
        let claims = json!({
            "iss": client,
            "sub": client,
            "aud": format!("{issuer}/token"),
            "exp": now().timestamp() + 60,
            "jti": unique("assertion"),
        });
        self.key.token(None, &claims)
    }
}

impl Default for Okta {
    fn default() -> Self {
        Self::new()
    }
}

impl Ask {
    /// As Okta asks where nothing is set up: without PKCE, its secret in the form.
    pub fn of(client: &'static str) -> Self {
        Self {
            client,
            proof: Proof::Post,
            changed: BTreeMap::new(),
            pkce: false,
            signed: Vec::new(),
        }
    }

    /// With this parameter, in place of the usual one or on top.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.changed.insert(name, value.to_owned());
        self
    }

    /// Proving itself in this way.
    pub fn proving(mut self, proof: Proof) -> Self {
        self.proof = proof;
        self
    }

    /// With PKCE.
    pub fn with_pkce(mut self) -> Self {
        self.pkce = true;
        self
    }

    /// Signed, with this parameter that stands in what is signed only.
    pub fn signing(mut self, name: &'static str, value: &'static str) -> Self {
        self.signed.push((name, value));
        self
    }
}

impl Trip {
    /// The error that came back, if one did.
    pub fn error(&self) -> Option<&str> {
        self.answer.as_ref()?.get("error")
    }

    /// Whether there were tokens.
    pub fn has_tokens(&self) -> bool {
        self.status == Some(200) && self.tokens["id_token"].is_string()
    }

    /// Header and claims of the ID token.
    pub fn id_token(&self) -> (Value, Value) {
        match self.tokens["id_token"].as_str() {
            Some(token) => jwt::decoded(token),
            None => (Value::Null, Value::Null),
        }
    }

    /// A claim of the ID token.
    pub fn claim(&self, name: &str) -> Value {
        self.id_token().1[name].clone()
    }
}

/// Goes on from a page that says why not, as a person does.
async fn leave(browser: &mut Browser, page: &Page) -> Option<Answer> {
    if !page.has_form("/authorize/return") {
        return None;
    }
    match browser.submit(page, "/authorize/return", &[]).await {
        Arrival::Client(answer) => Some(answer),
        Arrival::Page(_) => None,
    }
}

/// A value that comes once.
fn unique(what: &str) -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    format!("{what}-{made}-{}", now().timestamp_micros())
}
