//! The inventory of devices: which machines the organisation knows, and what is said about each.
//! Leaves to others what a record is worth by its age (`signals::posture`) and the certificates.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::{Schema, schema_for};

use super::device_entry::DevicesFile;
use super::{Report, Unique, text_of};
use crate::config::toml_file;
use crate::domain::clock::Timestamp;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::ids::{DeviceId, UserId};
use crate::domain::inventory::{DeviceRecord, Match};
use crate::reload::{Built, Snapshot, Source, Watched};

/// All devices of the file.
#[derive(Debug, Default)]
pub struct Inventory {
    records: BTreeMap<DeviceId, Arc<DeviceRecord>>,
    by_identity: BTreeMap<String, Vec<Arc<DeviceRecord>>>,
    by_user: BTreeMap<UserId, Vec<Arc<DeviceRecord>>>,
}

impl Inventory {
    /// Reads the text of an inventory, or says everything that is wrong with it.
    pub fn parse(text: &str, file: &str) -> Result<Built<Self>, Vec<Diagnostic>> {
        let entries = toml_file::parse::<DevicesFile>(text, file)?.device;
        let mut report = Report::new(text, file);
        let (mut inventory, mut ids) = (Self::default(), Unique::default());
        for entry in entries {
            let id = entry.id.get_ref();
            ids.claim(
                &mut report,
                id.clone(),
                &entry.id,
                &format!("the id `{id}`"),
            );
            for identity in &entry.identities {
                if let Some(other) = inventory.claimed(identity.get_ref()) {
                    let message =
                        format!("devices `{other}` and `{id}` share the identity `{identity}`");
                    let help =
                        "neither is believed while both have it; remove the one that is gone";
                    report.warning_with_help(identity, message, help);
                }
            }
            inventory.insert(Arc::new(entry.check(&mut report)));
        }
        report.finish(inventory)
    }

    /// The device that has this identity. Identities are compared exactly: whoever writes certificates
    /// decides which differences matter.
    #[must_use]
    pub fn matching(&self, identity: &str) -> Match<'_> {
        match self.by_identity.get(identity).map(Vec::as_slice) {
            None | Some([]) => Match::None,
            Some([record]) => Match::One(record),
            Some(records) => {
                Match::Conflict(records.iter().map(|record| record.id.clone()).collect())
            }
        }
    }

    /// The device with this identifier.
    #[must_use]
    pub fn by_id(&self, id: &DeviceId) -> Option<&Arc<DeviceRecord>> {
        self.records.get(id)
    }

    /// The devices that are assigned to a user.
    pub fn assigned_to<'a>(
        &'a self,
        user: &UserId,
    ) -> impl Iterator<Item = &'a Arc<DeviceRecord>> + use<'a> {
        self.by_user.get(user).into_iter().flatten()
    }

    /// Every device, by their identifiers.
    pub fn all(&self) -> impl Iterator<Item = &Arc<DeviceRecord>> {
        self.records.values()
    }

    fn claimed(&self, identity: &str) -> Option<&DeviceId> {
        let first = self.by_identity.get(identity)?.first()?;
        Some(&first.id)
    }

    fn insert(&mut self, record: Arc<DeviceRecord>) {
        for identity in &record.identities {
            let records = self.by_identity.entry(identity.clone()).or_default();
            // A record that names an identity twice is still one record.
            if !records.iter().any(|other| Arc::ptr_eq(other, &record)) {
                records.push(Arc::clone(&record));
            }
        }
        for user in &record.assigned_to {
            let records = self.by_user.entry(user.clone()).or_default();
            records.push(Arc::clone(&record));
        }
        self.records.insert(record.id.clone(), record);
    }
}

/// The file with the inventory.
#[derive(Debug, Clone)]
pub struct InventorySource {
    /// Its path.
    pub file: PathBuf,
}

impl Source for InventorySource {
    type Value = Inventory;

    fn name(&self) -> &'static str {
        "inventory"
    }

    fn watched(&self) -> Watched {
        Watched::Files(vec![self.file.clone()])
    }

    fn build(
        &self,
        snapshot: &Snapshot,
        _previous: Option<&Inventory>,
        _now: Timestamp,
    ) -> Result<Built<Inventory>, Vec<Diagnostic>> {
        let (text, file) = text_of(snapshot, &self.file)?;
        Inventory::parse(text, &file)
    }
}

