//! A permit that lets somebody in without a device, or however long ago they authenticated, and no forbid
//! stops it. The finding shows a request that the whole bundle permits.

use std::sync::Arc;

use super::examine::at_head;
use super::reach::{Alone, MOST};
use crate::bundle::PolicyBundle;
use crate::entities::Input;
use crate::error::Diagnostic;
use crate::evaluate::evaluate;
use crate::policy::{Mode, Policy, PolicyEffect};
use crate::representatives::{AGES_AGO, Representatives, Value, describe};
use crate::request::{AccessRequest, Action};

pub(super) const WITHOUT_DEVICE: &str = "permit-without-device";
pub(super) const WITHOUT_REAUTHENTICATION: &str = "permit-without-reauthentication";

pub(super) fn find(bundle: &PolicyBundle, policy: &Policy) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some(request) = example(bundle, policy, &[Value::Device(None)]) {
        let message = format!(
            "policy `{}` lets people in without a device, such as {}",
            policy.id(),
            describe(&request)
        );
        found.push(at_head(policy, WITHOUT_DEVICE, message).with_help(
            "add `when { context has device && context.device.managed }`, or allow it with `@allow(\"permit-without-device\")`",
        ));
    }
    let ages = [
        Value::Password(Some(AGES_AGO)),
        Value::SecondFactor(Some(AGES_AGO)),
    ];
    if let Some(request) = example(bundle, policy, &ages) {
        let message = format!(
            "policy `{}` lets people in however long ago they authenticated, such as {}",
            policy.id(),
            describe(&request)
        );
        found.push(at_head(policy, WITHOUT_REAUTHENTICATION, message).with_help(
            "add `when { context.session has passwordAge && context.session.passwordAge <= duration(\"7d\") }`, or allow it with `@allow(\"permit-without-reauthentication\")`",
        ));
    }
    found
}

/// A request with these values that the policy permits, and the bundle with it.
fn example(bundle: &PolicyBundle, policy: &Policy, fixed: &[Value]) -> Option<AccessRequest> {
    let alone = Alone::new(policy);
    // Who reports a device lets nobody in.
    let lets_in = |request: &AccessRequest| request.action != Action::Posture;
    let permits = |request: &AccessRequest| lets_in(request) && alone.matches(bundle, request);
    // First without regard to forbids: most policies end here.
    let by_itself = requests(bundle, &[policy], policy, fixed);
    let first = by_itself.iter(MOST).find(permits)?;
    let forbids = forbids(bundle, &first);
    let mut together: Vec<&Policy> = vec![policy];
    together.extend(forbids.iter().map(Arc::as_ref));
    requests(bundle, &together, policy, fixed)
        .iter(MOST)
        .filter(permits)
        .find(|request| evaluate(bundle, request).denied.is_none())
}

fn requests(
    bundle: &PolicyBundle,
    told_apart_by: &[&Policy],
    scope: &Policy,
    fixed: &[Value],
) -> Representatives {
    let mut requests = Representatives::of(bundle, told_apart_by);
    requests.keep_scope(bundle, scope);
    for value in fixed {
        requests.fix(value);
    }
    requests
}

/// The forbids that a request of this scope has to get past.
fn forbids(bundle: &PolicyBundle, request: &AccessRequest) -> Vec<Arc<Policy>> {
    let Ok(input) = Input::new(bundle, request) else {
        return Vec::new();
    };
    bundle
        .index
        .visit(&input.scope())
        .into_iter()
        .filter(|shard| {
            shard.kind.mode == Mode::Enforce && shard.kind.effect == PolicyEffect::Forbid
        })
        .flat_map(|shard| shard.policies.iter().cloned())
        .collect()
}
