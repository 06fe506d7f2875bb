//! One call to the authorizer for each shard that can matter; fail closed.
//!
//! Cedar's Allow and Deny stay inside this file. Cedar skips a policy that errors, which lets a
//! request through that an erroring forbid was meant to stop: here such a request is denied.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{AuthorizationError, Authorizer, PolicyId};

use crate::bundle::PolicyBundle;
use crate::decision::{DenyReason, PolicyError, ReportOnly};
use crate::entities::Input;
use crate::policy::{Mode, PolicyEffect, PolicyRef};
use crate::request::AccessRequest;
use crate::slice::Shard;
use crate::stack;

/// What evaluating a request came to, before anyone asks whether a step-up could help.
#[derive(Debug)]
pub(crate) struct Evaluation {
    /// Nothing, or why the request is denied.
    pub(crate) denied: Option<DenyReason>,
    pub(crate) determining: Vec<PolicyRef>,
    pub(crate) errors: Vec<PolicyError>,
    pub(crate) invalid: Option<String>,
    pub(crate) report_only: Vec<ReportOnly>,
    pub(crate) policies: usize,
}

/// Policies of one mode and effect that matched or errored.
#[derive(Default)]
pub(crate) struct Matches {
    pub(crate) matched: Vec<PolicyRef>,
    pub(crate) errors: Vec<PolicyError>,
    policies: usize,
    visited: Vec<PolicyRef>,
}

pub(crate) fn evaluate(bundle: &PolicyBundle, request: &AccessRequest) -> Evaluation {
    stack::with_enough(|| match Input::new(bundle, request) {
        Ok(input) => evaluate_input(bundle, &input),
        Err(invalid) => Evaluation {
            invalid: Some(invalid.to_string()),
            denied: Some(DenyReason::InvalidRequest),
            determining: Vec::new(),
            errors: Vec::new(),
            report_only: Vec::new(),
            policies: 0,
        },
    })
}

pub(crate) fn evaluate_input(bundle: &PolicyBundle, input: &Input) -> Evaluation {
    let visited = bundle.index.visit(&input.scope());
    let matches = |mode, effect| {
        let of_kind = |shard: &&&Shard| shard.kind.mode == mode && shard.kind.effect == effect;
        matches(bundle, input, visited.iter().filter(of_kind).copied())
    };
    let forbids = matches(Mode::Enforce, PolicyEffect::Forbid);
    let permits = matches(Mode::Enforce, PolicyEffect::Permit);
    // A forbid that fired is a better reason than one that failed; both deny.
    let (denied, determining) = if !forbids.matched.is_empty() {
        (Some(DenyReason::Forbidden), forbids.matched)
    } else if !forbids.errors.is_empty() {
        let failed = forbids.errors.iter().map(|error| error.policy.clone());
        (Some(DenyReason::PolicyError), failed.collect())
    } else if permits.matched.is_empty() {
        (Some(DenyReason::NoPermit), Vec::new())
    } else {
        (None, permits.matched)
    };
    let mut errors = forbids.errors;
    errors.extend(permits.errors);
    errors.sort();

    let mut report_only = Vec::new();
    let mut policies = forbids.policies + permits.policies;
    for effect in [PolicyEffect::Forbid, PolicyEffect::Permit] {
        let found = matches(Mode::ReportOnly, effect);
        policies += found.policies;
        report_only.extend(would_be(found, effect, denied));
    }
    report_only.sort_by(|a, b| a.policy.cmp(&b.policy));
    Evaluation {
        denied,
        determining,
        errors,
        invalid: None,
        report_only,
        policies,
    }
}

/// The ids of the enforced policies that match, permits and forbids alike.
pub(crate) fn matching(bundle: &PolicyBundle, request: &AccessRequest) -> BTreeSet<String> {
    let Ok(input) = Input::new(bundle, request) else {
        return BTreeSet::new();
    };
    let enforced = bundle.index.visit(&input.scope()).into_iter();
    let enforced = enforced.filter(|shard| shard.kind.mode == Mode::Enforce);
    let matched = matches(bundle, &input, enforced).matched;
    matched.into_iter().map(|policy| policy.id).collect()
}

fn would_be(
    found: Matches,
    effect: PolicyEffect,
    denied: Option<DenyReason>,
) -> impl Iterator<Item = ReportOnly> {
    let errors: BTreeMap<String, String> = found
        .errors
        .into_iter()
        .map(|error| (error.policy.id, error.message))
        .collect();
    let all_matched = found.matched;
    found.visited.into_iter().map(move |policy| {
        let matched = all_matched.contains(&policy);
        let error = errors.get(&policy.id).cloned();
        let would_change = match effect {
            PolicyEffect::Forbid => denied.is_none() && (matched || error.is_some()),
            PolicyEffect::Permit => denied == Some(DenyReason::NoPermit) && matched,
        };
        ReportOnly {
            policy,
            matched,
            error,
            would_change,
        }
    })
}

pub(crate) fn matches<'a>(
    bundle: &PolicyBundle,
    input: &Input,
    shards: impl Iterator<Item = &'a Shard>,
) -> Matches {
    let authorizer = Authorizer::new();
    let mut found = Matches::default();
    for shard in shards {
        let response = authorizer.is_authorized(&input.request, &shard.set, &input.entities);
        // A shard holds one effect only, so its reasons are all its policies that matched.
        let diagnostics = response.diagnostics();
        found
            .matched
            .extend(diagnostics.reason().filter_map(|id| reference(bundle, id)));
        found
            .errors
            .extend(diagnostics.errors().filter_map(|error| {
                let AuthorizationError::PolicyEvaluationError(error) = error;
                Some(PolicyError {
                    policy: reference(bundle, error.policy_id())?,
                    message: error.inner().to_string(),
                })
            }));
        found.policies += shard.policies.len();
        if shard.kind.mode == Mode::ReportOnly {
            found
                .visited
                .extend(shard.policies.iter().map(|policy| policy.reference.clone()));
        }
    }
    // Cedar's reasons come in random order.
    found.matched.sort();
    found
}

fn reference(bundle: &PolicyBundle, id: &PolicyId) -> Option<PolicyRef> {
    // INVARIANT: the authorizer only names policies of the bundle's shards.
    bundle
        .policy(id.as_ref())
        .map(|policy| policy.reference.clone())
}
