//! Rules of ours that go beyond Cedar's validator, one file each. Those that a load asks for make errors:
//! each names something that passes validation and then fails open, or can never match. Those of
//! `examine.rs` make warnings, and take the time of whoever asks.

mod admits;
mod can_error;
mod catch_all;
mod examine;
mod literal_attribute;
mod missing_reason;
mod reach;
mod unknown_entity;

use cedar_policy::pst::Template;

pub use self::examine::lint_ids;
use crate::catalogue::Catalogue;
use crate::error::Diagnostic;
use crate::policy::Policy;
use crate::source::SourceFile;

/// What the rules find in a policy by itself.
pub(crate) fn alone(file: &SourceFile, policy: &Policy, syntax: &Template) -> Vec<Diagnostic> {
    literal_attribute::find(file, policy, syntax)
}

/// What the rules find in a policy beside the bundle's entity data.
pub(crate) fn within(file: &SourceFile, policy: &Policy, catalogue: &Catalogue) -> Vec<Diagnostic> {
    unknown_entity::find(file, policy, catalogue)
}
