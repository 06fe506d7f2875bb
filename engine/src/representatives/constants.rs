//! What policies compare each fact with. A fact is named by its path: `country`, `device.managed`,
//! `session.passwordAge`, `user.email`, `application.level`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use cedar_policy::pst::{BinaryOp, Clause, Expr, Literal, Template, UnaryOp, Var};
use cedar_policy::{Context, Entities, EvalResult, Expression, Request, eval_expression};
use ipnet::IpNet;

use crate::entities::uid;
use crate::vocabulary::{action, context, types};

/// The constants of some policies, by the fact that they are compared with.
#[derive(Debug, Clone, Default)]
pub(super) struct Constants {
    /// Facts that some condition reads or tests for.
    pub(super) read: BTreeSet<String>,
    /// Numbers; durations in milliseconds.
    pub(super) numbers: BTreeMap<String, BTreeSet<i64>>,
    /// Texts.
    pub(super) texts: BTreeMap<String, BTreeSet<String>>,
    /// Ranges that the address is tested for.
    pub(super) ranges: BTreeSet<IpNet>,
    /// Whether a condition does something else with a fact than compare it with a constant.
    pub(super) beyond: bool,
}

/// A constant of policy text.
enum Constant {
    Number(i64),
    Text(String),
    Range(IpNet),
    /// Entities are known from the policy's literals; a truth value has no neighbours.
    Other,
}

impl Constants {
    /// Adds what the conditions of a policy compare.
    pub(super) fn add(&mut self, policy: &Template) {
        for clause in policy.clauses() {
            let (Clause::When(expr) | Clause::Unless(expr)) = clause;
            self.condition(expr);
        }
    }

    /// Whether some condition reads the fact, or a part of it.
    pub(super) fn reads(&self, path: &str) -> bool {
        let inside = format!("{path}.");
        let mut read = self.read.iter();
        read.any(|read| read == path || read.starts_with(&inside))
    }

    fn condition(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(Literal::Bool(_)) => {}
            Expr::UnaryOp {
                op: UnaryOp::Not,
                expr,
            } => self.condition(expr),
            Expr::BinaryOp {
                op: BinaryOp::And | BinaryOp::Or,
                left,
                right,
            } => {
                self.condition(left);
                self.condition(right);
            }
            Expr::IfThenElse {
                cond,
                then_expr,
                else_expr,
            } => {
                self.condition(cond);
                self.condition(then_expr);
                self.condition(else_expr);
            }
            Expr::HasAttr { expr, attrs } => {
                let root = path(expr);
                self.beyond |= root.is_none();
                let mut whole = root.unwrap_or_default();
                for attr in attrs.iter() {
                    whole = join(&whole, attr);
                    self.read.insert(whole.clone());
                }
            }
            Expr::UnaryOp {
                op:
                    UnaryOp::IsEmpty
                    | UnaryOp::IsIPv4
                    | UnaryOp::IsIPV6
                    | UnaryOp::IsLoopback
                    | UnaryOp::IsMulticast,
                expr,
            } => self.fact(expr),
            Expr::Is { expr, in_expr, .. } => {
                self.fact(expr);
                if let Some(within) = in_expr {
                    self.beyond |= constants(within).is_none();
                }
            }
            Expr::BinaryOp { op, left, right } => self.comparison(*op, left, right),
            // A flag, or what else has a truth value.
            _ => self.fact(expr),
        }
    }

    fn comparison(&mut self, op: BinaryOp, left: &Expr, right: &Expr) {
        let compares = matches!(
            op,
            BinaryOp::Eq
                | BinaryOp::NotEq
                | BinaryOp::Less
                | BinaryOp::LessEq
                | BinaryOp::Greater
                | BinaryOp::GreaterEq
                | BinaryOp::In
                | BinaryOp::Contains
                | BinaryOp::ContainsAny
                | BinaryOp::ContainsAll
                | BinaryOp::IsInRange
        );
        // Whether the user is one of those of a device is a fact of the device.
        let assigned = matches!((op, right), (BinaryOp::Contains, Expr::Var(Var::Principal)));
        match (path(left), path(right)) {
            (Some(fact), None) | (None, Some(fact)) if compares => {
                let other = if path(left).is_some() { right } else { left };
                match constants(other) {
                    Some(found) => found
                        .into_iter()
                        .for_each(|constant| self.note(&fact, constant)),
                    None => self.beyond = true,
                }
                self.read.insert(fact);
            }
            (Some(fact), Some(_)) if assigned => {
                self.read.insert(fact);
            }
            // Whether one entity is in another depends on whether the request is about it.
            (None, None)
                if op != BinaryOp::In
                    && constants(left).is_some()
                    && constants(right).is_some() => {}
            _ => {
                self.beyond = true;
                self.anything(left);
                self.anything(right);
            }
        }
    }

    fn note(&mut self, fact: &str, constant: Constant) {
        match constant {
            Constant::Number(number) => {
                let numbers = self.numbers.entry(fact.to_owned()).or_default();
                numbers.insert(number);
            }
            Constant::Text(text) => {
                self.texts.entry(fact.to_owned()).or_default().insert(text);
            }
            Constant::Range(range) => {
                self.ranges.insert(range);
            }
            Constant::Other => {}
        }
    }

    fn fact(&mut self, expr: &Expr) {
        match path(expr) {
            // The moment itself stays one and the same: what depends on it is not told apart.
            Some(path) if path.is_empty() || path == context::NOW => self.beyond = true,
            Some(path) => {
                self.read.insert(path);
            }
            None => {
                self.beyond = true;
                self.anything(expr);
            }
        }
    }

    /// The facts in an expression that is not understood: they vary, though their bounds are unknown.
    fn anything(&mut self, expr: &Expr) {
        match path(expr) {
            Some(path) => {
                self.read.insert(path);
            }
            None => crate::reads::children(expr, &mut |child| self.anything(child)),
        }
    }
}

