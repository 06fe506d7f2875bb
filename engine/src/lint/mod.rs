//! Rules of ours that go beyond Cedar's validator, one file each. They make errors, not advice:
//! each names something that passes validation and then fails open, or can never match.

mod literal_attribute;
mod unknown_entity;

use cedar_policy::pst::Template;

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
