//! Pairs of small random bundles: the second is the first with one change, or the first said in another way.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::PolicyBundle;
use crate::tests::load;

const PRINCIPALS: [&str; 3] = [
    "principal",
    "principal in Group::\"employees\"",
    "principal in Group::\"guests\"",
];
const EACH_ACTION: [&str; 2] = [
    "action == Action::\"signIn\"",
    "action == Action::\"refresh\"",
];
const BOTH_ACTIONS: &str = "action in [Action::\"signIn\", Action::\"refresh\"]";
const ACTIONS: [&str; 4] = [EACH_ACTION[0], EACH_ACTION[1], BOTH_ACTIONS, "action"];
const RESOURCES: [&str; 4] = [
    "resource",
    "resource == Application::\"wiki\"",
    "resource == Application::\"payroll\"",
    "resource in ApplicationGroup::\"work\"",
];
const EFFECTS: [&str; 3] = ["permit", "permit", "forbid"];
const WORDS: [&str; 3] = ["when", "when", "unless"];

/// What a condition can be made of. Each asks for the presence of what it looks at, so that any two can be
/// joined in any way.
const FACTS: [&str; 18] = [
    "(context has country && context.country == Country::\"SG\")",
    "(context has country && context.country == Country::\"SE\")",
    "(context has country && context.country in Region::\"home\")",
    "(context has network && context.network in Network::\"offices\")",
    "(context has device)",
    "(context has device && context.device.managed)",
    "(context has device && context.device.diskEncrypted)",
    "(context has device && context.device has platform && context.device.platform == Platform::\"macos\")",
    "(context has device && context.device has osVersion && context.device.osVersion >= 14000000000)",
    "(context has device && context.device has osVersion && context.device.osVersion > 14000000000)",
    "(context has device && context.device has osVersion && context.device.osVersion < 15003000000)",
    "(context.session has passwordAge && context.session.passwordAge <= duration(\"12h\"))",
    "(context.session has passwordAge && context.session.passwordAge < duration(\"12h\"))",
    "(context.session has passwordAge && context.session.passwordAge > duration(\"1h\"))",
    "(context.session has secondFactorAge && context.session.secondFactorAge <= duration(\"1h\"))",
    "(context.session has secondFactorAge && context.session.secondFactorAge >= duration(\"1h\"))",
    "(context.session.methods.contains(\"hwk\"))",
    "(context.session.methods.contains(\"otp\"))",
];

