//! What a request object has to say, claim by claim, and what becomes of its members. Signatures and keys are tried over
//! real sockets.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::directory::clients::Clients;
use crate::jose::danger_unverified_claims;
use crate::jose::fixtures::TestKey;

const ISSUER: &str = "https://id.example.com";

fn now() -> Timestamp {
    Timestamp::from_timestamp(1_000_000, 0).unwrap()
}

/// The client `app`, held to these rules.
fn client(more: &str) -> Arc<ClientRecord> {
    let text = format!(
        "[[client]]\nid = 'app'\nauth = 'private_key_jwt'\njwks_uri = 'https://app.example/keys'\n\
         redirect_uris = ['https://app.example/callback']\n{more}\n"
    );
    let clients = Clients::parse_everything(&text, "clients.toml").unwrap();
    Arc::clone(clients.value.by_id("app").unwrap())
}

/// What a request object says that lacks nothing.
fn good() -> Value {
    json!({
        "iss": "app", "aud": ISSUER, "client_id": "app", "exp": 1_000_300, "nbf": 1_000_000,
        "response_type": "code", "scope": "openid", "max_age": 300,
        "claims": {"id_token": {"email": null}},
    })
}

fn claims(value: &Value) -> Claims {
    danger_unverified_claims(&TestKey::p256().token("a", value)).unwrap()
}

fn checked(value: &Value) -> Result<Option<Once>, JoseError> {
    check(&claims(value), &client(""), ISSUER, now())
}

/// What comes of a good object with another value for one claim.
fn with(name: &str, value: Value) -> Result<Option<Once>, JoseError> {
    let mut changed = good();
    changed[name] = value;
    checked(&changed)
}

#[test]
fn a_good_object_is_taken_and_its_identifier_counts_once() {
    assert_eq!(checked(&good()), Ok(None));
    let once = with("jti", json!("one")).unwrap().unwrap();
    assert_eq!(once.jti, "one");
    assert_eq!(once.until.timestamp(), 1_000_330);
}

#[test]
fn an_object_names_its_client_and_this_provider_alone() {
    for (name, value) in [
        ("iss", json!("other")),
        ("client_id", json!("other")),
        ("aud", json!("https://other.example.com")),
        ("aud", json!("https://id.example.com/")),
        ("aud", json!([ISSUER, "https://other.example.com"])),
        ("aud", json!([])),
    ] {
        let refused = with(name, value.clone()).unwrap_err();
        assert_eq!(refused.code(), "claim-value", "{name}: {value}");
    }
    assert_eq!(with("aud", json!([ISSUER])), Ok(None));
    for name in ["iss", "client_id", "aud", "exp"] {
        let mut without = good();
        without.as_object_mut().unwrap().remove(name);
        let refused = checked(&without).unwrap_err();
        assert_eq!(refused, JoseError::ClaimMissing(name));
    }
}

#[test]
fn a_client_assertion_is_no_request() {
    assert_eq!(with("sub", json!("app")), Err(JoseError::ClaimValue("sub")));
    assert_eq!(with("sub", json!("u-ana")), Ok(None));
}

#[test]
fn there_is_no_request_within_a_request() {
    for name in ["request", "request_uri"] {
        let nested = with(name, json!("urn:ietf:params:oauth:request_uri:a"));
        assert_eq!(nested, Err(JoseError::ClaimValue(name)));
    }
}

#[test]
fn an_object_counts_for_ten_minutes_at_most() {
    assert_eq!(with("exp", json!(1_000_600)), Ok(None));
    for (name, value, refused) in [
        ("exp", 1_000_631, JoseError::LivesTooLong),
        ("exp", 999_970, JoseError::Expired),
        ("nbf", 999_369, JoseError::LivesTooLong),
        ("nbf", 1_000_031, JoseError::NotYetValid),
        ("iat", 1_000_031, JoseError::NotYetValid),
        ("iat", 999_699, JoseError::LivesTooLong),
    ] {
        assert_eq!(with(name, json!(value)), Err(refused), "{name}: {value}");
    }
}

#[test]
fn an_identifier_is_a_text_of_128_characters_at_most() {
    for wrong in [json!(""), json!("j".repeat(129))] {
        assert_eq!(with("jti", wrong), Err(JoseError::ClaimValue("jti")));
    }
    assert_eq!(with("jti", json!(7)), Err(JoseError::ClaimType("jti")));
}

#[test]
fn members_become_parameters_and_claims_of_the_token_do_not() {
    let parameters = parameters(&claims(&good())).unwrap();
    for (name, value) in [
        ("client_id", "app"),
        ("response_type", "code"),
        ("max_age", "300"),
        ("claims", r#"{"id_token":{"email":null}}"#),
    ] {
        assert_eq!(parameters.get(name), Some(value), "{name}");
    }
    for name in OF_THE_TOKEN {
        assert_eq!(parameters.get(name), None, "{name}");
    }
}

#[test]
fn what_is_neither_text_nor_number_is_no_parameter() {
    for (name, value) in [
        ("scope", json!(["openid"])),
        ("state", Value::Null),
        ("prompt", json!(true)),
        ("nonce", json!({"a": 1})),
        ("claims", json!([])),
        ("state", json!("a\u{0}b")),
    ] {
        let mut changed = good();
        changed[name] = value.clone();
        assert!(parameters(&claims(&changed)).is_err(), "{name}: {value}");
    }
}

#[test]
fn the_algorithm_is_the_clients_or_one_that_its_rules_leave() {
    let allowed = |more: &str| {
        let client = client(more);
        let RequestObjects::Optional(settings) = &client.request_objects else {
            panic!("{:?}", client.request_objects);
        };
        algorithms(settings, client.security).to_vec()
    };
    assert_eq!(allowed(""), Algorithm::ALL);
    assert_eq!(allowed("fapi = true\nbound = 'dpop'"), Algorithm::FAPI);
    let one = "request_object_algorithm = 'ps256'";
    assert_eq!(allowed(one), [Algorithm::Ps256]);
}
