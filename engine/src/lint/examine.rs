//! What is doubtful about policies that a server would use: traps of conditional access, each with a
//! finding of its own that `@allow` can silence. It asks far more than a reload should, so nothing but
//! people's commands asks for it.

use std::sync::Arc;

use super::{admits, can_error, catch_all, missing_reason, reach};
use crate::bundle::PolicyBundle;
use crate::error::{Diagnostic, Severity, sort};
use crate::policy::{Mode, Policy, PolicyEffect};
use crate::stack;

/// The findings that `@allow` can silence.
pub(crate) const IDS: [&str; 9] = [
    catch_all::ID,
    can_error::ID,
    admits::WITHOUT_DEVICE,
    admits::WITHOUT_REAUTHENTICATION,
    reach::NEVER,
    reach::ALWAYS,
    reach::SHADOWED,
    missing_reason::ID,
    UNUSED_ALLOW,
];

const UNUSED_ALLOW: &str = "unused-allow";

/// The ids of the findings that `@allow` can silence.
#[must_use]
pub fn lint_ids() -> &'static [&'static str] {
    &IDS
}

impl PolicyBundle {
    /// What is doubtful about the policies: each finding is a warning.
    ///
    /// It tries many requests for each policy, milliseconds of work, so it is for people who wait for it
    /// and not for a server that reloads.
    #[must_use]
    pub fn examine(&self) -> Vec<Diagnostic> {
        stack::with_enough(|| {
            let mut findings: Vec<Diagnostic> = self
                .in_order()
                .into_iter()
                .flat_map(|policy| judge(self, policy))
                .collect();
            sort(&mut findings);
            findings
        })
    }
}

fn judge(bundle: &PolicyBundle, policy: &Arc<Policy>) -> Vec<Diagnostic> {
    let mut found = missing_reason::find(policy);
    let catches_all = catch_all::find(policy);
    let enforced = policy.mode == Mode::Enforce;
    if enforced && policy.reference.effect == PolicyEffect::Forbid {
        found.extend(can_error::find(policy));
    }
    if catches_all.is_empty() {
        let reached = reach::try_out(bundle, policy);
        found.extend(reached.findings);
        // Whatever a permit admits that admits nothing of its own is the others' to answer for.
        if enforced
            && policy.reference.effect == PolicyEffect::Permit
            && !reached.witnesses.is_empty()
        {
            found.extend(admits::find(bundle, policy));
        }
    }
    found.extend(catches_all);
    let silenced = |finding: &Diagnostic| policy.allows.contains(finding.code);
    let unused: Vec<Diagnostic> = policy
        .allows
        .iter()
        .filter(|id| {
            *id != UNUSED_ALLOW && !found.iter().any(|finding| finding.code == id.as_str())
        })
        .map(|id| unused(policy, id))
        .collect();
    found.extend(unused);
    found.retain(|finding| !silenced(finding));
    found
}

fn unused(policy: &Policy, id: &str) -> Diagnostic {
    let message = format!("`@allow(\"{id}\")` allows what is not found");
    at_head(policy, UNUSED_ALLOW, message)
        .with_help("remove it, so that it cannot hide a later mistake")
}

/// A warning that marks the first line of the policy.
pub(super) fn at_head(policy: &Policy, id: &'static str, message: impl Into<String>) -> Diagnostic {
    let text = policy.file().text.get(policy.at.clone()).unwrap_or("");
    let length = text.lines().next().map_or(0, str::len);
    let mut finding = Diagnostic::error(policy.file(), id, policy.at.start, length, message);
    finding.severity = Severity::Warning;
    finding
}
