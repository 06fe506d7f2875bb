//! What was given to one client, for one attempt or for one purpose, is worth nothing to another (RFC 9700, sections 4.5
//! and 4.8; RFC 8725, section 2.8). Keys and certificates in the wrong hands are left to `dpop_use` and `client_tls`.

use doorward_tests::{
    ANA, Attempt, Browser, PAYROLL, Page, RelyingParty, SESSION_COOKIE, SINGAPORE, TestKey,
    TestProvider, WIKI,
};
use serde_json::Value;

use crate::access_tokens::{SHOP, with_apis};
use crate::dpop::{self, proof};
use crate::journey::{code, provider, provider_in, sign_in};
use crate::par::{assert_refused, link, push_with};
use crate::private_key_jwt::{
    APP, KIND, assert_unproved, assertion, entry, inline, present, provider_with,
};
use crate::refresh::{self, Form, NOTES};
use crate::request_objects;

/// How the name of a pushed request begins.
const PUSHED: &str = "urn:ietf:params:oauth:request_uri:";

#[track_caller]
fn assert_error(page: &Page, status: u16, error: &str, what: &str) {
    assert_eq!(page.status, status, "{what}: {page}");
    assert_eq!(page.json()["error"], error, "{what}: {page}");
    assert_eq!(page.json().get("access_token"), None, "{what}: {page}");
}

/// The form with other fields.
fn with(form: &Form, fields: &[(&str, &str)]) -> Form {
    let mut form = form.clone();
    for (name, value) in fields {
        form.insert((*name).to_owned(), (*value).to_owned());
    }
    form
}

#[tokio::test]
async fn the_code_of_one_client_is_worth_nothing_to_another() {
    let provider = refresh::provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    for thief in [NOTES, PAYROLL] {
        let thief = provider.relying_party(thief).await;
        for redirect_uri in [thief.client.redirect_uri, WIKI.redirect_uri] {
            let (attempt, code) = code(&wiki, &mut browser).await;
            let theirs = thief.redemption(&attempt, &code);
            let form = with(&theirs, &[("redirect_uri", redirect_uri)]);
            let page = thief.token_page(&form).await;
            assert_error(&page, 400, "invalid_grant", thief.client.id);
            // Whoever has tried has used it up: the client notices.
            let page = wiki.token_page(&wiki.redemption(&attempt, &code)).await;
            assert_error(&page, 400, "invalid_grant", "afterwards");
        }
    }
}

#[tokio::test]
async fn a_client_cannot_speak_for_another_with_its_own_secret() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    let (attempt, code) = code(&wiki, &mut browser).await;
    let secret = PAYROLL.secret().expect("a secret");
    let form = wiki.redemption(&attempt, &code);
    let posted = with(&form, &[("client_secret", secret)]);
    let page = wiki.token_page(&posted).await;
    assert_error(&page, 401, "invalid_client", "a secret of another");
    for path in ["/token", "/par", "/revoke", "/introspect"] {
        let request = provider.http().post(provider.url(path));
        let request = request.basic_auth(PAYROLL.id, Some(secret)).form(&form);
        let page = Page::read(request.send().await.expect("an answer")).await;
        assert_error(&page, 400, "invalid_request", path);
    }
    // None of them has come as far as the code.
    assert_eq!(wiki.token_page(&form).await.status, 200);
}

/// RFC 9700, section 4.5.3: a code that an attacker brings into an attempt of their own, or into that of a victim.
#[tokio::test]
async fn a_code_is_worth_nothing_in_another_attempt_of_its_client() {
    let provider = provider().await;
    for client in [WIKI, PAYROLL] {
        let client = provider.relying_party(client).await;
        let mut victim = provider.browser_on("mbp-ana");
        sign_in(&client, &mut victim, ANA).await;
        let (_, stolen) = code(&client, &mut victim).await;
        let (attempt, own) = code(&client, &mut victim).await;
        let page = client
            .token_page(&client.redemption(&attempt, &stolen))
            .await;
        assert_error(&page, 400, "invalid_grant", client.client.id);
        let page = client.token_page(&client.redemption(&attempt, &own)).await;
        assert_eq!(page.status, 200, "{page}");
    }
}

