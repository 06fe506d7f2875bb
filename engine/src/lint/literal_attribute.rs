//! A forbid that reads an attribute of an entity it names: where the entity is missing at run time,
//! evaluation errors, Cedar skips the forbid, and the door stands open.

use cedar_policy::pst::{BinaryOp, Clause, Expr, Literal};

use crate::error::Diagnostic;
use crate::policy::{Policy, PolicyEffect};
use crate::source::SourceFile;

pub(super) fn find(file: &SourceFile, policy: &Policy) -> Vec<Diagnostic> {
    if policy.reference.effect == PolicyEffect::Permit {
        return Vec::new();
    }
    let Ok(syntax) = policy.cedar.to_pst() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for clause in syntax.body().clauses() {
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
                format!("a forbid must not read `{attribute}` of `{literal}`: where the entity is missing, the forbid would not apply"),
            )
            .with_help("test membership instead, such as `context.network in Network::\"offices\"`")
        })
        .collect()
}

/// Collects each attribute or tag that is read from an entity literal.
fn walk(expr: &Expr, found: &mut Vec<(String, String)>) {
    let literal = |expr: &Expr| match expr {
        Expr::Literal(Literal::EntityUID(uid)) => Some(uid.to_string()),
        _ => None,
    };
    match expr {
        Expr::GetAttr { expr, attr } => {
            if let Some(uid) = literal(expr) {
                found.push((uid, attr.to_string()));
            }
            walk(expr, found);
        }
        Expr::BinaryOp { op, left, right } => {
            if let (BinaryOp::GetTag, Some(uid)) = (op, literal(left)) {
                found.push((uid, "a tag".to_owned()));
            }
            walk(left, found);
            walk(right, found);
        }
        Expr::UnaryOp { expr, .. } | Expr::HasAttr { expr, .. } | Expr::Like { expr, .. } => {
            walk(expr, found);
        }
        Expr::Is { expr, in_expr, .. } => {
            walk(expr, found);
            if let Some(within) = in_expr {
                walk(within, found);
            }
        }
        Expr::IfThenElse {
            cond,
            then_expr,
            else_expr,
        } => {
            walk(cond, found);
            walk(then_expr, found);
            walk(else_expr, found);
        }
        Expr::Set(elements) => elements.iter().for_each(|element| walk(element, found)),
        Expr::Record(fields) => fields.values().for_each(|field| walk(field, found)),
        _ => {}
    }
}
