//! What a consumer expects, row by row, and what happens to be wrong with an exchange. A row that no mutation breaks would
//! expect nothing, so each brings one.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::Trip;
use crate::jwt::TestKey;

/// All that passed between the two.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The issuer, as it was typed in.
    pub issuer: String,
    /// The discovery document.
    pub discovery: Value,
    /// The keys.
    pub jwks: Value,
    /// What came of each way of asking.
    pub trips: BTreeMap<&'static str, Trip>,
}

/// Something that the consumer expects.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub id: &'static str,
    /// Whether it is so.
    pub holds: fn(&Exchange) -> bool,
    /// Changes an exchange so that it is not, and nothing else is wrong.
    pub tamper: fn(&mut Exchange),
}

/// The names of the rows that do not hold.
pub fn broken(rows: &[Row], exchange: &Exchange) -> Vec<&'static str> {
    rows.iter()
        .filter(|row| !(row.holds)(exchange))
        .map(|row| row.id)
        .collect()
}

impl Exchange {
    /// What came of this way of asking.
    pub fn trip(&self, name: &str) -> &Trip {
        self.trips
            .get(name)
            .unwrap_or_else(|| panic!("nobody asked as in `{name}`"))
    }

    pub(super) fn trip_mut(&mut self, name: &str) -> &mut Trip {
        self.trips
            .get_mut(name)
            .unwrap_or_else(|| panic!("nobody asked as in `{name}`"))
    }

    /// Changes a claim of an ID token, and signs it with a key that the set then has.
    pub(super) fn claim(&mut self, trip: &str, name: &str, value: Value) {
        let key = TestKey::rs256();
        let keys = self.jwks["keys"].as_array_mut().expect("keys");
        keys.push(key.jwk());
        let trip = self.trip_mut(trip);
        let (_, mut claims) = trip.id_token();
        claims[name] = value;
        trip.tokens["id_token"] = json!(key.token(Some("JWT"), &claims));
    }

    /// Whether the ID token is signed with RS256 by a key of the set.
    pub(super) fn is_genuine(&self, trip: &Trip) -> bool {
        let (header, _) = trip.id_token();
        let keys = self.jwks["keys"].as_array().expect("keys");
        let mut named = keys.iter().filter(|key| key["kid"] == header["kid"]);
        let (Some(key), None) = (named.next(), named.next()) else {
            return false;
        };
        header["alg"] == "RS256" && verifies(key, trip.tokens["id_token"].as_str())
    }
}

fn verifies(key: &Value, token: Option<&str>) -> bool {
    let bytes = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).expect("base64url");
    let (Some(n), Some(e)) = (key["n"].as_str(), key["e"].as_str()) else {
        return false;
    };
    let Some((message, signature)) = token.and_then(|token| token.rsplit_once('.')) else {
        return false;
    };
    let key = RsaPublicKeyComponents {
        n: bytes(n),
        e: bytes(e),
    };
    key.verify(
        &RSA_PKCS1_2048_8192_SHA256,
        message.as_bytes(),
        &bytes(signature),
    )
    .is_ok()
}
