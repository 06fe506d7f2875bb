//! What Entra expects of an ID token.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::rows::{Exchange, Row};
use super::{CLIENT, SUBJECT};
use crate::jwt::{self, TestKey};

/// Methods of possession, by the names of RFC 8176 and of Entra.
const POSSESSION: [&str; 8] = ["fido", "hwk", "otp", "pop", "sc", "sms", "swk", "tel"];

/// The rows.
pub(super) const TOKENS: &[Row] = &[
    Row {
        id: "token.signature",
        holds: |exchange| {
            let token = exchange.answer.get("id_token").unwrap_or_default();
            every_key(exchange).any(|key| verifies(key, token))
        },
        tamper: |exchange| {
            let forged = jwt::forged(exchange.answer.get("id_token").expect("a token"));
            put(exchange, forged);
        },
    },
    Row {
        id: "token.rs256",
        holds: |exchange| header(exchange)["alg"] == "RS256",
        // The number is the same: the name of the algorithm is all that is wrong.
        tamper: |exchange| {
            let claims = claims(exchange);
            sign(exchange, "PS256", None, &claims);
        },
    },
    Row {
        id: "token.kid",
        holds: |exchange| header(exchange)["kid"].is_string() && key(exchange).is_some(),
        tamper: |exchange| {
            let claims = claims(exchange);
            sign(exchange, "RS256", Some("another"), &claims);
        },
    },
    Row {
        id: "token.issuer",
        holds: |exchange| claims(exchange)["iss"] == exchange.issuer.as_str(),
        tamper: |exchange| claim(exchange, "iss", json!("https://id.example.com")),
    },
    Row {
        id: "token.audience",
        holds: |exchange| claims(exchange)["aud"] == CLIENT,
        tamper: |exchange| claim(exchange, "aud", json!([CLIENT, "another"])),
    },
    Row {
        id: "token.not-expired",
        holds: |exchange| {
            let expires = claims(exchange)["exp"].as_i64();
            expires.is_some_and(|expires| expires > exchange.received)
        },
        tamper: |exchange| {
            let past = exchange.received - 1;
            claim(exchange, "exp", json!(past));
        },
    },
    Row {
        id: "token.not-from-the-future",
        holds: |exchange| {
            let issued = claims(exchange)["iat"].as_i64();
            issued.is_some_and(|issued| issued <= exchange.received)
        },
        tamper: |exchange| {
            let ahead = exchange.received + 5;
            claim(exchange, "iat", json!(ahead));
        },
    },
    Row {
        id: "token.subject-of-the-hint",
        holds: |exchange| claims(exchange)["sub"] == SUBJECT,
        tamper: |exchange| claim(exchange, "sub", json!("u-ana")),
    },
    Row {
        id: "token.nonce",
        holds: |exchange| claims(exchange)["nonce"] == exchange.sent["nonce"].as_str(),
        tamper: |exchange| claim(exchange, "nonce", json!("another")),
    },
    Row {
        id: "token.acr-of-the-request",
        holds: |exchange| asked(exchange, "acr").contains(&claims(exchange)["acr"]),
        tamper: |exchange| claim(exchange, "acr", json!("urn:doorward:acr:device")),
    },
    Row {
        id: "token.one-method",
        holds: |exchange| {
            let methods = &claims(exchange)["amr"];
            methods.as_array().is_some_and(|methods| methods.len() == 1)
        },
        tamper: |exchange| claim(exchange, "amr", json!(["swk", "hwk"])),
    },
    Row {
        id: "token.method-of-the-request",
        holds: |exchange| {
            let (asked, told) = (asked(exchange, "amr"), claims(exchange));
            let mut methods = told["amr"].as_array().into_iter().flatten();
            methods.all(|method| asked.contains(method))
        },
        // A method of possession that nobody has asked for.
        tamper: |exchange| {
            let claims = exchange.sent["claims"].replace("\"swk\"", "\"oath\"");
            exchange.sent.insert("claims".to_owned(), claims);
        },
    },
    Row {
        id: "token.method-of-another-type",
        holds: |exchange| {
            let told = claims(exchange);
            let mut methods = told["amr"].as_array().into_iter().flatten();
            methods.all(|method| POSSESSION.iter().any(|one| method == one))
        },
        tamper: |exchange| claim(exchange, "amr", json!(["face"])),
    },
    Row {
        id: "token.true-method",
        // The authority of the tests says nothing of hardware.
        holds: |exchange| claims(exchange)["amr"] != json!(["hwk"]),
        tamper: |exchange| claim(exchange, "amr", json!(["hwk"])),
    },
    Row {
        id: "token.nothing-else",
        holds: |exchange| {
            let known = ["iss", "aud", "exp", "iat", "sub", "nonce", "acr", "amr"];
            let told = claims(exchange);
            let mut names = told.as_object().expect("an object").keys();
            names.all(|name| known.contains(&name.as_str()))
        },
        tamper: |exchange| claim(exchange, "email", json!("ana@example.com")),
    },
];

fn header(exchange: &Exchange) -> Value {
    let (header, _) = jwt::decoded(exchange.answer.get("id_token").expect("a token"));
    header
}

fn claims(exchange: &Exchange) -> Value {
    let (_, claims) = jwt::decoded(exchange.answer.get("id_token").expect("a token"));
    claims
}

/// The values that the form asks for.
fn asked(exchange: &Exchange, name: &str) -> Vec<Value> {
    let claims: Value = serde_json::from_str(&exchange.sent["claims"]).expect("JSON");
    let values = claims["id_token"][name]["values"].as_array();
    values.cloned().unwrap_or_default()
}

/// The key that the token names, published or of a mutation.
fn key(exchange: &Exchange) -> Option<&Value> {
    let kid = header(exchange)["kid"].clone();
    every_key(exchange).find(|key| key["kid"] == kid)
}

fn every_key(exchange: &Exchange) -> impl Iterator<Item = &Value> {
    exchange.keys.iter().chain(&exchange.foreign)
}

fn put(exchange: &mut Exchange, token: String) {
    let parameters = &mut exchange.answer.parameters;
    parameters.insert("id_token".to_owned(), token);
}

fn claim(exchange: &mut Exchange, name: &str, value: Value) {
    let mut changed = claims(exchange);
    changed[name] = value;
    sign(exchange, "RS256", None, &changed);
}

/// Signs the claims anew, under these names of an algorithm and of a key.
fn sign(exchange: &mut Exchange, algorithm: &str, kid: Option<&str>, claims: &Value) {
    let key = TestKey::rs256();
    let kid = kid.unwrap_or(key.kid());
    let header = json!({ "alg": algorithm, "kid": kid, "typ": "JWT" });
    exchange.foreign.push(key.jwk());
    put(exchange, key.sign(&header.to_string(), &claims.to_string()));
}

fn verifies(key: &Value, token: &str) -> bool {
    let bytes = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap_or_default();
    let text = |name: &str| key[name].as_str().unwrap_or_default();
    let Some((message, signature)) = token.rsplit_once('.') else {
        return false;
    };
    let key = RsaPublicKeyComponents {
        n: bytes(text("n")),
        e: bytes(text("e")),
    };
    let signature = bytes(signature);
    key.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature)
        .is_ok()
}
