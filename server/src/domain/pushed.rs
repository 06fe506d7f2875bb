//! An authorization request that was stored before the browser came with its name, because it was pushed by the
//! client or posted by a browser. Which requests are, and what they may say, is left to `oidc`.

use crate::domain::clock::Timestamp;
use crate::domain::ids::ClientId;

/// A stored authorization request. It belongs to the first browser that comes for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedRequest {
    /// The parameters in the order in which they were received.
    pub parameters: Vec<(String, String)>,
    /// The client that asks.
    pub client: ClientId,
    /// Which way the request came.
    pub origin: RequestOrigin,
    /// What was proved with the request and cannot be proved twice, as JSON that only `oidc` reads.
    pub carried: Option<String>,
    /// From this instant on no browser can come for it.
    pub expires_at: Timestamp,
}

/// Which way a stored request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestOrigin {
    /// The client sent it ahead (RFC 9126).
    Pushed,
    /// A browser posted it.
    Posted,
}

impl RequestOrigin {
    /// Every value.
    pub const ALL: [Self; 2] = [Self::Pushed, Self::Posted];

    /// The name under which storage keeps it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pushed => "pushed",
            Self::Posted => "posted",
        }
    }

    /// The value that storage keeps under `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::RequestOrigin;

    #[test]
    fn every_origin_is_found_by_its_name() {
        for origin in RequestOrigin::ALL {
            assert_eq!(RequestOrigin::from_name(origin.as_str()), Some(origin));
        }
    }

    #[test]
    fn another_name_is_no_origin() {
        assert_eq!(RequestOrigin::from_name("Pushed"), None);
    }
}
