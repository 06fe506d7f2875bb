//! A policy that reads attributes or groups of an entity it names. Only entities of the request are known at
//! run time: where the entity is missing, evaluation errors, Cedar skips a forbid, and the door stands open;
//! and a permit says something else than it seems to.

use cedar_policy::pst::{BinaryOp, Clause, Expr, Literal, Template};

use crate::error::Diagnostic;
use crate::policy::{Policy, PolicyEffect};
use crate::reads::children;
use crate::source::SourceFile;

pub(super) fn find(file: &SourceFile, policy: &Policy, syntax: &Template) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for clause in syntax.clauses() {
        let (Clause::When(expr) | Clause::Unless(expr)) = clause;
        walk(expr, &mut found);
    }
    found
        .into_iter()
        .map(|(literal, attribute)| {
            let text = file.text.get(policy.at.clone()).unwrap_or("");
            let (offset, length) = text
                .find(&literal)
                .map_or((policy.at.start, policy.at.len()), |at| (policy.at.start + at, literal.len()));
            Diagnostic::error(
                file,
                "literal-attribute",
                offset,
                length,
                match policy.reference.effect {
                    PolicyEffect::Forbid => format!("a forbid must not read {attribute} of `{literal}`: where the entity is missing, the forbid would not apply"),
                    PolicyEffect::Permit => format!("a permit must not read {attribute} of `{literal}`: the entity is known only where the request is about it"),
                },
            )
            .with_help("test membership instead, such as `context.network in Network::\"offices\"`")
        })
        .collect()
}

/// The entity literal that an expression is, or can be.
fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(Literal::EntityUID(uid)) => Some(uid.to_string()),
        Expr::IfThenElse {
            then_expr,
            else_expr,
            ..
        } => literal(then_expr).or_else(|| literal(else_expr)),
        _ => None,
    }
}

/// Collects each attribute or tag that is read from an entity literal.
fn walk(expr: &Expr, found: &mut Vec<(String, String)>) {
    // On the left of `in` or `has` a literal is the same trap: only entities of the request itself are
    // known at run time, so the test is false, and the forbid does not apply.
    match expr {
        Expr::GetAttr { expr, attr } => {
            found.extend(literal(expr).map(|uid| (uid, format!("`{attr}`"))));
        }
        Expr::HasAttr { expr, .. } => {
            found.extend(literal(expr).map(|uid| (uid, "the attributes".to_owned())));
        }
        Expr::BinaryOp {
            op: BinaryOp::GetTag | BinaryOp::HasTag,
            left,
            ..
        } => found.extend(literal(left).map(|uid| (uid, "a tag".to_owned()))),
        Expr::BinaryOp {
            op: BinaryOp::In,
            left,
            ..
        } => found.extend(literal(left).map(|uid| (uid, "the groups".to_owned()))),
        _ => {}
    }
    children(expr, &mut |child| walk(child, found));
}
