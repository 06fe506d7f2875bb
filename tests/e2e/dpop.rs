//! Tokens that are bound to a key (RFC 9449): where they come from, and what a proof must not say. The use of such tokens
//! is tried in `dpop_use.rs`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use doorward_tests::{
    ANA, Browser, Installation, PAYROLL, Page, RelyingParty, SINGAPORE, TestClient, TestKey,
    TestProvider, jwt, now,
};
use reqwest::Url;
use serde_json::{Value, json};

use crate::introspect::introspected;
use crate::journey::{arrive, code, provider_in};

pub(crate) type Form = BTreeMap<String, String>;

/// A public client whose tokens are bound, and which may refresh.
pub(crate) const NOTES: TestClient = TestClient {
    id: "notes-bound",
    name: "Notes",
    redirect_uri: "https://notes.example.com/callback",
    confidential: false,
};

/// Another one, which may choose what its tokens are bound to.
const EITHER: TestClient = TestClient {
    id: "notes-either",
    ..NOTES
};

/// A client, and a browser in which Ana has signed in.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) provider: TestProvider,
    pub(crate) client: RelyingParty,
    pub(crate) browser: Browser,
}

impl App {
    pub(crate) async fn start(client: TestClient) -> Self {
        let files = Installation::new();
        for (id, binding) in [(NOTES.id, "dpop"), (EITHER.id, "any")] {
            let entry = format!(
                "[[client]]\nid = '{id}'\napplication = 'wiki'\nredirect_uris = ['{}']\n\
                 public = true\nrefresh = 'session'\nbound = '{binding}'\n\n",
                NOTES.redirect_uri,
            );
            files.append("clients.toml", &entry);
        }
        let provider = provider_in(files).await;
        let client = provider.relying_party(client).await;
        let mut browser = provider.browser_on("mbp-ana");
        arrive(&client, &mut browser, ANA).await.answer();
        Self {
            provider,
            client,
            browser,
        }
    }

    /// What redeems a new code.
    pub(crate) async fn form(&mut self) -> Form {
        let (attempt, code) = code(&self.client, &mut self.browser).await;
        self.client.redemption(&attempt, &code)
    }

    /// The same where the authorization request names the key that will redeem it.
    async fn form_for(&mut self, thumbprint: &str) -> Form {
        let attempt = self.client.begin().with("dpop_jkt", thumbprint);
        let answer = self.browser.visit(attempt.url.as_str()).await.answer();
        self.client.redemption(&attempt, answer.code())
    }

    /// What the token endpoint says to this form with these proofs.
    pub(crate) async fn post(&self, form: &Form, proofs: &[&str]) -> Page {
        let mut request = self
            .provider
            .http()
            .post(self.provider.url("/token"))
            .header("x-forwarded-for", SINGAPORE)
            .form(form);
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        Page::read(request.send().await.expect("an answer")).await
    }

    /// What a good proof for the token endpoint says.
    pub(crate) fn claims(&self) -> Value {
        claims("POST", &self.provider.url("/token"))
    }

    /// Tokens that are bound to this key.
    pub(crate) async fn tokens(&mut self, key: &TestKey) -> Value {
        let form = self.form().await;
        let page = self.post(&form, &[&proof(key, &self.claims())]).await;
        assert_eq!(page.status, 200, "{page}");
        page.json()
    }
}

/// What a good proof for such a request says. Each says something else.
pub(crate) fn claims(method: &str, url: &str) -> Value {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    json!({
        "htm": method,
        "htu": url,
        "iat": now().timestamp(),
        "jti": format!("proof-{made}"),
    })
}

/// A proof by this key.
pub(crate) fn proof(key: &TestKey, claims: &Value) -> String {
    let header = json!({"typ": "dpop+jwt", "alg": key.algorithm(), "jwk": key.bare_jwk()});
    key.sign(&header.to_string(), &claims.to_string())
}

#[track_caller]
pub(crate) fn assert_error(page: &Page, error: &str, what: &str) {
    assert_eq!(page.status, 400, "{what}: {page}");
    assert_eq!(page.json()["error"], error, "{what}: {page}");
    assert!(page.json().get("access_token").is_none(), "{what}: {page}");
    assert_eq!(page.header("cache-control"), Some("no-store"), "{what}");
}

#[tokio::test]
async fn every_kind_of_key_binds_tokens_to_itself() {
    let mut app = App::start(NOTES).await;
    for key in [
        TestKey::es256(),
        TestKey::ed25519(),
        TestKey::rs256(),
        TestKey::ps256(),
    ] {
        let tokens = app.tokens(&key).await;
        assert_eq!(tokens["token_type"], "DPoP", "{key:?}");
    }
}

