//! `[operations]`: the listener for health, status and metrics.
//! It is apart from the main one so that no browser ever reaches it.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The listener for operators and their machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Operations {
    /// Address and port to listen on; plain HTTP, without authentication.
    pub address: SocketAddr,
}

impl Default for Operations {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 9180)),
        }
    }
}
