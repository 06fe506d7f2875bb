//! Which attributes policies can read, by name: what no policy names need not be built for a decision.

use std::collections::BTreeSet;

use cedar_policy::pst::{Clause, Expr, Template, Var};

/// Names of attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reads {
    /// These and no others.
    Only(BTreeSet<String>),
    /// Any: a policy takes a record as a whole, such as `context == {}`.
    Everything,
}

impl Reads {
    /// No attribute.
    pub(crate) fn nothing() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// What a policy can read.
    pub(crate) fn of(policy: &Template) -> Self {
        let mut reads = Self::nothing();
        for clause in policy.clauses() {
            let (Clause::When(expr) | Clause::Unless(expr)) = clause;
            reads.add(expr);
        }
        reads
    }

    /// What either can read.
    pub(crate) fn join(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Only(names), Self::Only(more)) => names.extend(more.iter().cloned()),
            _ => *self = Self::Everything,
        }
    }

    /// Whether a policy can read an attribute of this name, of whatever it may be.
    pub(crate) fn name(&self, name: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(name),
            Self::Everything => true,
        }
    }

    fn add(&mut self, expr: &Expr) {
        let is_context = |expr: &Expr| matches!(expr, Expr::Var(Var::Context));
        match expr {
            Expr::GetAttr { expr, attr } => {
                self.note(attr);
                if !is_context(expr) {
                    self.add(expr);
                }
            }
            Expr::HasAttr { expr, attrs } => {
                attrs.iter().for_each(|attr| self.note(attr));
                if !is_context(expr) {
                    self.add(expr);
                }
            }
            // What cannot be looked into may read anything.
            Expr::Var(Var::Context) | Expr::Unknown { .. } => *self = Self::Everything,
            _ => children(expr, &mut |child| self.add(child)),
        }
    }

    fn note(&mut self, name: &str) {
        if let Self::Only(names) = self {
            names.insert(name.to_owned());
        }
    }
}

/// Calls `each` with every direct part of an expression.
pub(crate) fn children(expr: &Expr, each: &mut impl FnMut(&Expr)) {
    match expr {
        Expr::UnaryOp { expr, .. }
        | Expr::GetAttr { expr, .. }
        | Expr::HasAttr { expr, .. }
        | Expr::Like { expr, .. } => each(expr),
        Expr::BinaryOp { left, right, .. } => {
            each(left);
            each(right);
        }
        Expr::Is { expr, in_expr, .. } => {
            each(expr);
            if let Some(within) = in_expr {
                each(within);
            }
        }
        Expr::IfThenElse {
            cond,
            then_expr,
            else_expr,
        } => {
            each(cond);
            each(then_expr);
            each(else_expr);
        }
        Expr::Set(elements) => elements.iter().for_each(|element| each(element)),
        Expr::Record(fields) => fields.values().for_each(|field| each(field)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(condition: &str) -> Reads {
        let text = format!("permit (principal, action, resource) when {{ {condition} }};");
        let policy = cedar_policy::Policy::parse(None, text).unwrap();
        Reads::of(policy.to_pst().unwrap().body())
    }

    #[test]
    fn attributes_are_found_wherever_they_are_read() {
        let found = reads(
            "context has a.b && [context.c.d].contains(if principal has e then 1 else context.f)",
        );
        for name in ["a", "b", "c", "d", "e", "f"] {
            assert!(found.name(name), "{name}");
        }
        assert!(!found.name("g"));
    }

    #[test]
    fn a_context_taken_whole_reads_everything() {
        assert_eq!(reads("context == {}"), Reads::Everything);
        assert_eq!(reads("[context].isEmpty()"), Reads::Everything);
    }
}
