//! openid-client, for Node: nearly all that the provider can do, one thing after the other, and all at once as FAPI
//! wants it.

use doorward_tests::{PAYROLL, TestProvider, WIKI};
use serde_json::{Value, json};

use super::program::Program;
use super::{APP, SignedIn, assert_tells_of_ana, sign_in, sign_in_to_app};
use crate::journey::provider;

/// Where the client wants the browser back when its user has signed out.
const AFTERWARDS: &str = "https://others.example.com/signed-out";

/// What the entry of a client says that refreshes from a server, of which the policies would not know where it is.
const REFRESHES: &str = "refresh = 'session'\nrefresh_address = 'sign-in'";

/// Signs Ana in at the client that is told this and registered with this.
async fn app(provider: &TestProvider, told: Value, entry: &str) -> SignedIn {
    let program = Program::openid_client(provider).await;
    sign_in_to_app(provider, program, told, entry).await
}

/// The same with a client that signs its assertions.
async fn app_with_key(provider: &TestProvider, algorithm: &str, entry: &str) -> SignedIn {
    let told = json!({ "auth": "private_key_jwt", "makes_key": algorithm });
    let entry = format!("auth = 'private_key_jwt'\n{entry}");
    app(provider, told, &entry).await
}

/// Asserts that the link says nothing but who asks, and this.
fn assert_only_carries(app: &SignedIn, parameter: &str) {
    let mut names: Vec<String> = app
        .url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["client_id", parameter], "{}", app.url);
}

/// Asserts that the client could renew its tokens, and that the new one opens userinfo.
async fn assert_refreshes(app: &mut SignedIn, is_another: bool) {
    let told = app.ask(&json!({ "deed": "refresh" })).await;
    assert_eq!(told["renewed"], is_another, "{told}");
    assert_tells_of_ana(&told["userinfo"]);
}

/// Has the client sign its user out, and asserts that the browser comes back and is signed out.
async fn assert_signs_out(app: &mut SignedIn) {
    let deed = json!({
        "deed": "sign_out",
        "post_logout_redirect_uri": AFTERWARDS,
        "state": "a b&c",
    });
    let told = app.ask(&deed).await;
    let url = told["url"].as_str().expect("a URL");
    let answer = app.browser.visit(url).await.answer();
    assert_eq!(answer.redirect_uri, AFTERWARDS, "{answer:?}");
    assert_eq!(answer.get("state"), Some("a b&c"), "{answer:?}");
}

#[tokio::test]
async fn real_client_openid_client_signs_people_in() {
    let provider = provider().await;
    for client in [WIKI, PAYROLL] {
        let program = Program::openid_client(&provider).await;
        sign_in(&provider, client, program).await;
    }
}

#[tokio::test]
async fn real_client_openid_client_finds_the_document_of_oauth() {
    let provider = provider().await;
    // RFC 8414, section 3.1.
    app(&provider, json!({ "discovery": "oauth2" }), "public = true").await;
}

#[tokio::test]
async fn real_client_openid_client_pushes_its_request() {
    let provider = provider().await;
    let told = json!({ "pushes_request": true });
    let app = app(&provider, told, "public = true\npar_required = true").await;
    assert_only_carries(&app, "request_uri");
}

#[tokio::test]
async fn real_client_openid_client_proves_itself_by_a_key() {
    for algorithm in ["ES256", "PS256", "RS256", "Ed25519"] {
        let provider = provider().await;
        app_with_key(&provider, algorithm, "").await;
    }
}

#[tokio::test]
async fn real_client_openid_client_binds_its_tokens_to_a_key() {
    let provider = provider().await;
    let told = json!({ "dpop": "ES256" });
    let entry = format!("public = true\nbound = 'dpop'\n{REFRESHES}");
    let mut app = app(&provider, told, &entry).await;
    // The library has it in lower case.
    assert_eq!(app.said["token_type"], "dpop", "{}", app.said);
    assert_refreshes(&mut app, true).await;
}

