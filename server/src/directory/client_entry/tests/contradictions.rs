//! Keys of an entry that contradict each other, or lack what they need.
//! What a profile adds to that stands in `profiles`.

use super::super::super::client_record::{
    Binding, ClientAuthentication, RefreshAddress, RefreshPolicy, RequestObjects, SubjectType,
    TlsName,
};
use super::super::super::clients::{ClientKeys, ClientRecord};
use super::{SECRET, URIS, client, findings, messages, read_everything};
use crate::jose;

/// The key of RFC 7517, appendix A.1, for signatures.
const JWKS: &str = "jwks = { keys = [{ kty = 'EC', crv = 'P-256', kid = '1', \
    x = 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4', \
    y = '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM' }] }";

fn record(fields: &[&str]) -> ClientRecord {
    let clients = read_everything(&client(fields)).unwrap();
    ClientRecord::clone(clients.by_id("wiki").unwrap())
}

fn said(fields: &[&str]) -> Vec<String> {
    messages(&client(fields))
}

#[test]
fn a_client_proves_itself_by_keys_from_the_file_or_from_an_address() {
    let inline = record(&[URIS, JWKS, "auth = 'private_key_jwt'"]);
    assert!(matches!(
        inline.authentication,
        ClientAuthentication::PrivateKeyJwt(ClientKeys::Inline(_))
    ));
    let remote = "auth = 'self_signed_tls'\njwks_uri = 'https://app.example/keys'";
    assert!(matches!(
        record(&[URIS, remote]).authentication,
        ClientAuthentication::SelfSignedTls(ClientKeys::Remote(_))
    ));
}

#[test]
fn keys_are_needed_come_from_one_place_and_are_public() {
    let auth = "auth = 'private_key_jwt'";
    assert_eq!(said(&[URIS, auth]), ["the client `wiki` has no keys"]);
    let uri = "jwks_uri = 'https://app.example/keys'";
    assert_eq!(
        said(&[URIS, auth, JWKS, uri]),
        ["the client `wiki` has both `jwks` and `jwks_uri`"]
    );
    let private = JWKS.replace("kid", "d = 'AAAA', kid");
    let found = said(&[URIS, auth, &private]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("the keys of client `wiki` cannot be used: key 1: "));
    assert!(!found[0].contains("AAAA"));
}

#[test]
fn a_certificate_is_known_by_exactly_one_name() {
    let auth = "auth = 'tls'";
    let named = record(&[URIS, auth, "tls_san_ip = '192.0.2.1'"]);
    let ClientAuthentication::Tls(TlsName::Ip(address)) = named.authentication else {
        panic!("{:?}", named.authentication);
    };
    assert_eq!(address.to_string(), "192.0.2.1");
    assert_eq!(
        said(&[URIS, auth]),
        ["the client `wiki` has no name of its certificate"]
    );
    assert_eq!(
        said(&[URIS, auth, "tls_san_dns = 'a'\ntls_san_uri = 'urn:a'"]),
        ["the client `wiki` has both `tls_san_dns` and `tls_san_uri`"]
    );
    for name in [
        "tls_subject_dn = 'app'",
        "tls_san_dns = 'a b'",
        "tls_san_uri = 'app'",
        "tls_san_email = 'app'",
        "tls_san_ip = '192.0.2.300'",
    ] {
        let found = said(&[URIS, auth, name]);
        assert!(found[0].ends_with("is not such a name"), "{found:?}");
    }
    assert_eq!(
        said(&[URIS, SECRET, "tls_san_dns = 'app.example'"]),
        ["the client `wiki` has `tls_san_dns` that nobody asks for"]
    );
}

#[test]
fn a_client_proves_itself_in_one_way() {
    assert_eq!(
        said(&[URIS, SECRET, JWKS, "auth = 'private_key_jwt'"]),
        ["the client `wiki` has a secret that nobody asks for"]
    );
    assert_eq!(
        said(&[URIS, "public = true\nauth = 'tls'\ntls_san_dns = 'a'"]),
        ["the client `wiki` is public and has `auth = \"tls\"`"]
    );
    assert_eq!(
        said(&[URIS, "auth = 'secret'"]),
        ["the client `wiki` has no secret"]
    );
    assert!(record(&[URIS, "auth = 'none'"]).is_public());
}

#[test]
fn signed_requests_need_keys() {
    let signed = record(&[URIS, SECRET, JWKS, "request_object_algorithm = 'ps256'"]);
    let RequestObjects::Optional(requests) = &signed.request_objects else {
        panic!("{:?}", signed.request_objects);
    };
    assert_eq!(requests.algorithm, Some(jose::Algorithm::Ps256));
    assert!(signed.keys().is_some());
    assert_eq!(
        said(&[URIS, SECRET, "request_object = 'required'"]),
        ["the client `wiki` has `request_object` and no keys to verify requests by"]
    );
}

