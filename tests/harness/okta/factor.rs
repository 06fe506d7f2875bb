//! What Okta expects of an identity provider that serves as a factor. Each way of asking is one trip: `plain` is the
//! usual one, and the others are named after what is different about them.

use serde_json::{Value, json};

use super::{CUSTOM, Exchange, ORG, Row, SCOPES, Trip};
use crate::answer::Mode;
use crate::jwt;

/// The methods that RFC 8176, section 2, registers.
const METHODS: [&str; 21] = [
    "face", "fpt", "geo", "hwk", "iris", "kba", "mca", "mfa", "otp", "pin", "pwd", "rba", "retina",
    "sc", "sms", "swk", "tel", "user", "vbm", "wia", "pop",
];

/// The rows.
pub const FACTOR: &[Row] = &[
    Row {
        id: "typed-in-endpoints",
        holds: |exchange| {
            let found = |member: &str| exchange.discovery[member].as_str().unwrap_or_default();
            let typed = |path: &str| format!("{}{path}", exchange.issuer);
            found("authorization_endpoint") == typed("/authorize")
                && found("token_endpoint") == typed("/token")
                && found("jwks_uri") == typed("/jwks")
                && found("userinfo_endpoint") == typed("/userinfo")
                && exchange.trip("plain").claim("iss") == exchange.issuer.as_str()
        },
        tamper: |exchange| exchange.discovery["token_endpoint"] = json!("https://id.example.com/t"),
    },
    Row {
        id: "redirect-uris",
        holds: |exchange| {
            let at = |trip: &str| {
                let answer = exchange.trip(trip).answer.as_ref();
                answer.map(|answer| answer.redirect_uri.clone())
            };
            at("plain").as_deref() == Some(ORG) && at("custom-domain").as_deref() == Some(CUSTOM)
        },
        tamper: |exchange| ORG.clone_into(&mut answer(exchange, "custom-domain").redirect_uri),
    },
    Row {
        id: "scopes",
        holds: |exchange| exchange.trip("plain").tokens["scope"] == SCOPES,
        tamper: |exchange| exchange.trip_mut("plain").tokens["scope"] = json!("openid"),
    },
    Row {
        id: "response-type",
        holds: |exchange| exchange.trip("implicit").error() == Some("unsupported_response_type"),
        tamper: |exchange| set(exchange, "implicit", "error", "invalid_request"),
    },
    Row {
        id: "response-mode",
        holds: |exchange| {
            ["plain", "query"].iter().all(|trip| {
                let answer = exchange.trip(trip).answer.as_ref();
                answer.is_some_and(|answer| answer.mode == Mode::Query)
            })
        },
        tamper: |exchange| answer(exchange, "query").mode = Mode::Fragment,
    },
    Row {
        id: "state",
        holds: |exchange| {
            exchange.trips.values().all(|trip| {
                let answer = trip.answer.as_ref();
                answer.is_none_or(|answer| answer.get("state") == Some(&*trip.sent["state"]))
            })
        },
        tamper: |exchange| set(exchange, "denied", "state", "another"),
    },
    Row {
        id: "nonce",
        holds: |exchange| {
            with_tokens(exchange).all(|trip| trip.claim("nonce") == trip.sent["nonce"].as_str())
        },
        tamper: |exchange| exchange.claim("query", "nonce", json!("another")),
    },
    Row {
        id: "pkce",
        holds: |exchange| {
            exchange.trip("pkce").has_tokens()
                && exchange.trip("plain").has_tokens()
                && exchange.trip("pkce-plain").error() == Some("invalid_request")
        },
        tamper: |exchange| exchange.trip_mut("pkce").status = Some(400),
    },
    Row {
        id: "secret-basic",
        holds: |exchange| exchange.trip("basic").has_tokens(),
        tamper: |exchange| exchange.trip_mut("basic").status = Some(401),
    },
    Row {
        id: "secret-post",
        holds: |exchange| exchange.trip("post").has_tokens(),
        tamper: |exchange| exchange.trip_mut("post").status = Some(401),
    },
    Row {
        id: "private-key-jwt",
        holds: |exchange| exchange.trip("assertion").has_tokens(),
        tamper: |exchange| exchange.trip_mut("assertion").status = Some(401),
    },
    Row {
        id: "request-object",
        holds: |exchange| {
            // What is signed is what was decided on, and what is not signed is not.
            exchange.trip("signed").claim("app_instance_id") == "0oaWiki"
                && exchange.trip("unsigned").has_tokens()
                && exchange.trip("unsigned").claim("app_instance_id") == Value::Null
        },
        tamper: |exchange| exchange.claim("unsigned", "app_instance_id", json!("0oaWiki")),
    },
    Row {
        id: "rs256",
        holds: |exchange| with_tokens(exchange).all(|trip| exchange.is_genuine(trip)),
        tamper: |exchange| {
            let token = &mut exchange.trip_mut("query").tokens["id_token"];
            *token = json!(jwt::forged(token.as_str().expect("a token")));
        },
    },
    Row {
        id: "times",
        holds: |exchange| {
            with_tokens(exchange).all(|trip| {
                let at = |claim: &str| trip.claim(claim).as_i64();
                // Okta allows no skew unless somebody changes that.
                at("iat").is_some_and(|iat| iat <= trip.received)
                    && at("exp").is_some_and(|exp| exp > trip.received)
            })
        },
        tamper: |exchange| {
            let later = exchange.trip("query").received + 1;
            exchange.claim("query", "iat", json!(later));
        },
    },
    Row {
        id: "sub-is-stable",
        holds: |exchange| {
            let renamed = exchange.trip("renamed");
            renamed.claim("email") == "Ana.New@Example.com"
                && exchange.trip("plain").claim("sub") == renamed.claim("sub")
        },
        tamper: |exchange| exchange.claim("renamed", "sub", json!("somebody")),
    },
    Row {
        id: "email",
        holds: |exchange| exchange.trip("plain").claim("email") == "Ana@Example.com",
        tamper: |exchange| exchange.claim("plain", "email", json!("ana@example.com")),
    },
    Row {
        id: "preferred-username",
        holds: |exchange| exchange.trip("plain").claim("preferred_username") == "Ana",
        tamper: |exchange| exchange.claim("plain", "preferred_username", json!("ana")),
    },
    Row {
        id: "application-is-echoed",
        holds: |exchange| {
            ["spelled-as-in-the-api", "spelled-as-in-the-guide"]
                .iter()
                .all(|trip| {
                    let trip = exchange.trip(trip);
                    trip.claim("app_name") == "Payroll 2"
                        && trip.claim("app_instance_id") == "0oaPayroll"
                })
        },
        tamper: |exchange| {
            exchange.claim("spelled-as-in-the-guide", "app_name", json!("payroll 2"));
        },
    },
    Row {
        id: "application-is-one",
        holds: |exchange| {
            let trip = exchange.trip("two-applications");
            trip.page == Some(400) && trip.answer.is_none()
        },
        tamper: |exchange| exchange.trip_mut("two-applications").page = None,
    },
    Row {
        id: "application-decides",
        // On one device, one application opens and another does not.
        holds: |exchange| {
            exchange.trip("wiki").has_tokens() && !exchange.trip("denied").has_tokens()
        },
        tamper: |exchange| exchange.trip_mut("wiki").status = Some(400),
    },
    Row {
        id: "amr-is-true",
        holds: |exchange| {
            let amr =
                |trip: &str, method: &str| methods(exchange.trip(trip)).contains(&json!(method));
            amr("plain", "pwd")
                && amr("plain", "swk")
                && !amr("plain", "hwk")
                && amr("hardware", "hwk")
                && !amr("hardware", "swk")
        },
        tamper: |exchange| exchange.claim("hardware", "amr", json!(["pwd", "swk"])),
    },
    Row {
        id: "amr-is-known",
        holds: |exchange| {
            with_tokens(exchange)
                .flat_map(methods)
                .all(|method| METHODS.iter().any(|known| method == *known))
        },
        tamper: |exchange| exchange.claim("query", "amr", json!(["pwd", "swk", "device"])),
    },
    Row {
        id: "userinfo",
        holds: |exchange| {
            let trip = exchange.trip("plain");
            trip.userinfo["email"] == "Ana@Example.com"
                && trip.userinfo["preferred_username"] == "Ana"
                && trip.userinfo["sub"].is_string()
        },
        tamper: |exchange| exchange.trip_mut("plain").userinfo = json!({}),
    },
    Row {
        id: "denial",
        // A person reads why, and Okta hears of it when they have.
        holds: |exchange| {
            let trip = exchange.trip("denied");
            trip.page == Some(403) && trip.error() == Some("access_denied")
        },
        tamper: |exchange| exchange.trip_mut("denied").page = None,
    },
];

fn with_tokens(exchange: &Exchange) -> impl Iterator<Item = &Trip> {
    exchange.trips.values().filter(|trip| trip.has_tokens())
}

fn methods(trip: &Trip) -> Vec<Value> {
    trip.claim("amr").as_array().cloned().unwrap_or_default()
}

fn answer<'e>(exchange: &'e mut Exchange, trip: &str) -> &'e mut crate::answer::Answer {
    let answer = &mut exchange.trip_mut(trip).answer;
    answer.as_mut().expect("an answer")
}

fn set(exchange: &mut Exchange, trip: &str, name: &str, value: &str) {
    let parameters = &mut answer(exchange, trip).parameters;
    parameters.insert(name.to_owned(), value.to_owned());
}