#[tokio::test]
async fn real_client_openid_client_signs_its_request() {
    let provider = provider().await;
    let told = json!({ "makes_key": "ES256", "signs_request": true });
    let entry = "public = true\nrequest_object = 'required'";
    let app = app(&provider, told, entry).await;
    assert_only_carries(&app, "request");
}

#[tokio::test]
async fn real_client_openid_client_refreshes() {
    let provider = provider().await;
    let entry = format!("public = true\n{REFRESHES}");
    let mut app = app(&provider, json!({}), &entry).await;
    assert_refreshes(&mut app, true).await;
    assert_refreshes(&mut app, true).await;
}

#[tokio::test]
async fn real_client_openid_client_refreshes_offline() {
    let provider = provider().await;
    let told = json!({ "scope": "openid profile email offline_access" });
    let entry = "public = true\nrefresh = 'offline'\nrefresh_address = 'sign-in'\n\
                 scopes = ['openid', 'profile', 'email', 'offline_access']";
    let mut app = app(&provider, told, entry).await;
    assert_refreshes(&mut app, true).await;
}

#[tokio::test]
async fn real_client_openid_client_introspects_its_tokens() {
    let provider = provider().await;
    let mut app = app_with_key(&provider, "ES256", REFRESHES).await;
    let told = app.ask(&json!({ "deed": "introspect" })).await;
    for kind in ["access_token", "refresh_token"] {
        assert_eq!(told[kind]["active"], true, "{told}");
        assert_eq!(told[kind]["client_id"], APP.id, "{told}");
        assert_eq!(told[kind]["sub"], app.said["claims"]["sub"], "{told}");
    }
}

#[tokio::test]
async fn real_client_openid_client_gives_its_tokens_back() {
    let provider = provider().await;
    let mut app = app_with_key(&provider, "ES256", REFRESHES).await;
    let told = app.ask(&json!({ "deed": "revoke" })).await;
    for kind in ["access_token", "refresh_token"] {
        assert_eq!(told[kind], json!({ "active": false }), "{told}");
    }
    assert_eq!(told["userinfo"]["refused"][0], "invalid_token", "{told}");
}

#[tokio::test]
async fn real_client_openid_client_signs_people_out() {
    let provider = provider().await;
    let entry = format!("public = true\npost_logout_redirect_uris = ['{AFTERWARDS}']");
    let mut app = app(&provider, json!({}), &entry).await;
    assert_signs_out(&mut app).await;
    // Whoever comes again is asked again.
    let page = app.browser.visit(app.url.as_str()).await.page();
    assert!(page.has_form("/sign-in"), "{page}");
}

#[tokio::test]
async fn real_client_openid_client_is_held_to_fapi() {
    let provider = provider().await;
    let told = json!({
        "auth": "private_key_jwt",
        "makes_key": "PS256",
        "dpop": "ES256",
        "signs_request": true,
        "pushes_request": true,
    });
    let entry = format!(
        "fapi = true\nauth = 'private_key_jwt'\nbound = 'dpop'\nrequest_object = 'required'\n\
         post_logout_redirect_uris = ['{AFTERWARDS}']\n{REFRESHES}"
    );
    let mut app = app(&provider, told, &entry).await;
    assert_only_carries(&app, "request_uri");
    assert_eq!(app.said["token_type"], "dpop", "{}", app.said);
    // FAPI 2.0 Security Profile, section 5.3.2.1: refresh tokens stay the same.
    assert_refreshes(&mut app, false).await;
    let told = app.ask(&json!({ "deed": "introspect" })).await;
    assert_eq!(told["access_token"]["token_type"], "DPoP", "{told}");
    assert!(told["access_token"]["cnf"]["jkt"].is_string(), "{told}");
    let told = app.ask(&json!({ "deed": "revoke" })).await;
    assert_eq!(told["userinfo"]["refused"][0], "invalid_token", "{told}");
    assert_signs_out(&mut app).await;
}