#[test]
fn pairwise_subjects_belong_to_the_one_host_of_the_redirect_uris_or_to_a_named_sector() {
    let sector = |fields: &[&str]| match record(fields).subject {
        SubjectType::Pairwise(sector) => sector.as_str().to_owned(),
        SubjectType::Public => panic!("public"),
    };
    let pairwise = "subject = 'pairwise'";
    assert_eq!(sector(&[URIS, SECRET, pairwise]), "app.example");
    let two = "redirect_uris = ['https://a.example/', 'https://b.example/']";
    let named = "sector = 'https://group.example/'";
    assert_eq!(sector(&[two, SECRET, pairwise, named]), "group.example");
    let message =
        "the client `wiki` has pairwise subjects, and its redirect URIs do not name one host";
    assert_eq!(said(&[two, SECRET, pairwise]), [message]);
    let own = "redirect_uris = ['http://127.0.0.1:7777/']\npublic = true";
    assert_eq!(said(&[own, pairwise]), [message]);
    assert_eq!(
        said(&[URIS, SECRET, named]),
        ["the client `wiki` has a sector and public subjects"]
    );
}

#[test]
fn the_address_at_refresh_is_that_of_the_request_only_where_a_client_runs_on_the_user_s_machine() {
    let refresh = "refresh = 'session'";
    let confidential = record(&[URIS, SECRET, refresh]);
    assert_eq!(
        confidential.refresh,
        RefreshPolicy::Session(RefreshAddress::Unknown)
    );
    let public = record(&[URIS, "public = true", refresh]);
    assert_eq!(
        public.refresh,
        RefreshPolicy::Session(RefreshAddress::Request)
    );
    let asked = record(&[URIS, SECRET, refresh, "refresh_address = 'sign-in'"]);
    assert_eq!(
        asked.refresh,
        RefreshPolicy::Session(RefreshAddress::SignIn)
    );
}

#[test]
fn refresh_its_scope_and_its_address_say_the_same() {
    let offline = "refresh = 'offline'";
    let scopes = "scopes = ['openid', 'offline_access']";
    assert_eq!(
        record(&[URIS, SECRET, offline, scopes]).refresh,
        RefreshPolicy::Offline(RefreshAddress::Unknown)
    );
    assert_eq!(
        said(&[URIS, SECRET, offline]),
        ["the scopes of client `wiki` lack `offline_access`"]
    );
    assert_eq!(
        said(&[URIS, SECRET, scopes]),
        ["the client `wiki` may ask for `offline_access` and is not given it"]
    );
    assert_eq!(
        said(&[URIS, SECRET, "refresh_address = 'request'"]),
        ["the client `wiki` has `refresh_address` and never refreshes"]
    );
}

#[test]
fn audiences_are_declared() {
    let api = "[[audience]]\nid = 'https://api.example'\nscopes = ['orders']\n";
    let fields = "audiences = ['https://api.example']\nintrospects = ['https://api.example']\nscopes = ['openid', 'orders']\nbound = 'any'";
    let clients = read_everything(&(client(&[URIS, SECRET, fields]) + api)).unwrap();
    let wiki = clients.by_id("wiki").unwrap();
    assert!(wiki.audiences.contains("https://api.example"));
    assert!(wiki.introspects.contains("https://api.example"));
    assert_eq!(wiki.binding, Binding::Any);
    let found = messages(&(client(&[URIS, SECRET, "audiences = ['https://ap.example']"]) + api));
    assert_eq!(
        found,
        ["the audience `https://ap.example` of client `wiki` is not declared"]
    );
    let public = client(&[URIS, "public = true\nintrospects = ['https://api.example']"]);
    assert_eq!(
        messages(&(public + api)),
        ["the client `wiki` is public and introspects tokens"]
    );
}

#[test]
fn an_origin_is_scheme_host_and_port() {
    let clients = read_everything(&client(&[
        URIS,
        SECRET,
        "origins = ['https://app.example', 'http://localhost:3000']",
    ]))
    .unwrap();
    let expected = ["http://localhost:3000", "https://app.example"];
    assert!(clients.origins().iter().eq(expected));
    for origin in [
        "https://app.example/",
        "https://app.example/a",
        "app.example",
        "null",
        "*",
    ] {
        let found = said(&[URIS, SECRET, &format!("origins = ['{origin}']")]);
        assert_eq!(found.len(), 1, "{origin}: {found:?}");
    }
}

#[test]
fn findings_name_place_fault_and_remedy() {
    let fields = [
        "redirect_uris = ['https://a.example/', 'https://b.example/']",
        SECRET,
        "auth = 'tls'",
        "tls_san_dns = 'app.example'",
        "tls_san_ip = '192.0.2.1'",
        "jwks_uri = 'http://app.example/keys'",
        "jwks = { keys = [] }",
        "subject = 'pairwise'",
        "refresh = 'offline'",
        "audiences = ['https://api.example']",
        "origins = ['https://app.example/']",
        "post_logout_redirect_uris = ['https://app.example/#out']",
        "backchannel_logout_uri = 'http://app.example/out'",
        "scopes = ['openid', 'groups']",
    ];
    insta::assert_snapshot!(findings(&client(&fields)));
}