#[tokio::test]
async fn what_one_client_pushed_leads_to_no_code_for_another() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let payroll = provider.relying_party(PAYROLL).await;
    let secret = PAYROLL.secret().expect("a secret");
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let elsewhere = payroll.begin().with("redirect_uri", WIKI.redirect_uri);
    let page = push_with(&provider, &elsewhere, &[("client_secret", secret)]).await;
    assert_refused(&page, 400, "invalid_request");
    let as_wiki = wiki.begin();
    let page = push_with(&provider, &as_wiki, &[("client_secret", secret)]).await;
    assert_refused(&page, 401, "invalid_client");

    let attempt = payroll.begin();
    let page = push_with(&provider, &attempt, &[("client_secret", secret)]).await;
    let url = link(&provider, PAYROLL, &page);
    let answer = browser.visit(&url).await.answer();
    payroll.check(&attempt, &answer);
    let theirs = wiki.redemption(&attempt, answer.code());
    for redirect_uri in [WIKI.redirect_uri, PAYROLL.redirect_uri] {
        let form = with(&theirs, &[("redirect_uri", redirect_uri)]);
        let page = wiki.token_page(&form).await;
        assert_error(&page, 400, "invalid_grant", redirect_uri);
    }
}

/// Everything that one sign-in has given out, by what it is.
async fn given_out(
    provider: &TestProvider,
    notes: &RelyingParty,
    browser: &mut Browser,
) -> Vec<(&'static str, String)> {
    let tokens = refresh::tokens(provider, NOTES, browser, "openid").await;
    let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    let pushed = push_with(provider, &notes.begin(), &[]).await.json();
    let name = pushed["request_uri"].as_str().expect("a name");
    let cookie = browser.cookie(SESSION_COOKIE).expect("a session");
    vec![
        ("id token", text("id_token")),
        ("access token", text("access_token")),
        ("refresh token", text("refresh_token")),
        ("pushed", name.replacen(PUSHED, "", 1)),
        ("session", cookie.to_owned()),
    ]
}

#[tokio::test]
async fn nothing_that_is_given_out_counts_as_something_else() {
    let provider = refresh::provider().await;
    let notes = provider.relying_party(NOTES).await;
    let mut browser = provider.browser_on("mbp-ana");
    let mut all = given_out(&provider, &notes, &mut browser).await;
    let (attempt, code) = code(&notes, &mut browser).await;
    all.push(("code", code.clone()));
    let refreshing = |token: &str| {
        Form::from([
            ("grant_type".to_owned(), "refresh_token".to_owned()),
            ("refresh_token".to_owned(), token.to_owned()),
            ("client_id".to_owned(), NOTES.id.to_owned()),
        ])
    };
    let named = |name: &str| {
        let endpoint = provider.url("/authorize");
        format!(
            "{endpoint}?client_id={}&request_uri={PUSHED}{name}",
            NOTES.id
        )
    };
    let hinted = |hint: &str| {
        let attempt = notes.begin().with("id_token_hint", hint);
        attempt.with("prompt", "none").url
    };

    let others = |kind: &'static str| all.iter().filter(move |(what, _)| *what != kind);
    for (what, text) in others("code") {
        let page = notes.token_page(&notes.redemption(&attempt, text)).await;
        assert_error(&page, 400, "invalid_grant", what);
    }
    for (what, text) in others("refresh token") {
        let page = refresh::send(&provider, &refreshing(text), SINGAPORE).await;
        assert_error(&page, 400, "invalid_grant", what);
    }
    for (what, text) in others("access token") {
        let page = notes.userinfo_page(text).await;
        assert_eq!(page.status, 401, "{what}: {page}");
    }
    for (what, text) in others("pushed") {
        let page = browser.visit(&named(text)).await.page();
        assert_eq!(page.status, 400, "{what}: {page}");
    }
    for (what, text) in others("id token") {
        let answer = browser.visit(hinted(text).as_str()).await.answer();
        assert_eq!(answer.error(), "invalid_request", "{what}");
    }
    for (what, text) in others("session") {
        let mut thief = provider.browser_on("mbp-ana");
        thief.plant_cookie(SESSION_COOKIE, text);
        let quiet = notes.begin().with("prompt", "none");
        let answer = thief.visit(quiet.url.as_str()).await.answer();
        assert_eq!(answer.error(), "login_required", "{what}");
    }

    // Each still counts as what it is.
    let the = |kind: &str| {
        let found = all.iter().find(|(what, _)| *what == kind);
        found.expect("it was given out").1.as_str()
    };
    let answer = browser.visit(hinted(the("id token")).as_str()).await;
    assert!(!answer.answer().code().is_empty());
    let answer = browser.visit(&named(the("pushed"))).await.answer();
    assert!(!answer.code().is_empty());
    assert_eq!(notes.userinfo_page(the("access token")).await.status, 200);
    let form = refreshing(the("refresh token"));
    let page = refresh::send(&provider, &form, SINGAPORE).await;
    assert_eq!(page.status, 200, "{page}");
    let page = notes.token_page(&notes.redemption(&attempt, &code)).await;
    assert_eq!(page.status, 200, "{page}");
}

