//! Gathers what is known about a request: address, country, and the device with its posture.
//! Each stays a fact with its source; nothing here decides anything.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::HeaderMap;
use chrono::TimeDelta;
use doorward_engine::{CountryCode, Device, Fact};

use super::versions::{DeviceVersions, Versions};
use crate::audit::SignalTrail;
use crate::config::{IdentityKind, KeyProtection};
use crate::directory::devices::Inventory;
use crate::domain::authentication::DeviceProof;
use crate::domain::clock::Timestamp;
use crate::domain::ids::UserId;
use crate::domain::inventory::Match;
use crate::domain::transaction::DeviceCheck;
use crate::reload::Live;
use crate::signals::certificate::{CertificateTrust, identity};
use crate::signals::client_ip::{ClientAddress, ForwardingSettings, client_address};
use crate::signals::geo::GeoDatabases;
use crate::signals::posture::device_facts;

/// Where facts about a request come from.
#[derive(Debug, Clone)]
pub struct SignalSources {
    /// Which proxies are believed.
    pub forwarding: ForwardingSettings,
    /// Databases of countries.
    pub geo: Live<GeoDatabases>,
    /// What device facts come from; none where no device host is configured.
    pub devices: Option<DeviceSources>,
}

/// Where facts about a device come from.
#[derive(Debug, Clone)]
pub struct DeviceSources {
    /// Authorities whose certificates count.
    pub trust: Live<CertificateTrust>,
    /// What is known of each device.
    pub inventory: Live<Inventory>,
    /// Which names of a certificate identify the device, in order.
    pub identity: Vec<IdentityKind>,
    /// How long a presented certificate counts.
    pub proof_lifetime: TimeDelta,
    /// How long one counts that was presented at a sign-in, when a client renews tokens.
    pub refresh_proof_lifetime: TimeDelta,
    /// How long an observation of the inventory counts.
    pub evidence_lifetime: TimeDelta,
}

/// What is known about one request.
#[derive(Debug, Clone)]
pub struct Signals {
    /// The client's address.
    pub address: ClientAddress,
    /// Its country.
    pub country: Fact<CountryCode>,
    /// Its device.
    pub device: DeviceEvidence,
    /// What all of it was gathered from.
    pub versions: Versions,
}

/// The device, and how it came to be known.
#[derive(Debug, Clone)]
pub struct DeviceEvidence {
    /// The device with its posture.
    pub fact: Fact<Device>,
    /// Which name of the certificate matched, or why the certificate did not count.
    pub trail: Option<String>,
    /// The address that the device host saw.
    pub seen_from: Option<IpAddr>,
    /// Where the key of the certificate is, as far as anybody vouches for it.
    pub keys: KeyProtection,
}

impl SignalSources {
    /// Gathers all signals of a request. `proof` is the newest certificate this browser presented.
    #[must_use]
    pub fn gather(
        &self,
        peer: SocketAddr,
        headers: &HeaderMap,
        proof: Option<&DeviceProof>,
        check: DeviceCheck,
        now: Timestamp,
    ) -> Signals {
        let address = client_address(&self.forwarding, peer, headers, now);
        let proof = proof.ok_or(match check {
            DeviceCheck::NotDone => "no device certificate was presented yet",
            DeviceCheck::Absent | DeviceCheck::Presented => "no device certificate was presented",
        });
        self.signals(address, proof, |sources| sources.proof_lifetime, now)
    }

    /// The signals of a request from this address. `proof` is a presented certificate, or why there is none, and
    /// `lifetime` says how long it counts.
    pub(super) fn signals(
        &self,
        address: ClientAddress,
        proof: Result<&DeviceProof, &str>,
        lifetime: fn(&DeviceSources) -> TimeDelta,
        now: Timestamp,
    ) -> Signals {
        let versions = Versions::current(self);
        let country = versions.geo.value.country(&address.address, now);
        let device = match (&self.devices, &versions.devices) {
            (Some(sources), Some(versions)) => {
                sources.device(versions, proof, lifetime(sources), now)
            }
            _ => DeviceEvidence::unknown("this provider checks no devices", "device host"),
        };
        Signals {
            address,
            country,
            device,
            versions,
        }
    }

