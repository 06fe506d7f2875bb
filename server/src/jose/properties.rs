//! What holds for every text: nothing brings the room down, and of a token no byte can be changed.

use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use super::fixtures::TestKey;
use super::{Algorithm, Expectation, JsonWebKeys, Strictness, json, verify, verify_by_own_key};

fn keys(key: &TestKey) -> JsonWebKeys {
    JsonWebKeys::parse(key.jwks("a").as_bytes(), Strictness::OwnClient).unwrap()
}

fn is_taken(text: &str, key: &TestKey) -> bool {
    let expected = Expectation {
        types: &[None, Some("JWT")],
        algorithms: &Algorithm::ALL,
        keys: &keys(key),
    };
    verify(text, &expected).is_ok()
}

/// JSON of every shape, with names that mean something here.
fn any_json() -> impl Strategy<Value = Value> {
    let name = "alg|kid|typ|jwk|crit|kty|crv|x|y|n|e|use|key_ops|keys|exp|[a-z]{0,3}";
    let text = "ES256|RS256|none|sig|EC|RSA|OKP|P-256|AQAB|[A-Za-z0-9_-]{0,44}";
    let leaf = proptest::prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        proptest::prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..6)
                .prop_map(|members| members.into_iter().collect::<Value>()),
        ]
    })
}

proptest! {
    #[test]
    fn no_byte_of_a_token_can_be_changed(at in any::<proptest::sample::Index>(), flip in 1..=u8::MAX) {
        for key in TestKey::each() {
            let token = key.token("a", &json!({"sub": "u-ana", "exp": 1_000_000}));
            prop_assert!(is_taken(&token, key));
            let mut changed = token.clone().into_bytes();
            let at = at.index(changed.len());
            changed[at] ^= flip;
            // What is no text never arrives.
            if let Ok(changed) = String::from_utf8(changed) {
                prop_assert!(!is_taken(&changed, key), "{token}\n{changed}");
            }
        }
    }

    #[test]
    fn nothing_can_be_added_to_a_token_or_cut_from_it(more in "[A-Za-z0-9_.=-]{1,8}", less in 1..90_usize) {
        let key = TestKey::p256();
        let token = key.token("a", &json!({"sub": "u-ana"}));
        let longer = [format!("{token}{more}"), format!("{more}{token}")];
        for changed in longer {
            prop_assert!(!is_taken(&changed, key), "{changed}");
        }
        prop_assert!(!is_taken(&token[less..], key));
        prop_assert!(!is_taken(&token[..token.len() - less], key));
    }

    #[test]
    fn garbage_brings_nothing_down(text in any::<String>(), bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(!is_taken(&text, TestKey::p256()));
        prop_assert!(verify_by_own_key(&text, &[None], &Algorithm::ALL).is_err());
        let _ = json::object(&bytes);
        prop_assert!(JsonWebKeys::parse(&bytes, Strictness::Foreign).is_err());
    }

    #[test]
    fn garbage_in_the_right_form_brings_nothing_down(
        header in any_json(),
        claims in any_json(),
        signature in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signature = BASE64URL_NOPAD.encode(&signature);
        let token = format!("{}.{}.{signature}", part(&header), part(&claims));
        prop_assert!(!is_taken(&token, TestKey::p256()));
        prop_assert!(verify_by_own_key(&token, &[None], &Algorithm::ALL).is_err());
    }

    #[test]
    fn garbage_of_keys_brings_nothing_down(keys in proptest::collection::vec(any_json(), 0..4)) {
        let set = json!({ "keys": keys }).to_string();
        for strictness in [Strictness::OwnClient, Strictness::Foreign] {
            let _ = JsonWebKeys::parse(set.as_bytes(), strictness);
        }
    }

    #[test]
    fn an_object_is_read_as_others_read_it(value in any_json()) {
        let text = value.to_string();
        if let Ok(members) = json::object(text.as_bytes()) {
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(Value::Object(members), read);
        }
    }
}
