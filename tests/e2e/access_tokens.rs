//! Access tokens for APIs: JWTs that anybody can verify, and that are good for nothing else than what they were made
//! for. What others are told of them is left to `introspect`.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use doorward::domain::secret::SecretHash;
use doorward_tests::jwt::{decoded, with_claims};
use doorward_tests::{
    ANA, Attempt, Browser, Installation, PAYROLL, Page, RelyingParty, TestClient, TestProvider, now,
};
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JsonWebKeyId};
use serde_json::{Value, json};

use crate::journey::{provider_in, sign_in};

/// An API whose tokens are JWTs.
pub(crate) const ORDERS: &str = "https://orders.example.com";
/// An API whose tokens say nothing.
pub(crate) const STOCK: &str = "https://stock.example.com";

/// A public client of one API.
pub(crate) const SHOP: TestClient = TestClient {
    id: "shop-web",
    name: "Shop",
    redirect_uri: "https://shop.example.com/callback",
    confidential: false,
};
/// A public client of two APIs.
pub(crate) const DEPOT: TestClient = TestClient {
    id: "depot-web",
    name: "Depot",
    redirect_uri: "https://depot.example.com/callback",
    confidential: false,
};

/// An installation with the two APIs, their clients, and what these lines add to the clients file.
pub(crate) fn with_apis(more: &str) -> Installation {
    let entry = |client: TestClient, audiences: &[&str]| {
        format!(
            "[[client]]\nid = '{}'\nname = '{}'\napplication = 'wiki'\nredirect_uris = ['{}']\npublic = true\n\
             scopes = ['openid', 'profile', 'email', 'orders.read']\naudiences = {audiences:?}\n\n",
            client.id, client.name, client.redirect_uri
        )
    };
    let text = format!(
        "[[audience]]\nid = '{ORDERS}'\nname = 'Orders'\nscopes = ['orders.read', 'orders.write']\n\n\
         [[audience]]\nid = '{STOCK}'\nformat = 'opaque'\n\n"
    ) + &entry(SHOP, &[ORDERS])
        + &entry(DEPOT, &[ORDERS, STOCK])
        + more;
    let files = Installation::new();
    files.append("clients.toml", &text);
    files
}

/// The entry of a confidential client of this name, with the secret of all such clients.
pub(crate) fn confidential(id: &str, more: &str) -> String {
    let secret = PAYROLL.secret().expect("a secret");
    let hash = HEXLOWER.encode(SecretHash::of(secret.as_bytes()).as_bytes());
    format!(
        "[[client]]\nid = '{id}'\napplication = 'wiki'\nredirect_uris = ['https://{id}.example.com/callback']\n\
         secret = 'sha256:{hash}'\n{more}\n\n"
    )
}

/// What the token endpoint answers for a code of Ana's, where the authorization request was changed like this and the
/// token request has these fields besides.
pub(crate) async fn redeemed(
    client: &RelyingParty,
    browser: &mut Browser,
    change: impl FnOnce(Attempt) -> Attempt,
    fields: &[(&str, &str)],
) -> Page {
    let attempt = change(client.begin());
    let answer = browser.walk(attempt.url.as_str(), ANA).await.answer();
    client.check(&attempt, &answer);
    let mut form = client.redemption(&attempt, answer.code());
    for (name, value) in fields {
        form.insert((*name).to_owned(), (*value).to_owned());
    }
    client.token_page(&form).await
}

/// The access token in an answer.
pub(crate) fn access_token(page: &Page) -> String {
    assert_eq!(page.status, 200, "{page}");
    let answer = page.json();
    answer["access_token"].as_str().expect("a token").to_owned()
}

/// Header and claims of a token, after a library that knows nothing of Doorward has verified it by the published keys.
async fn verified(provider: &TestProvider, token: &str) -> (Value, Value) {
    let published = provider.get(&provider.url("/jwks")).await;
    let keys: CoreJsonWebKeySet = serde_json::from_str(&published.body).expect("keys");
    let (header, claims) = decoded(token);
    let kid = JsonWebKeyId::new(header["kid"].as_str().expect("a kid").to_owned());
    let key = keys.keys().iter().find(|key| key.key_id() == Some(&kid));
    let algorithm: CoreJwsSigningAlgorithm =
        serde_json::from_value(header["alg"].clone()).expect("an algorithm");
    let (message, signature) = token.rsplit_once('.').expect("a signature");
    let signature = BASE64URL_NOPAD
        .decode(signature.as_bytes())
        .expect("base64url");
    key.expect("a published key")
        .verify_signature(&algorithm, message.as_bytes(), &signature)
        .expect("a genuine token");
    (header, claims)
}

