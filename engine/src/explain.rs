//! Why a request is denied: for each permit that concerns the application, which conditions held and
//! which failed, nearest miss first; for each forbid that fired, what fired it.
//!
//! Conditions are evaluated one by one, by the same evaluator and over the same facts as the decision.

use std::fmt::Write as _;
use std::sync::Arc;

use cedar_policy::pst::{BinaryOp, Clause, Expr};
use cedar_policy::{EvalResult, Expression, eval_expression};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::bundle::PolicyBundle;
use crate::entities::Input;
use crate::evaluate::evaluate;
use crate::facts::FactRow;
use crate::phrase;
use crate::policy::{Mode, Policy, PolicyEffect, PolicyRef};
use crate::request::AccessRequest;
use crate::stack;

/// Why a request is not permitted, or what permits it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Forbids that fired or could not be evaluated.
    pub forbids: Vec<PolicyExplanation>,
    /// Permits that concern the application and action, nearest miss first.
    pub permits: Vec<PolicyExplanation>,
    /// When the facts were as they are here.
    pub now: DateTime<Utc>,
}

/// One policy, condition by condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyExplanation {
    /// The policy.
    pub policy: PolicyRef,
    /// Whether its scope is about this user: a rule for other people is no miss of theirs.
    pub addressed: bool,
    /// Its conditions, in the order of its text.
    pub conditions: Vec<Condition>,
}

/// One condition of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// What it demands, in words.
    pub words: String,
    /// What follows when it holds.
    pub role: Role,
    /// Whether it held.
    pub held: Held,
    /// The facts it is about.
    pub facts: Vec<FactRow>,
}

/// What follows when a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It speaks for the user: a permit, or a forbid's exception, requires it.
    Requires,
    /// It speaks against the user: a forbid applies because of it.
    Applies,
}

/// Whether a condition held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Held {
    /// It held.
    Yes,
    /// It did not.
    No,
    /// It did not, because something it needs is not known.
    Unknown,
}

/// Most policies of one kind in an explanation: beyond these a person reads none.
const MOST: usize = 20;
/// Most permits that are looked at to find the nearest.
const LOOKED_AT: usize = 100;

impl PolicyBundle {
    /// Explains how the policies see a request. Costs far more than deciding it.
    #[must_use]
    pub fn explain(&self, request: &AccessRequest) -> Explanation {
        stack::with_enough(|| self.explain_here(request))
    }

    fn explain_here(&self, request: &AccessRequest) -> Explanation {
        let mut explanation = Explanation {
            forbids: Vec::new(),
            permits: Vec::new(),
            now: request.now,
        };
        let Ok(input) = Input::new(self, request) else {
            return explanation;
        };
        let facts = request.facts();
        let evaluation = evaluate(self, request);
        let failed = evaluation.errors.iter().map(|error| &error.policy);
        let fired = evaluation.determining.iter().chain(failed);
        for reference in fired
            .filter(|policy| policy.effect == PolicyEffect::Forbid)
            .take(MOST)
        {
            let known = explanation
                .forbids
                .iter()
                .any(|done: &PolicyExplanation| done.policy == *reference);
            if let Some(policy) = self.policy(&reference.id).filter(|_| !known) {
                explanation.forbids.push(explain(policy, &input, &facts));
            }
        }
        let scope = input.scope();
        let concerned = self
            .index
            .visit(&scope)
            .into_iter()
            .filter(|shard| {
                shard.kind.mode == Mode::Enforce && shard.kind.effect == PolicyEffect::Permit
            })
            .flat_map(|shard| &shard.policies)
            .filter(|policy| scope.concerns(policy));
        let (mine, others): (Vec<_>, Vec<_>) =
            concerned.partition(|policy| scope.addresses(policy));
        // Rules for other people are the farthest misses, however few conditions they have; and no
        // more are looked at than shown, or a denial would cost as much as there are rules.
        let addressed = mine.into_iter().map(|policy| (policy, true));
        let unaddressed = others.into_iter().map(|policy| (policy, false));
        explanation.permits = addressed
            .chain(unaddressed)
            .take(LOOKED_AT)
            .map(|(policy, addressed)| {
                let mut explained = explain(policy, &input, &facts);
                explained.addressed = addressed;
                if !addressed || !is_open(policy) {
                    let condition = principal_condition(policy, addressed, &facts);
                    explained.conditions.insert(0, condition);
                }
                explained
            })
            .collect();
        explanation.permits.sort_by_key(|explained| {
            let missed = explained.conditions.iter().filter(|c| c.held != Held::Yes);
            (
                !explained.addressed,
                missed.count(),
                explained.policy.clone(),
            )
        });
        explanation.permits.truncate(MOST);
        explanation
    }
}

pub(crate) fn is_open(policy: &Policy) -> bool {
    use cedar_policy::PrincipalConstraint::{Any, Is};
    matches!(policy.cedar.principal_constraint(), Any | Is(_))
}

pub(crate) fn principal_condition(
    policy: &Policy,
    addressed: bool,
    facts: &[FactRow],
) -> Condition {
    use cedar_policy::PrincipalConstraint::{Any, Eq, In, Is, IsIn};
    let words = match policy.cedar.principal_constraint() {
        Any | Is(_) => "user is anyone".to_owned(),
        Eq(uid) => format!("user is {}", uid.id().unescaped()),
        In(uid) | IsIn(_, uid) => format!("user is in group {}", uid.id().unescaped()),
    };
    Condition {
        words,
        role: Role::Requires,
        held: if addressed { Held::Yes } else { Held::No },
        facts: facts
            .iter()
            .filter(|row| row.name == "user.groups")
            .cloned()
            .collect(),
    }
}

