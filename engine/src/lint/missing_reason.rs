//! A policy without a reason: whoever it stops, or let in, learns nothing but its name.

use super::examine::at_head;
use crate::error::Diagnostic;
use crate::policy::Policy;

pub(super) const ID: &str = "missing-reason";

pub(super) fn find(policy: &Policy) -> Vec<Diagnostic> {
    if policy.reference.reason.is_some() {
        return Vec::new();
    }
    let message = format!("policy `{}` has no `@reason`", policy.id());
    vec![at_head(policy, ID, message).with_help(
        "say in a sentence what it demands, such as `@reason(\"Payroll opens only on your own device.\")`: the person whom it stops reads it",
    )]
}