/// The JSON schema of the inventory.
#[must_use]
pub fn schema() -> Schema {
    schema_for!(DevicesFile)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn built(text: &str) -> Built<Inventory> {
        match Inventory::parse(text, "devices.toml") {
            Ok(built) => built,
            Err(diagnostics) => panic!("refused: {diagnostics:?}"),
        }
    }

    fn device(id: &str, identities: &str, assigned_to: &str) -> String {
        format!(
            "[[device]]\nid = '{id}'\nidentities = [{identities}]\nassigned_to = [{assigned_to}]\n"
        )
    }

    #[test]
    fn a_device_is_found_by_each_of_its_identities() {
        let inventory = built(&device("mbp", "'urn:x:mbp', 'mbp.corp.example'", "")).value;
        for identity in ["urn:x:mbp", "mbp.corp.example"] {
            let record = inventory.matching(identity).record().unwrap().clone();
            assert_eq!(record.id.as_str(), "mbp");
        }
    }

    #[test]
    fn identities_are_compared_exactly() {
        let inventory = built(&device("mbp", "'urn:x:mbp'", "")).value;
        for identity in ["urn:x:MBP", "urn:x:mbp ", "mbp", ""] {
            assert_eq!(inventory.matching(identity), Match::None, "{identity}");
        }
    }

    #[test]
    fn an_identity_of_two_devices_is_a_conflict_and_a_warning() {
        let text = device("a", "'shared', 'only-a'", "") + &device("b", "'shared'", "");
        let Built { value, warnings } = built(&text);
        let ids = vec![DeviceId::new("a"), DeviceId::new("b")];
        assert_eq!(value.matching("shared"), Match::Conflict(ids));
        assert!(value.matching("only-a").record().is_some());
        assert_eq!(
            warnings[0].message,
            "devices `a` and `b` share the identity `shared`"
        );
        assert_eq!((warnings[0].line, warnings[0].column), (Some(7), Some(15)));
    }

    #[test]
    fn an_identity_that_one_device_names_twice_is_no_conflict() {
        let inventory = built(&device("a", "'x', 'x'", "")).value;
        assert!(inventory.matching("x").record().is_some());
    }

    #[test]
    fn devices_are_found_by_their_user() {
        let text = device("a", "", "'u-1', 'u-2'") + &device("b", "", "'u-1'");
        let inventory = built(&text).value;
        let of = |user: &str| -> Vec<String> {
            inventory
                .assigned_to(&UserId::new(user))
                .map(|record| record.id.to_string())
                .collect()
        };
        assert_eq!(of("u-1"), ["a", "b"]);
        assert_eq!(of("u-2"), ["a"]);
        assert!(of("u-3").is_empty());
        assert_eq!(inventory.all().count(), 2);
        assert!(inventory.by_id(&DeviceId::new("a")).is_some());
    }

    #[test]
    fn the_schema_names_every_key() {
        let schema = serde_json::to_string(&schema()).unwrap();
        for key in [
            "identities",
            "disk_encryption",
            "observed_at",
            "assigned_to",
        ] {
            assert!(schema.contains(key), "{key}");
        }
    }

    proptest! {
        #[test]
        fn a_match_is_one_record_only_where_one_device_has_the_identity(
            owners in proptest::collection::vec(proptest::collection::vec(0..4_u8, 0..4), 0..6),
        ) {
            let text: String = owners
                .iter()
                .enumerate()
                .map(|(number, identities)| {
                    let identities: Vec<String> =
                        identities.iter().map(|identity| format!("'i{identity}'")).collect();
                    device(&format!("d{number}"), &identities.join(", "), "")
                })
                .collect();
            let inventory = built(&text).value;
            for identity in 0..4_u8 {
                let having = owners.iter().filter(|identities| identities.contains(&identity)).count();
                let name = format!("i{identity}");
                match inventory.matching(&name) {
                    Match::None => prop_assert_eq!(having, 0),
                    Match::One(_) => prop_assert_eq!(having, 1),
                    Match::Conflict(ids) => {
                        prop_assert!(having > 1);
                        prop_assert_eq!(ids.len(), having);
                    }
                }
            }
        }
    }
}
