//! Rules of ours that go beyond Cedar's validator, one file each. They make errors, not advice:
//! each names something that passes validation and then fails open, or can never match.

mod literal_attribute;
mod unknown_entity;

use crate::catalogue::Catalogue;
use crate::error::Diagnostic;
use crate::policy::Policy;
use crate::source::SourceFile;

/// Everything that the rules find in one policy.
pub(crate) fn policy(file: &SourceFile, policy: &Policy, catalogue: &Catalogue) -> Vec<Diagnostic> {
    let mut findings = unknown_entity::find(file, policy, catalogue);
    findings.extend(literal_attribute::find(file, policy));
    findings
}
