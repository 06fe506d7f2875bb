//! How each policy that concerns a request sees it, whatever the answer is: for people who try a question out.
//! The answer itself is made in `evaluate.rs`, and conditions are put into words by `explain.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bundle::PolicyBundle;
use crate::entities::Input;
use crate::evaluate::matches;
use crate::explain::{Condition, Held, Role, explain, is_open, principal_condition};
use crate::facts::FactRow;
use crate::policy::{Mode, Policy, PolicyEffect, PolicyRef};
use crate::request::AccessRequest;
use crate::stack;

/// One policy whose action and resource are those of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyOutcome {
    /// The policy.
    pub policy: PolicyRef,
    /// Whether it decides.
    pub mode: Mode,
    /// What its evaluation came to.
    pub result: PolicyResult,
    /// What Cedar said, where it could not be evaluated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// What its head says about the user, unless that is anyone, and its conditions in the order of its text.
    pub conditions: Vec<Condition>,
}

/// What the evaluation of a policy came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyResult {
    /// It matched.
    Matched,
    /// It did not.
    NotMatched,
    /// It could not be evaluated.
    Failed,
}

impl PolicyOutcome {
    /// The conditions that tell why the policy did not match; all of them where it did, or could not be
    /// evaluated.
    #[must_use]
    pub fn telling(&self) -> Vec<&Condition> {
        if self.result != PolicyResult::NotMatched {
            return self.conditions.iter().collect();
        }
        let missed = |condition: &Condition| condition.held != Held::Yes;
        match self.policy.effect {
            PolicyEffect::Permit => self.those(missed),
            PolicyEffect::Forbid => {
                let not_met = self.those(|it| it.role == Role::Applies && missed(it));
                if not_met.is_empty() {
                    // All that it applies because of is there: what it requires held, and lifted it.
                    self.those(|condition| condition.role == Role::Requires)
                } else {
                    not_met
                }
            }
        }
    }

    fn those(&self, wanted: impl Fn(&Condition) -> bool) -> Vec<&Condition> {
        let conditions = self.conditions.iter();
        conditions.filter(|condition| wanted(condition)).collect()
    }
}

/// How each policy that is about the action and the application of the request sees it, report-only ones
/// included, in the order of their places. None where the request does not fit the schema.
///
/// Costs far more than deciding the request.
#[must_use]
pub fn outcomes(bundle: &PolicyBundle, request: &AccessRequest) -> Vec<PolicyOutcome> {
    stack::with_enough(|| match Input::new(bundle, request) {
        Ok(input) => seen(bundle, &input, &request.facts()),
        Err(_) => Vec::new(),
    })
}

fn seen(bundle: &PolicyBundle, input: &Input, facts: &[FactRow]) -> Vec<PolicyOutcome> {
    let scope = input.scope();
    let mut matched: BTreeSet<String> = BTreeSet::new();
    let mut errors: BTreeMap<String, String> = BTreeMap::new();
    for shard in bundle.index.visit(&scope) {
        let found = matches(bundle, input, std::iter::once(shard));
        matched.extend(found.matched.into_iter().map(|policy| policy.id));
        errors.extend(
            found
                .errors
                .into_iter()
                .map(|error| (error.policy.id, error.message)),
        );
    }
    let all = bundle.in_order().into_iter();
    let concerned = all.filter(|policy| scope.concerns(policy));
    concerned
        .map(|policy| {
            let error = errors.remove(policy.id());
            PolicyOutcome {
                policy: policy.reference.clone(),
                mode: policy.mode,
                result: match &error {
                    Some(_) => PolicyResult::Failed,
                    None if matched.contains(policy.id()) => PolicyResult::Matched,
                    None => PolicyResult::NotMatched,
                },
                error,
                conditions: conditions_of(policy, scope.addresses(policy), input, facts),
            }
        })
        .collect()
}

fn conditions_of(
    policy: &Arc<Policy>,
    addressed: bool,
    input: &Input,
    facts: &[FactRow],
) -> Vec<Condition> {
    let mut conditions = explain(policy, input, facts).conditions;
    if !addressed || !is_open(policy) {
        let mut principal = principal_condition(policy, addressed, facts);
        if policy.reference.effect == PolicyEffect::Forbid {
            principal.role = Role::Applies;
        }
        conditions.insert(0, principal);
    }
    conditions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{ana_to, load, starter};
    use crate::{Fact, Offers};

    /// One line a policy, and below it what tells why.
    fn text(bundle: &PolicyBundle, request: &AccessRequest) -> String {
        outcomes(bundle, request)
            .iter()
            .map(|outcome| {
                let PolicyOutcome { mode, result, .. } = outcome;
                let head = format!("{} {mode:?} {result:?}\n", outcome.policy.id);
                let told = outcome.telling().into_iter().map(|condition| {
                    let Condition {
                        words, role, held, ..
                    } = condition;
                    format!("  {role:?} {held:?}: {words}\n")
                });
                head + &told.collect::<String>()
            })
            .collect()
    }

    #[test]
    fn every_policy_about_the_application_is_told_with_what_kept_it_from_matching() {
        let mut request = ana_to("payroll");
        request.country = Fact::known("JP".parse().unwrap(), "command line", request.now);
        insta::assert_snapshot!(text(&starter(), &request));
    }

    #[test]
    fn policies_about_other_applications_and_actions_are_left_out() {
        let ids = |application, action| {
            let mut request = ana_to(application);
            request.action = action;
            let outcomes = outcomes(&starter(), &request);
            let ids = outcomes.into_iter().map(|outcome| outcome.policy.id);
            ids.collect::<Vec<_>>()
        };
        assert_eq!(ids("wiki", crate::Action::SignIn), ["workplace"]);
        assert_eq!(ids("payroll", crate::Action::Posture), ["own-device-only"]);
    }

    #[test]
    fn a_policy_for_other_people_is_told_too() {
        let bundle = load(&[
            (
                "a.cedar",
                r#"@id("partners") permit (principal in Group::"partners", action, resource);
                   @id("not-partners") forbid (principal in Group::"partners", action, resource);"#,
            ),
            ("entities.toml", "[group.partners]\n"),
        ])
        .unwrap();
        insta::assert_snapshot!(text(&bundle, &ana_to("wiki")), @r"
        partners Enforce NotMatched
          Requires No: user is in group partners
        not-partners Enforce NotMatched
          Applies No: user is in group partners
        ");
    }

    #[test]
    fn a_policy_that_cannot_be_evaluated_is_told_with_what_cedar_said() {
        let bundle = load(&[(
            "a.cedar",
            r#"@id("all") permit (principal, action, resource);
               @id("broken") forbid (principal, action, resource)
               when { context has device && context.device has osVersion
                      && context.device.osVersion * 9000000000 > 0 };"#,
        )])
        .unwrap();
        let outcomes = outcomes(&bundle, &ana_to("wiki"));
        let broken = outcomes.iter().find(|it| it.policy.id == "broken").unwrap();
        assert_eq!(broken.result, PolicyResult::Failed);
        assert!(broken.error.as_deref().unwrap().contains("overflow"));
    }

    #[test]
    fn what_matched_is_what_the_decision_says() {
        let bundle = starter();
        for application in ["wiki", "payroll"] {
            let request = ana_to(application);
            let decision = bundle.decide(&request, Offers::none);
            let outcomes = outcomes(&bundle, &request);
            for policy in &decision.determining {
                let found = outcomes.iter().find(|it| it.policy == *policy).unwrap();
                assert_eq!(found.result, PolicyResult::Matched, "{}", policy.id);
            }
        }
    }
}
