//! Everything else that operators keep in files: users, clients, devices, databases, certificates.
//! Each takes effect without a restart, and none of them can be broken by a bad file.

use std::fs;

use doorward_tests::{
    ANA, Credentials, Operations, WIKI, country_database, device_entry, eventually, user_entry,
};
use reqwest::tls::TlsInfo;

use crate::journey::{arrive, code, provider, sign_in};

#[tokio::test]
async fn a_new_user_can_sign_in_and_a_disabled_one_is_signed_out() {
    const DEE: Credentials = Credentials {
        id: "u-dee",
        username: "dee",
        ..ANA
    };
    let provider = provider().await;
    let (operations, files) = (provider.operations(), provider.files());
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let digest = operations.digest("users").await;
    files.append("users.toml", &user_entry(DEE, "contractors"));
    let status = operations.reloaded("users", &digest).await;
    let refused = arrive(&wiki, &mut provider.browser(), DEE).await.denied();
    assert!(refused.says("Signed in as dee"), "{refused}");

    let digest = status["digest"].as_str().expect("a digest");
    files.edit(
        "users.toml",
        "username = 'ana'\n",
        "username = 'ana'\ndisabled = true\n",
    );
    operations.reloaded("users", digest).await;
    let quiet = wiki.begin().with("prompt", "none");
    let answer = browser.visit(quiet.url.as_str()).await.answer();
    assert_eq!(answer.error(), "login_required");
    let page = browser.visit(wiki.begin().url.as_str()).await.page();
    let page = browser.sign_in(&page, ANA).await.page();
    assert!(page.says("do not match"), "{page}");
}

#[tokio::test]
async fn an_access_token_of_a_disabled_user_opens_nothing() {
    let provider = provider().await;
    let (operations, files) = (provider.operations(), provider.files());
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let tokens = sign_in(&wiki, &mut browser, ANA).await;
    let (attempt, code) = code(&wiki, &mut browser).await;

    let digest = operations.digest("users").await;
    files.edit(
        "users.toml",
        "username = 'ana'\n",
        "username = 'ana'\ndisabled = true\n",
    );
    operations.reloaded("users", &digest).await;

    let page = wiki.userinfo_page(&tokens.access_token).await;
    assert_eq!(page.status, 401, "{page}");
    let page = wiki.token_page(&wiki.redemption(&attempt, &code)).await;
    assert_eq!(page.json()["error"], "invalid_grant", "{page}");
}

#[tokio::test]
async fn a_new_redirect_uri_is_accepted_and_a_removed_one_is_not() {
    const NEW: &str = "https://wiki.example.com/signed-in";
    let provider = provider().await;
    let (operations, files) = (provider.operations(), provider.files());
    let wiki = provider.relying_party(WIKI).await;
    let moved = wiki.begin().with("redirect_uri", NEW);
    assert_eq!(provider.get(moved.url.as_str()).await.status, 400);

    let digest = operations.digest("clients").await;
    files.edit("clients.toml", WIKI.redirect_uri, NEW);
    operations.reloaded("clients", &digest).await;
    assert_eq!(provider.get(moved.url.as_str()).await.status, 200);
    let old = wiki.begin();
    assert_eq!(provider.get(old.url.as_str()).await.status, 400);
}

#[tokio::test]
async fn what_the_inventory_says_counts_at_the_next_request() {
    let provider = provider().await;
    let (operations, files) = (provider.operations(), provider.files());
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let digest = operations.digest("inventory").await;
    files.replace(
        "devices.toml",
        device_entry("mbp-ana", Some(ANA), true, "off"),
    );
    let status = operations.reloaded("inventory", &digest).await;
    let page = browser.visit(wiki.begin().url.as_str()).await.denied();
    assert!(page.says("not encrypted"), "{page}");

    // A second record with the same identity: neither is believed.
    let one = device_entry("mbp-ana", Some(ANA), true, "on");
    let two = one.replacen("id = 'mbp-ana'", "id = 'mbp-ana-old'", 1);
    files.replace("devices.toml", one + &two);
    let digest = status["digest"].as_str().expect("a digest");
    let status = operations.reloaded("inventory", digest).await;
    assert!(
        Operations::findings(&status).contains("share the identity"),
        "{status}"
    );
    let page = browser.visit(wiki.begin().url.as_str()).await.denied();
    assert!(page.says("two inventory records match"), "{page}");
}

#[tokio::test]
async fn another_database_puts_addresses_elsewhere() {
    let provider = provider().await;
    let (operations, files) = (provider.operations(), provider.files());
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let digest = operations.digest("geoip").await;
    files.replace(
        "country.mmdb",
        country_database(&[("203.0.113.0/24", "DE")]),
    );
    operations.reloaded("geoip", &digest).await;
    let page = browser.visit(wiki.begin().url.as_str()).await.denied();
    assert!(page.says("Germany"), "{page}");
    let line = provider.decision(&page.reference()).await;
    assert_eq!(line["inputs"]["geoip"], operations.digest("geoip").await);
}

#[tokio::test]
async fn an_address_without_a_country_is_refused_where_the_country_matters() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    for (address, why) in [
        ("10.1.2.3", "the address is private"),
        ("192.0.2.1", "knows no country"),
        ("nonsense", "the address is not known"),
    ] {
        let mut browser = provider.browser_on("mbp-ana");
        browser.travel(address);
        let page = arrive(&wiki, &mut browser, ANA).await.denied();
        assert!(page.says(why), "{address}: {page}");
    }
}

#[tokio::test]
async fn a_broken_file_of_any_source_changes_nothing_and_is_reported() {
    let provider = provider().await;
    let (operations, files) = (provider.operations(), provider.files());
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;

    let broken = [
        ("users", "users.toml", "[[user]]\nid = 'u-ana'\n"),
        ("clients", "clients.toml", "[[client]]\nnam = 'x'\n"),
        ("inventory", "devices.toml", "[[device]\n"),
        ("geoip", "country.mmdb", "not a database"),
        ("device-trust", "pki/revoked.crl", "not a list"),
    ];
    for (source, file, text) in broken {
        let good = fs::read(files.path(file)).expect("a file");
        files.replace(file, text);
        let status = operations.refused(source).await;
        let findings = Operations::findings(&status);
        let name = file.rsplit('/').next().expect("a name");
        assert!(findings.contains(name), "{source}: {findings}");
        // The session, its device and the place are judged by what was good.
        code(&wiki, &mut browser).await;
        files.replace(file, good);
        operations.healthy(source).await;
    }
    let ready = operations.get("/health/ready").await;
    assert_eq!(ready.body.trim(), "ready");
}

#[tokio::test]
async fn a_renewed_server_certificate_is_presented_to_new_connections() {
    let provider = provider().await;
    let renewed = provider.files().pki.renew_main();
    let url = provider.url("/jwks");
    eventually("connection with the renewed certificate", async || {
        let answer = provider
            .fresh_http()
            .get(&url)
            .send()
            .await
            .expect("an answer");
        let info = answer.extensions().get::<TlsInfo>()?;
        (info.peer_certificate()? == renewed).then_some(())
    })
    .await;
    // Connections that were there go on.
    assert_eq!(provider.get(&url).await.status, 200);
}