    /// The devices that the user could still present, each as it would count right now, by the inventory
    /// that the signals were gathered from. Whose device it may be is for the policies to say: any of the
    /// inventory can be at hand, and even one that it does not know.
    #[must_use]
    pub fn candidates(&self, signals: &Signals, user: &UserId, now: Timestamp) -> Vec<Device> {
        let (Some(sources), Some(versions)) = (&self.devices, &signals.versions.devices) else {
            return Vec::new();
        };
        let inventory = &versions.inventory.value;
        candidates(inventory, user, sources.evidence_lifetime, now)
    }

    /// The name by which a person knows a device of the inventory.
    #[must_use]
    pub fn device_name(&self, id: &str) -> String {
        let named = self.devices.as_ref().and_then(|sources| {
            let inventory = sources.inventory.current();
            inventory
                .value
                .by_id(&id.to_owned().into())
                .map(|record| record.name.clone())
        });
        named.unwrap_or_else(|| id.to_owned())
    }
}

impl DeviceSources {
    fn device(
        &self,
        versions: &DeviceVersions,
        proof: Result<&DeviceProof, &str>,
        lifetime: TimeDelta,
        now: Timestamp,
    ) -> DeviceEvidence {
        let source = "device host";
        let proof = match proof {
            Ok(proof) => proof,
            Err(reason) => return DeviceEvidence::unknown(reason, source),
        };
        let age = now - proof.proved_at;
        if age > lifetime {
            let reason = format!(
                "the device was last checked {}, and that counts for {}",
                doorward_engine::words::ago(proof.proved_at, now),
                doorward_engine::words::span(lifetime)
            );
            return DeviceEvidence::unknown(reason, source).seen_from(proof);
        }
        // Checked again at each decision: a certificate may have been revoked since it was presented.
        let verified = match versions.trust.value.verify(&proof.chain, now) {
            Ok(verified) => verified,
            Err(refused) => {
                let mut evidence = DeviceEvidence::unknown(
                    format!("the device certificate does not count: {refused}"),
                    source,
                );
                evidence.trail = Some(format!("refused: {refused}"));
                return evidence.seen_from(proof);
            }
        };
        let Some(name) = identity(&verified.leaf, &self.identity) else {
            return DeviceEvidence::unknown("the device certificate names no device", source)
                .seen_from(proof);
        };
        let inventory = &versions.inventory.value;
        // The first name, in the configured order, that the inventory knows; else the first name.
        let known = name
            .candidates
            .iter()
            .find(|(_, value)| !matches!(inventory.matching(value), Match::None));
        let (kind, value) = known.map_or((name.kind, name.value.as_str()), |(kind, value)| {
            (*kind, value.as_str())
        });
        let device = device_facts(
            value,
            &inventory.matching(value),
            proof,
            self.evidence_lifetime,
            now,
        );
        DeviceEvidence {
            trail: Some(format!(
                "{kind:?} `{value}`, certificate {} of {}{}",
                verified.serial,
                verified.issuer,
                match verified.keys {
                    KeyProtection::Software => "",
                    KeyProtection::Hardware => ", its key in hardware",
                }
            )),
            fact: Fact::known(device, "client certificate", proof.proved_at),
            seen_from: Some(proof.address),
            keys: verified.keys,
        }
    }
}

/// Most records of the inventory that are tried for one request.
const MOST_CANDIDATES: usize = 2000;
/// What identifies a device that no record knows, in a hypothesis and nowhere else.
const UNKNOWN_DEVICE: &str = "certificate of an unknown device";

