//! What the other side calls a request: by these names its own log can be searched. They are what the request says,
//! and nothing is decided by them here.

use serde::{Deserialize, Serialize};

/// Names of a request in the log of whoever sent it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The `client-request-id` of Microsoft Entra.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_request_id: Option<String>,
    /// The `state` of the request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<String>,
    /// The name of the application at Okta.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub app_name: Option<String>,
    /// The identifier of the application's instance at Okta.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub app_instance_id: Option<String>,
    /// The tenant of Microsoft Entra.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tenant: Option<String>,
    /// The user's object identifier in that tenant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub object_id: Option<String>,
}

impl Caller {
    /// Most characters of each name that are kept.
    pub const LONGEST: usize = 256;

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
