//! Okta with Doorward as a factor: what Okta expects, row by row, and what the policies make of the application that a
//! person wants to open.

use std::collections::BTreeMap;

use doorward::cli::pki::{DevelopmentCa, IssuedCertificate};
use doorward_tests::okta::{Ask, CUSTOM, Exchange, FACTOR, ORG, Okta, Proof, Trip, broken};
use doorward_tests::{ANA, BO, Installation, SESSION_COOKIE, TestProvider, eventually, now};
use serde_json::{Value, json};

use crate::journey::provider_in;
use crate::private_key_jwt::inline;

/// The client with a secret.
const SECRET: &str = "okta";
/// The client that signs what it asks.
const SIGNS: &str = "okta-signs";

/// The applications behind both of them, by what Okta calls them.
const APPLICATIONS: &str =
    "applications = { '0oaPayroll' = 'payroll', 'Wiki' = 'wiki', '0oaWiki' = 'wiki' }";

/// A provider that serves this org as a factor, and the certificate of an authority that certifies keys in hardware only.
async fn world(okta: &Okta) -> (TestProvider, IssuedCertificate) {
    let files = Installation::new();
    let entry = |id: &str, rest: &str| {
        format!(
            "[[client]]\nid = '{id}'\nname = 'Okta'\nprofile = 'okta-factor'\napplication = 'wiki'\n\
             redirect_uris = ['{ORG}', '{CUSTOM}']\n{APPLICATIONS}\n{rest}\n\n"
        )
    };
    let secret = format!("secret = '{}'", okta.stored);
    files.append("clients.toml", &entry(SECRET, &secret));
    let signs = format!(
        "auth = 'private_key_jwt'\nrequest_object = 'optional'\napplication_context = 'signed'\n{}",
        inline(&[okta.key.jwk()])
    );
    files.append("clients.toml", &entry(SIGNS, &signs));
    // Okta compares names as they are written.
    files.edit("users.toml", "username = 'ana'", "username = 'Ana'");
    files.edit("users.toml", "'ana@example.com'", "'Ana@Example.com'");
    let hardware = hardware(&files);
    (provider_in(files).await, hardware)
}

/// Declares another authority, and has it issue a certificate for Ana's laptop.
fn hardware(files: &Installation) -> IssuedCertificate {
    let authority =
        DevelopmentCa::create(&files.path("pki/hardware"), now()).expect("an authority");
    let list = authority.crl(&[], 90, now()).expect("a list");
    files.overwrite("pki/hardware.crl", list);
    files.edit(
        "doorward.toml",
        "revocation_lists = [\"pki/revoked.crl\"]",
        "revocation_lists = [\"pki/revoked.crl\", \"pki/hardware.crl\"]",
    );
    files.edit(
        "doorward.toml",
        "inventory = \"devices.toml\"\n",
        "inventory = \"devices.toml\"\n\n[[device.authority]]\nfile = \"pki/hardware/ca.pem\"\nkeys = \"hardware\"\n",
    );
    authority
        .issue_device("mbp-ana", "mbp-ana", 90, now())
        .expect("issued")
}

