//! What one policy says, apart from how it is written: whether two say the same, and in which parts they
//! differ, in words.

use std::fmt::Display;
use std::sync::Arc;

use cedar_policy::pst::{Clause, Expr};

use super::{ChangedPart, PartKind};
use crate::explain::conjuncts;
use crate::phrase;
use crate::policy::{Mode, Policy, PolicyEffect};

/// A policy without its name, its texts and its layout.
#[derive(Debug)]
struct Meaning {
    /// Principal, action and resource.
    head: [String; 3],
    conditions: Vec<Condition>,
}

/// A condition as it is written.
#[derive(Debug, Clone)]
struct Condition {
    unless: bool,
    expr: Arc<Expr>,
}

/// A text that two policies have in common exactly if Cedar takes them for the same, mode included.
pub(super) fn key(policy: &Policy) -> String {
    let effect = policy.reference.effect;
    let mode = policy.mode;
    match Meaning::of(policy) {
        Some(meaning) => {
            let conditions: Vec<String> = meaning.conditions.iter().map(Condition::key).collect();
            let head = meaning.head.join(", ");
            format!("{mode:?} {effect:?} ({head}) {}", conditions.join(" "))
        }
        None => format!("{mode:?} {}", policy.text()),
    }
}

/// In which parts the second policy differs from the first; none where only the layout does.
pub(super) fn changed(old: &Policy, new: &Policy) -> Vec<ChangedPart> {
    let mut parts = Vec::new();
    let mut add = |kind, words| parts.push(ChangedPart { kind, words });
    if old.reference.effect != new.reference.effect {
        let (old, new) = (effect(old), effect(new));
        add(
            PartKind::Effect,
            format!("is a {new} and no longer a {old}"),
        );
    }
    if old.mode != new.mode {
        let words = match new.mode {
            Mode::Enforce => "decides, and no longer only reports",
            Mode::ReportOnly => "only reports, and no longer decides",
        };
        add(PartKind::Mode, words.to_owned());
    }
    let texts = [
        ("@reason", &old.reference.reason, &new.reference.reason),
        ("@advice", &old.reference.advice, &new.reference.advice),
    ];
    let means_the_same = key(old) == key(new);
    if let (Some(before), Some(after), false) = (Meaning::of(old), Meaning::of(new), means_the_same)
    {
        let mut found = false;
        for (before, after) in before.head.iter().zip(&after.head) {
            if before != after {
                found = true;
                add(PartKind::Head, format!("`{before}` became `{after}`"));
            }
        }
        for words in conditions(&before, old, &after, new) {
            found = true;
            add(PartKind::Condition, words);
        }
        if !found && old.mode == new.mode && old.reference.effect == new.reference.effect {
            let words = "its conditions are joined or ordered in another way";
            add(PartKind::Condition, words.to_owned());
        }
    }
    for (name, before, after) in texts {
        let words = match (before, after) {
            (None, Some(after)) => format!("`{name}` was added: {after}"),
            (Some(before), None) => format!("`{name}` was removed: {before}"),
            (Some(before), Some(after)) if before != after => format!("`{name}` is now: {after}"),
            _ => continue,
        };
        add(PartKind::Text, words);
    }
    if old.allows != new.allows {
        add(PartKind::Text, "`@allow` names other findings".to_owned());
    }
    parts
}

fn effect(policy: &Policy) -> &'static str {
    match policy.reference.effect {
        PolicyEffect::Permit => "permit",
        PolicyEffect::Forbid => "forbid",
    }
}

/// Conditions that went, and those that came.
fn conditions(before: &Meaning, old: &Policy, after: &Meaning, new: &Policy) -> Vec<String> {
    let (before, after) = (before.told(), after.told());
    let words =
        |of: &[Condition], without: &[Condition], policy: &Policy, now: &str| -> Vec<String> {
            let differing = only(of, without);
            differing
                .iter()
                .filter(|it| !is_said_by_another(it, &differing))
                .map(|it| {
                    let verb = verb(policy.reference.effect, it.unless);
                    format!("{now} {verb}: {}", phrase::words(&it.expr))
                })
                .collect()
        };
    let mut all = words(&before, &after, old, "no longer");
    all.extend(words(&after, &before, new, "now"));
    all
}

fn verb(effect: PolicyEffect, unless: bool) -> &'static str {
    match (effect, unless) {
        (PolicyEffect::Permit, false) => "requires",
        (PolicyEffect::Permit, true) => "requires the contrary of",
        (PolicyEffect::Forbid, false) => "refuses where",
        (PolicyEffect::Forbid, true) => "refuses unless",
    }
}

/// Those of the first that the second does not have, as often as it lacks them.
fn only(of: &[Condition], without: &[Condition]) -> Vec<Condition> {
    let mut rest: Vec<String> = without.iter().map(Condition::key).collect();
    let lacking = of.iter().filter(|condition| {
        let key = condition.key();
        match rest.iter().position(|other| *other == key) {
            Some(at) => {
                rest.swap_remove(at);
                false
            }
            None => true,
        }
    });
    lacking.cloned().collect()
}

/// Whether it tests for the presence of a fact that another of them tests closer.
fn is_said_by_another(condition: &Condition, all: &[Condition]) -> bool {
    let Some(tested) = phrase::tested_presence(&condition.expr) else {
        return false;
    };
    let inside = format!("{tested}.");
    let closer = all
        .iter()
        .filter(|other| phrase::tested_presence(&other.expr).is_none());
    closer
        .flat_map(|other| phrase::facts(&other.expr))
        .any(|name| name == tested || name.starts_with(&inside))
}

impl Meaning {
    fn of(policy: &Policy) -> Option<Self> {
        let syntax = policy.syntax()?;
        let mut conditions = Vec::new();
        for clause in syntax.clauses() {
            match clause {
                // One clause of several conditions and several of one are the same.
                Clause::When(expr) => split(expr, false, &mut conditions),
                Clause::Unless(expr) => conditions.push(Condition {
                    unless: true,
                    expr: Arc::clone(expr),
                }),
            }
        }
        Some(Self {
            head: [
                written("principal", &syntax.principal),
                written("action", &syntax.action),
                written("resource", &syntax.resource),
            ],
            conditions,
        })
    }

    /// The conditions as people are told of them: each requirement by itself.
    fn told(&self) -> Vec<Condition> {
        let mut told = Vec::new();
        for condition in &self.conditions {
            split(&condition.expr, condition.unless, &mut told);
        }
        told
    }
}

impl Condition {
    fn key(&self) -> String {
        let word = if self.unless { "unless" } else { "when" };
        format!("{word} {{ {} }}", self.expr)
    }
}

/// The conditions of a clause, in order.
fn split(expr: &Arc<Expr>, unless: bool, into: &mut Vec<Condition>) {
    conjuncts(expr, &mut |expr| into.push(Condition { unless, expr }));
}

fn written(name: &str, constraint: &impl Display) -> String {
    let text = constraint.to_string();
    if text.is_empty() {
        name.to_owned()
    } else {
        format!("{name} {text}")
    }
}
