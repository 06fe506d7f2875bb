//! Single claims that a client asked for with the `claims` parameter (OpenID Connect Core 1.0, section 5.5), as
//! storage keeps them with a grant. Reading the parameter, and obeying it, is left to `oidc`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The claims that a client asked for by name, by the place where it wants them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// Claims wanted in the ID token.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub id_token: BTreeMap<String, RequestedClaim>,
    /// Claims wanted from the userinfo endpoint.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub userinfo: BTreeMap<String, RequestedClaim>,
}

impl ClaimsRequest {
    /// Whether the client asked for no claim by name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.id_token.is_empty() && self.userinfo.is_empty()
    }
}

/// How one claim is wanted (section 5.5.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedClaim {
    /// Whether the client cannot do well without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub essential: bool,
    /// The values that the client wants, the best first: its `values`, or its one `value`. Any value where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

impl RequestedClaim {
    /// Whether the client would take this value.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        self.values.is_empty() || self.values.contains(value)
    }
}

#[cfg(test)]
mod tests {
    use super::{ClaimsRequest, RequestedClaim};
    use serde_json::json;

    #[test]
    fn a_request_reads_back_as_it_was() {
        let acr = RequestedClaim {
            essential: true,
            values: vec![json!("urn:a"), json!("urn:b")],
        };
        let request = ClaimsRequest {
            id_token: [("acr".to_owned(), acr)].into(),
            userinfo: [("email".to_owned(), RequestedClaim::default())].into(),
        };
        let json = serde_json::to_value(&request).unwrap();
        assert_eq!(
            json,
            json!({
                "id_token": {"acr": {"essential": true, "values": ["urn:a", "urn:b"]}},
                "userinfo": {"email": {}},
            })
        );
        assert_eq!(
            serde_json::from_value::<ClaimsRequest>(json).unwrap(),
            request
        );
    }

    #[test]
    fn a_request_for_no_claim_is_empty() {
        assert!(ClaimsRequest::default().is_empty());
        assert_eq!(
            serde_json::from_value::<ClaimsRequest>(json!({})).unwrap(),
            ClaimsRequest::default()
        );
    }

    #[test]
    fn without_values_any_value_is_accepted() {
        assert!(RequestedClaim::default().accepts(&json!("urn:c")));
    }

    #[test]
    fn with_values_only_those_are_accepted() {
        let claim = RequestedClaim {
            essential: false,
            values: vec![json!("urn:a")],
        };
        assert!(claim.accepts(&json!("urn:a")));
        assert!(!claim.accepts(&json!("urn:c")));
    }
}
