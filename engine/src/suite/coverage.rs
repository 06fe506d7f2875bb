//! What the cases of suites have tried: for each policy, whether requests were inside and outside its
//! scope, and whether each of its conditions held and failed. Whether the answers were right is `run`'s.

use cedar_policy::{ActionConstraint, PrincipalConstraint, ResourceConstraint};
use serde::{Deserialize, Serialize};

use crate::bundle::PolicyBundle;
use crate::entities::Input;
use crate::explain::{Held, Part, parts};
use crate::policy::{Policy, PolicyRef};
use crate::request::AccessRequest;
use crate::stack;

/// How many requests saw something one way, and how many the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The scope matched, or the condition held.
    pub yes: usize,
    /// It did not. What is unknown did not hold.
    pub no: usize,
}

/// What was seen of one condition, by requests within the scope of its policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionCoverage {
    /// What it demands, in words.
    pub words: String,
    /// Whether it held.
    pub seen: Seen,
}

/// What was seen of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyCoverage {
    /// The policy.
    pub policy: PolicyRef,
    /// Whether its principal, action and resource matched.
    pub scope: Seen,
    /// Whether its scope excludes nothing, so that no request can be outside it.
    pub open: bool,
    /// Its conditions, in the order of its text.
    pub conditions: Vec<ConditionCoverage>,
}

/// What was seen of every policy of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The policies of all modes, in the order of their places.
    pub policies: Vec<PolicyCoverage>,
}

impl Seen {
    /// Whether it was seen both ways.
    #[must_use]
    pub fn both(&self) -> bool {
        self.yes > 0 && self.no > 0
    }

    fn count(&mut self, yes: bool) {
        if yes {
            self.yes += 1;
        } else {
            self.no += 1;
        }
    }

    /// The ways it was seen.
    fn ways(self) -> usize {
        usize::from(self.yes > 0) + usize::from(self.no > 0)
    }
}

impl PolicyCoverage {
    /// Whether everything that can be seen of the policy was.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let (seen, all) = self.ways();
        seen == all
    }

    /// The ways its scope and conditions were seen, and all ways there are.
    fn ways(&self) -> (usize, usize) {
        let scope = if self.open {
            (usize::from(self.scope.yes > 0), 1)
        } else {
            (self.scope.ways(), 2)
        };
        let conditions = self.conditions.iter().map(|each| (each.seen.ways(), 2));
        conditions.fold(scope, |(seen, all), (more, of)| (seen + more, all + of))
    }
}

impl Coverage {
    /// The share of scopes and conditions that was seen, each way counting half. Only the whole is 100.
    #[must_use]
    pub fn percent(&self) -> u32 {
        let ways = self.policies.iter().map(PolicyCoverage::ways);
        let (seen, all) = ways.fold((0_usize, 0_usize), |(seen, all), (more, of)| {
            (seen + more, all + of)
        });
        let percent = (seen * 100).checked_div(all).unwrap_or(100);
        // INVARIANT: no more is seen than there is.
        u32::try_from(percent).unwrap_or(100)
    }
}

/// What `requests` try of the policies of a bundle.
#[must_use]
pub fn coverage(bundle: &PolicyBundle, requests: &[&AccessRequest]) -> Coverage {
    stack::with_enough(|| {
        // A request that does not fit the schema reaches no policy.
        let inputs: Vec<Input> = requests
            .iter()
            .filter_map(|request| Input::new(bundle, request).ok())
            .collect();
        let policies = bundle.policies().into_iter();
        Coverage {
            policies: policies
                .filter_map(|(reference, _)| bundle.policy(&reference.id))
                .map(|policy| of_policy(policy, &inputs))
                .collect(),
        }
    })
}

fn of_policy(policy: &Policy, inputs: &[Input]) -> PolicyCoverage {
    let parts = parts(policy);
    let mut scope = Seen::default();
    let mut seen = vec![Seen::default(); parts.len()];
    for input in inputs {
        let asked = input.scope();
        let inside = asked.concerns(policy) && asked.addresses(policy);
        scope.count(inside);
        if inside {
            for (part, seen) in parts.iter().zip(&mut seen) {
                seen.count(part.judge(input, &[]) == Held::Yes);
            }
        }
    }
    let words = parts.iter().map(Part::words);
    PolicyCoverage {
        policy: policy.reference.clone(),
        scope,
        open: is_open(policy),
        conditions: words
            .zip(seen)
            .map(|(words, seen)| ConditionCoverage { words, seen })
            .collect(),
    }
}

/// Whether every request is within the scope: a principal is always a user, a resource an application.
fn is_open(policy: &Policy) -> bool {
    let policy = &policy.cedar;
    matches!(
        policy.principal_constraint(),
        PrincipalConstraint::Any | PrincipalConstraint::Is(_)
    ) && matches!(policy.action_constraint(), ActionConstraint::Any)
        && matches!(
            policy.resource_constraint(),
            ResourceConstraint::Any | ResourceConstraint::Is(_)
        )
}
