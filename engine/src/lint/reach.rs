//! What a policy reaches: nothing at all, everything in its scope, or only what another policy settles.

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, PolicySet};

use super::examine::at_head;
use crate::bundle::PolicyBundle;
use crate::entities::Input;
use crate::error::Diagnostic;
use crate::evaluate::matching;
use crate::policy::{Mode, Policy, PolicyEffect};
use crate::representatives::Representatives;
use crate::request::AccessRequest;

pub(super) const NEVER: &str = "never-matches";
pub(super) const ALWAYS: &str = "always-matches";
pub(super) const SHADOWED: &str = "shadowed";

/// Most requests that are tried for one finding: where more would be needed, there is no finding.
pub(super) const MOST: usize = 5_000;

/// Most requests that are remembered because the policy matched them.
const MOST_WITNESSES: usize = 16;

/// What trying a policy out came to.
pub(super) struct Reached {
    pub(super) findings: Vec<Diagnostic>,
    /// Requests that it matches.
    pub(super) witnesses: Vec<AccessRequest>,
}

/// A policy by itself, for the authorizer.
pub(super) struct Alone(PolicySet);

impl Alone {
    pub(super) fn new(policy: &Policy) -> Self {
        let mut set = PolicySet::new();
        // INVARIANT: the set is empty and the policy static, so `add` cannot refuse.
        let added = set.add(policy.cedar.clone());
        debug_assert!(added.is_ok(), "one policy");
        Self(set)
    }

    /// Whether it matches the request; a policy that errors does not.
    pub(super) fn matches(&self, bundle: &PolicyBundle, request: &AccessRequest) -> bool {
        Input::new(bundle, request).is_ok_and(|input| {
            let answer = Authorizer::new().is_authorized(&input.request, &self.0, &input.entities);
            answer.diagnostics().reason().next().is_some()
        })
    }
}

pub(super) fn try_out(bundle: &PolicyBundle, policy: &Policy) -> Reached {
    let mut requests = Representatives::of(bundle, &[policy]);
    requests.keep_scope(bundle, policy);
    let alone = Alone::new(policy);
    let (mut matched, mut missed) = (0_usize, 0_usize);
    let mut witnesses = Vec::new();
    for request in requests.iter(MOST) {
        if alone.matches(bundle, &request) {
            matched += 1;
            if witnesses.len() < MOST_WITNESSES {
                witnesses.push(request);
            }
        } else {
            missed += 1;
        }
    }
    let all = requests.are_all() && requests.count() <= MOST;
    let conditions = policy
        .syntax()
        .is_some_and(|syntax| !syntax.clauses().is_empty());
    let mut findings = Vec::new();
    if all && matched == 0 && !is_suspicious(bundle, policy) {
        findings.push(never(policy));
    } else if all && matched > 0 && missed == 0 && conditions {
        findings.push(always(policy));
    }
    findings.extend(shadow(bundle, policy, &witnesses));
    Reached {
        findings,
        witnesses,
    }
}

/// Whether the validator says already that something in the policy cannot be.
fn is_suspicious(bundle: &PolicyBundle, policy: &Policy) -> bool {
    bundle.warnings().iter().any(|warning| {
        let label = warning.labels.first().map_or(0, |label| label.offset);
        warning.file.name == policy.file().name && policy.at.contains(&label)
    })
}

fn never(policy: &Policy) -> Diagnostic {
    let message = format!("policy `{}` can never match", policy.id());
    at_head(policy, NEVER, message).with_help(
        "two of its conditions exclude each other, or nothing is in its scope: mend or remove it",
    )
}

fn always(policy: &Policy) -> Diagnostic {
    let message = format!(
        "the conditions of policy `{}` always hold: it matches whatever is in its scope",
        policy.id()
    );
    at_head(policy, ALWAYS, message)
        .with_help("remove the conditions if that is meant; else look for an `||` that should be `&&`, or a bound the wrong way round")
}

/// A policy of the same effect that matches whatever this one does; or a forbid that stops whatever this
/// permit lets in.
fn shadow(
    bundle: &PolicyBundle,
    policy: &Policy,
    witnesses: &[AccessRequest],
) -> Option<Diagnostic> {
    if policy.mode != Mode::Enforce || witnesses.is_empty() {
        return None;
    }
    // Only a policy that matches all that we know this one to match can do.
    let mut candidates: Option<BTreeSet<String>> = None;
    for witness in witnesses {
        let here = matching(bundle, witness);
        candidates = Some(match candidates {
            None => here,
            Some(before) => before.intersection(&here).cloned().collect(),
        });
    }
    candidates
        .unwrap_or_default()
        .iter()
        .filter_map(|id| bundle.policy(id))
        .filter(|other| other.id() != policy.id())
        .find(|other| covers(bundle, other, policy))
        .map(|other| shadowed(policy, other))
}

/// Whether the other policy matches whatever this one does, and this is no accident of twins: of two that
/// match the same, only the later is one too many.
fn covers(bundle: &PolicyBundle, other: &Policy, policy: &Policy) -> bool {
    let overrules = match (policy.reference.effect, other.reference.effect) {
        (PolicyEffect::Permit, PolicyEffect::Forbid) => true,
        (PolicyEffect::Forbid, PolicyEffect::Permit) => return false,
        _ => false,
    };
    implies(bundle, policy, other)
        && (overrules
            || policy.reference.origin > other.reference.origin
            || !implies(bundle, other, policy))
}

/// Whether `conclusion` matches every request that `premise` matches, as far as that can be told for all.
fn implies(bundle: &PolicyBundle, premise: &Policy, conclusion: &Policy) -> bool {
    let requests = Representatives::of(bundle, &[premise, conclusion]);
    if !requests.are_all() || requests.count() > MOST {
        return false;
    }
    let (premise, conclusion) = (Alone::new(premise), Alone::new(conclusion));
    requests
        .iter(MOST)
        .all(|request| !premise.matches(bundle, &request) || conclusion.matches(bundle, &request))
}

fn shadowed(policy: &Policy, other: &Policy) -> Diagnostic {
    let (id, by) = (policy.id(), other.id());
    let place = &other.reference.origin;
    let message = match (policy.reference.effect, other.reference.effect) {
        (PolicyEffect::Permit, PolicyEffect::Forbid) => {
            format!(
                "policy `{id}` lets nobody in: the forbid `{by}` at {place} stops all that it permits"
            )
        }
        (PolicyEffect::Permit, _) => {
            format!("policy `{id}` adds nothing: `{by}` at {place} permits all that it does")
        }
        (PolicyEffect::Forbid, _) => {
            format!("policy `{id}` adds nothing: `{by}` at {place} forbids all that it does")
        }
    };
    at_head(policy, SHADOWED, message).with_help("remove one of the two, or narrow the other")
}