/// A condition.
#[derive(Debug, Clone)]
enum Condition {
    Fact(&'static str),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

#[derive(Debug, Clone)]
struct Policy {
    name: String,
    effect: &'static str,
    principal: &'static str,
    action: &'static str,
    resource: &'static str,
    /// `when` or `unless`, and what.
    clauses: Vec<(&'static str, Condition)>,
}

/// Entity data.
#[derive(Debug, Clone, Copy)]
struct Names {
    guests: &'static str,
    temps: &'static str,
    payroll: &'static str,
    countries: &'static str,
    ranges: &'static str,
}

/// A change of one policy, or of entity data.
#[derive(Debug, Clone)]
enum Change {
    Effect,
    Principal(&'static str),
    Action(&'static str),
    Resource(&'static str),
    /// One condition more.
    Add(&'static str, Condition),
    /// Another last condition.
    Replace(Condition),
    /// One condition fewer.
    Drop,
    /// `when` for `unless`, or the other way round.
    Turn,
    Remove,
    Join(Policy),
    Names(Names),
}

/// Something that says the same in another way.
#[derive(Debug, Clone, Copy)]
enum Refactoring {
    Reverse,
    Rename,
    SplitConditions,
    DrawNegationsOut,
    WhenNotForUnless,
    RepeatConditions,
    APolicyForEachAction,
    /// A policy beside one that implies it.
    Implied,
}

const REFACTORINGS: [Refactoring; 8] = [
    Refactoring::Reverse,
    Refactoring::Rename,
    Refactoring::SplitConditions,
    Refactoring::DrawNegationsOut,
    Refactoring::WhenNotForUnless,
    Refactoring::RepeatConditions,
    Refactoring::APolicyForEachAction,
    Refactoring::Implied,
];

#[derive(Debug, Clone)]
enum Edit {
    Change(Change),
    Refactoring(Refactoring),
}

#[derive(Debug, Clone)]
struct Side {
    policies: Vec<Policy>,
    names: Names,
}

/// Two bundles.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    old: Side,
    new: Side,
    /// Whether the second is the first in other words.
    pub(super) is_refactored: bool,
}

impl Pair {
    pub(super) fn bundles(&self) -> [PolicyBundle; 2] {
        [&self.old, &self.new].map(|side| {
            let policies: Vec<String> = side.policies.iter().map(ToString::to_string).collect();
            let (policies, names) = (policies.join("\n"), side.names.to_string());
            load(&[
                ("p.cedar", policies.as_str()),
                ("entities.toml", names.as_str()),
            ])
            .unwrap()
        })
    }
}

/// Any pair. The conditions of one pair are about few facts, so that all questions about them can be asked.
pub(super) fn pair() -> impl Strategy<Value = Pair> {
    let facts = prop::collection::vec(select(FACTS.to_vec()), 1..=3);
    facts.prop_flat_map(|facts| {
        let condition = condition(facts);
        let policies = prop::collection::vec(policy(condition.clone()), 1..=3);
        let edit = prop_oneof![
            3 => change(condition).prop_map(Edit::Change),
            1 => select(REFACTORINGS.to_vec()).prop_map(Edit::Refactoring),
        ];
        (policies, names(), any::<Index>(), edit).prop_map(|(mut policies, names, at, edit)| {
            for (number, policy) in policies.iter_mut().enumerate() {
                policy.name = format!("p{number}");
            }
            let old = Side { policies, names };
            let mut new = old.clone();
            let at = at.index(new.policies.len());
            let is_refactored = matches!(edit, Edit::Refactoring(_));
            match edit {
                Edit::Change(change) => new.change(at, change),
                Edit::Refactoring(refactoring) => new.refactor(at, refactoring),
            }
            Pair {
                old,
                new,
                is_refactored,
            }
        })
    })
}

fn condition(facts: Vec<&'static str>) -> BoxedStrategy<Condition> {
    let fact = select(facts).prop_map(Condition::Fact);
    let nested = fact.prop_recursive(2, 6, 2, |inner| {
        let inner = inner.prop_map(Box::new);
        prop_oneof![
            inner.clone().prop_map(Condition::Not),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Condition::And(a, b)),
            (inner.clone(), inner).prop_map(|(a, b)| Condition::Or(a, b)),
        ]
    });
    nested.boxed()
}

fn policy(condition: BoxedStrategy<Condition>) -> impl Strategy<Value = Policy> {
    let clauses = prop::collection::vec((select(WORDS.to_vec()), condition), 0..=2);
    let head = (
        select(EFFECTS.to_vec()),
        select(PRINCIPALS.to_vec()),
        select(ACTIONS.to_vec()),
        select(RESOURCES.to_vec()),
    );
    (head, clauses).prop_map(|((effect, principal, action, resource), clauses)| Policy {
        name: "another".to_owned(),
        effect,
        principal,
        action,
        resource,
        clauses,
    })
}

fn names() -> impl Strategy<Value = Names> {
    let guests = vec!["", "in = [\"employees\"]"];
    let temps = vec!["", "in = [\"guests\"]", "in = [\"employees\", \"guests\"]"];
    let payroll = vec!["", "in = [\"work\"]"];
    let countries = vec!["[\"SG\"]", "[\"SG\", \"SE\"]", "[\"JP\"]"];
    let ranges = vec![
        "[\"203.0.113.0/25\"]",
        "[\"203.0.113.0/24\", \"2001:db8::/32\"]",
    ];
    let all = (
        select(guests),
        select(temps),
        select(payroll),
        select(countries),
        select(ranges),
    );
    all.prop_map(|(guests, temps, payroll, countries, ranges)| Names {
        guests,
        temps,
        payroll,
        countries,
        ranges,
    })
}

fn change(condition: BoxedStrategy<Condition>) -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Effect),
        select(PRINCIPALS.to_vec()).prop_map(Change::Principal),
        select(ACTIONS.to_vec()).prop_map(Change::Action),
        select(RESOURCES.to_vec()).prop_map(Change::Resource),
        (select(WORDS.to_vec()), condition.clone()).prop_map(|(word, it)| Change::Add(word, it)),
        condition.clone().prop_map(Change::Replace),
        Just(Change::Drop),
        Just(Change::Turn),
        Just(Change::Remove),
        policy(condition).prop_map(Change::Join),
        names().prop_map(Change::Names),
    ]
}

impl Side {
    fn change(&mut self, at: usize, change: Change) {
        let several = self.policies.len() > 1;
        let policy = &mut self.policies[at];
        match change {
            // A bundle without policies is none.
            Change::Remove if several => {
                self.policies.remove(at);
            }
            Change::Effect | Change::Remove => {
                policy.effect = match policy.effect {
                    "permit" => "forbid",
                    _ => "permit",
                };
            }
            Change::Principal(principal) => policy.principal = principal,
            Change::Action(action) => policy.action = action,
            Change::Resource(resource) => policy.resource = resource,
            Change::Add(word, condition) => policy.clauses.push((word, condition)),
            Change::Replace(condition) => {
                if let Some((_, last)) = policy.clauses.last_mut() {
                    *last = condition;
                }
            }
            Change::Drop => {
                policy.clauses.pop();
            }
            Change::Turn => {
                if let Some((word, _)) = policy.clauses.last_mut() {
                    *word = if *word == "when" { "unless" } else { "when" };
                }
            }
            Change::Join(policy) => self.policies.push(policy),
            Change::Names(names) => self.names = names,
        }
    }

    fn refactor(&mut self, at: usize, refactoring: Refactoring) {
        if matches!(refactoring, Refactoring::Reverse) {
            self.policies.reverse();
            return;
        }
        let policy = &mut self.policies[at];
        let mut another = policy.clone();
        another.name = "another".to_owned();
        let clauses = std::mem::take(&mut policy.clauses).into_iter();
        policy.clauses = match refactoring {
            Refactoring::SplitConditions => clauses.flat_map(split).collect(),
            Refactoring::DrawNegationsOut => clauses
                .map(|(word, condition)| (word, condition.with_negations_out()))
                .collect(),
            Refactoring::WhenNotForUnless => clauses
                .map(|(word, condition)| match word {
                    "unless" => ("when", Condition::Not(Box::new(condition))),
                    _ => (word, condition),
                })
                .collect(),
            Refactoring::RepeatConditions => clauses.flat_map(|it| [it.clone(), it]).collect(),
            _ => clauses.collect(),
        };
        match refactoring {
            Refactoring::Rename => policy.name = "another".to_owned(),
            Refactoring::APolicyForEachAction if policy.action == BOTH_ACTIONS => {
                [policy.action, another.action] = EACH_ACTION;
                self.policies.push(another);
            }
            Refactoring::Implied => {
                another.clauses.push(("when", Condition::Fact(FACTS[5])));
                self.policies.push(another);
            }
            _ => {}
        }
    }
}

/// A `when` of two conditions as two, an `unless` of two as two.
fn split((word, condition): (&'static str, Condition)) -> Vec<(&'static str, Condition)> {
    match (word, condition) {
        ("when", Condition::And(a, b)) | ("unless", Condition::Or(a, b)) => {
            vec![(word, *a), (word, *b)]
        }
        (_, condition) => vec![(word, condition)],
    }
}

impl Condition {
    fn with_negations_out(self) -> Self {
        let not = |it: Box<Self>| Box::new(Self::Not(Box::new(it.with_negations_out())));
        match self {
            Self::Fact(fact) => Self::Fact(fact),
            Self::Not(it) => Self::Not(Box::new(it.with_negations_out())),
            Self::And(a, b) => Self::Not(Box::new(Self::Or(not(a), not(b)))),
            Self::Or(a, b) => Self::Not(Box::new(Self::And(not(a), not(b)))),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fact(fact) => f.write_str(fact),
            Self::Not(it) => write!(f, "!({it})"),
            Self::And(a, b) => write!(f, "({a} && {b})"),
            Self::Or(a, b) => write!(f, "({a} || {b})"),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, effect) = (&self.name, self.effect);
        let (principal, action, resource) = (self.principal, self.action, self.resource);
        write!(
            f,
            "@id(\"{name}\") {effect} ({principal}, {action}, {resource})"
        )?;
        for (word, condition) in &self.clauses {
            write!(f, " {word} {{ {condition} }}")?;
        }
        f.write_str(";")
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[group.employees]\n[group.guests]\n{}", self.guests)?;
        writeln!(f, "[group.temps]\n{}", self.temps)?;
        writeln!(f, "[application.wiki]\nin = [\"work\"]")?;
        writeln!(f, "[application.payroll]\n{}", self.payroll)?;
        writeln!(f, "[application-group.work]")?;
        writeln!(f, "[region.home]\ncountries = {}", self.countries)?;
        writeln!(f, "[network.offices]\nranges = {}", self.ranges)
    }
}
