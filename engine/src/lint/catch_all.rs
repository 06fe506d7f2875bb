//! A permit for everybody to everything, with no condition: the door is open.

use cedar_policy::{PrincipalConstraint, ResourceConstraint};

use super::examine::at_head;
use crate::error::Diagnostic;
use crate::policy::{Policy, PolicyEffect};

pub(super) const ID: &str = "catch-all-permit";

pub(super) fn find(policy: &Policy) -> Vec<Diagnostic> {
    let anybody = matches!(
        policy.cedar.principal_constraint(),
        PrincipalConstraint::Any | PrincipalConstraint::Is(_)
    );
    let anything = matches!(
        policy.cedar.resource_constraint(),
        ResourceConstraint::Any | ResourceConstraint::Is(_)
    );
    let conditions = policy
        .syntax()
        .is_some_and(|syntax| !syntax.clauses().is_empty());
    if policy.reference.effect != PolicyEffect::Permit || !anybody || !anything || conditions {
        return Vec::new();
    }
    let message = format!(
        "policy `{}` lets everybody into every application, whatever the circumstances",
        policy.id()
    );
    vec![at_head(policy, ID, message).with_help(
        "name a group of users or of applications, and what has to be true, in a `when` line",
    )]
}