/// RFC 8725, sections 2.8 and 3.11 to 3.12: signed texts of every kind, taken for one of another.
#[tokio::test]
async fn no_signed_text_is_taken_for_one_of_another_kind() {
    let key = TestKey::es256();
    let app = entry(APP.id, &inline(&[key.jwk()]));
    let provider = provider_in(with_apis(&app)).await;
    let shop = provider.relying_party(SHOP).await;
    let mut browser = provider.browser_on("mbp-ana");
    let tokens = sign_in(&shop, &mut browser, ANA).await;
    assert!(tokens.access_token.contains('.'));
    let client = provider.relying_party(APP).await;
    let request = request_objects::claims(&provider, APP, &client.begin());
    let request = key.token(None, &request);
    let token_endpoint = provider.url("/token");
    let proof = proof(&key, &dpop::claims("POST", &token_endpoint));
    let signed = assertion(&provider, &key);
    let ours = [
        ("an ID token", tokens.id_token.as_str()),
        ("an access token", tokens.access_token.as_str()),
    ];

    let others = [("a request", request.as_str()), ("a proof", proof.as_str())];
    for (what, text) in ours.iter().chain(&others) {
        assert_unproved(&present(&provider, text).await, what);
    }
    let others = [
        ("an assertion", signed.as_str()),
        ("a proof", proof.as_str()),
    ];
    for (what, text) in ours.iter().chain(&others) {
        let endpoint = provider.url("/authorize");
        let url = format!("{endpoint}?client_id={}&request={text}", APP.id);
        let page = browser.get(&url).await;
        assert_eq!(page.status, 400, "{what}: {page}");
        assert!(page.says("signed request"), "{what}: {page}");
    }
    let others = [
        ("an assertion", signed.as_str()),
        ("a request", request.as_str()),
    ];
    for (what, text) in ours.iter().chain(&others) {
        let (attempt, code) = code(&shop, &mut browser).await;
        let form = shop.redemption(&attempt, &code);
        let sent = provider.http().post(&token_endpoint).header("dpop", *text);
        let page = Page::read(sent.form(&form).send().await.expect("an answer")).await;
        assert_error(&page, 400, "invalid_dpop_proof", what);
    }
    for (what, text) in [
        ("an assertion", &signed),
        ("a request", &request),
        ("a proof", &proof),
    ] {
        let page = shop.userinfo_page(text).await;
        assert_eq!(page.status, 401, "{what}: {page}");
        let attempt = shop.begin().with("id_token_hint", text);
        let answer = browser.visit(attempt.url.as_str()).await.answer();
        assert_eq!(answer.error(), "invalid_request", "{what}");
    }
}

