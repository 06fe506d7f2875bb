//! The devices that policies can tell apart.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::moment;
use super::values::{Source, Values, combinations, known};
use crate::request::{Device, DiskEncryption, OsVersion, Platform};
use crate::vocabulary::types;

impl Source<'_> {
    /// Good ones first, and none at last.
    pub(super) fn devices(&self) -> Values<Option<Device>> {
        let reads = |leaf: &str| self.constants.reads(&format!("device.{leaf}"));
        let flags = |leaf: &str| -> Vec<bool> {
            if reads(leaf) {
                vec![true, false]
            } else {
                vec![true]
            }
        };
        let (certificate_ages, _) = self.ages("device.certificateAge");
        let ages: Vec<TimeDelta> = certificate_ages.into_iter().flatten().collect();
        let (assigned, assigned_every) = self.assignments();
        let (attributes, attributes_every) = self.custom(types::DEVICE, "device");
        let mut ids: Vec<&str> = self.named(types::DEVICE).into_iter().collect();
        ids.push("a device");
        let mut devices = vec![plain("")];
        devices = each(&devices, &ids, |device, id| {
            (*id).clone_into(&mut device.id);
        });
        devices = each(&devices, &flags("managed"), |device, yes| {
            device.managed = known(Some(*yes));
        });
        devices = each(&devices, &flags("diskEncrypted"), |device, yes| {
            let state = if *yes {
                DiskEncryption::On
            } else {
                DiskEncryption::Off
            };
            device.disk_encryption = known(Some(state));
        });
        devices = each(&devices, &flags("compliant"), |device, yes| {
            device.compliant = known(Some(*yes));
        });
        if reads("platform") {
            devices = each(&devices, &self.platforms(), |device, platform| {
                device.platform = known(*platform);
            });
        }
        if reads("osVersion") {
            devices = each(&devices, &self.versions(), |device, version| {
                device.os_version = known(*version);
            });
        }
        devices = each(&devices, &assigned, |device, users| {
            device.assigned_to.clone_from(users);
        });
        devices = each(&devices, &ages, |device, age| {
            device.proved_at = moment() - *age;
        });
        devices = each(&devices, &attributes, |device, attributes| {
            device.attributes.clone_from(attributes);
        });
        let every = assigned_every && attributes_every && devices.len() < super::MOST_VALUES;
        (devices.into_iter().map(Some).chain([None]).collect(), every)
    }

    /// Whom a device may be assigned to: those whom the policies name, whoever asks, and a stranger.
    fn assignments(&self) -> Values<BTreeSet<String>> {
        if !self.constants.reads("device.assignedTo") {
            return (vec![BTreeSet::new()], true);
        }
        let mut users = self.named(types::USER);
        users.insert("somebody");
        users.insert("somebody else");
        combinations(&users)
    }

    fn platforms(&self) -> Vec<Option<Platform>> {
        let named = self.named(types::PLATFORM);
        let all = [
            Platform::Macos,
            Platform::Windows,
            Platform::Linux,
            Platform::Ios,
            Platform::Android,
            Platform::Chromeos,
        ];
        let is_named =
            |platform: &Platform| named.contains(crate::entities::platform_name(*platform));
        let other = all.into_iter().find(|platform| !is_named(platform));
        all.into_iter()
            .filter(is_named)
            .chain(other)
            .map(Some)
            .chain([None])
            .collect()
    }

    fn versions(&self) -> Vec<Option<OsVersion>> {
        let numbers = self.around("device.osVersion");
        let newest = i64::from(999_999_u32) * 1_000_000_000;
        let mut versions: BTreeSet<OsVersion> = numbers
            .into_iter()
            .chain([0, newest])
            .filter_map(OsVersion::from_comparable)
            .collect();
        let mut all: Vec<Option<OsVersion>> = Vec::new();
        // The newest is what policies hope for.
        all.extend(versions.pop_last().map(Some));
        all.extend(versions.into_iter().map(Some));
        all.push(None);
        all
    }
}

fn plain(id: &str) -> Device {
    Device {
        id: id.to_owned(),
        managed: known(Some(true)),
        disk_encryption: known(Some(DiskEncryption::On)),
        compliant: known(Some(true)),
        platform: known(None),
        os_version: known(None),
        assigned_to: BTreeSet::new(),
        proved_at: moment(),
        attributes: std::collections::BTreeMap::new(),
    }
}

/// Every device with every value, as long as they are not too many.
fn each<T>(devices: &[Device], values: &[T], set: impl Fn(&mut Device, &T)) -> Vec<Device> {
    devices
        .iter()
        .flat_map(|device| values.iter().map(move |value| (device, value)))
        .take(super::MOST_VALUES)
        .map(|(device, value)| {
            let mut device = device.clone();
            set(&mut device, value);
            device
        })
        .collect()
}
