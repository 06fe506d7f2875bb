//! Tokens that are bound to the certificate of a client (RFC 8705, section 3): whoever finds one cannot use it. How a
//! client proves itself by a certificate is left to `client_tls.rs`.

use std::collections::BTreeMap;

use doorward_tests::{ANA, ClientCertificate, Page, TestClient};

use crate::client_tls::{BILLING, NAMED, World, entry, token};

/// A client on people's machines, with tokens that are bound to the certificate of the machine.
const AGENT: TestClient = TestClient {
    id: "agent",
    name: "Agent",
    redirect_uri: "https://agent.example.com/callback",
    confidential: false,
};

/// Tokens are bound.
const BOUND: &str = "bound = 'certificate'";

fn assert_invalid_token(page: &Page, what: &str) {
    assert_eq!(page.status, 401, "{what}: {page}");
    let challenge = page.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("invalid_token"), "{what}: {challenge}");
}

#[tokio::test]
async fn a_bound_token_is_worth_nothing_without_the_certificate() {
    let proof = format!("{NAMED}\n{BOUND}");
    let world = World::with(&entry(BILLING, &proof)).await;
    let certificate = world.billing();
    let page = world.redeem(BILLING, Some(&certificate)).await;
    assert_eq!(page.json()["token_type"], "Bearer", "{page}");
    let token = token(&page, "access_token");

    let alias = world.host.url("/userinfo");
    let page = world.userinfo(&alias, &token, Some(&certificate)).await;
    assert_eq!(page.status, 200, "{page}");
    assert_eq!(page.json()["sub"], ANA.id);

    let other = world.billing();
    let page = world.userinfo(&alias, &token, Some(&other)).await;
    assert_invalid_token(&page, "another certificate");
    let page = world.userinfo(&alias, &token, None).await;
    assert_invalid_token(&page, "no certificate");
    // The main host asks nobody, so nobody proves anything there.
    let main = world.provider.url("/userinfo");
    let page = world.userinfo(&main, &token, Some(&certificate)).await;
    assert_invalid_token(&page, "the main host");

    let form = [("token", &*token), ("client_id", BILLING.id)];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let told = world
        .post("/introspect", Some(&certificate), &form.into())
        .await;
    assert_eq!(told.json()["active"], true, "{told}");
    assert_eq!(told.json()["cnf"], certificate.confirmation());
}

#[tokio::test]
async fn a_public_client_goes_on_with_the_certificate_that_it_began_with() {
    let proof = format!("public = true\nrefresh = 'session'\n{BOUND}");
    let world = World::with(&entry(AGENT, &proof)).await;
    // Whose certificate it is, nobody asks: it only has to be the same.
    let certificate = ClientCertificate::self_signed("machine");
    let page = world.redeem(AGENT, None).await;
    assert_eq!(page.status, 400, "{page}");
    assert_eq!(page.json()["error"], "invalid_request", "{page}");

    let page = world.redeem(AGENT, Some(&certificate)).await;
    let form = |token: String| {
        let fields = [
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token),
            ("client_id", AGENT.id.to_owned()),
        ];
        BTreeMap::from(fields.map(|(name, value)| (name.to_owned(), value)))
    };
    let first = form(token(&page, "refresh_token"));
    let other = ClientCertificate::self_signed("machine");
    for (certificate, error) in [(Some(&other), "invalid_grant"), (None, "invalid_request")] {
        let page = world.post("/token", certificate, &first).await;
        assert_eq!(page.status, 400, "{page}");
        assert_eq!(page.json()["error"], error, "{page}");
    }
    let page = world.post("/token", Some(&certificate), &first).await;
    let alias = world.host.url("/userinfo");
    let renewed = token(&page, "access_token");
    let page_of = world.userinfo(&alias, &renewed, Some(&certificate)).await;
    assert_eq!(page_of.status, 200, "{page_of}");
    let page_of = world.userinfo(&alias, &renewed, Some(&other)).await;
    assert_invalid_token(&page_of, "another certificate");

    let second = form(token(&page, "refresh_token"));
    let page = world.post("/token", Some(&other), &second).await;
    assert_eq!(page.json()["error"], "invalid_grant", "{page}");
}
