//! The `claims` parameter (OpenID Connect Core 1.0, section 5.5): read, and kept with the grant. Which claims a client
//! is then given is left to `claims`, what follows for the sign-in itself to `authorize`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::domain::claims_request::{ClaimsRequest, RequestedClaim};
use crate::jose::json;

/// Longest text, in bytes.
const LONGEST: usize = 4 * 1024;
/// Most claims, in both places together.
const MOST: usize = 64;

/// The claims that the parameter asks for, or what is wrong with it. What is not understood in it is left out, as
/// section 5.5 wants it; what is understood has to be right.
pub(super) fn parse(text: &str) -> Result<ClaimsRequest, &'static str> {
    if text.len() > LONGEST {
        return Err("claims is longer than 4096 bytes");
    }
    let members = json::object(text.as_bytes())
        .map_err(|_| "claims is not a JSON object, or has a member twice")?;
    let request = ClaimsRequest {
        id_token: place(members.get("id_token"))?,
        userinfo: place(members.get("userinfo"))?,
    };
    if request.id_token.len() + request.userinfo.len() > MOST {
        return Err("claims asks for more than 64 claims");
    }
    Ok(request)
}

/// The claims that are wanted in one place.
fn place(value: Option<&Value>) -> Result<BTreeMap<String, RequestedClaim>, &'static str> {
    match value {
        None => Ok(BTreeMap::new()),
        Some(Value::Object(claims)) => claims
            .iter()
            .map(|(name, wish)| Ok((name.clone(), claim(wish)?)))
            .collect(),
        Some(_) => Err("a place of claims is not an object"),
    }
}

/// How one claim is wanted (section 5.5.1).
fn claim(wish: &Value) -> Result<RequestedClaim, &'static str> {
    match wish {
        // Wanted, in no special way.
        Value::Null => Ok(RequestedClaim::default()),
        Value::Object(members) => Ok(RequestedClaim {
            essential: essential(members)?,
            values: values(members)?,
        }),
        _ => Err("a claim of claims is neither null nor an object"),
    }
}

fn essential(members: &Map<String, Value>) -> Result<bool, &'static str> {
    match members.get("essential") {
        None => Ok(false),
        Some(Value::Bool(essential)) => Ok(*essential),
        Some(_) => Err("essential in claims is neither true nor false"),
    }
}

fn values(members: &Map<String, Value>) -> Result<Vec<Value>, &'static str> {
    match (members.get("value"), members.get("values")) {
        (None, None) => Ok(Vec::new()),
        (Some(value), None) => Ok(vec![value.clone()]),
        (None, Some(Value::Array(values))) if !values.is_empty() => Ok(values.clone()),
        (None, Some(_)) => Err("values in claims is not a list with something in it"),
        (Some(_), Some(_)) => Err("a claim of claims has both value and values"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_example_of_the_specification_is_understood() {
        // Section 5.5.
        let text = r#"{
            "userinfo": {
                "given_name": {"essential": true},
                "nickname": null,
                "email": {"essential": true},
                "http://example.info/claims/groups": null
            },
            "id_token": {
                "auth_time": {"essential": true},
                "acr": {"values": ["urn:mace:incommon:iap:silver"]}
            }
        }"#;
        let request = parse(text).unwrap();
        assert_eq!(request.userinfo.len(), 4);
        assert!(request.userinfo["email"].essential);
        assert_eq!(request.userinfo["nickname"], RequestedClaim::default());
        assert!(request.id_token["auth_time"].essential);
        let acr = &request.id_token["acr"];
        assert_eq!(acr.values, [json!("urn:mace:incommon:iap:silver")]);
        assert!(!acr.essential);
    }

    #[test]
    fn one_value_is_a_list_of_one() {
        let request = parse(r#"{"id_token": {"sub": {"value": "u-ana"}}}"#).unwrap();
        assert_eq!(request.id_token["sub"].values, [json!("u-ana")]);
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        let text =
            r#"{"elsewhere": [1], "userinfo": {"email": {"purpose": "post", "essential": false}}}"#;
        let request = parse(text).unwrap();
        assert!(request.id_token.is_empty());
        assert_eq!(request.userinfo["email"], RequestedClaim::default());
        assert!(parse("{}").unwrap().is_empty());
    }

    #[test]
    fn what_is_broken_is_refused() {
        for text in [
            "",
            "null",
            "[]",
            "claims",
            "{",
            r#"{"id_token": null}"#,
            r#"{"id_token": ["sub"]}"#,
            r#"{"id_token": {"sub": "u-ana"}}"#,
            r#"{"id_token": {"sub": true}}"#,
            r#"{"id_token": {"acr": {"essential": "true"}}}"#,
            r#"{"id_token": {"acr": {"values": "a"}}}"#,
            r#"{"id_token": {"acr": {"values": []}}}"#,
            r#"{"id_token": {"acr": {"value": "a", "values": ["a"]}}}"#,
            // Who read the first and who read the last would not mean the same person.
            r#"{"id_token": {"sub": {"value": "a"}, "sub": {"value": "b"}}}"#,
            r#"{"id_token": {}, "id_token": {}}"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sixty_four_claims_are_read_and_one_more_is_refused() {
        let asking = |count: usize| {
            let claims: Vec<String> = (0..count).map(|n| format!("\"c{n}\":null")).collect();
            let (one, other) = claims.split_at(count / 2);
            let text = format!(
                "{{\"id_token\":{{{}}},\"userinfo\":{{{}}}}}",
                one.join(","),
                other.join(",")
            );
            parse(&text)
        };
        assert!(asking(MOST).is_ok());
        assert!(asking(MOST + 1).is_err());
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let padded = |length: usize| format!("{{{}}}", " ".repeat(length - 2));
        assert!(parse(&padded(LONGEST)).is_ok());
        assert!(parse(&padded(LONGEST + 1)).is_err());
    }

    proptest! {
        #[test]
        fn garbage_brings_nothing_down(text in r#"[{}\[\]":,a-z0-9 ]{0,64}"#) {
            let _ = parse(&text);
        }
    }
}
