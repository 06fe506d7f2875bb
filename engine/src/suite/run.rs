//! Decides the cases of suites, as the server decides, and says in words where a decision is not the
//! expected one.

use std::collections::BTreeSet;

use serde::Serialize;

use super::facts::STRANGER;
use super::{Case, Expected, ExpectedStepUp, Locate, Suite};
use crate::bundle::PolicyBundle;
use crate::decision::{Decision, Demand, DenyReason, Outcome};
use crate::explain::Explanation;
use crate::request::AccessRequest;
use crate::source::Origin;
use crate::step_up::Offers;
use crate::words;

/// What became of one case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseResult {
    /// The suite's file.
    pub suite: String,
    /// The case.
    pub name: String,
    /// Where it stands.
    pub origin: Origin,
    /// What was asked.
    pub request: AccessRequest,
    /// What was answered.
    pub decision: Decision,
    /// How that differs from what is expected, in words. Nothing: the case passed.
    pub failures: Vec<String>,
    /// How the policies see the request, where the case failed.
    pub explanation: Option<Explanation>,
}

/// Decides the cases whose names are `wanted`, in the order of the suites.
#[must_use]
pub fn run(
    bundle: &PolicyBundle,
    suites: &[Suite],
    locate: Locate<'_>,
    wanted: &dyn Fn(&str) -> bool,
) -> Vec<CaseResult> {
    let mut results = Vec::new();
    for suite in suites {
        for case in suite.cases().filter(|case| wanted(&case.name)) {
            let request = case.request(locate);
            let decision = bundle.decide(&request, || Offers {
                password: true,
                devices: case.situation.offers.clone(),
            });
            let failures = failures(bundle, case, &decision);
            results.push(CaseResult {
                suite: suite.name().to_owned(),
                name: case.name.clone(),
                origin: case.origin.clone(),
                explanation: (!failures.is_empty()).then(|| bundle.explain(&request)),
                request,
                decision,
                failures,
            });
        }
    }
    results
}

fn failures(bundle: &PolicyBundle, case: &Case, decision: &Decision) -> Vec<String> {
    let expect = &case.expect;
    let mut failures = Vec::new();
    let as_expected = matches!(
        (expect.outcome, &decision.outcome),
        (Expected::Permit, Outcome::Permit)
            | (Expected::StepUp, Outcome::StepUp { .. })
            | (Expected::Deny, Outcome::Deny { .. })
    );
    if !as_expected {
        let expected = match expect.outcome {
            Expected::Permit => "permit",
            Expected::StepUp => "step-up",
            Expected::Deny => "deny",
        };
        failures.push(format!("expected {expected}, got {}", answer(decision)));
    }
    if let (Some(expected), Outcome::StepUp { demand, .. }) = (&expect.step_up, &decision.outcome)
        && !is_demanded(expected, demand)
    {
        failures.push(format!(
            "expected a step-up that asks for {}, and it asks for {}",
            expected_demand(expected),
            demanded(demand)
        ));
    }
    if let Some(expected) = &expect.policies {
        let determining = decision.determining.iter().map(|policy| policy.id.as_str());
        let found: BTreeSet<&str> = determining.collect();
        failures.extend(differing(
            bundle,
            expected,
            &found,
            "to determine the answer",
        ));
    }
    if let Some(expected) = &expect.report_only {
        let matched = decision.report_only.iter().filter(|report| report.matched);
        let found: BTreeSet<&str> = matched.map(|report| report.policy.id.as_str()).collect();
        failures.extend(differing(
            bundle,
            expected,
            &found,
            "to match and only report",
        ));
    }
    // A test that passes because a policy is broken tests nothing.
    failures.extend(decision.errors.iter().map(|error| {
        let id = &error.policy.id;
        format!("`{id}` cannot be evaluated: {}", error.message)
    }));
    failures.extend(decision.invalid.clone());
    failures
}

/// The answer, and why it is that.
fn answer(decision: &Decision) -> String {
    let determining = decision.determining.iter().map(|policy| policy.id.as_str());
    let policies = listed(determining, "and");
    match &decision.outcome {
        Outcome::Permit => format!("permit, by {policies}"),
        Outcome::StepUp { demand, .. } => format!("step-up, for {}", demanded(demand)),
        Outcome::Deny { because } => match because {
            DenyReason::Forbidden => format!("deny, by {policies}"),
            DenyReason::NoPermit => "deny, since nothing permits it".to_owned(),
            DenyReason::PolicyError => "deny, since a policy cannot be evaluated".to_owned(),
            DenyReason::InvalidRequest => "deny, without asking any policy".to_owned(),
        },
    }
}

/// The devices of a demand that the suite can name.
fn named(demand: &Demand) -> BTreeSet<&str> {
    let ids = demand.devices.iter().map(String::as_str);
    ids.filter(|id| *id != STRANGER).collect()
}

fn is_demanded(expected: &ExpectedStepUp, demand: &Demand) -> bool {
    let devices = |wanted: &BTreeSet<String>| wanted.iter().map(String::as_str).eq(named(demand));
    expected
        .password
        .is_none_or(|wanted| wanted == demand.password)
        && expected.devices.as_ref().is_none_or(devices)
}

fn expected_demand(expected: &ExpectedStepUp) -> String {
    let password = expected
        .password
        .map(|asked| if asked { "the password" } else { "no password" }.to_owned());
    let devices = expected.devices.as_ref().map(|ids| match ids.len() {
        0 => "no device".to_owned(),
        _ => format!(
            "the certificate of {}",
            listed(ids.iter().map(String::as_str), "or")
        ),
    });
    let parts: Vec<String> = password.into_iter().chain(devices).collect();
    parts.join(" and ")
}

fn demanded(demand: &Demand) -> String {
    let password = demand.password.then(|| "the password".to_owned());
    let ids = demand.devices.iter().map(String::as_str);
    let devices =
        (!demand.devices.is_empty()).then(|| format!("the certificate of {}", listed(ids, "or")));
    let parts: Vec<String> = password.into_iter().chain(devices).collect();
    parts.join(" and ")
}

/// How the policies that were found differ from those that were expected to do `what`.
fn differing(
    bundle: &PolicyBundle,
    expected: &BTreeSet<String>,
    found: &BTreeSet<&str>,
    what: &str,
) -> Vec<String> {
    if expected
        .iter()
        .map(String::as_str)
        .eq(found.iter().copied())
    {
        return Vec::new();
    }
    let wanted = listed(expected.iter().map(String::as_str), "and");
    let mut failures = vec![format!(
        "expected {wanted} {what}, found {}",
        listed(found.iter().copied(), "and")
    )];
    let known = bundle.policies();
    let ids = known.iter().map(|(policy, _)| policy.id.as_str());
    for id in expected.iter().filter(|id| bundle.policy(id).is_none()) {
        failures.push(match words::nearest(id, ids.clone()) {
            Some(near) => format!("no policy is called `{id}`: did you mean `{near}`?"),
            None => format!("no policy is called `{id}`"),
        });
    }
    failures
}

/// Ids in a row, as in "`a`, `b` and `c`".
fn listed<'a>(ids: impl Iterator<Item = &'a str>, and: &str) -> String {
    let quoted: Vec<String> = ids.map(|id| format!("`{id}`")).collect();
    match quoted.as_slice() {
        [] => "no policy".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {and} {last}", first.join(", ")),
    }
}