pub(crate) fn explain(policy: &Policy, input: &Input, facts: &[FactRow]) -> PolicyExplanation {
    PolicyExplanation {
        policy: policy.reference.clone(),
        addressed: true,
        conditions: parts(policy)
            .iter()
            .map(|part| part.condition(input, facts))
            .collect(),
    }
}

/// One condition of a policy's text, ready to be judged for any request.
#[derive(Debug)]
pub(crate) struct Part {
    text: Arc<Expr>,
    /// The same as Cedar evaluates it, where it takes it alone.
    expression: Option<Expression>,
    /// Whether the policy asks for the contrary.
    negated: bool,
    role: Role,
}

/// The conditions of a policy, in the order of its text.
pub(crate) fn parts(policy: &Policy) -> Vec<Part> {
    // Each part of the text, whether it is negated, and what follows when it holds.
    let mut parts: Vec<(Arc<Expr>, bool, Role)> = Vec::new();
    if let Some(syntax) = policy.syntax() {
        for clause in syntax.clauses() {
            match (clause, policy.reference.effect) {
                (Clause::When(expr), PolicyEffect::Forbid) => {
                    conjuncts(expr, &mut |part| parts.push((part, false, Role::Applies)));
                }
                // What a forbid spares is a requirement, part by part.
                (Clause::When(expr), PolicyEffect::Permit)
                | (Clause::Unless(expr), PolicyEffect::Forbid) => {
                    conjuncts(expr, &mut |part| parts.push((part, false, Role::Requires)));
                }
                (Clause::Unless(expr), PolicyEffect::Permit) => {
                    parts.push((Arc::clone(expr), true, Role::Requires));
                }
            }
        }
    }
    let read: Vec<_> = parts.iter().map(|(part, ..)| phrase::facts(part)).collect();
    parts
        .into_iter()
        .enumerate()
        .filter(|(at, (part, negated, _))| {
            // `has country` followed by a test of the country: the test says both.
            let Some(tested) = phrase::tested_presence(part).filter(|_| !negated) else {
                return true;
            };
            let inside = format!("{tested}.");
            !read
                .iter()
                .skip(at + 1)
                .flatten()
                .any(|name| *name == tested || name.starts_with(&inside))
        })
        .map(|(_, (text, negated, role))| Part {
            expression: text.to_string().parse().ok(),
            text,
            negated,
            role,
        })
        .collect()
}

/// Splits `a && b && c`, in order.
pub(crate) fn conjuncts(expr: &Arc<Expr>, each: &mut impl FnMut(Arc<Expr>)) {
    match expr.as_ref() {
        Expr::BinaryOp {
            op: BinaryOp::And,
            left,
            right,
        } => {
            conjuncts(left, each);
            conjuncts(right, each);
        }
        _ => each(Arc::clone(expr)),
    }
}

impl Part {
    /// What it demands, in words.
    pub(crate) fn words(&self) -> String {
        let words = phrase::words(&self.text);
        if self.negated {
            format!("not: {words}")
        } else {
            words
        }
    }

    /// Whether it holds; `facts` are those it is about.
    pub(crate) fn judge(&self, input: &Input, facts: &[FactRow]) -> Held {
        let value = self.expression.as_ref().and_then(|expression| {
            eval_expression(&input.request, &input.entities, expression).ok()
        });
        match value {
            Some(EvalResult::Bool(value)) if value != self.negated => Held::Yes,
            Some(EvalResult::Bool(_)) if facts.iter().all(|row| row.unknown.is_none()) => Held::No,
            // Alone, a test of something missing is an error; in its place the `has` before it was false.
            _ => Held::Unknown,
        }
    }

    fn condition(&self, input: &Input, facts: &[FactRow]) -> Condition {
        let names = phrase::facts(&self.text);
        let facts: Vec<FactRow> = facts
            .iter()
            .filter(|row| names.contains(&row.name))
            .cloned()
            .collect();
        Condition {
            words: self.words(),
            role: self.role,
            held: self.judge(input, &facts),
            facts,
        }
    }
}

impl Condition {
    /// The facts on one line, with value, source and age.
    #[must_use]
    pub fn detail(&self, now: DateTime<Utc>) -> String {
        let mut lines: Vec<String> = self.facts.iter().map(|row| row.line(now)).collect();
        lines.dedup();
        lines.join("; ")
    }
}

impl Explanation {
    /// The explanation for a terminal, one condition a line.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for explained in self.forbids.iter().chain(&self.permits) {
            let policy = &explained.policy;
            let kind = match policy.effect {
                PolicyEffect::Permit => "permit",
                PolicyEffect::Forbid => "forbid",
            };
            // INVARIANT: writing into a string cannot fail.
            let _ = writeln!(
                text,
                "{kind}  {}  {}:{}",
                policy.id, policy.origin.file, policy.origin.line
            );
            let width = explained
                .conditions
                .iter()
                .map(|c| c.words.chars().count())
                .max()
                .unwrap_or(0);
            for condition in &explained.conditions {
                let held = match (condition.role, condition.held) {
                    (Role::Applies, Held::Yes) => "applies",
                    (Role::Requires, Held::Yes) => "held   ",
                    (_, Held::No) => "failed ",
                    (_, Held::Unknown) => "unknown",
                };
                let padded = format!("{:width$}", condition.words);
                let detail = condition.detail(self.now);
                let _ = writeln!(
                    text,
                    "  {held}  {}",
                    format!("{padded}   {detail}").trim_end()
                );
            }
        }
        text
    }
}
