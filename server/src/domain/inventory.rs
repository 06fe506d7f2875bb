//! Records of the device inventory, as `directory` reads them and `signals` judges them.
//! Leaves to others where the records come from and what a record is worth by its age.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use doorward_engine::{AttributeValue, DiskEncryption, OsVersion, Platform};

use crate::domain::clock::Timestamp;
use crate::domain::ids::{DeviceId, UserId};

/// What the identifier of a device begins with that no single inventory record vouches for.
///
/// Without it a certificate whose name happens to be the identifier of another device in the inventory
/// would pass for that device in a policy; some issuers let users choose the name.
pub const UNMATCHED_PREFIX: &str = "certificate:";

/// What the inventory says about one machine. A field that is absent was not said, which is not a no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRecord {
    /// The identifier that policies and records name.
    pub id: DeviceId,
    /// Identities that a certificate of this machine may carry, compared exactly.
    pub identities: Vec<String>,
    /// The maker's serial number.
    pub serial: Option<String>,
    /// The name that people know the machine by.
    pub name: String,
    /// Under management of the organisation.
    pub managed: Option<bool>,
    /// State of the disk's encryption.
    pub disk_encryption: Option<DiskEncryption>,
    /// Meets the requirements of the source that watches it.
    pub compliant: Option<bool>,
    /// The operating system's family.
    pub platform: Option<Platform>,
    /// The operating system's version.
    pub os_version: Option<OsVersion>,
    /// Users the machine is assigned to.
    pub assigned_to: BTreeSet<UserId>,
    /// When the source observed all this.
    pub observed_at: Option<Timestamp>,
    /// Attributes that the organisation added to `Device` in its schema.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// The source, in a word that an operator knows.
    pub source: String,
}

/// What the inventory answers when it is asked for the machine with an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match<'a> {
    /// No record names the identity.
    None,
    /// Exactly one record names it.
    One(&'a Arc<DeviceRecord>),
    /// Several records name it, so that none can be believed.
    Conflict(Vec<DeviceId>),
}

impl<'a> Match<'a> {
    /// The record, where exactly one matched.
    #[must_use]
    pub fn record(&self) -> Option<&'a Arc<DeviceRecord>> {
        match self {
            Self::One(record) => Some(*record),
            Self::None | Self::Conflict(_) => None,
        }
    }
}
