//! `[directory]`: the files with users and clients.
//! Their format belongs to the room `directory`.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What operators keep in files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Directory {
    /// The file with the users.
    pub users: PathBuf,
    /// The file with the clients.
    pub clients: PathBuf,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            users: PathBuf::from("users.toml"),
            clients: PathBuf::from("clients.toml"),
        }
    }
}

impl Directory {
    pub(super) fn anchor(&mut self, base: &Path) {
        super::anchor(&mut self.users, base);
        super::anchor(&mut self.clients, base);
    }
}