/// The path of the fact that an expression is.
fn path(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Var(Var::Context) => Some(String::new()),
        Expr::Var(Var::Principal) => Some("user".to_owned()),
        Expr::Var(Var::Resource) => Some("application".to_owned()),
        Expr::Var(Var::Action) => Some("action".to_owned()),
        Expr::GetAttr { expr, attr } => Some(join(&path(expr)?, attr)),
        _ => None,
    }
}

fn join(root: &str, leaf: &str) -> String {
    if root.is_empty() {
        leaf.to_owned()
    } else {
        format!("{root}.{leaf}")
    }
}

/// The constants that an expression is made of, if it is made of nothing else.
fn constants(expr: &Expr) -> Option<Vec<Constant>> {
    match expr {
        Expr::Literal(Literal::Long(number)) => Some(vec![Constant::Number(*number)]),
        Expr::Literal(Literal::String(text)) => Some(vec![Constant::Text(text.to_string())]),
        Expr::Literal(_) => Some(vec![Constant::Other]),
        Expr::UnaryOp {
            op: UnaryOp::Duration,
            ..
        } => Some(vec![Constant::Number(milliseconds(expr)?)]),
        Expr::UnaryOp {
            op: UnaryOp::Ip,
            expr,
        } => match expr.as_ref() {
            Expr::Literal(Literal::String(text)) => Some(vec![Constant::Range(range(text)?)]),
            _ => None,
        },
        Expr::Set(elements) => {
            let all: Option<Vec<_>> = elements.iter().map(|element| constants(element)).collect();
            Some(all?.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// A duration as Cedar itself reads it.
fn milliseconds(duration: &Expr) -> Option<i64> {
    let text = format!("{duration}.toMilliseconds()");
    let expression: Expression = text.parse().ok()?;
    // It depends on nothing; the evaluator asks for a request nevertheless.
    let request = Request::new(
        uid(types::USER, ""),
        uid(types::ACTION, action::SIGN_IN),
        uid(types::APPLICATION, ""),
        Context::empty(),
        None,
    )
    .ok()?;
    match eval_expression(&request, &Entities::empty(), &expression).ok()? {
        EvalResult::Long(number) => Some(number),
        _ => None,
    }
}

fn range(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(condition: &str) -> Constants {
        let text = format!("permit (principal, action, resource) when {{ {condition} }};");
        let mut constants = Constants::default();
        constants.add(&crate::syntax::of(&text).unwrap());
        constants
    }

    #[test]
    fn constants_are_kept_with_the_fact_they_are_compared_with() {
        let found = of(
            "context.session has passwordAge && duration(\"1d2h\") >= context.session.passwordAge \
             && context.device.osVersion > 15000000000 && [\"pwd\", \"otp\"].containsAll(context.session.methods) \
             && context.address.isInRange(ip(\"10.0.0.0/8\")) && principal.email == \"a@b.c\"",
        );
        assert!(!found.beyond);
        assert_eq!(found.numbers["session.passwordAge"], [93_600_000].into());
        assert_eq!(found.numbers["device.osVersion"], [15_000_000_000].into());
        assert_eq!(found.texts["session.methods"].len(), 2);
        assert_eq!(found.texts["user.email"], ["a@b.c".to_owned()].into());
        assert_eq!(found.ranges.len(), 1);
        assert!(
            found.reads("device") && found.reads("session.passwordAge") && !found.reads("country")
        );
    }

    #[test]
    fn what_is_more_than_a_comparison_with_a_constant_is_beyond() {
        for condition in [
            "context.now > datetime(\"2026-01-01\")",
            "context.device.osVersion + 1 > 2",
            "context.session.passwordAge <= context.device.certificateAge",
            "principal.email like \"*@example.com\"",
        ] {
            let found = of(condition);
            assert!(found.beyond, "{condition}");
            assert!(!found.read.is_empty(), "{condition}");
        }
        assert!(!of("context.device.assignedTo.contains(principal)").beyond);
    }
}
