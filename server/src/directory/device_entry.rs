//! A device as the inventory writes it, and what may be wrong with it.
//! Leaves to others how devices are found (`devices`).

use std::collections::BTreeSet;

use chrono::DateTime;
use doorward_engine::{DiskEncryption, OsVersion, Platform};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use toml::{Spanned, Value};

use super::{RawAttributes, Report, attributes, check_id};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{DeviceId, UserId};
use crate::domain::inventory::{DeviceRecord, UNMATCHED_PREFIX};

/// The source of a record that names none.
const INVENTORY: &str = "inventory";

/// The devices of this organisation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DevicesFile {
    /// One device each.
    #[serde(default)]
    pub(super) device: Vec<DeviceEntry>,
}

/// A device. What is left out is unknown, which never counts as a yes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceEntry {
    /// The identifier that policies and records name: 1 to 255 visible ASCII characters.
    #[schemars(with = "String")]
    pub(super) id: Spanned<String>,
    /// Identities that a certificate of this device may carry, compared exactly.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) identities: Vec<Spanned<String>>,
    /// The maker's serial number.
    serial: Option<String>,
    /// The name that people know the device by; the id, where it is left out.
    name: Option<String>,
    /// Under management of the organisation.
    managed: Option<bool>,
    /// State of the disk's encryption; only `on` counts as encrypted.
    #[schemars(schema_with = "disk_encryption_schema")]
    #[serde(default)]
    disk_encryption: Option<DiskEncryption>,
    /// Meets the requirements of the source that watches it.
    compliant: Option<bool>,
    /// The operating system's family.
    #[schemars(schema_with = "platform_schema")]
    #[serde(default)]
    platform: Option<Platform>,
    /// The operating system's version: up to three numbers, such as `15.3.1`.
    #[schemars(with = "Option<String>")]
    os_version: Option<Spanned<String>>,
    /// The ids of the users the device is assigned to.
    #[serde(default)]
    assigned_to: BTreeSet<String>,
    /// When the source observed all this, with a time zone.
    #[schemars(with = "Option<Timestamp>")]
    observed_at: Option<Spanned<Value>>,
    /// Attributes that the organisation added to `Device` in its schema.
    #[serde(default)]
    #[schemars(schema_with = "super::attributes_schema")]
    attributes: RawAttributes,
    /// The source of the record, in a word; `inventory`, where it is left out.
    source: Option<String>,
}

impl DeviceEntry {
    /// The record; everything wrong is reported.
    pub(super) fn check(self, report: &mut Report<'_>) -> DeviceRecord {
        check_id(report, "device", &self.id);
        if self.id.get_ref().starts_with(UNMATCHED_PREFIX) {
            report.error(
                &self.id,
                format!(
                    "the id `{}` begins like that of a device without a record",
                    self.id
                ),
            );
        }
        for identity in &self.identities {
            if identity.get_ref().trim().is_empty() {
                report.error(
                    identity,
                    format!("an identity of device `{}` is empty", self.id),
                );
            }
        }
        let os_version = self.os_version(report);
        let observed_at = self.observed_at(report);
        let id = self.id.into_inner();
        DeviceRecord {
            identities: self
                .identities
                .into_iter()
                .map(Spanned::into_inner)
                .collect(),
            serial: self.serial,
            name: self.name.unwrap_or_else(|| id.clone()),
            managed: self.managed,
            disk_encryption: self.disk_encryption,
            compliant: self.compliant,
            platform: self.platform,
            os_version,
            assigned_to: self.assigned_to.into_iter().map(UserId::new).collect(),
            observed_at,
            attributes: attributes(report, self.attributes),
            source: self.source.unwrap_or_else(|| INVENTORY.to_owned()),
            id: DeviceId::new(id),
        }
    }

    /// A version that cannot be compared is unknown. It is no error: one odd export must not keep every
    /// other record from being renewed.
    fn os_version(&self, report: &mut Report<'_>) -> Option<OsVersion> {
        let version = self.os_version.as_ref()?;
        match version.get_ref().parse::<OsVersion>() {
            Ok(parsed) => Some(parsed),
            Err(refused) => {
                report.warning_with_help(
                    version,
                    format!("the version of device `{}` is not used: {refused}", self.id),
                    "policies take it as unknown",
                );
                None
            }
        }
    }

    /// A date of TOML, or the same as text.
    fn observed_at(&self, report: &mut Report<'_>) -> Option<Timestamp> {
        let written = self.observed_at.as_ref()?;
        let text = match written.get_ref() {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if let Ok(moment) = DateTime::parse_from_rfc3339(&text) {
            Some(moment.to_utc())
        } else {
            report.error_with_help(
                written,
                format!("`observed_at` of device `{}` is not a moment", self.id),
                "write date, time with seconds, and time zone: `2026-11-24T08:30:00Z`",
            );
            None
        }
    }
}

fn disk_encryption_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["on", "encrypting", "off"] })
}

