//! What an assertion has to say, claim by claim. Signatures, keys and what counts once are tried over real sockets.

use serde_json::{Value, json};

use super::*;
use crate::directory::clients::Clients;
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

fn plain() -> Arc<ClientRecord> {
    client("")
}

fn fapi() -> Arc<ClientRecord> {
    client("fapi = true\nbound = 'dpop'")
}

/// The provider, called at this endpoint.
fn called_at(path: &str) -> Recipient {
    Recipient {
        issuer: ISSUER.to_owned(),
        endpoints: vec![format!("{ISSUER}/token"), format!("{ISSUER}{path}")],
    }
}

/// What an assertion says that lacks nothing.
fn good() -> Value {
    json!({"iss": "app", "sub": "app", "aud": ISSUER, "exp": 1_000_060, "iat": 1_000_000, "jti": "one"})
}

fn claims(value: &Value) -> Claims {
    danger_unverified_claims(&TestKey::p256().token("a", value)).unwrap()
}

/// What comes of a good assertion with another value for one claim.
fn with(name: &str, value: Value) -> Result<(), JoseError> {
    let mut changed = good();
    changed[name] = value;
    checked(&changed, &plain())
}

fn checked(value: &Value, client: &ClientRecord) -> Result<(), JoseError> {
    check(&claims(value), client, &called_at("/token"), now()).map(|_| ())
}

fn form(encoded: &str) -> Parameters {
    Parameters::parse(encoded.as_bytes()).unwrap()
}

#[test]
fn a_good_assertion_counts_until_thirty_seconds_after_its_end() {
    let claims = claims(&good());
    let once = check(&claims, &plain(), &called_at("/token"), now()).unwrap();
    assert_eq!(once.jti, "one");
    assert_eq!(once.until.timestamp(), 1_000_090);
}

#[test]
fn issuer_and_subject_are_the_client() {
    for name in ["iss", "sub"] {
        for value in ["", "App", "app ", "another"] {
            let error = JoseError::ClaimValue(name);
            assert_eq!(with(name, json!(value)), Err(error), "{name} {value}");
        }
        let error = JoseError::ClaimType(name);
        assert_eq!(with(name, json!(["app"])), Err(error));
    }
}

#[test]
fn no_claim_may_be_missing() {
    for name in ["iss", "sub", "aud", "exp", "jti"] {
        let mut lacking = good();
        lacking.as_object_mut().unwrap().remove(name);
        let error = JoseError::ClaimMissing(name);
        assert_eq!(checked(&lacking, &plain()), Err(error));
    }
    let mut lacking = good();
    lacking.as_object_mut().unwrap().remove("iat");
    assert_eq!(checked(&lacking, &plain()), Ok(()));
}

#[test]
fn the_issuer_or_the_token_endpoint_is_the_audience() {
    let token = format!("{ISSUER}/token");
    for value in [json!(ISSUER), json!([ISSUER]), json!(token), json!([token])] {
        assert_eq!(with("aud", value.clone()), Ok(()), "{value}");
    }
}

#[test]
fn nobody_else_is_the_audience_and_nobody_besides() {
    for value in [
        json!([ISSUER, "https://other.example"]),
        json!([ISSUER, format!("{ISSUER}/token")]),
        json!([ISSUER, ISSUER]),
        json!([]),
        json!(""),
        json!("https://other.example"),
        json!("https://other.example/token"),
        json!(format!("{ISSUER}/")),
        json!(format!("{ISSUER}/token/")),
        json!(format!("{ISSUER}/authorize")),
        json!("http://id.example.com"),
        json!("https://ID.example.com"),
    ] {
        let error = JoseError::ClaimValue("aud");
        assert_eq!(with("aud", value.clone()), Err(error), "{value}");
    }
    assert_eq!(with("aud", json!(1)), Err(JoseError::ClaimType("aud")));
}

