//! A forbid that can raise an error. Cedar skips a policy that errors; we deny instead, so that the
//! door stays shut, for everybody whom the rule was not meant for, too.

use cedar_policy::pst::{BinaryOp, Clause, Expr, Template, UnaryOp};

use super::examine::at_head;
use crate::error::Diagnostic;
use crate::policy::Policy;
use crate::reads::children;

pub(super) const ID: &str = "forbid-can-error";

pub(super) fn find(policy: &Policy) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for clause in policy.syntax().iter().flat_map(Template::clauses) {
        let (Clause::When(expr) | Clause::Unless(expr)) = clause;
        walk(expr, &mut found);
    }
    found.dedup();
    found
        .into_iter()
        .map(|what| {
            let message = format!(
                "policy `{}` can fail: {what} can overflow, and whoever it fails for is denied",
                policy.id()
            );
            at_head(policy, ID, message).with_help(
                "compare an age with a bound, such as `context.session.passwordAge <= duration(\"12h\")`, instead of calculating",
            )
        })
        .collect()
}

fn walk(expr: &Expr, found: &mut Vec<&'static str>) {
    match expr {
        Expr::BinaryOp { op, .. } => found.extend(match op {
            BinaryOp::Add => Some("`+`"),
            BinaryOp::Sub => Some("`-`"),
            BinaryOp::Mul => Some("`*`"),
            BinaryOp::Offset => Some("`offset`"),
            BinaryOp::DurationSince => Some("`durationSince`"),
            _ => None,
        }),
        Expr::UnaryOp { op, .. } => found.extend(match op {
            UnaryOp::Neg => Some("`-`"),
            UnaryOp::ToDate => Some("`toDate`"),
            _ => None,
        }),
        _ => {}
    }
    children(expr, &mut |child| walk(child, found));
}