fn platform_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["macos", "windows", "linux", "ios", "android", "chromeos"] })
}

#[cfg(test)]
mod tests {
    use doorward_engine::AttributeValue;

    use super::super::devices::Inventory;
    use super::*;
    use crate::domain::diagnostic::Diagnostic;

    fn parsed(fields: &str) -> Result<(DeviceRecord, Vec<Diagnostic>), Vec<Diagnostic>> {
        let text = format!("[[device]]\nid = 'mbp'\n{fields}\n");
        let built = Inventory::parse(&text, "devices.toml")?;
        let record = built.value.all().next().unwrap();
        Ok((DeviceRecord::clone(record), built.warnings))
    }

    fn record(fields: &str) -> DeviceRecord {
        parsed(fields).unwrap().0
    }

    fn refused(fields: &str) -> Vec<Diagnostic> {
        parsed(fields).unwrap_err()
    }

    #[test]
    fn a_record_says_what_is_written() {
        let record = record(
            "name = 'MBP-ANA'\nserial = 'C02X'\nmanaged = true\ndisk_encryption = 'encrypting'\n\
             compliant = false\nplatform = 'macos'\nos_version = '15.3.1'\nassigned_to = ['u-1']\n\
             observed_at = 2026-11-24T08:30:00+08:00\nsource = 'fleet'\nattributes = { pool = 7 }",
        );
        assert_eq!(record.name, "MBP-ANA");
        assert_eq!(record.serial.as_deref(), Some("C02X"));
        assert_eq!(record.managed, Some(true));
        assert_eq!(record.disk_encryption, Some(DiskEncryption::Encrypting));
        assert_eq!(record.compliant, Some(false));
        assert_eq!(record.platform, Some(Platform::Macos));
        assert_eq!(record.os_version, "15.3.1".parse().ok());
        assert!(record.assigned_to.contains(&UserId::new("u-1")));
        assert_eq!(record.observed_at, "2026-11-24T00:30:00Z".parse().ok());
        assert_eq!(record.source, "fleet");
        assert_eq!(record.attributes["pool"], AttributeValue::Long(7));
    }

    #[test]
    fn what_is_not_written_is_unknown() {
        let record = record("");
        assert_eq!(record.name, "mbp");
        assert_eq!(record.source, "inventory");
        assert_eq!(record.managed, None);
        assert_eq!(record.disk_encryption, None);
        assert_eq!(record.compliant, None);
        assert_eq!(record.observed_at, None);
    }

    #[test]
    fn a_moment_may_be_written_as_text() {
        let record = record("observed_at = '2026-11-24T08:30:00Z'");
        assert_eq!(record.observed_at, "2026-11-24T08:30:00Z".parse().ok());
    }

    #[test]
    fn a_moment_needs_its_time_zone() {
        for moment in ["2026-11-24T08:30:00", "2026-11-24", "'yesterday'", "5"] {
            let found = refused(&format!("observed_at = {moment}"));
            assert_eq!(
                found[0].message,
                "`observed_at` of device `mbp` is not a moment"
            );
            assert_eq!((found[0].line, found[0].column), (Some(3), Some(15)));
        }
    }

    #[test]
    fn a_version_that_cannot_be_compared_is_unknown_with_a_warning() {
        let (record, warnings) = parsed("os_version = 'Sequoia'").unwrap();
        assert_eq!(record.os_version, None);
        assert!(
            warnings[0]
                .message
                .starts_with("the version of device `mbp` is not used")
        );
    }

    #[test]
    fn an_unknown_state_or_platform_is_refused() {
        assert!(!refused("disk_encryption = 'yes'").is_empty());
        assert!(!refused("platform = 'beos'").is_empty());
    }

    #[test]
    fn an_empty_identity_is_refused() {
        let found = refused("identities = ['']");
        assert_eq!(found[0].message, "an identity of device `mbp` is empty");
    }

    #[test]
    fn an_id_must_not_look_like_that_of_an_unmatched_device() {
        let text = "[[device]]\nid = 'certificate:urn:x'\n";
        assert!(Inventory::parse(text, "devices.toml").is_err());
    }

    #[test]
    fn the_schema_knows_every_state_and_platform() {
        let mut generator = SchemaGenerator::default();
        let states = disk_encryption_schema(&mut generator);
        let platforms = platform_schema(&mut generator);
        let each = |schema: &Schema| schema.as_value()["enum"].as_array().unwrap().clone();
        for state in each(&states) {
            assert!(serde_json::from_value::<DiskEncryption>(state).is_ok());
        }
        for platform in each(&platforms) {
            assert!(serde_json::from_value::<Platform>(platform).is_ok());
        }
    }
}
