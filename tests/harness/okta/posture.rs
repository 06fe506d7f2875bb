//! What Okta expects of a device posture provider: an answer, whatever the answer is.

use serde_json::{Value, json};

use super::{Exchange, Row};

/// The ways of asking after which no page may stand: each names its person.
const HINTED: [&str; 8] = [
    "managed",
    "unmanaged",
    "no-certificate",
    "revoked",
    "unknown-device",
    "policy-denies",
    "wrong-person",
    "silent",
];

/// The rows.
pub const POSTURE: &[Row] = &[
    Row {
        id: "device-context",
        holds: |exchange| {
            let device = said(exchange, "managed");
            device["managed"] == true
                && device["compliant"] == true
                && device["externalId"] == "mbp-ana"
                && device.as_object().is_some_and(|all| all.len() == 3)
        },
        tamper: |exchange| tell(exchange, "managed", "externalId", json!(7)),
    },
    Row {
        id: "always-an-answer",
        holds: |exchange| {
            HINTED.iter().all(|trip| {
                let (trip, device) = (exchange.trip(trip), said(exchange, trip));
                trip.has_tokens()
                    && device["managed"].is_boolean()
                    && device["compliant"].is_boolean()
            })
        },
        tamper: |exchange| exchange.trip_mut("silent").status = Some(400),
    },
    Row {
        id: "no-page",
        holds: |exchange| HINTED.iter().all(|trip| exchange.trip(trip).page.is_none()),
        tamper: |exchange| exchange.trip_mut("wrong-person").page = Some(200),
    },
    Row {
        id: "unmanaged",
        holds: |exchange| {
            let device = said(exchange, "unmanaged");
            device["managed"] == false && device["externalId"] == "byod-ana"
        },
        tamper: |exchange| tell(exchange, "unmanaged", "managed", json!(true)),
    },
    Row {
        id: "no-certificate",
        holds: |exchange| is_nothing(&said(exchange, "no-certificate")),
        tamper: |exchange| tell(exchange, "no-certificate", "externalId", json!("")),
    },
    Row {
        id: "revoked",
        holds: |exchange| is_nothing(&said(exchange, "revoked")),
        tamper: |exchange| tell(exchange, "revoked", "managed", json!(true)),
    },
    Row {
        id: "unknown-device",
        holds: |exchange| is_nothing(&said(exchange, "unknown-device")),
        tamper: |exchange| tell(exchange, "unknown-device", "compliant", json!(true)),
    },
    Row {
        id: "policies-decide",
        holds: |exchange| {
            let device = said(exchange, "policy-denies");
            device["managed"] == true && device["compliant"] == false
        },
        tamper: |exchange| tell(exchange, "policy-denies", "compliant", json!(true)),
    },
    Row {
        id: "wrong-person",
        holds: |exchange| {
            exchange.trip("wrong-person").claim("sub") == "u-ana"
                && is_nothing(&said(exchange, "wrong-person"))
        },
        tamper: |exchange| tell(exchange, "wrong-person", "managed", json!(true)),
    },
    Row {
        id: "userinfo",
        holds: |exchange| {
            let trip = exchange.trip("no-hint");
            let userinfo = &trip.userinfo;
            userinfo["device_context"] == trip.claim("device_context")
                && userinfo["sub"] == "u-ana"
                // Nothing else: what Okta asked for lets nobody in, and says nothing of the person.
                && userinfo.as_object().is_some_and(|all| all.len() == 2)
                && trip.tokens["scope"] == "openid"
        },
        tamper: |exchange| {
            exchange.trip_mut("no-hint").userinfo["email"] = json!("ana@example.com");
        },
    },
];

fn said(exchange: &Exchange, trip: &str) -> Value {
    exchange.trip(trip).claim("device_context")
}

fn tell(exchange: &mut Exchange, trip: &str, name: &str, value: Value) {
    let mut device = said(exchange, trip);
    device[name] = value;
    exchange.claim(trip, "device_context", device);
}

/// Whether nothing good is said, and no device is named.
fn is_nothing(device: &Value) -> bool {
    *device == json!({ "managed": false, "compliant": false })
}