/// Devices as they would count if they presented their certificates now: the user's own, those of
/// nobody, those of others, and one that no record knows.
#[must_use]
pub fn candidates(
    inventory: &Inventory,
    user: &UserId,
    evidence_lifetime: TimeDelta,
    now: Timestamp,
) -> Vec<Device> {
    let proof = DeviceProof {
        chain: Vec::new(),
        proved_at: now,
        address: Ipv4Addr::UNSPECIFIED.into(),
    };
    let as_presented = |identity: &str, matched: &Match<'_>| {
        device_facts(identity, matched, &proof, evidence_lifetime, now)
    };
    let mine = inventory.assigned_to(user);
    let shared = inventory
        .all()
        .filter(|record| record.assigned_to.is_empty());
    let others = inventory
        .all()
        .filter(|record| !record.assigned_to.is_empty() && !record.assigned_to.contains(user));
    let mut devices: Vec<Device> = mine
        .chain(shared)
        .chain(others)
        .take(MOST_CANDIDATES)
        .filter_map(|record| {
            // Under an identity that is in conflict, a device counts like one that no record knows.
            record.identities.iter().find_map(|identity| {
                let matched = inventory.matching(identity);
                matched.record()?;
                Some(as_presented(identity, &matched))
            })
        })
        .collect();
    devices.push(as_presented(UNKNOWN_DEVICE, &Match::None));
    devices
}

impl DeviceEvidence {
    fn unknown(reason: impl Into<String>, source: &str) -> Self {
        Self {
            fact: Fact::unknown(reason, source),
            trail: None,
            seen_from: None,
            keys: KeyProtection::Software,
        }
    }

    fn seen_from(mut self, proof: &DeviceProof) -> Self {
        self.seen_from = Some(proof.address);
        self
    }
}

impl Signals {
    /// How address and device came to be known, for the record.
    #[must_use]
    pub fn trail(&self) -> SignalTrail {
        SignalTrail {
            address: self
                .address
                .trail
                .iter()
                .map(|hop| format!("{} {}", hop.address, hop.verdict))
                .collect(),
            certificate: self.device.trail.clone(),
            device_host_address: self.device.seen_from.map(|address| address.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inventory::UNMATCHED_PREFIX;

    fn device(id: &str, identities: &str, assigned_to: &str) -> String {
        format!(
            "[[device]]\nid = '{id}'\nidentities = [{identities}]\nassigned_to = [{assigned_to}]\n"
        )
    }

    fn ids(inventory: &str) -> Vec<String> {
        let inventory = Inventory::parse(inventory, "devices.toml").unwrap().value;
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        candidates(&inventory, &UserId::new("u-ana"), TimeDelta::days(1), now)
            .into_iter()
            .map(|device| device.id)
            .collect()
    }

    fn unknown() -> String {
        format!("{UNMATCHED_PREFIX}{UNKNOWN_DEVICE}")
    }

    #[test]
    fn every_device_can_be_presented_and_one_s_own_come_first() {
        let text = device("a-bo", "'urn:a'", "'u-bo'")
            + &device("b-shared", "'urn:b'", "")
            + &device("c-ana", "'urn:c'", "'u-bo', 'u-ana'");
        assert_eq!(ids(&text), ["c-ana", "b-shared", "a-bo", &unknown()]);
    }

    #[test]
    fn a_device_that_no_record_knows_can_be_presented_too() {
        assert_eq!(ids(""), [unknown()]);
    }

    #[test]
    fn a_device_is_tried_under_the_first_identity_that_is_its_alone() {
        let text = device("a", "'urn:both', 'urn:a'", "'u-ana'")
            + &device("b", "'urn:both'", "'u-ana'")
            + &device("c", "", "'u-ana'");
        assert_eq!(ids(&text), ["a".to_owned(), unknown()]);
    }

    #[test]
    fn a_large_inventory_is_tried_in_part() {
        let text: String = (0..=MOST_CANDIDATES)
            .map(|number| device(&format!("d{number}"), &format!("'urn:{number}'"), ""))
            .collect();
        let ids = ids(&text);
        assert_eq!(ids.len(), MOST_CANDIDATES + 1);
        assert_eq!(ids.last(), Some(&unknown()));
    }
}