/// An authorization request for the scope of the API.
fn for_orders(attempt: Attempt) -> Attempt {
    attempt.with("scope", "openid profile orders.read")
}

async fn shop() -> (TestProvider, RelyingParty, Browser) {
    let provider = provider_in(with_apis("")).await;
    let shop = provider.relying_party(SHOP).await;
    let browser = provider.browser_on("mbp-ana");
    (provider, shop, browser)
}

#[tokio::test]
async fn a_token_for_an_api_is_verified_by_the_published_keys() {
    let (provider, shop, mut browser) = shop().await;
    let before = now().timestamp();
    let page = redeemed(&shop, &mut browser, for_orders, &[("resource", ORDERS)]).await;
    let token = access_token(&page);
    assert_eq!(page.json()["scope"], "orders.read", "{page}");
    assert_eq!(page.json()["token_type"], "Bearer");

    // RFC 9068, sections 2.1 and 2.2.
    let (header, claims) = verified(&provider, &token).await;
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(header["alg"], "RS256");
    let (_, id_token) = decoded(page.json()["id_token"].as_str().expect("an ID token"));
    assert_eq!(claims["iss"], provider.issuer());
    assert_eq!(claims["aud"], ORDERS);
    assert_eq!(claims["sub"], ANA.id);
    assert_eq!(claims["client_id"], SHOP.id);
    assert_eq!(claims["scope"], "orders.read");
    for name in ["auth_time", "acr", "amr"] {
        assert!(!claims[name].is_null(), "{name}");
        assert_eq!(claims[name], id_token[name], "{name}");
    }
    let issued = claims["iat"].as_i64().expect("a time");
    assert!((before..=now().timestamp()).contains(&issued), "{claims}");
    assert_eq!(claims["exp"], json!(issued + 600));
    assert!(claims["jti"].as_str().is_some_and(|jti| jti.len() > 20));
    for name in ["name", "preferred_username", "nonce", "sid"] {
        assert_eq!(claims.get(name), None, "{name}");
    }

    let again = redeemed(&shop, &mut browser, for_orders, &[]).await;
    let (_, other) = verified(&provider, &access_token(&again)).await;
    assert_ne!(other["jti"], claims["jti"]);
}

#[tokio::test]
async fn a_client_of_one_api_gets_tokens_for_it_unless_it_names_us() {
    let (provider, shop, mut browser) = shop().await;
    // A library has compared the ID token with it: `at_hash`.
    let tokens = sign_in(&shop, &mut browser, ANA).await;
    let (_, claims) = verified(&provider, &tokens.access_token).await;
    assert_eq!(claims["aud"], ORDERS);
    assert_eq!(claims.get("scope"), None);

    let issuer = provider.issuer();
    let ours = redeemed(
        &shop,
        &mut browser,
        |it| it,
        &[("resource", issuer.as_str())],
    )
    .await;
    let ours = access_token(&ours);
    assert!(!ours.contains('.'), "{ours}");
    assert_eq!(shop.userinfo_page(&ours).await.json()["sub"], ANA.id);
    let asked = |attempt: Attempt| attempt.with("resource", &issuer);
    let early = redeemed(&shop, &mut browser, asked, &[]).await;
    assert_eq!(shop.userinfo_page(&access_token(&early)).await.status, 200);
}

