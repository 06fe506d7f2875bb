//! What a suite says about the circumstances of a request, as facts: the same that the server would
//! gather, with its words for what is missing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::format::{Ago, At, CaseEntry, DeviceEntry, SuiteFile};
use super::{EVIDENCE_LIFETIME, PROOF_LIFETIME};
use crate::fact::Fact;
use crate::request::{Device, Session};
use crate::words;

/// The source of what the suite itself says.
pub(super) const SUITE: &str = "suite";
/// The source of a device's presence.
pub(super) const DEVICE_HOST: &str = "device host";
/// Identifies, among the offers, the device that no record knows.
pub(super) const STRANGER: &str = "certificate:certificate of an unknown device";

const INVENTORY: &str = "inventory";

/// The device, if its certificate was presented recently enough to count.
pub(super) fn presented(
    suite: &SuiteFile,
    id: &str,
    fixture: &DeviceEntry,
    now: DateTime<Utc>,
) -> Fact<Device> {
    let proved_at = now - fixture.proved.map_or(TimeDelta::zero(), |age| age.0);
    let lifetime = suite.proof_lifetime.map_or(PROOF_LIFETIME, |age| age.0);
    if now - proved_at > lifetime {
        let reason = format!(
            "the device was last checked {}, and that counts for {}",
            words::ago(proved_at, now),
            words::span(lifetime)
        );
        return Fact::unknown(reason, DEVICE_HOST);
    }
    let device = Device {
        proved_at,
        ..posture(suite, id, fixture, now)
    };
    Fact::known(device, "client certificate", proved_at)
}

/// The device as it would be, had it presented its certificate just now.
pub(super) fn posture(
    suite: &SuiteFile,
    id: &str,
    fixture: &DeviceEntry,
    now: DateTime<Utc>,
) -> Device {
    let observation = Observation {
        at: now - fixture.observed.map_or(TimeDelta::zero(), |age| age.0),
        lifetime: suite
            .evidence_lifetime
            .map_or(EVIDENCE_LIFETIME, |age| age.0),
        now,
    };
    Device {
        id: id.to_owned(),
        managed: observation.of(fixture.managed),
        disk_encryption: observation.of(fixture.disk_encryption),
        compliant: observation.of(fixture.compliant),
        platform: observation.of(fixture.platform),
        os_version: observation.of(fixture.os_version),
        assigned_to: fixture
            .assigned_to
            .iter()
            .map(|user| user.value.clone())
            .collect(),
        proved_at: now,
        attributes: fixture.attributes.clone(),
    }
}

/// Every device, in the order in which the server tries them: the user's own, those of nobody, those of
/// others, and one that the inventory does not know.
pub(super) fn every_device(suite: &SuiteFile, user: &str, now: DateTime<Utc>) -> Vec<Device> {
    let mut fixtures: Vec<_> = suite.device.iter().collect();
    fixtures.sort_by_key(|(_, fixture)| {
        let users = &fixture.value.assigned_to;
        let own = users.iter().any(|at| at.value == user);
        (!own, !users.is_empty())
    });
    let known = fixtures
        .into_iter()
        .map(|(id, fixture)| posture(suite, id, &fixture.value, now));
    known.chain([stranger(now)]).collect()
}

/// How old what the inventory says is, and how old it may be.
struct Observation {
    at: DateTime<Utc>,
    lifetime: TimeDelta,
    now: DateTime<Utc>,
}

impl Observation {
    fn of<T>(&self, statement: Option<T>) -> Fact<T> {
        match statement {
            Some(value) => {
                Fact::known(value, INVENTORY, self.at).fresh_within(self.lifetime, self.now)
            }
            None => Fact::unknown("the inventory does not say", INVENTORY),
        }
    }
}

/// How, and how long ago, the user of a case authenticated.
pub(super) fn session(entry: &CaseEntry, now: DateTime<Utc>) -> Session {
    let proved =
        |ago: Option<&At<Ago>>, what: &str, source: &str| match ago.and_then(|at| at.value.0) {
            Some(age) => Fact::known(now - age, source, now - age),
            None => Fact::unknown(format!("{what} in this session"), source),
        };
    let password = proved(
        entry.password.as_ref(),
        "no password was entered",
        "password",
    );
    let methods = match &entry.methods {
        Some(methods) => methods.value.clone(),
        None => password
            .value()
            .map(|_| "pwd".to_owned())
            .into_iter()
            .collect(),
    };
    Session {
        second_factor: proved(
            entry.second_factor.as_ref(),
            "no second factor was proved",
            "second factor",
        ),
        password,
        methods,
    }
}

/// A device with a certificate that counts, and no record.
fn stranger(now: DateTime<Utc>) -> Device {
    fn unknown<T>() -> Fact<T> {
        Fact::unknown("no inventory record matches the certificate", INVENTORY)
    }
    Device {
        id: STRANGER.to_owned(),
        managed: unknown(),
        disk_encryption: unknown(),
        compliant: unknown(),
        platform: unknown(),
        os_version: unknown(),
        assigned_to: BTreeSet::new(),
        proved_at: now,
        attributes: BTreeMap::new(),
    }
}
