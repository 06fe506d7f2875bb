//! What was on offer for a step-up, small enough to be kept with a decision: which devices there were, and what
//! policies can see of each. What a step-up makes of offers is left to `step_up.rs`.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Outcome};
use crate::fact::Fact;
use crate::request::{AttributeValue, Device, DiskEncryption, OsVersion, Platform};
use crate::step_up::{MAX_DEVICES, Offers, rank};

/// Most devices that are kept of an offer; a demand names fewer.
pub const MAX_OFFERED: usize = 64;

/// Where the facts of a device come from that was kept.
const SOURCE: &str = "record";

/// Offers as they are kept. The bundle that decided demands the same of them as of all that was on offer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// Whether the password could be entered.
    pub password: bool,
    /// What is known of the devices, each once.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub postures: Vec<OfferedPosture>,
    /// The devices, in the order in which they were offered.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub devices: Vec<OfferedDevice>,
    /// How many devices were on offer besides, and are not kept.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub left_out: usize,
}

/// A device that was on offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedDevice {
    /// Its identifier.
    pub id: String,
    /// Which of the postures it has, counted from zero.
    pub posture: usize,
    /// Users it is assigned to.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub assigned_to: BTreeSet<String>,
}

/// What policies can see of a device. What is left out was not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedPosture {
    /// Under management of the organisation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub managed: Option<bool>,
    /// State of the disk's encryption.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disk_encryption: Option<DiskEncryption>,
    /// Meets the requirements of the source that watches it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub compliant: Option<bool>,
    /// The operating system's family.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub platform: Option<Platform>,
    /// The operating system's version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub os_version: Option<OsVersion>,
    /// Attributes that the organisation added to `Device` in its schema.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub attributes: BTreeMap<String, AttributeValue>,
}

/// Most users of one device that are kept beside the one who asks: a pool has hundreds, and a record is not
/// the place to name them.
const MOST_ASSIGNED: usize = 16;

/// To whom a device is assigned, as seen by a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Mine,
    Nobodys,
    Others,
}

/// Why a device is kept, the best reason first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Demanded,
    /// The first that looks like this.
    New,
    Another,
}

impl Offered {
    /// What there is to keep of `offers` with the decision about this user that they led to, or could have led to.
    #[must_use]
    pub fn of(offers: &Offers, decision: &Decision, user: &str) -> Self {
        let kept = chosen(&offers.devices, &demanded(decision), user);
        let mut offered = Self {
            password: offers.password,
            left_out: offers.devices.len() - kept.len(),
            ..Self::default()
        };
        for device in kept {
            offered.add(device, user);
        }
        offered
    }

    /// The offers again, as they stood at `now`.
    #[must_use]
    pub fn offers(&self, now: DateTime<Utc>) -> Offers {
        let devices = self.devices.iter().filter_map(|device| {
            let posture = self.postures.get(device.posture)?;
            Some(posture.device(device, now))
        });
        Offers {
            password: self.password,
            devices: devices.collect(),
        }
    }

    fn add(&mut self, device: &Device, user: &str) {
        let posture = OfferedPosture::of(device);
        let known = self.postures.iter().position(|known| *known == posture);
        let posture = known.unwrap_or_else(|| {
            self.postures.push(posture);
            self.postures.len() - 1
        });
        self.devices.push(OfferedDevice {
            id: device.id.clone(),
            posture,
            assigned_to: device
                .assigned_to
                .iter()
                .filter(|id| *id == user)
                .chain(device.assigned_to.iter().take(MOST_ASSIGNED))
                .cloned()
                .collect(),
        });
    }
}

impl OfferedPosture {
    fn of(device: &Device) -> Self {
        Self {
            managed: device.managed.value().copied(),
            disk_encryption: device.disk_encryption.value().copied(),
            compliant: device.compliant.value().copied(),
            platform: device.platform.value().copied(),
            os_version: device.os_version.value().copied(),
            attributes: device.attributes.clone(),
        }
    }

    fn device(&self, device: &OfferedDevice, now: DateTime<Utc>) -> Device {
        Device {
            id: device.id.clone(),
            managed: fact(self.managed, now),
            disk_encryption: fact(self.disk_encryption, now),
            compliant: fact(self.compliant, now),
            platform: fact(self.platform, now),
            os_version: fact(self.os_version, now),
            assigned_to: device.assigned_to.clone(),
            proved_at: now,
            attributes: self.attributes.clone(),
        }
    }
}

impl Whose {
    fn of(device: &Device, user: &str) -> Self {
        if device.assigned_to.contains(user) {
            Self::Mine
        } else if device.assigned_to.is_empty() {
            Self::Nobodys
        } else {
            Self::Others
        }
    }
}

fn fact<T>(value: Option<T>, now: DateTime<Utc>) -> Fact<T> {
    match value {
        Some(value) => Fact::known(value, SOURCE, now),
        None => Fact::unknown("it was not known then", SOURCE),
    }
}

fn demanded(decision: &Decision) -> HashSet<&str> {
    match &decision.outcome {
        Outcome::StepUp { demand, .. } => demand.devices.iter().map(String::as_str).collect(),
        Outcome::Permit | Outcome::Deny { .. } => HashSet::new(),
    }
}

