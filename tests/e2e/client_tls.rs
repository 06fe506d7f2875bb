//! Clients that prove themselves by a certificate (RFC 8705), over real handshakes. Tokens that are bound to one stand in
//! `bound_tokens.rs`; what names a certificate can have is left to unit tests.

use std::collections::BTreeMap;

use doorward_tests::{
    ANA, ClientAuthority, ClientCertificate, ClientHost, Consumer, Installation, Page, Reply,
    SINGAPORE, TestClient, TestKey, TestProvider, eventually, jwt,
};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, SanType, date_time_ymd};
use reqwest::Client;
use reqwest::tls::TlsInfo;
use serde_json::{Value, json};

use crate::journey::{arrive, code, provider_in};
use crate::private_key_jwt::{APP, KIND, assert_proved, assert_unproved, claims, inline};
use crate::start::complaint;

/// A client that an authority vouches for.
pub(crate) const BILLING: TestClient = TestClient {
    id: "billing-web",
    name: "Billing",
    redirect_uri: "https://billing.example.com/callback",
    confidential: false,
};
/// A client that signs its own certificates.
pub(crate) const LEDGER: TestClient = TestClient {
    id: "ledger-web",
    name: "Ledger",
    redirect_uri: "https://ledger.example.com/callback",
    confidential: false,
};
/// The name of the certificate of `BILLING`.
pub(crate) const NAMED: &str = "auth = 'tls'\ntls_san_dns = 'billing.example.com'";

pub(crate) fn entry(client: TestClient, proof: &str) -> String {
    format!(
        "[[client]]\nid = '{}'\nname = '{}'\napplication = 'wiki'\nredirect_uris = ['{}']\n{proof}\n\n",
        client.id, client.name, client.redirect_uri
    )
}

/// A provider that asks clients for certificates, with the authority that vouches for them.
pub(crate) struct World {
    pub(crate) provider: TestProvider,
    pub(crate) host: ClientHost,
    authority: ClientAuthority,
}

impl World {
    pub(crate) async fn with(entries: &str) -> Self {
        let files = Installation::new();
        let authority = ClientAuthority::new("Clients");
        let host = ClientHost::add(&files, &authority);
        files.append("clients.toml", entries);
        Self {
            provider: provider_in(files).await,
            host,
            authority,
        }
    }

    /// A certificate of `BILLING`.
    pub(crate) fn billing(&self) -> ClientCertificate {
        self.authority.issue("billing", billing)
    }

    fn http(&self, certificate: Option<&ClientCertificate>) -> Client {
        ClientHost::http(&self.provider, certificate)
    }

    /// What comes of an invented code of this client: it is looked at only once the client is known.
    async fn present(&self, client: TestClient, certificate: Option<&ClientCertificate>) -> Page {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", "invented"),
            ("redirect_uri", client.redirect_uri),
            ("client_id", client.id),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.post("/token", certificate, &form.into()).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        certificate: Option<&ClientCertificate>,
        form: &BTreeMap<String, String>,
    ) -> Page {
        let http = self.http(certificate);
        // The proxy that the installation trusts says where the client is.
        let request = http
            .post(self.host.url(path))
            .header("x-forwarded-for", SINGAPORE)
            .form(form);
        Page::read(request.send().await.expect("an answer")).await
    }

    /// What the token endpoint answers to this client for a code of Ana's.
    pub(crate) async fn redeem(
        &self,
        client: TestClient,
        certificate: Option<&ClientCertificate>,
    ) -> Page {
        let party = self.provider.relying_party(client).await;
        let mut browser = self.provider.browser_on("mbp-ana");
        arrive(&party, &mut browser, ANA).await.answer();
        let (attempt, code) = code(&party, &mut browser).await;
        let form = party.redemption(&attempt, &code);
        self.post("/token", certificate, &form).await
    }

    /// What userinfo answers to this token, at this URL.
    pub(crate) async fn userinfo(
        &self,
        url: &str,
        token: &str,
        certificate: Option<&ClientCertificate>,
    ) -> Page {
        let request = self.http(certificate).get(url).bearer_auth(token);
        Page::read(request.send().await.expect("an answer")).await
    }

    /// The discovery document.
    async fn metadata(&self) -> Value {
        let url = self.provider.url("/.well-known/openid-configuration");
        self.provider.get(&url).await.json()
    }
}

fn billing(params: &mut CertificateParams) {
    params.subject_alt_names = vec![dns("billing.example.com")];
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().expect("a name"))
}