#[test]
fn the_endpoint_that_was_called_may_be_the_audience_and_no_other() {
    let mut pushed = good();
    pushed["aud"] = json!(format!("{ISSUER}/par"));
    let pushed = claims(&pushed);
    let client = plain();
    assert!(check(&pushed, &client, &called_at("/par"), now()).is_ok());
    let elsewhere = check(&pushed, &client, &called_at("/token"), now());
    assert_eq!(elsewhere, Err(JoseError::ClaimValue("aud")));
}

#[test]
fn for_fapi_the_audience_is_the_issuer_as_a_text() {
    let client = fapi();
    assert_eq!(client.security, Security::Fapi);
    assert_eq!(checked(&good(), &client), Ok(()));
    for value in [json!([ISSUER]), json!(format!("{ISSUER}/token"))] {
        let mut changed = good();
        changed["aud"] = value;
        let error = JoseError::ClaimValue("aud");
        assert_eq!(checked(&changed, &client), Err(error));
    }
}

#[test]
fn for_fapi_fewer_algorithms_are_allowed() {
    assert_eq!(algorithms(Security::Plain), Algorithm::ALL);
    assert_eq!(algorithms(Security::Fapi), Algorithm::FAPI);
}

#[test]
fn an_assertion_lives_an_hour_at_most_and_five_minutes_for_fapi() {
    assert_eq!(with("exp", json!(1_003_600)), Ok(()));
    assert_eq!(with("exp", json!(1_003_601)), Err(JoseError::LivesTooLong));
    let mut longer = good();
    for (exp, answer) in [
        (1_000_300, Ok(())),
        (1_000_301, Err(JoseError::LivesTooLong)),
    ] {
        longer["exp"] = json!(exp);
        assert_eq!(checked(&longer, &fapi()), answer);
    }
    assert_eq!(with("exp", json!(999_970)), Err(JoseError::Expired));
    assert_eq!(with("iat", json!(1_000_031)), Err(JoseError::NotYetValid));
    assert_eq!(with("nbf", json!(1_000_031)), Err(JoseError::NotYetValid));
}

#[test]
fn an_identifier_has_up_to_128_characters() {
    for good in ["a".to_owned(), "a".repeat(128), "é".repeat(128)] {
        assert_eq!(with("jti", json!(good)), Ok(()));
    }
    for bad in [String::new(), "a".repeat(129)] {
        assert_eq!(with("jti", json!(bad)), Err(JoseError::ClaimValue("jti")));
    }
    assert_eq!(with("jti", json!(1)), Err(JoseError::ClaimType("jti")));
}

#[test]
fn half_an_assertion_is_none() {
    let kind =
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    let whole = form(&format!("{kind}&client_assertion=a.b.c"));
    assert_eq!(presented(&whole), Ok("a.b.c"));
    for (encoded, code) in [
        (kind, EndpointErrorCode::InvalidRequest),
        ("client_assertion=a.b.c", EndpointErrorCode::InvalidRequest),
        (
            "client_assertion=a.b.c&client_assertion_type=jwt-bearer",
            EndpointErrorCode::InvalidClient,
        ),
    ] {
        let form = form(encoded);
        assert!(is_presented(&form));
        assert_eq!(presented(&form).unwrap_err().code, code, "{encoded}");
    }
    assert!(!is_presented(&form("client_id=app&client_assertion=")));
}

#[test]
fn who_the_client_is_stands_in_the_form_or_in_the_assertion() {
    let assertion = TestKey::p256().token("a", &good());
    let id = |encoded: &str, assertion: &str| claimed_id(&form(encoded), assertion);
    assert_eq!(id("", &assertion), Ok("app".to_owned()));
    assert_eq!(
        id("client_id=another", &assertion),
        Ok("another".to_owned())
    );
    let nameless = TestKey::p256().token("a", &json!({"iss": "app"}));
    assert_eq!(id("", &nameless), Err(unproved()));
    assert_eq!(id("", "a.b.c"), Err(unproved()));
}
