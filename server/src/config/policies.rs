//! `[policies]`: where the policy bundle lies.
//! What is in it is read by `reload` and judged by the engine.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The policy bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policies {
    /// The directory with policies, their data and their suites; it is read whole.
    pub directory: PathBuf,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("policies"),
        }
    }
}

impl Policies {
    pub(super) fn anchor(&mut self, base: &Path) {
        super::anchor(&mut self.directory, base);
    }
}
