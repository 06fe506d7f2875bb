//! What profiles bring to an entry, and what they forbid in it.
//! Contradictions that no profile is needed for stand in `contradictions`.

use super::super::super::client_record::{ClientAuthentication, ClientRecord};
use super::super::super::guid::Guid;
use super::super::super::profile::{ApplicationContext, Profile, ResponseMode};
use super::{SECRET, URIS, client, findings, messages, read_everything};
use crate::config::Algorithm;

const FACTOR: &str = "profile = 'okta-factor'";
const POSTURE: &str = "profile = 'okta-posture'";
const ENTRA: &str = "profile = 'entra-mfa'\n\
    redirect_uris = ['https://login.microsoftonline.com/common/federation/externalauthprovider']";
const TENANT: &str = "entra = { app_id = '6F0C1A52-3D57-4C1B-9A4E-0D2F5B7C8E91', \
    tenants = ['0B5C7F1E-2222-4333-8444-555566667777'] }";

fn record(fields: &[&str]) -> ClientRecord {
    let clients = read_everything(&client(fields)).unwrap();
    ClientRecord::clone(clients.by_id("wiki").unwrap())
}

fn said(fields: &[&str]) -> Vec<String> {
    messages(&client(fields))
}

#[test]
fn an_okta_factor_knows_its_applications() {
    let applications = "applications = { '0oa1' = 'payroll', Wiki = 'wiki' }";
    let okta = record(&[FACTOR, URIS, SECRET, applications]);
    assert_eq!(okta.id_token_algorithm, Some(Algorithm::Rs256));
    assert!(!okta.pkce_required);
    let Profile::OktaFactor(factor) = &okta.profile else {
        panic!("{:?}", okta.profile);
    };
    assert_eq!(factor.context, ApplicationContext::Unsigned);
    let payroll = factor.application(Some("0oa1"), None).unwrap();
    assert_eq!(payroll.unwrap().as_str(), "payroll");
}

#[test]
fn a_client_of_okta_may_ask_for_pkce_all_the_same() {
    assert!(record(&[POSTURE, URIS, SECRET, "pkce_required = true"]).pkce_required);
}

#[test]
fn clients_of_okta_prove_themselves_by_secret_or_assertion() {
    for profile in [FACTOR, POSTURE] {
        let name = profile.split('\'').nth(1).unwrap();
        assert_eq!(
            said(&[profile, URIS, "public = true"]),
            [format!(
                "the profile `{name}` of client `wiki` does not go with `auth = \"none\"`"
            )]
        );
        let tls = "auth = 'tls'\ntls_san_dns = 'a'";
        assert_eq!(
            said(&[profile, URIS, tls]),
            [format!(
                "the profile `{name}` of client `wiki` does not go with `auth = \"tls\"`"
            )]
        );
        let keys = "auth = 'private_key_jwt'\njwks_uri = 'https://example.okta.com/keys'";
        assert!(matches!(
            record(&[profile, URIS, keys]).authentication,
            ClientAuthentication::PrivateKeyJwt(_)
        ));
    }
}

#[test]
fn okta_knows_one_algorithm() {
    assert_eq!(
        said(&[FACTOR, URIS, SECRET, "id_token_algorithm = 'es256'"]),
        ["the profile `okta-factor` of client `wiki` knows ID tokens of one algorithm"]
    );
    record(&[FACTOR, URIS, SECRET, "id_token_algorithm = 'rs256'"]);
}

#[test]
fn a_signed_context_needs_keys() {
    let signed = "application_context = 'signed'";
    assert_eq!(
        said(&[FACTOR, URIS, SECRET, signed]),
        ["the client `wiki` signs its requests and has no keys to verify them by"]
    );
    let keys = "jwks_uri = 'https://example.okta.com/keys'";
    let Profile::OktaFactor(factor) = record(&[FACTOR, URIS, SECRET, signed, keys]).profile else {
        panic!("another profile");
    };
    assert_eq!(factor.context, ApplicationContext::Signed);
}