#[tokio::test]
async fn a_client_whose_tokens_are_bound_gets_none_without_a_proof() {
    for (client, error) in [(NOTES, "invalid_dpop_proof"), (EITHER, "invalid_request")] {
        let mut app = App::start(client).await;
        let form = app.form().await;
        assert_error(&app.post(&form, &[]).await, error, client.id);
        // The request was none, so the code is still good.
        let good = proof(&TestKey::es256(), &app.claims());
        let page = app.post(&form, &[&good]).await;
        assert_eq!(page.json()["token_type"], "DPoP", "{page}");
    }
}

#[tokio::test]
async fn a_proof_that_nobody_asked_for_binds_as_well() {
    let mut app = App::start(PAYROLL).await;
    let key = TestKey::es256();
    let tokens = app.tokens(&key).await;
    assert_eq!(tokens["token_type"], "DPoP");
    let token = tokens["access_token"].as_str().expect("an access token");
    // RFC 9449, section 6.2.
    let told = introspected(&app.provider, PAYROLL.id, token).await;
    assert_eq!(told["token_type"], "DPoP", "{told}");
    let thumbprint = jwt::thumbprint(&key.bare_jwk());
    assert_eq!(told["cnf"], json!({ "jkt": thumbprint }));

    let form = app.form().await;
    let bare = app.post(&form, &[]).await.json();
    assert_eq!(bare["token_type"], "Bearer", "{bare}");
}

#[tokio::test]
async fn a_proof_counts_once_whatever_became_of_its_request() {
    let mut app = App::start(NOTES).await;
    let key = TestKey::es256();
    let good = proof(&key, &app.claims());
    let mut guessed = app.form().await;
    guessed.insert("code".to_owned(), "invented".to_owned());
    assert_error(&app.post(&guessed, &[&good]).await, "invalid_grant", "1");
    let form = app.form().await;
    let again = app.post(&form, &[&good]).await;
    assert_error(&again, "invalid_dpop_proof", "2");

    // Another key may have chosen the same identifier.
    let mut same = app.claims();
    same["jti"] = jwt::decoded(&good).1["jti"].clone();
    let other = proof(&TestKey::es256(), &same);
    assert_eq!(app.post(&form, &[&other]).await.status, 200);
}

#[tokio::test]
async fn of_many_who_show_one_proof_at_once_one_passes() {
    let mut app = App::start(NOTES).await;
    let good = proof(&TestKey::es256(), &app.claims());
    let mut form = app.form().await;
    form.insert("code".to_owned(), "invented".to_owned());
    let racers: Vec<_> = (0..50)
        .map(|_| {
            let request = app
                .provider
                .http()
                .post(app.provider.url("/token"))
                .header("dpop", &good)
                .form(&form);
            tokio::spawn(request.send())
        })
        .collect();
    let mut passed = 0;
    for racer in racers {
        let page = Page::read(racer.await.expect("finished").expect("an answer")).await;
        match page.json()["error"].as_str() {
            Some("invalid_grant") => passed += 1,
            error => assert_eq!(error, Some("invalid_dpop_proof"), "{page}"),
        }
    }
    assert_eq!(passed, 1);
}

#[tokio::test]
async fn a_proof_for_another_request_or_time_is_refused() {
    let mut app = App::start(NOTES).await;
    let key = TestKey::es256();
    let form = app.form().await;
    let now = now().timestamp();
    for (name, value) in [
        ("htm", json!("GET")),
        ("htm", json!("post")),
        ("htu", json!(app.provider.url("/userinfo"))),
        ("htu", json!(app.provider.url("/token/"))),
        ("htu", json!("https://evil.test/token")),
        ("htu", json!("/token")),
        ("iat", json!(now - 3600)),
        ("iat", json!(now + 3600)),
        ("iat", json!(now.to_string())),
        ("jti", json!("")),
        ("jti", json!("a".repeat(129))),
    ] {
        let what = format!("{name} {value}");
        let mut said = app.claims();
        said[name] = value;
        let page = app.post(&form, &[&proof(&key, &said)]).await;
        assert_error(&page, "invalid_dpop_proof", &what);
        let mut said = app.claims();
        said.as_object_mut().expect("an object").remove(name);
        let page = app.post(&form, &[&proof(&key, &said)]).await;
        assert_error(&page, "invalid_dpop_proof", &format!("no {name}"));
    }
    let mut said = app.claims();
    said["htu"] = json!(format!("{}?a=b#c", app.provider.url("/token")).replace("https", "HTTPS"));
    let page = app.post(&form, &[&proof(&key, &said)]).await;
    assert_eq!(page.status, 200, "{page}");
}

#[tokio::test]
async fn our_own_name_counts_and_never_the_host_header() {
    let mut app = App::start(NOTES).await;
    let key = TestKey::es256();
    let form = app.form().await;
    let mut other = Url::parse(&app.provider.url("/token")).expect("a URL");
    other.set_port(Some(1)).expect("a port");
    let host = format!("{}:1", other.host_str().expect("a host"));
    let sent = async |claims: &Value| {
        let request = app
            .provider
            .http()
            .post(app.provider.url("/token"))
            .header("host", &host)
            .header("dpop", proof(&key, claims))
            .form(&form);
        Page::read(request.send().await.expect("an answer")).await
    };
    let page = sent(&claims("POST", other.as_str())).await;
    assert_error(&page, "invalid_dpop_proof", "another port");
    let page = sent(&app.claims()).await;
    assert_eq!(page.status, 200, "{page}");
}

