//! The decision record of a walk, as much as is known where it ended.

use super::Visit;
use super::client::RedirectTarget;
use super::profile::{self, OktaContext};
use crate::access::{Grounds, Signals};
use crate::audit::{Caller, DecisionRecord, Ending, Inputs};
use crate::domain::ids::Reference;
use crate::oidc::parameters::Parameters;
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
    record.application = Some(target.application().id.clone());
    record.action = profile::action(target.client());
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
    record.session = subject.standing.session_id().map(ToString::to_string);
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
    let mut record = DecisionRecord::new(reference, visit.now, ending);
    record.caller = caller(&visit.parameters);
    if let Some(account) = &visit.arrived.carried.entra {
        record.caller.tenant = Some(account.tenant().to_owned());
        record.caller.object_id = Some(account.object().to_owned());
    }
    record
}

/// What the client calls the request, as the request itself says: unverified, and only to be searched for.
fn caller(parameters: &Parameters) -> Caller {
    let okta = OktaContext::first(parameters);
    Caller {
        client_request_id: parameters.get("client-request-id").map(clipped),
        state: parameters.get("state").map(clipped),
        app_name: okta.name.map(clipped),
        app_instance_id: okta.instance.map(clipped),
        tenant: None,
        object_id: None,
    }
}

fn clipped(text: &str) -> String {
    text.chars().take(Caller::LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Caller {
        let pairs = pairs.iter();
        let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        caller(&Parameters::stored(pairs.collect()))
    }

    #[test]
    fn both_spellings_of_okta_are_understood() {
        for (name, instance) in [
            ("OktaAppName", "OktaAppInstanceId"),
            ("okta_app_name", "okta_app_instance_id"),
            ("oktaappname", "OKTAAPPINSTANCEID"),
        ] {
            let caller = of(&[(name, "Payroll"), (instance, "0oa1")]);
            assert_eq!(caller.app_name.as_deref(), Some("Payroll"), "{name}");
            assert_eq!(caller.app_instance_id.as_deref(), Some("0oa1"), "{name}");
        }
    }

    #[test]
    fn what_is_long_is_cut_and_what_is_empty_is_left_out() {
        let long = "é".repeat(300);
        let caller = of(&[("state", long.as_str()), ("client-request-id", "")]);
        assert_eq!(caller.state.unwrap().chars().count(), Caller::LONGEST);
        assert_eq!(caller.client_request_id, None);
        assert!(of(&[("nonce", "n")]).is_empty());
    }
}