#[tokio::test]
async fn a_client_of_several_apis_says_which_one_it_means() {
    let provider = provider_in(with_apis("")).await;
    let depot = provider.relying_party(DEPOT).await;
    let mut browser = provider.browser_on("mbp-ana");

    let nothing = redeemed(&depot, &mut browser, |it| it, &[]).await;
    let ours = access_token(&nothing);
    assert_eq!(depot.userinfo_page(&ours).await.status, 200);

    let early = |attempt: Attempt| for_orders(attempt).with("resource", ORDERS);
    let page = redeemed(&depot, &mut browser, early, &[]).await;
    let (_, claims) = verified(&provider, &access_token(&page)).await;
    assert_eq!(claims["aud"], ORDERS);

    let page = redeemed(&depot, &mut browser, for_orders, &[("resource", STOCK)]).await;
    let opaque = access_token(&page);
    assert!(!opaque.contains('.'), "{opaque}");
    // No scope means anything to this API.
    assert_eq!(page.json().get("scope"), None, "{page}");
    assert_eq!(depot.userinfo_page(&opaque).await.status, 401);

    // RFC 8707, section 2.2: what was granted for one resource is not given for another.
    let page = redeemed(&depot, &mut browser, early, &[("resource", STOCK)]).await;
    assert_eq!(page.status, 400, "{page}");
    assert_eq!(page.json()["error"], "invalid_target");
}

#[tokio::test]
async fn a_resource_that_the_client_may_not_have_is_refused_at_both_endpoints() {
    let (_provider, shop, mut browser) = shop().await;
    sign_in(&shop, &mut browser, ANA).await;
    for resource in [
        STOCK,
        "https://orders.example.com/",
        "https://orders.example.com#part",
        "orders",
    ] {
        let attempt = shop.begin().with("resource", resource);
        let answer = browser.visit(attempt.url.as_str()).await.answer();
        shop.check(&attempt, &answer);
        assert_eq!(answer.error(), "invalid_target", "{resource}");

        let page = redeemed(&shop, &mut browser, |it| it, &[("resource", resource)]).await;
        assert_eq!(page.status, 400, "{page}");
        assert_eq!(page.json()["error"], "invalid_target", "{resource}");
    }
}

#[tokio::test]
async fn a_client_without_apis_gets_tokens_for_us_only() {
    let provider = provider_in(with_apis(&confidential("bare-web", ""))).await;
    let bare = TestClient {
        id: "bare-web",
        name: "Bare",
        redirect_uri: "https://bare-web.example.com/callback",
        confidential: true,
    };
    let bare = provider.relying_party(bare).await;
    let mut browser = provider.browser_on("mbp-ana");
    let tokens = sign_in(&bare, &mut browser, ANA).await;
    assert!(!tokens.access_token.contains('.'));
    let page = redeemed(&bare, &mut browser, |it| it, &[("resource", ORDERS)]).await;
    assert_eq!(page.json()["error"], "invalid_target", "{page}");
}

#[tokio::test]
async fn a_token_is_not_taken_for_one_of_another_kind() {
    let (_provider, shop, mut browser) = shop().await;
    let tokens = sign_in(&shop, &mut browser, ANA).await;

    // Made for an API, so that the API cannot ask us as if it were the client.
    let refused = shop.userinfo_page(&tokens.access_token).await;
    assert_eq!(refused.status, 401, "{refused}");
    let challenge = refused.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("invalid_token"), "{challenge}");

    // An ID token, signed for the same client by the same provider, is no access token.
    let refused = shop.userinfo_page(&tokens.id_token).await;
    assert_eq!(refused.status, 401, "{refused}");

    // An access token is no ID token, whoever it is for.
    let hinted = |hint: &str| shop.begin().with("id_token_hint", hint);
    let attempt = hinted(&tokens.access_token);
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    assert_eq!(answer.error(), "invalid_request");
    let attempt = hinted(&tokens.id_token);
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    assert!(!answer.code().is_empty());
}

#[tokio::test]
async fn a_changed_token_is_unknown() {
    let (provider, shop, mut browser) = shop().await;
    let issuer = provider.issuer();
    let tokens = sign_in(&shop, &mut browser, ANA).await;
    // As if it were for us: nothing in the text of a token is believed, it is looked up.
    let (_, mut claims) = decoded(&tokens.access_token);
    claims["aud"] = json!(issuer);
    let changed = with_claims(&tokens.access_token, &claims.to_string());
    let refused = shop.userinfo_page(&changed).await;
    assert_eq!(refused.status, 401, "{refused}");
}