/// The challenge of an attempt, as it would stand beside something else in a link.
fn challenge_beside(attempt: &Attempt) -> String {
    let parameters = attempt.parameters().into_iter();
    let challenge = parameters.filter(|(name, _)| name.starts_with("code_challenge"));
    challenge.fold(String::new(), |text, (name, value)| {
        text + "&" + &name + "=" + &value
    })
}

/// What a signed request says that has no challenge.
fn without_challenge(said: &Value) -> Value {
    let mut said = said.clone();
    let members = said.as_object_mut().expect("an object");
    members.retain(|name, _| !name.starts_with("code_challenge"));
    said
}

/// RFC 9700, section 4.8.2; RFC 9101, section 6.3: a challenge that is not signed protects nothing, and counts nowhere.
#[tokio::test]
async fn a_challenge_beside_a_signed_request_is_none() {
    let key = TestKey::es256();
    let keys = inline(&[key.jwk()]);
    let provider = provider_with(&[key.jwk()]).await;
    let app = provider.relying_party(APP).await;
    let endpoint = provider.url("/authorize");
    let url = |object: &str, beside: &str| {
        format!("{endpoint}?client_id={}&request={object}{beside}", APP.id)
    };
    let mut browser = provider.browser_on("mbp-ana");
    // Where PKCE is required, it is required of what was signed.
    let attempt = app.begin();
    let said = request_objects::claims(&provider, APP, &attempt);
    let object = key.token(None, &without_challenge(&said));
    let beside = challenge_beside(&attempt);
    let answer = browser.visit(&url(&object, &beside)).await.answer();
    app.check(&attempt, &answer);
    assert_eq!(answer.error(), "invalid_request");
    let signed = assertion(&provider, &key);
    let fields = [
        ("request", object.as_str()),
        ("client_assertion_type", KIND),
        ("client_assertion", signed.as_str()),
    ];
    let page = push_with(&provider, &attempt, &fields).await;
    assert_refused(&page, 400, "invalid_request");

    // And a weaker method beside it weakens nothing.
    let guess = "a".repeat(43);
    let weaker = format!("&code_challenge_method=plain&code_challenge={guess}");
    let object = key.token(None, &said);
    let answer = browser.walk(&url(&object, &weaker), ANA).await.answer();
    let form = app.redemption(&attempt, answer.code());
    let guessed = with(&form, &[("code_verifier", guess.as_str())]);
    let page = redeem(&provider, &key, &guessed).await;
    assert_error(&page, 400, "invalid_grant", "guessed");

    // Where PKCE is not required, a code without a challenge takes no verifier.
    let lax = entry(APP.id, &format!("{keys}\npkce_required = false"));
    let strict = entry(APP.id, &keys);
    let operations = provider.operations();
    let digest = operations.digest("clients").await;
    provider.files().edit("clients.toml", &strict, &lax);
    operations.reloaded("clients", &digest).await;
    for (has_verifier, status) in [(true, 400), (false, 200)] {
        let attempt = app.begin();
        let said = request_objects::claims(&provider, APP, &attempt);
        let object = key.token(None, &without_challenge(&said));
        let beside = challenge_beside(&attempt);
        let answer = browser.visit(&url(&object, &beside)).await.answer();
        app.check(&attempt, &answer);
        let mut form = app.redemption(&attempt, answer.code());
        form.retain(|name, _| has_verifier || name != "code_verifier");
        let page = redeem(&provider, &key, &form).await;
        assert_eq!(page.status, status, "{page}");
    }
}

/// What the token endpoint says to a form of the client that signs.
async fn redeem(provider: &TestProvider, key: &TestKey, form: &Form) -> Page {
    let signed = assertion(provider, key);
    let proof = [
        ("client_assertion_type", KIND),
        ("client_assertion", signed.as_str()),
    ];
    let request = provider.http().post(provider.url("/token"));
    let request = request.form(&with(form, &proof));
    Page::read(request.send().await.expect("an answer")).await
}