/// Every way of asking, and what came of it.
async fn recorded() -> Exchange {
    let okta = Okta::new();
    let (provider, hardware) = world(&okta).await;
    let mut trips = BTreeMap::new();
    let mut own = provider.browser_on("mbp-ana");
    let context =
        |name, app: &str, instance, id: &str| Ask::of(SECRET).with(name, app).with(instance, id);
    let asks = [
        ("plain", Ask::of(SECRET)),
        (
            "custom-domain",
            Ask::of(SECRET).with("redirect_uri", CUSTOM),
        ),
        (
            "implicit",
            Ask::of(SECRET).with("response_type", "id_token"),
        ),
        ("query", Ask::of(SECRET).with("response_mode", "query")),
        ("pkce", Ask::of(SECRET).with_pkce()),
        (
            "pkce-plain",
            Ask::of(SECRET)
                .with(
                    "code_challenge",
                    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                )
                .with("code_challenge_method", "plain"),
        ),
        ("basic", Ask::of(SECRET).proving(Proof::Basic)),
        ("post", Ask::of(SECRET).proving(Proof::Post)),
        ("assertion", Ask::of(SIGNS).proving(Proof::Assertion)),
        (
            "signed",
            Ask::of(SIGNS)
                .proving(Proof::Assertion)
                .signing("OktaAppInstanceId", "0oaWiki"),
        ),
        (
            "unsigned",
            Ask::of(SIGNS)
                .proving(Proof::Assertion)
                .with("OktaAppInstanceId", "0oaPayroll"),
        ),
        (
            "spelled-as-in-the-api",
            context(
                "OktaAppName",
                "Payroll 2",
                "OktaAppInstanceId",
                "0oaPayroll",
            ),
        ),
        (
            "spelled-as-in-the-guide",
            context(
                "oktaappname",
                "Payroll 2",
                "oktaappinstanceid",
                "0oaPayroll",
            ),
        ),
        (
            "two-applications",
            context(
                "OktaAppInstanceId",
                "0oaWiki",
                "oktaappinstanceid",
                "0oaPayroll",
            ),
        ),
    ];
    for (name, ask) in asks {
        let trip = okta.send(&provider, &mut own, Some(ANA), &ask).await;
        trips.insert(name, trip);
    }

    let mut colleagues = provider.browser_on("mbp-bo");
    for (name, instance) in [("wiki", "0oaWiki"), ("denied", "0oaPayroll")] {
        let ask = Ask::of(SECRET).with("OktaAppInstanceId", instance);
        let trip = okta.send(&provider, &mut colleagues, Some(ANA), &ask).await;
        trips.insert(name, trip);
    }
    let mut browser = provider.browser().with_certificate(&hardware);
    let trip = okta
        .send(&provider, &mut browser, Some(ANA), &Ask::of(SECRET))
        .await;
    trips.insert("hardware", trip);
    trips.insert("renamed", renamed(&okta, &provider).await);

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

/// What Okta is told of Ana after her address has changed.
async fn renamed(okta: &Okta, provider: &TestProvider) -> Trip {
    let operations = provider.operations();
    let digest = operations.digest("users").await;
    let files = provider.files();
    files.edit("users.toml", "'Ana@Example.com'", "'Ana.New@Example.com'");
    operations.reloaded("users", &digest).await;
    let mut browser = provider.browser_on("mbp-ana");
    okta.send(provider, &mut browser, Some(ANA), &Ask::of(SECRET))
        .await
}

#[tokio::test]
async fn every_row_of_the_okta_factor_holds() {
    assert_eq!(broken(FACTOR, &recorded().await), Vec::<&str>::new());
}

#[tokio::test]
async fn every_row_of_the_okta_factor_notices_its_mutation() {
    let exchange = recorded().await;
    for row in FACTOR {
        let mut tampered = exchange.clone();
        (row.tamper)(&mut tampered);
        assert_eq!(broken(FACTOR, &tampered), [row.id]);
    }
}

#[tokio::test]
async fn the_record_names_what_was_decided_on_and_what_okta_calls_it() {
    let okta = Okta::new();
    let (provider, _) = world(&okta).await;
    let mut browser = provider.browser_on("mbp-bo");
    let ask = Ask::of(SECRET)
        .with("OktaAppName", "Payroll 2")
        .with("OktaAppInstanceId", "0oaPayroll");
    let denied = okta.send(&provider, &mut browser, Some(ANA), &ask).await;
    let reference = denied.answer.expect("an answer").reference();
    let line = provider.decision(&reference).await;
    assert_eq!(line["ending"], "denied");
    assert_eq!(line["client"], SECRET);
    assert_eq!(line["application"], "payroll");
    assert_eq!(line["caller"]["app_name"], "Payroll 2");
    assert_eq!(line["caller"]["app_instance_id"], "0oaPayroll");
    assert_eq!(line["caller"]["state"], denied.sent["state"]);
}

#[tokio::test]
async fn an_application_that_is_not_in_the_table_is_decided_as_the_client_s_own() {
    let okta = Okta::new();
    let (provider, _) = world(&okta).await;
    let mut browser = provider.browser_on("mbp-bo");
    let ask = Ask::of(SECRET).with("OktaAppInstanceId", "0oaOther");
    let trip = okta.send(&provider, &mut browser, Some(BO), &ask).await;
    assert!(trip.has_tokens(), "{trip:?}");
    assert_eq!(trip.claim("app_instance_id"), "0oaOther");
    let line = eventually("the record of the permit", async || {
        let mut decisions = provider.decisions().into_iter();
        decisions.find(|line| line["ending"] == "permitted")
    })
    .await;
    assert_eq!(line["application"], "wiki");
}

/// Opens the wiki by the device alone.
const BY_DEVICE: &str = r#"
@id("wiki-by-device")
@reason("Okta has seen to the password.")
permit (
    principal in Group::"employees",
    action == Action::"signIn",
    resource == Application::"wiki"
)
when { context has device && context.device.managed };
"#;

/// Okta asks about this user, and signs that it does.
fn about(user: &'static str) -> Ask {
    Ask::of(SIGNS)
        .proving(Proof::Assertion)
        .signing("login_hint", user)
}

#[tokio::test]
async fn whom_okta_has_signed_to_ask_about_needs_no_password_where_the_policies_do_not() {
    let okta = Okta::new();
    let (provider, _) = world(&okta).await;
    let operations = provider.operations();
    let digest = operations.digest("policies").await;
    provider.files().append("policies/access.cedar", BY_DEVICE);
    operations.reloaded("policies", &digest).await;

    let mut browser = provider.browser_on("mbp-ana");
    let trip = okta
        .send(&provider, &mut browser, Some(ANA), &about("Ana"))
        .await;
    assert!(trip.has_tokens(), "{trip:?}");
    assert_eq!(trip.claim("sub"), ANA.id);
    assert_eq!(trip.claim("amr"), json!(["swk"]));
    assert_eq!(
        trip.claim("acr"),
        Value::Null,
        "no class is without a password"
    );
    assert_eq!(browser.cookie(SESSION_COOKIE), None);

    // Whoever changes the name in the link has signed nothing.
    let mut stranger = provider.browser_on("mbp-ana");
    let unsigned = Ask::of(SIGNS)
        .proving(Proof::Assertion)
        .with("login_hint", "Ana");
    let trip = okta.send(&provider, &mut stranger, None, &unsigned).await;
    assert_eq!((trip.page, trip.has_tokens()), (Some(200), false));
}

#[tokio::test]
async fn whom_okta_has_signed_to_ask_about_enters_a_password_once_where_the_policies_want_it() {
    let okta = Okta::new();
    let (provider, _) = world(&okta).await;
    let mut browser = provider.browser_on("mbp-ana");
    let first = okta
        .send(&provider, &mut browser, Some(ANA), &about("ana"))
        .await;
    assert!(first.has_tokens(), "{first:?}");
    assert_eq!(first.claim("amr"), json!(["pwd", "swk"]));
    assert!(browser.cookie(SESSION_COOKIE).is_some());

    let again = okta
        .send(&provider, &mut browser, None, &about("ana"))
        .await;
    assert_eq!((again.page, again.has_tokens()), (None, true));
}

/// Opens the wiki for anybody, with nothing proved.
const BY_NOTHING: &str = r#"
@id("wiki-by-nothing")
@reason("Okta has seen to everything.")
permit (principal, action == Action::"signIn", resource == Application::"wiki");
"#;

#[tokio::test]
async fn nothing_at_all_is_no_factor_whatever_the_policies_permit() {
    let okta = Okta::new();
    let (provider, _) = world(&okta).await;
    let operations = provider.operations();
    let digest = operations.digest("policies").await;
    provider.files().append("policies/access.cedar", BY_NOTHING);
    operations.reloaded("policies", &digest).await;

    let mut without = provider.browser();
    let trip = okta
        .send(&provider, &mut without, None, &about("Ana"))
        .await;
    assert!(!trip.has_tokens(), "{trip:?}");
    let silent = about("Ana").signing("prompt", "none");
    let trip = okta.send(&provider, &mut without, None, &silent).await;
    assert_eq!(trip.error(), Some("login_required"), "{trip:?}");
    let trip = okta
        .send(&provider, &mut without, Some(ANA), &about("Ana"))
        .await;
    assert_eq!(trip.claim("amr"), json!(["pwd"]));
}

#[tokio::test]
async fn a_fresh_password_is_entered_where_okta_asks_for_one_and_nobody_stands_in_for_who_is_gone()
{
    let okta = Okta::new();
    let (provider, _) = world(&okta).await;
    let operations = provider.operations();
    let digest = operations.digest("policies").await;
    provider.files().append("policies/access.cedar", BY_DEVICE);
    operations.reloaded("policies", &digest).await;

    let mut browser = provider.browser_on("mbp-ana");
    let fresh = about("Ana").signing("prompt", "login");
    let trip = okta.send(&provider, &mut browser, Some(ANA), &fresh).await;
    assert_eq!(trip.claim("amr"), json!(["pwd", "swk"]));
    assert!(trip.claim("auth_time").is_number(), "{trip:?}");

    // Bo is signed in here, and Okta asks about somebody who is not known.
    let mut browser = provider.browser_on("mbp-bo");
    let own = about("bo");
    okta.send(&provider, &mut browser, Some(BO), &own).await;
    let trip = okta
        .send(&provider, &mut browser, None, &about("nobody"))
        .await;
    assert_eq!(trip.error(), Some("access_denied"), "{trip:?}");
}