#[tokio::test]
async fn what_is_no_proof_is_refused() {
    let mut app = App::start(NOTES).await;
    let key = TestKey::es256();
    let form = app.form().await;
    let said = app.claims();
    let with_member = |name: &str, value: Value| {
        let mut header = json!({"typ": "dpop+jwt", "alg": key.algorithm(), "jwk": key.bare_jwk()});
        header[name] = value;
        key.sign(&header.to_string(), &said.to_string())
    };
    let mut private = key.bare_jwk();
    private["d"] = json!("AA");
    let good = proof(&key, &said);
    let unsigned = {
        let header = json!({"typ": "dpop+jwt", "alg": "none", "jwk": key.bare_jwk()});
        jwt::unsigned(&header.to_string(), &said.to_string())
    };
    let shared = {
        let header = json!({"typ": "dpop+jwt", "alg": "HS256", "jwk": {"kty": "oct", "k": "AA"}});
        jwt::hs256(&[0], &header.to_string(), &said.to_string())
    };
    for (what, text) in [
        ("nothing", String::new()),
        ("garbage", "a.b.c".to_owned()),
        ("two in one header", format!("{good}, {good}")),
        ("padding", jwt::padded(&good)),
        ("forged", jwt::forged(&good)),
        ("not signed", unsigned),
        ("a shared secret", shared),
        ("no key", key.token(Some("dpop+jwt"), &said)),
        ("another type", with_member("typ", json!("JWT"))),
        ("a private key", with_member("jwk", private)),
        (
            "another key",
            with_member("jwk", TestKey::es256().bare_jwk()),
        ),
        (
            "another kind of key",
            with_member("jwk", TestKey::ed25519().bare_jwk()),
        ),
        ("something critical", with_member("crit", json!(["exp"]))),
    ] {
        assert_error(&app.post(&form, &[&text]).await, "invalid_dpop_proof", what);
    }
    let twice = app.post(&form, &[&good, &proof(&key, &app.claims())]).await;
    assert_error(&twice, "invalid_dpop_proof", "two headers");
    // None of them has used anything up.
    assert_eq!(app.post(&form, &[&good]).await.status, 200);
}

#[tokio::test]
async fn a_code_goes_to_the_key_that_the_authorization_request_has_named() {
    let key = TestKey::ed25519();
    let thumbprint = jwt::thumbprint(&key.bare_jwk());
    // Of a client that need not bind anything, too.
    for client in [NOTES, PAYROLL] {
        let mut app = App::start(client).await;
        let form = app.form_for(&thumbprint).await;
        let other = proof(&TestKey::ed25519(), &app.claims());
        let stolen = app.post(&form, &[&other]).await;
        assert_error(&stolen, "invalid_dpop_proof", client.id);
        // Right or wrong, it was tried.
        let late = app.post(&form, &[&proof(&key, &app.claims())]).await;
        assert_error(&late, "invalid_grant", client.id);

        let form = app.form_for(&thumbprint).await;
        let bare = app.post(&form, &[]).await;
        assert_error(&bare, "invalid_dpop_proof", client.id);

        let form = app.form_for(&thumbprint).await;
        let page = app.post(&form, &[&proof(&key, &app.claims())]).await;
        assert_eq!(page.json()["token_type"], "DPoP", "{page}");
    }
    let mut app = App::start(NOTES).await;
    let attempt = app.client.begin().with("dpop_jkt", "short");
    let answer = app.browser.visit(attempt.url.as_str()).await.answer();
    assert_eq!(answer.error(), "invalid_request");
}

#[tokio::test]
async fn it_is_advertised_and_browsers_may_send_it() {
    let app = App::start(NOTES).await;
    let url = app.provider.url("/.well-known/openid-configuration");
    let document = app.provider.get(&url).await.json();
    let algorithms = document["dpop_signing_alg_values_supported"]
        .as_array()
        .expect("algorithms");
    assert!(algorithms.contains(&json!("ES256")) && algorithms.contains(&json!("EdDSA")));
    assert!(
        !algorithms
            .iter()
            .any(|name| name == "none" || name == "HS256")
    );

    let request = app
        .provider
        .http()
        .request(reqwest::Method::OPTIONS, app.provider.url("/token"))
        .header("origin", "https://notes.example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "dpop");
    let page = Page::read(request.send().await.expect("an answer")).await;
    let allowed = page.header("access-control-allow-headers");
    assert!(
        allowed.is_some_and(|named| named.contains("dpop")),
        "{page}"
    );
}
