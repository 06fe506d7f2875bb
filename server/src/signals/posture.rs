//! What the inventory and a certificate together say about a device, each statement with its age.
//! Leaves to others whether the certificate is valid (`certificate`), where the record comes from
//! (`directory`) and what a policy makes of a missing statement.

use std::sync::Arc;

use chrono::TimeDelta;
use doorward_engine::{Device, Fact};

use crate::domain::authentication::DeviceProof;
use crate::domain::clock::Timestamp;
use crate::domain::ids::DeviceId;
use crate::domain::inventory::{DeviceRecord, Match, UNMATCHED_PREFIX};

/// The source that is named where no record could be asked.
const INVENTORY: &str = "inventory";

/// The device that proved itself with a certificate of this identity.
///
/// A statement is known only where exactly one record matches, the record makes it, and it was observed
/// no longer ago than `evidence_lifetime`. Assignments and the organisation's own attributes are
/// statements of the administrator; they do not age.
#[must_use]
pub fn device_facts(
    identity: &str,
    record: &Match<'_>,
    proof: &DeviceProof,
    evidence_lifetime: TimeDelta,
    now: Timestamp,
) -> Device {
    let evidence = Evidence {
        record: match record {
            Match::One(record) => Ok(*record),
            Match::None => Err(format!("no inventory record matches `{identity}`")),
            Match::Conflict(ids) => Err(conflict(ids)),
        },
        lifetime: evidence_lifetime,
        now,
    };
    let record = record.record();
    Device {
        id: record.map_or_else(
            || format!("{UNMATCHED_PREFIX}{identity}"),
            |record| record.id.as_str().to_owned(),
        ),
        managed: evidence.of(|record| record.managed),
        disk_encryption: evidence.of(|record| record.disk_encryption),
        compliant: evidence.of(|record| record.compliant),
        platform: evidence.of(|record| record.platform),
        os_version: evidence.of(|record| record.os_version),
        assigned_to: record
            .into_iter()
            .flat_map(|record| &record.assigned_to)
            .map(|user| user.as_str().to_owned())
            .collect(),
        proved_at: proof.proved_at,
        attributes: record
            .map(|record| record.attributes.clone())
            .unwrap_or_default(),
    }
}

/// The one record, or why there is none, and how old its statements may be.
struct Evidence<'a> {
    record: Result<&'a Arc<DeviceRecord>, String>,
    lifetime: TimeDelta,
    now: Timestamp,
}

impl Evidence<'_> {
    fn of<T>(&self, statement: impl FnOnce(&DeviceRecord) -> Option<T>) -> Fact<T> {
        let record = match &self.record {
            Ok(record) => record,
            Err(reason) => return Fact::unknown(reason.clone(), INVENTORY),
        };
        let source = record.source.clone();
        match (statement(record), record.observed_at) {
            (None, _) => Fact::unknown("the inventory does not say", source),
            (Some(_), None) => {
                Fact::unknown("the inventory does not say when this was observed", source)
            }
            (Some(value), Some(observed_at)) => {
                Fact::known(value, source, observed_at).fresh_within(self.lifetime, self.now)
            }
        }
    }
}

fn conflict(ids: &[DeviceId]) -> String {
    let count = match ids.len() {
        2 => "two".to_owned(),
        count => count.to_string(),
    };
    let ids: Vec<&str> = ids.iter().map(DeviceId::as_str).collect();
    format!("{count} inventory records match: {}", ids.join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::net::Ipv4Addr;

    use doorward_engine::{AttributeValue, DiskEncryption, Platform};

    use super::*;
    use crate::domain::ids::UserId;

    const IDENTITY: &str = "urn:doorward:device:mbp-ana";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn record() -> DeviceRecord {
        DeviceRecord {
            id: DeviceId::new("mbp-ana"),
            identities: vec![IDENTITY.to_owned()],
            serial: None,
            name: "MBP-ANA".to_owned(),
            managed: Some(true),
            disk_encryption: Some(DiskEncryption::On),
            compliant: None,
            platform: Some(Platform::Macos),
            os_version: "15.3.1".parse().ok(),
            assigned_to: BTreeSet::from([UserId::new("u-ana")]),
            observed_at: Some(at("2026-11-24T10:00:00Z")),
            attributes: BTreeMap::from([("pool".to_owned(), AttributeValue::Long(7))]),
            source: "fleet".to_owned(),
        }
    }

    fn facts(record: &Match<'_>) -> Device {
        let proof = DeviceProof {
            chain: Vec::new(),
            proved_at: at("2026-11-24T11:59:00Z"),
            address: Ipv4Addr::LOCALHOST.into(),
        };
        let now = at("2026-11-24T12:00:00Z");
        device_facts(IDENTITY, record, &proof, TimeDelta::hours(24), now)
    }

    fn facts_of(record: DeviceRecord) -> Device {
        facts(&Match::One(&Arc::new(record)))
    }

    #[test]
    fn a_fresh_record_is_believed() {
        let device = facts_of(record());
        assert_eq!(device.id, "mbp-ana");
        assert_eq!(device.managed.value(), Some(&true));
        assert_eq!(device.managed.source(), "fleet");
        assert_eq!(
            device.managed.observed_at(),
            Some(at("2026-11-24T10:00:00Z"))
        );
        assert_eq!(device.disk_encryption.value(), Some(&DiskEncryption::On));
        assert_eq!(device.platform.value(), Some(&Platform::Macos));
        assert_eq!(device.proved_at, at("2026-11-24T11:59:00Z"));
        assert!(device.assigned_to.contains("u-ana"));
        assert_eq!(device.attributes.len(), 1);
    }

    #[test]
    fn what_the_record_does_not_say_is_unknown() {
        let device = facts_of(record());
        assert_eq!(
            device.compliant.reason(),
            Some("the inventory does not say")
        );
    }

    #[test]
    fn a_stale_record_is_not_believed() {
        let device = facts_of(DeviceRecord {
            observed_at: Some(at("2026-11-22T10:00:00Z")),
            ..record()
        });
        for reason in [
            device.managed.reason(),
            device.disk_encryption.reason(),
            device.os_version.reason(),
        ] {
            assert!(reason.unwrap().starts_with("stale"), "{reason:?}");
        }
    }

    #[test]
    fn a_record_of_the_future_is_not_believed() {
        let device = facts_of(DeviceRecord {
            observed_at: Some(at("2026-11-25T10:00:00Z")),
            ..record()
        });
        assert_eq!(device.managed.reason(), Some("observed in the future"));
    }

    #[test]
    fn a_record_without_time_is_not_believed() {
        let device = facts_of(DeviceRecord {
            observed_at: None,
            ..record()
        });
        assert_eq!(
            device.managed.reason(),
            Some("the inventory does not say when this was observed")
        );
    }

    #[test]
    fn without_a_record_nothing_is_known_and_the_identifier_says_so() {
        let device = facts(&Match::None);
        assert_eq!(device.id, format!("certificate:{IDENTITY}"));
        assert_eq!(
            device.managed.reason(),
            Some("no inventory record matches `urn:doorward:device:mbp-ana`")
        );
        assert!(device.assigned_to.is_empty());
        assert!(device.attributes.is_empty());
    }

    #[test]
    fn records_in_conflict_are_named_and_not_believed() {
        let device = facts(&Match::Conflict(vec![
            DeviceId::new("a"),
            DeviceId::new("b"),
        ]));
        assert!(device.id.starts_with(UNMATCHED_PREFIX));
        assert_eq!(
            device.managed.reason(),
            Some("two inventory records match: a, b")
        );
        assert!(device.assigned_to.is_empty());
    }
}
