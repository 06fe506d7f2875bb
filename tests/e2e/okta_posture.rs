//! Okta with Doorward as a device posture provider: what Okta expects, row by row; whom an answer is about; and that it
//! lets nobody in.

use std::collections::BTreeMap;

use doorward_tests::okta::{Ask, Exchange, ORG, Okta, POSTURE, Trip, broken};
use doorward_tests::{ANA, Arrival, Browser, Credentials, Installation, TestProvider, eventually};

use crate::journey::provider_in;

/// The client.
const OKTA: &str = "okta-posture";

/// What makes a device compliant here. The starter policies say nothing of posture.
const POLICY: &str = r#"
@id("compliant")
@reason("A device is compliant when its disk is encrypted.")
permit (
    principal in Group::"employees",
    action == Action::"posture",
    resource == Application::"wiki"
)
when { context has device && context.device.diskEncrypted };
"#;

/// A provider that tells this org about devices, by these policies besides the starter's.
async fn world(okta: &Okta, policies: &str) -> TestProvider {
    let files = Installation::new();
    let entry = format!(
        "[[client]]\nid = '{OKTA}'\nname = 'Okta'\nprofile = 'okta-posture'\napplication = 'wiki'\n\
         redirect_uris = ['{ORG}']\nsecret = '{}'\n\n",
        okta.stored
    );
    files.append("clients.toml", &entry);
    files.append("policies/access.cedar", policies);
    provider_in(files).await
}

fn about(hint: &str) -> Ask {
    Ask::of(OKTA).with("login_hint", hint)
}

/// What comes of a browser on this device.
async fn on(okta: &Okta, provider: &TestProvider, device: &str, ask: &Ask) -> Trip {
    let mut browser = provider.browser_on(device);
    okta.send(provider, &mut browser, None, ask).await
}

/// Every way of asking, and what came of it.
async fn recorded() -> Exchange {
    let okta = Okta::new();
    let provider = world(&okta, POLICY).await;
    let mut trips = BTreeMap::new();
    for (name, device, ask) in [
        ("managed", "mbp-ana", about("ana")),
        ("no-hint", "mbp-ana", Ask::of(OKTA)),
        ("unmanaged", "byod-ana", about("ana@example.com")),
        ("unknown-device", "ghost", about("ana")),
        ("policy-denies", "old-ana", about("ana")),
        ("wrong-person", "mbp-bo", about("ana")),
    ] {
        trips.insert(name, on(&okta, &provider, device, &ask).await);
    }
    for (name, ask) in [
        ("no-certificate", about("ana")),
        ("silent", about("ana").with("prompt", "none")),
    ] {
        let mut browser = provider.browser();
        let trip = okta.send(&provider, &mut browser, None, &ask).await;
        trips.insert(name, trip);
    }
    trips.insert("revoked", revoked(&okta, &provider).await);
    let discovery = provider
        .get(&provider.url("/.well-known/openid-configuration"))
        .await;
    Exchange {
        issuer: provider.issuer(),
        discovery: discovery.json(),
        jwks: provider.get(&provider.url("/jwks")).await.json(),
        trips,
    }
}

/// What is said of a laptop whose certificate was revoked.
async fn revoked(okta: &Okta, provider: &TestProvider) -> Trip {
    let pki = &provider.files().pki;
    let certificate = pki.device("mbp-ana");
    let operations = provider.operations();
    let digest = operations.digest("device-trust").await;
    let list = pki.revocation_list(std::slice::from_ref(&certificate.serial));
    provider.files().replace("pki/revoked.crl", list);
    operations.reloaded("device-trust", &digest).await;
    let mut browser = provider.browser().with_certificate(&certificate);
    okta.send(provider, &mut browser, None, &about("ana")).await
}

#[tokio::test]
async fn every_row_of_the_okta_posture_holds() {
    assert_eq!(broken(POSTURE, &recorded().await), Vec::<&str>::new());
}

#[tokio::test]
async fn every_row_of_the_okta_posture_notices_its_mutation() {
    let exchange = recorded().await;
    for row in POSTURE {
        let mut tampered = exchange.clone();
        (row.tamper)(&mut tampered);
        assert_eq!(broken(POSTURE, &tampered), [row.id]);
    }
}