/// The devices to keep, in the order in which they were offered: those that were demanded, then one of each
/// appearance, then more.
///
/// None is kept that a step-up may not have tried: on a second look it could suffice.
fn chosen<'d>(devices: &'d [Device], demanded: &HashSet<&str>, user: &str) -> Vec<&'d Device> {
    let is_demanded = |device: &Device| demanded.contains(device.id.as_str());
    let mut ranked: Vec<(usize, &Device)> = devices.iter().enumerate().collect();
    ranked.sort_by_key(|(_, device)| rank(device));
    let mut tried: Vec<(usize, &Device)> = ranked
        .into_iter()
        .enumerate()
        // The first of them are at most that many different ones.
        .filter(|(at, (_, device))| *at < MAX_DEVICES || is_demanded(device))
        .map(|(_, placed)| placed)
        .collect();
    tried.sort_by_key(|(place, _)| *place);

    let mut appearances: Vec<(OfferedPosture, Whose)> = Vec::new();
    let mut worth: Vec<(Worth, usize, &Device)> = Vec::new();
    for (place, device) in tried {
        let appearance = (OfferedPosture::of(device), Whose::of(device, user));
        let is_new = !appearances.contains(&appearance);
        let reason = match (is_demanded(device), is_new) {
            (true, _) => Worth::Demanded,
            (false, true) => Worth::New,
            (false, false) => Worth::Another,
        };
        if is_new {
            appearances.push(appearance);
        }
        worth.push((reason, place, device));
    }
    worth.sort_by_key(|(reason, place, _)| (*reason, *place));
    worth.truncate(MAX_OFFERED);
    worth.sort_by_key(|(_, place, _)| *place);
    worth.into_iter().map(|(_, _, device)| device).collect()
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::{ana_to, laptop, now, starter};
    use crate::{AccessRequest, PolicyBundle, SourceFile};

    /// Device number `number`: whether it is managed, whether its disk is encrypted, whose it is.
    fn device(number: usize, (managed, encrypted, whose): (bool, bool, u8)) -> Device {
        let disk = if encrypted {
            DiskEncryption::On
        } else {
            DiskEncryption::Off
        };
        Device {
            id: format!("device-{number}"),
            managed: Fact::known(managed, "inventory", now()),
            disk_encryption: Fact::known(disk, "inventory", now()),
            assigned_to: match whose % 3 {
                0 => BTreeSet::from(["u-ana".to_owned()]),
                1 => BTreeSet::new(),
                _ => BTreeSet::from([format!("u-{number}")]),
            },
            ..laptop()
        }
    }

    fn without_device(application: &str) -> AccessRequest {
        let mut request = ana_to(application);
        request.user.id = "u-ana".to_owned();
        request.device = Fact::unknown("no certificate was presented", "device host");
        request
    }

    /// Policies that name a device, so that each is a case of its own.
    fn naming() -> PolicyBundle {
        let text = "@id(\"others\") @reason(\"r\") @advice(\"a\")
            permit (principal, action, resource)
            when { context has device && context.device != Device::\"device-3\" && context.device.managed };";
        PolicyBundle::load(&[SourceFile::new("a.cedar", text)], None).unwrap()
    }

    fn kept(decision: &Decision, offers: &Offers) -> Offered {
        let offered = Offered::of(offers, decision, "u-ana");
        let json = serde_json::to_string(&offered).unwrap();
        let read: Offered = serde_json::from_str(&json).unwrap();
        assert_eq!(read, offered);
        read
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_bundle_demands_the_same_of_what_was_kept(
            looks in prop::collection::vec((any::<bool>(), any::<bool>(), 0_u8..3), 0..400),
            application in prop::sample::select(vec!["wiki", "payroll"]),
            password in any::<bool>(),
        ) {
            let devices = looks.into_iter().enumerate();
            let offers = Offers {
                password,
                devices: devices.map(|(number, look)| device(number, look)).collect(),
            };
            let request = without_device(application);
            for bundle in [starter(), naming()] {
                let decision = bundle.decide(&request, || offers.clone());
                let offered = kept(&decision, &offers);
                prop_assert!(offered.devices.len() <= MAX_OFFERED);
                prop_assert_eq!(offered.devices.len() + offered.left_out, offers.devices.len());
                let again = bundle.decide(&request, || offered.offers(request.now));
                prop_assert_eq!(again.outcome, decision.outcome);
                prop_assert_eq!(again.determining, decision.determining);
            }
        }
    }

    #[test]
    fn devices_that_look_alike_share_a_posture() {
        let devices = (0..3).map(|number| device(number, (true, true, 2)));
        let offers = Offers {
            password: true,
            devices: devices.collect(),
        };
        let decision = starter().decide(&without_device("wiki"), || offers.clone());
        let offered = kept(&decision, &offers);
        assert_eq!((offered.postures.len(), offered.devices.len()), (1, 3));
    }

    #[test]
    fn one_of_each_appearance_is_kept_among_many() {
        let devices = (0..200).map(|number| device(number, (true, true, 1)));
        let mut devices: Vec<Device> = devices.collect();
        devices.push(device(200, (true, true, 0)));
        let offers = Offers {
            password: false,
            devices,
        };
        let mut abroad = without_device("wiki");
        abroad.country = Fact::unknown("the address is private", "GeoIP");
        let decision = starter().decide(&abroad, || offers.clone());
        let offered = kept(&decision, &offers);
        assert_eq!(offered.devices.last().unwrap().id, "device-200");
        assert_eq!(offered.left_out, 201 - MAX_OFFERED);
    }
}
