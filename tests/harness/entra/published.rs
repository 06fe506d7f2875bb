//! What Entra expects of the discovery document and of the keys.

use data_encoding::{BASE64, BASE64URL, BASE64URL_NOPAD};
use serde_json::{Value, json};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;

use super::rows::{Exchange, Row};

/// The rows.
pub(super) const PUBLISHED: &[Row] = &[
    Row {
        id: "discovery.there",
        holds: |exchange| {
            let mut documents = exchange.documents.values();
            documents.all(|document| document.status == 200)
        },
        tamper: |exchange| document(exchange, "HEAD 2").status = 405,
    },
    Row {
        id: "discovery.content-length",
        holds: |exchange| {
            let length = exchange.documents["GET 1"].body.len().to_string();
            let mut documents = exchange.documents.values();
            documents.all(|document| document.header("content-length") == Some(&*length))
        },
        tamper: |exchange| {
            document(exchange, "GET 2").headers.remove("content-length");
        },
    },
    Row {
        id: "discovery.not-in-chunks",
        holds: |exchange| {
            let mut documents = exchange.documents.values();
            documents.all(|document| document.header("transfer-encoding").is_none())
        },
        tamper: |exchange| {
            let headers = &mut document(exchange, "GET 1").headers;
            headers.insert("transfer-encoding".to_owned(), "chunked".to_owned());
        },
    },
    Row {
        id: "discovery.same-by-both-versions",
        holds: |exchange| {
            let (one, two) = (&exchange.documents["GET 1"], &exchange.documents["GET 2"]);
            one.json() == two.json() && one.json().is_object()
        },
        tamper: |exchange| document(exchange, "GET 2").body = "[]".into(),
    },
    Row {
        id: "discovery.issuer",
        holds: |exchange| said(exchange)["issuer"] == exchange.issuer.as_str(),
        tamper: |exchange| say(exchange, "issuer", json!("https://id.example.com")),
    },
    Row {
        id: "discovery.endpoints-of-the-issuer",
        holds: |exchange| {
            ["authorization_endpoint", "jwks_uri"].iter().all(|name| {
                let url = said(exchange)[name].as_str().unwrap_or_default().to_owned();
                url.starts_with(&format!("{}/", exchange.issuer))
            })
        },
        tamper: |exchange| say(exchange, "jwks_uri", json!("https://keys.example.com/jwks")),
    },
    Row {
        id: "discovery.scope-openid",
        holds: |exchange| has(exchange, "scopes_supported", "openid"),
        tamper: |exchange| say(exchange, "scopes_supported", json!(["profile"])),
    },
    Row {
        id: "discovery.response-type-id-token",
        holds: |exchange| has(exchange, "response_types_supported", "id_token"),
        tamper: |exchange| say(exchange, "response_types_supported", json!(["code"])),
    },
    Row {
        id: "discovery.response-mode-form-post",
        holds: |exchange| has(exchange, "response_modes_supported", "form_post"),
        tamper: |exchange| say(exchange, "response_modes_supported", json!(["query"])),
    },
    Row {
        id: "discovery.subject-types",
        holds: |exchange| has(exchange, "subject_types_supported", "public"),
        tamper: |exchange| say(exchange, "subject_types_supported", json!([])),
    },
    Row {
        id: "discovery.rs256",
        holds: |exchange| has(exchange, "id_token_signing_alg_values_supported", "RS256"),
        tamper: |exchange| {
            let name = "id_token_signing_alg_values_supported";
            say(exchange, name, json!(["ES256"]));
        },
    },
    Row {
        id: "discovery.claim-types",
        holds: |exchange| {
            said(exchange)["claim_types_supported"].is_null()
                || has(exchange, "claim_types_supported", "normal")
        },
        tamper: |exchange| say(exchange, "claim_types_supported", json!(["distributed"])),
    },
    Row {
        id: "discovery.implicit",
        holds: |exchange| has(exchange, "grant_types_supported", "implicit"),
        tamper: |exchange| {
            let only = json!(["authorization_code"]);
            say(exchange, "grant_types_supported", only);
        },
    },
    Row {
        id: "keys.rsa",
        holds: |exchange| rsa(exchange).next().is_some(),
        // As if nobody had published what signs.
        tamper: |exchange| {
            let keys = std::mem::take(&mut exchange.keys).into_iter();
            let (rsa, others): (Vec<_>, Vec<_>) = keys.partition(|key| key["kty"] == "RSA");
            exchange.foreign.extend(rsa);
            exchange.keys = others;
        },
    },
    Row {
        id: "keys.certificate-of-the-key",
        holds: |exchange| rsa(exchange).all(|key| modulus_in_certificate(key) == number(key, "n")),
        tamper: |exchange| rsa_mut(exchange)["x5c"] = json!([]),
    },
    Row {
        id: "keys.kid-base64",
        holds: |exchange| {
            rsa(exchange).all(|key| {
                let kid = key["kid"].as_str().unwrap_or_default().as_bytes();
                let reads = BASE64.decode(kid).is_ok() || BASE64URL.decode(kid).is_ok();
                reads && !kid.is_empty()
            })
        },
        // Another key than the one that signs: the name in the token is another row.
        tamper: |exchange| {
            let mut key = rsa_mut(exchange).clone();
            key["kid"] = json!("key one");
            exchange.keys.push(key);
        },
    },
];

fn document<'e>(exchange: &'e mut Exchange, name: &str) -> &'e mut super::Document {
    exchange.documents.get_mut(name).expect("a document")
}

fn said(exchange: &Exchange) -> Value {
    exchange.documents["GET 1"].json()
}

/// Says something else in the document, whichever way it is asked for.
fn say(exchange: &mut Exchange, name: &str, value: Value) {
    let mut changed = said(exchange);
    changed[name] = value;
    let body = changed.to_string();
    for (way, document) in &mut exchange.documents {
        let length = body.len().to_string();
        document.headers.insert("content-length".to_owned(), length);
        if way.starts_with("GET") {
            document.body = body.clone().into();
        }
    }
}

fn has(exchange: &Exchange, name: &str, value: &str) -> bool {
    let listed = &said(exchange)[name];
    listed
        .as_array()
        .is_some_and(|listed| listed.iter().any(|one| one == value))
}

fn rsa(exchange: &Exchange) -> impl Iterator<Item = &Value> {
    exchange.keys.iter().filter(|key| key["kty"] == "RSA")
}

fn rsa_mut(exchange: &mut Exchange) -> &mut Value {
    let mut keys = exchange.keys.iter_mut();
    keys.find(|key| key["kty"] == "RSA").expect("an RSA key")
}

fn number(key: &Value, name: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(key[name].as_str()?.as_bytes()).ok()
}

/// The modulus of the key in the first certificate: RFC 7517, section 4.7.
fn modulus_in_certificate(key: &Value) -> Option<Vec<u8>> {
    let der = BASE64.decode(key["x5c"][0].as_str()?.as_bytes()).ok()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    let PublicKey::RSA(rsa) = certificate.public_key().parsed().ok()? else {
        return None;
    };
    let leading = rsa.modulus.iter().take_while(|byte| **byte == 0).count();
    Some(rsa.modulus[leading..].to_vec())
}
