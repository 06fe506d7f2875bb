//! The decision record of a refresh, as much as is known where it ended, and the error that carries its reference.

use doorward_engine::Action;

use crate::access::{Grounds, Signals};
use crate::audit::{self, DecisionRecord, Ending, Inputs};
use crate::directory::users::UserRecord;
use crate::domain::clock::Timestamp;
use crate::domain::grant::Grant;
use crate::domain::ids::Reference;
use crate::oidc::endpoint::EndpointError;
use crate::oidc::provider::Provider;
use crate::reload::Digest;

/// A refresh of which is known what it is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refreshing<'a> {
    pub(super) cx: &'a Provider,
    /// What the user once allowed.
    pub(super) grant: &'a Grant,
    /// The users file that the user was read from.
    pub(super) users: Digest,
    /// The clients file that the client was read from.
    pub(super) clients: Digest,
    pub(super) now: Timestamp,
}

/// A refresh that ended before a decision.
pub(super) fn bare(cx: &Provider, grant: &Grant, now: Timestamp, ending: Ending) -> DecisionRecord {
    let reference = Reference::generate(cx.entropy.as_ref());
    DecisionRecord {
        client: Some(grant.client.to_string()),
        application: Some(grant.application.to_string()),
        user: Some(grant.user.to_string()),
        session: grant.session.as_ref().map(ToString::to_string),
        ..DecisionRecord::about(Action::Refresh, reference, now, ending)
    }
}

/// A refresh that was decided.
pub(super) fn decided(
    refreshing: &Refreshing<'_>,
    user: &UserRecord,
    signals: &Signals,
    grounds: &Grounds,
    ending: Ending,
) -> DecisionRecord {
    let devices = signals.versions.devices.as_ref();
    DecisionRecord {
        // The client may belong to another application by now.
        application: Some(grounds.request.application.id.clone()),
        username: Some(user.username.clone()),
        facts: grounds.facts.clone(),
        trail: signals.trail(),
        decision: Some(grounds.decision.clone()),
        request: Some(Box::new(grounds.request.clone())),
        offers: grounds.offered.clone().map(Box::new),
        explanation: grounds.explanation.clone(),
        inputs: Inputs {
            policies: grounds.revision.clone(),
            users: refreshing.users.to_string(),
            clients: refreshing.clients.to_string(),
            inventory: devices.map(|versions| versions.inventory.digest.to_string()),
            geoip: Some(signals.versions.geo.digest.to_string()),
            device_trust: devices.map(|versions| versions.trust.digest.to_string()),
        },
        decided_in_microseconds: u64::try_from(grounds.took.as_micros()).ok(),
        ..bare(refreshing.cx, refreshing.grant, refreshing.now, ending)
    }
}

/// Writes the record of a refresh that brings nothing about, and gives the error for the client.
pub(super) async fn refuse(
    cx: &Provider,
    record: DecisionRecord,
    why: &str,
) -> Result<EndpointError, EndpointError> {
    let mut work = cx.storage.begin().await?;
    audit::record(work.as_mut(), &record).await?;
    work.commit().await?;
    let reference = record.reference;
    cx.log.write(record);
    Ok(error(why, reference))
}

/// The error that says how the record is found.
pub(super) fn error(why: &str, reference: Reference) -> EndpointError {
    EndpointError::invalid_grant(format!("{why} (reference {reference})"))
}
