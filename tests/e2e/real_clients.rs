//! Relying parties that other people wrote, in other languages, against the real binary: each signs somebody in, from
//! discovery to userinfo, by its own idea of the specifications, and does what else it can. What the programs do is in
//! `tests/clients/`; where their libraries come from is left to `fetched`, the web server among them to `apache`, and
//! what each is tried with to the file of its name.

mod apache;
mod authlib;
mod fetched;
mod mod_auth_openidc;
mod openid_client;
mod program;

use doorward_tests::{ANA, Answer, Browser, TestClient, TestProvider};
use reqwest::Url;
use serde_json::{Value, json};

use crate::private_key_jwt::inline;
use program::Program;

/// A client that the tests register. It has no secret: where it proves itself, it does so by a key.
const APP: TestClient = TestClient {
    id: "others-web",
    name: "Others",
    redirect_uri: "https://others.example.com/callback",
    confidential: false,
};

/// A client to which Ana is signed in.
#[derive(Debug)]
struct SignedIn {
    browser: Browser,
    program: Program,
    /// Where the program has sent the browser.
    url: Url,
    /// What it says of her.
    said: Value,
}

/// Signs Ana in at [`APP`], which runs as this program. `told` is what the program is told of itself besides its name,
/// and `entry` what its entry says besides its name and the key that it may have made.
async fn sign_in_to_app(
    provider: &TestProvider,
    mut program: Program,
    told: Value,
    entry: &str,
) -> SignedIn {
    let makes_key = told.get("makes_key").is_some();
    introduce(&mut program, APP, told).await;
    let TestClient {
        id, redirect_uri, ..
    } = APP;
    let mut text = format!(
        "[[client]]\nid = '{id}'\napplication = 'wiki'\nredirect_uris = ['{redirect_uri}']\n{entry}\n"
    );
    if makes_key {
        let made = program.hear().await;
        text += &inline(&[made["jwk"].clone()]);
        text += "\n";
    }
    register(provider, &text).await;
    go_on(provider, APP, program).await
}

/// Signs Ana in at a client that the provider knows already, which runs as this program.
async fn sign_in(provider: &TestProvider, client: TestClient, mut program: Program) -> SignedIn {
    let told = json!({ "client_secret": client.secret() });
    introduce(&mut program, client, told).await;
    go_on(provider, client, program).await
}

/// Tells the program who it is.
async fn introduce(program: &mut Program, client: TestClient, mut told: Value) {
    told["client_id"] = json!(client.id);
    told["redirect_uri"] = json!(client.redirect_uri);
    program.say(&told).await;
}

/// Has a program that is registered sign Ana in.
async fn go_on(provider: &TestProvider, client: TestClient, mut program: Program) -> SignedIn {
    program.say(&json!({ "issuer": provider.issuer() })).await;
    let begun = program.hear().await;
    let url = begun["url"].as_str().expect("a URL");
    let mut browser = provider.browser_on("mbp-ana");
    let answer = browser.walk(url, ANA).await.answer();
    let callback = callback(&answer);
    program.say(&json!({ "callback": callback.as_str() })).await;
    let said = program.hear().await;
    assert_is_ana(&said, provider, client);
    SignedIn {
        browser,
        program,
        url: Url::parse(url).expect("a URL"),
        said,
    }
}

impl SignedIn {
    /// Has the program do something, and says what it tells of it.
    async fn ask(&mut self, deed: &Value) -> Value {
        self.program.say(deed).await;
        self.program.hear().await
    }
}

/// The URL at which the client has its answer.
fn callback(answer: &Answer) -> Url {
    Url::parse_with_params(&answer.redirect_uri, &answer.parameters).expect("a URL")
}

/// Adds entries to the clients file of a running provider.
async fn register(provider: &TestProvider, entries: &str) {
    let operations = provider.operations();
    let digest = operations.digest("clients").await;
    provider.files().append("clients.toml", entries);
    operations.reloaded("clients", &digest).await;
}

/// Asserts that the program knows whom it has signed in.
fn assert_is_ana(said: &Value, provider: &TestProvider, client: TestClient) {
    let claims = &said["claims"];
    assert_eq!(claims["iss"], provider.issuer(), "{said}");
    assert!(
        claims["aud"] == client.id || claims["aud"][0] == client.id,
        "{said}"
    );
    assert_tells_of_ana(claims);
    assert_tells_of_ana(&said["userinfo"]);
}

/// Asserts that these claims are hers.
fn assert_tells_of_ana(told: &Value) {
    assert_eq!(told["sub"], ANA.id, "{told}");
    assert_eq!(told["preferred_username"], ANA.username, "{told}");
    assert_eq!(told["email"], "ana@example.com", "{told}");
}