#[test]
fn keys_of_one_broker_mean_nothing_to_others() {
    for (profile, key) in [
        ("profile = 'oidc-rp'", "applications = { a = 'b' }"),
        ("profile = 'oidc-rp'", TENANT),
        (FACTOR, "bound = 'dpop'"),
        (FACTOR, "fapi = true"),
        (POSTURE, "refresh = 'session'"),
        (POSTURE, "applications = { a = 'b' }"),
    ] {
        let name = profile.split('\'').nth(1).unwrap();
        let word = key.split(' ').next().unwrap();
        assert_eq!(
            said(&[profile, URIS, SECRET, key]),
            [format!(
                "the profile `{name}` of client `wiki` has no use for `{word}`"
            )]
        );
    }
}

#[test]
fn an_entra_client_needs_neither_secret_nor_pkce() {
    let entra = record(&[ENTRA, TENANT]);
    assert!(entra.is_public() && !entra.pkce_required);
    assert_eq!(entra.id_token_algorithm, Some(Algorithm::Rs256));
    assert_eq!(entra.profile.rules().default_mode, ResponseMode::FormPost);
    let Profile::EntraMfa(mfa) = &entra.profile else {
        panic!("{:?}", entra.profile);
    };
    assert_eq!(mfa.app_id.as_str(), "6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91");
    let tenants: Vec<&str> = mfa.tenants.iter().map(Guid::as_str).collect();
    assert_eq!(tenants, ["0b5c7f1e-2222-4333-8444-555566667777"]);
    assert_eq!(mfa.discovery.host_str(), Some("login.microsoftonline.com"));
}

#[test]
fn no_browser_calls_from_entra() {
    let clients = read_everything(&client(&[ENTRA, TENANT])).unwrap();
    assert!(clients.origins().is_empty());
}

#[test]
fn the_cloud_of_an_entra_client_chooses_the_discovery_document_unless_one_is_written() {
    let host = |more: &str| {
        let table = TENANT.replace(" }", &format!(", {more} }}"));
        match record(&[ENTRA, &table]).profile {
            Profile::EntraMfa(mfa) => mfa.discovery.host_str().unwrap().to_owned(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(host("cloud = 'us-government'"), "login.microsoftonline.us");
    assert_eq!(host("cloud = 'china'"), "login.partner.microsoftonline.cn");
    assert_eq!(host("discovery = 'http://127.0.0.1:9/d'"), "127.0.0.1");
}

#[test]
fn an_entra_client_says_whom_it_answers_for_and_answers_nowhere_else() {
    assert_eq!(
        said(&[ENTRA]),
        ["the client `wiki` does not say whom it answers for"]
    );
    assert_eq!(
        said(&["profile = 'entra-mfa'", URIS, TENANT]),
        [
            "the redirect URI `https://app.example/callback` of client `wiki` is not one of Microsoft Entra"
        ]
    );
    assert_eq!(
        said(&[ENTRA, TENANT, SECRET]),
        ["the client `wiki` has a secret that nobody asks for"]
    );
    assert_eq!(
        said(&[ENTRA, TENANT, "refresh = 'offline'"]),
        ["the profile `entra-mfa` of client `wiki` has no use for `refresh`"]
    );
}

#[test]
fn findings_of_an_entra_client_name_place_fault_and_remedy() {
    let fields = [
        "profile = 'entra-mfa'",
        "redirect_uris = ['https://login.microsoftonline.com/common/federation/other']",
        "auth = 'secret'",
        "entra = { app_id = 'wiki', tenants = [], discovery = 'http://example.com/' }",
    ];
    insta::assert_snapshot!(findings(&client(&fields)));
    let broken =
        "entra = { app_id = '6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91', tenants = ['contoso.com'] }";
    insta::assert_snapshot!(findings(&client(&[ENTRA, broken])));
}