#[tokio::test]
async fn without_a_policy_about_posture_nothing_is_compliant() {
    let okta = Okta::new();
    let provider = world(&okta, "").await;
    let trip = on(&okta, &provider, "mbp-ana", &about("ana")).await;
    let device = trip.claim("device_context");
    assert_eq!(device["managed"], true);
    assert_eq!(device["compliant"], false);
    assert_eq!(device["externalId"], "mbp-ana");
}

#[tokio::test]
async fn an_answer_is_recorded_with_its_decision() {
    let okta = Okta::new();
    let provider = world(&okta, POLICY).await;
    let trip = on(&okta, &provider, "old-ana", &about("ana")).await;
    assert!(trip.has_tokens(), "{trip:?}");
    let line = eventually("a record", async || provider.decisions().into_iter().next()).await;
    assert_eq!(line["ending"], "reported");
    assert_eq!(line["action"], "posture");
    assert_eq!(line["managed"], true);
    assert_eq!(line["compliant"], false);
    assert_eq!(line["user"], ANA.id);
    assert_eq!(line["caller"]["state"], trip.sent["state"]);
    assert!(line["decision"].is_object(), "{line}");
}

#[tokio::test]
async fn an_answer_begins_no_session() {
    let okta = Okta::new();
    let provider = world(&okta, POLICY).await;
    let mut browser = provider.browser_on("mbp-ana");
    let trip = okta
        .send(&provider, &mut browser, None, &about("ana"))
        .await;
    assert!(trip.has_tokens(), "{trip:?}");
    assert_eq!(trip.claim("amr"), serde_json::json!(["swk"]));
    assert!(trip.claim("sid").is_null() && trip.claim("auth_time").is_null());
    assert_eq!(browser.cookie(doorward_tests::SESSION_COOKIE), None);
}

/// A browser without a certificate, of whom Okta says nothing or a name that nobody has here.
async fn stranger(
    okta: &Okta,
    provider: &TestProvider,
    browser: &mut Browser,
    ask: &Ask,
    person: Credentials,
) -> Trip {
    let asked = okta.send(provider, browser, None, ask).await;
    assert_eq!((asked.page, asked.answer.is_none()), (Some(200), true));
    okta.send(provider, browser, Some(person), ask).await
}

#[tokio::test]
async fn whoever_nothing_identifies_is_asked_for_a_password_and_answered() {
    let okta = Okta::new();
    let provider = world(&okta, POLICY).await;
    for ask in [Ask::of(OKTA), about("somebody@example.net")] {
        let mut browser = provider.browser();
        let trip = stranger(&okta, &provider, &mut browser, &ask, ANA).await;
        assert!(trip.has_tokens(), "{trip:?}");
        assert_eq!(trip.claim("sub"), ANA.id);
        assert_eq!(trip.claim("device_context")["managed"], false);
    }
}

#[tokio::test]
async fn where_nobody_is_known_and_no_page_may_be_shown_there_is_nobody_to_answer_about() {
    let okta = Okta::new();
    let provider = world(&okta, POLICY).await;
    let mut browser = provider.browser();
    let ask = Ask::of(OKTA).with("prompt", "none");
    let trip = okta.send(&provider, &mut browser, None, &ask).await;
    assert_eq!(trip.error(), Some("login_required"), "{trip:?}");
}

#[tokio::test]
async fn a_request_that_is_wrong_is_an_error_and_no_answer() {
    let okta = Okta::new();
    let provider = world(&okta, POLICY).await;
    let ask = about("ana").with("response_type", "token");
    let trip = on(&okta, &provider, "mbp-ana", &ask).await;
    assert_eq!(trip.error(), Some("unsupported_response_type"));

    let mut browser = provider.browser_on("mbp-ana");
    let url = format!(
        "{}/authorize?client_id={OKTA}&redirect_uri=https://attacker.example/",
        provider.issuer()
    );
    let Arrival::Page(page) = browser.visit(&url).await else {
        panic!("the answer left for another address");
    };
    assert_eq!(page.status, 400, "{page}");
}