pub(crate) fn token(page: &Page, member: &str) -> String {
    assert_eq!(page.status, 200, "{page}");
    page.json()[member].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn a_client_that_an_authority_vouches_for_redeems_its_code() {
    let world = World::with(&entry(BILLING, NAMED)).await;
    let page = world.redeem(BILLING, Some(&world.billing())).await;
    let (_, claims) = jwt::decoded(&token(&page, "id_token"));
    assert_eq!(claims["aud"], json!([BILLING.id]));
    assert_eq!(claims["sub"], ANA.id);
    // Nobody wanted the token to be bound: it is as good as any other.
    let token = token(&page, "access_token");
    let url = world.provider.url("/userinfo");
    assert_eq!(world.userinfo(&url, &token, None).await.status, 200);
}

#[tokio::test]
async fn a_client_is_known_by_the_subject_of_its_certificate() {
    let subject = "auth = 'tls'\ntls_subject_dn = 'cn=billing'";
    let world = World::with(&entry(BILLING, subject)).await;
    let page = world.present(BILLING, Some(&world.billing())).await;
    assert_proved(&page, "its name");
    let other = world.authority.issue("Billing", billing);
    let page = world.present(BILLING, Some(&other)).await;
    assert_unproved(&page, "another name");
}

#[tokio::test]
async fn no_other_certificate_is_that_of_the_client() {
    let world = World::with(&entry(BILLING, NAMED)).await;
    assert_proved(
        &world.present(BILLING, Some(&world.billing())).await,
        "its own",
    );

    let authority = &world.authority;
    let servers_only = |params: &mut CertificateParams| {
        billing(params);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    let expired = |params: &mut CertificateParams| {
        billing(params);
        params.not_after = date_time_ymd(2020, 1, 1);
    };
    let early = |params: &mut CertificateParams| {
        billing(params);
        params.not_before = date_time_ymd(2100, 1, 1);
    };
    let another = |params: &mut CertificateParams| {
        params.subject_alt_names = vec![dns("ledger.example.com")];
    };
    for (what, certificate) in [
        ("another client", authority.issue("billing", another)),
        ("no name", authority.issue("billing.example.com", |_| {})),
        ("expired", authority.issue("billing", expired)),
        ("not valid yet", authority.issue("billing", early)),
        ("for servers", authority.issue("billing", servers_only)),
        (
            "another authority",
            ClientAuthority::new("Clients").issue("billing", billing),
        ),
        (
            "its own authority",
            ClientCertificate::self_signed("billing"),
        ),
    ] {
        let page = world.present(BILLING, Some(&certificate)).await;
        assert_unproved(&page, what);
    }
    assert_unproved(&world.present(BILLING, None).await, "none");
}

#[tokio::test]
async fn a_revoked_certificate_stops_counting_without_a_restart() {
    let world = World::with(&entry(BILLING, NAMED)).await;
    let (revoked, other) = (world.billing(), world.billing());
    assert_proved(&world.present(BILLING, Some(&revoked)).await, "before");
    let list = world.authority.revocation_list(&[&revoked]);
    let files = world.provider.files();
    files.replace(ClientHost::REVOKED, list);
    eventually("revocation", async || {
        let page = world.present(BILLING, Some(&revoked)).await;
        (page.status == 401).then_some(())
    })
    .await;
    assert_proved(&world.present(BILLING, Some(&other)).await, "another one");
}

#[tokio::test]
async fn broken_files_leave_the_last_good_ones_and_a_new_certificate_is_shown() {
    let world = World::with(&entry(BILLING, NAMED)).await;
    let (files, operations) = (world.provider.files(), world.provider.operations());
    for (source, file) in [
        ("client-trust", ClientHost::AUTHORITY),
        ("client-tls", ClientHost::CERTIFICATE),
    ] {
        let good = files.read(file);
        files.replace(file, "not a certificate");
        operations.refused(source).await;
        let page = world.present(BILLING, Some(&world.billing())).await;
        assert_proved(&page, source);
        files.replace(file, good);
        operations.healthy(source).await;
    }
    let renewed = world.host.renew(files);
    eventually("connection with the renewed certificate", async || {
        let request = world.http(None).get(world.host.url("/jwks"));
        let answer = request.send().await.expect("an answer");
        let shown = answer.extensions().get::<TlsInfo>().expect("TLS");
        (shown.peer_certificate() == Some(&*renewed)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_client_that_signs_its_certificates_is_known_by_its_key() {
    let certificate = ClientCertificate::self_signed("ledger");
    let proof = format!("auth = 'self_signed_tls'\n{}", inline(&[certificate.jwk()]));
    let world = World::with(&entry(LEDGER, &proof)).await;
    let page = world.redeem(LEDGER, Some(&certificate)).await;
    let (_, claims) = jwt::decoded(&token(&page, "id_token"));
    assert_eq!(claims["aud"], json!([LEDGER.id]));

    let renewed = certificate.renewed("ledger, again");
    assert_proved(&world.present(LEDGER, Some(&renewed)).await, "same key");
    for (what, other) in [
        ("another key", ClientCertificate::self_signed("ledger")),
        ("an authority", world.authority.issue("ledger", |_| {})),
    ] {
        assert_unproved(&world.present(LEDGER, Some(&other)).await, what);
    }
    assert_unproved(&world.present(LEDGER, None).await, "none");
}

#[tokio::test]
async fn the_key_of_a_certificate_may_be_published_by_the_client() {
    let files = Installation::new();
    let consumer = Consumer::https(&files).await;
    let certificate = ClientCertificate::self_signed("ledger");
    let keys = json!({ "keys": [certificate.jwk()] });
    consumer.answer("/keys", Reply::json(&keys));
    let proof = format!(
        "auth = 'self_signed_tls'\njwks_uri = '{}'",
        consumer.url("/keys")
    );
    files.append("clients.toml", &entry(LEDGER, &proof));
    files.append("doorward.toml", Consumer::CONFIGURATION);
    let authority = ClientAuthority::new("Clients");
    let world = World {
        host: ClientHost::add_without_authority(&files),
        provider: provider_in(files).await,
        authority,
    };
    assert_proved(
        &world.present(LEDGER, Some(&certificate)).await,
        "published",
    );
    let stranger = world.authority.issue("ledger", |_| {});
    assert_unproved(&world.present(LEDGER, Some(&stranger)).await, "another");
}

#[tokio::test]
async fn the_aliases_are_told_and_are_the_same_endpoints() {
    let key = TestKey::es256();
    let proof = format!("auth = 'private_key_jwt'\n{}", inline(&[key.jwk()]));
    let world = World::with(&entry(APP, &proof)).await;
    let metadata = world.metadata().await;
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
    let methods = metadata["token_endpoint_auth_methods_supported"]
        .as_array()
        .expect("methods");
    for method in ["tls_client_auth", "self_signed_tls_client_auth"] {
        assert!(methods.contains(&json!(method)), "{methods:?}");
    }
    let aliases = metadata["mtls_endpoint_aliases"].as_object();
    for (name, alias) in aliases.expect("aliases") {
        let path = metadata[name].as_str().expect("an endpoint");
        let path = path.strip_prefix(&world.provider.issuer()).expect("ours");
        assert_eq!(alias, &json!(world.host.url(path)), "{name}");
        let there = world.http(None).get(world.host.url(path));
        let status = there.send().await.expect("an answer").status();
        assert_ne!(status, 404, "{name}");
    }

    // RFC 8705, section 5: whoever signs for the endpoint may have either URL in mind.
    for audience in [world.host.url("/token"), world.provider.url("/token")] {
        let mut claims = claims(&world.provider, APP.id);
        claims["aud"] = json!(audience);
        let assertion = key.token(None, &claims);
        let form = [
            ("grant_type", "authorization_code"),
            ("code", "invented"),
            ("redirect_uri", APP.redirect_uri),
            ("client_assertion_type", KIND),
            ("client_assertion", &*assertion),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let page = world.post("/token", None, &form.into()).await;
        assert_proved(&page, &audience);
    }
}

#[tokio::test]
async fn nobody_signs_in_at_the_host_for_clients() {
    let world = World::with("").await;
    for path in ["/", "/authorize", "/sign-in", "/logout", "/check"] {
        let request = world.http(None).get(world.host.url(path));
        let page = Page::read(request.send().await.expect("an answer")).await;
        assert_eq!(page.status, 404, "{path}: {page}");
    }
}

#[tokio::test]
async fn clients_with_certificates_need_a_host_that_asks_for_them() {
    let files = Installation::new();
    files.append("clients.toml", &entry(BILLING, NAMED));
    let said = complaint(&files).await;
    assert!(
        said.contains("no host that asks for certificates"),
        "{said}"
    );

    ClientHost::add_without_authority(&files);
    let said = complaint(&files).await;
    assert!(said.contains("no authority vouches"), "{said}");
}
