//! The decision record of a walk, as much as is known where it ended.

use super::Visit;
use super::client::RedirectTarget;
use crate::access::{Grounds, Signals};
use crate::audit::{DecisionRecord, Ending, Inputs};
use crate::domain::ids::Reference;
use crate::oidc::session::Subject;

/// A request that was refused before its client was known.
pub(super) fn refused(visit: &Visit<'_>, code: &str, message: &str) -> DecisionRecord {
    let ending = Ending::Refused {
        error: code.to_owned(),
        detail: message.to_owned(),
    };
    let mut record = new(visit, ending);
    record.client = visit
        .parameters
        .get("client_id")
        .map(|id| id.chars().take(128).collect());
    record
}

/// A request of a known client that ended before a decision.
pub(super) fn bare(visit: &Visit<'_>, target: &RedirectTarget, ending: Ending) -> DecisionRecord {
    let mut record = new(visit, ending);
    record.client = Some(target.client().id.to_string());
    record.application = Some(target.client().application.to_string());
    record
}

/// A request that was decided.
pub(super) fn decided(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    subject: &Subject,
    signals: &Signals,
    grounds: &Grounds,
    ending: Ending,
) -> DecisionRecord {
    let mut record = bare(visit, target, ending);
    record.user = Some(subject.user.id.to_string());
    record.username = Some(subject.user.username.clone());
    record.session = Some(subject.session.id.to_string());
    record.facts.clone_from(&grounds.facts);
    record.trail = signals.trail();
    record.decision = Some(grounds.decision.clone());
    record.request = Some(Box::new(grounds.request.clone()));
    record.offers = grounds.offered.clone().map(Box::new);
    record.explanation.clone_from(&grounds.explanation);
    record.inputs = inputs(target, subject, signals, grounds);
    record.decided_in_microseconds = u64::try_from(grounds.took.as_micros()).ok();
    record
}

/// Digests of what the decision was made from: of the versions that decided, whatever is live by now.
fn inputs(
    target: &RedirectTarget,
    subject: &Subject,
    signals: &Signals,
    grounds: &Grounds,
) -> Inputs {
    let devices = signals.versions.devices.as_ref();
    Inputs {
        policies: grounds.revision.clone(),
        users: subject.users.to_string(),
        clients: target.clients().to_string(),
        inventory: devices.map(|versions| versions.inventory.digest.to_string()),
        geoip: Some(signals.versions.geo.digest.to_string()),
        device_trust: devices.map(|versions| versions.trust.digest.to_string()),
    }
}

fn new(visit: &Visit<'_>, ending: Ending) -> DecisionRecord {
    let reference = Reference::generate(visit.cx.entropy.as_ref());
    DecisionRecord::new(reference, visit.now, ending)
}
