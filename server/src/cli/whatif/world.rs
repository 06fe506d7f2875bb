//! The files that a question is answered from: policies at their revision, and what a server would know besides.
//! Each is read as the server reads it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::TimeDelta;
use doorward_engine::{PolicyBundle, is_bundle_file};

use super::Args;
use crate::access::{self, DeviceSources};
use crate::app::delta;
use crate::cli::Failure;
use crate::cli::revision::Place;
use crate::config::{Config, DeviceHost, Geoip};
use crate::directory::clients::{Certificates, Clients, ClientsSource};
use crate::directory::devices::{Inventory, InventorySource};
use crate::directory::users::{Users, UsersSource};
use crate::domain::clock::{Clock, ManualClock, Timestamp};
use crate::domain::diagnostic::Diagnostic;
use crate::reload::{Live, Source, load};
use crate::signals::certificate::TrustSource;
use crate::signals::geo::{GeoDatabases, GeoSource};

/// Where policies lie if nobody says anything.
const POLICIES: &str = "policies";

/// Everything that is known apart from the question.
#[derive(Debug)]
pub(super) struct World {
    pub(super) bundle: PolicyBundle,
    /// The place of the policies in words.
    pub(super) place: String,
    /// The commit that they were read from.
    pub(super) commit: Option<String>,
    pub(super) users: Option<File<Users>>,
    pub(super) clients: Option<File<Clients>>,
    pub(super) geo: Live<GeoDatabases>,
    pub(super) devices: Devices,
    /// What deserves attention in the files, at the moment of the question.
    pub(super) warnings: Vec<String>,
}

/// A file, and what is in it.
#[derive(Debug)]
pub(super) struct File<T> {
    pub(super) path: PathBuf,
    pub(super) live: Live<T>,
}

/// What is known about devices.
#[derive(Debug)]
pub(super) enum Devices {
    /// Nothing: there is neither configuration nor inventory.
    Nothing,
    /// Nothing, and the server of the configuration does not ask for any.
    NotChecked,
    /// The inventory, and no authority by which certificates could be verified.
    Inventory(File<Inventory>),
    /// All that a device host knows.
    Host(PathBuf, DeviceSources),
}

/// What loading leaves behind.
struct Loading {
    clock: Arc<dyn Clock>,
    warnings: Vec<String>,
    wrong: Vec<Diagnostic>,
}

impl World {
    /// Reads what the arguments name, as things stand at `now`. Whatever is wrong with any file is told at once.
    pub(super) fn load(args: &Args, now: Timestamp) -> Result<Self, Failure> {
        let config = match &args.config {
            Some(file) => Some(Config::load(file).map_err(Failure::Files)?),
            None => None,
        };
        let place = place(args, config.as_ref());
        let files = place.read(is_bundle_file)?;
        let bundle = access::bundle(&files.texts).map_err(Failure::Files)?;
        let mut loading = Loading {
            clock: Arc::new(ManualClock::new(now)),
            warnings: Vec::new(),
            wrong: Vec::new(),
        };
        let (users, clients, devices) = match &config {
            Some(config) => (
                loading.users(&config.directory.users),
                loading.clients(&config.directory.clients),
                loading.device_host(config.device.as_ref()),
            ),
            None => (
                args.users.as_deref().and_then(|file| loading.users(file)),
                None,
                loading.inventory_of(args.devices.as_deref()),
            ),
        };
        let given = Geoip {
            databases: args.geoip.clone(),
            ..Geoip::default()
        };
        let geo = loading.geo(config.as_ref().map_or(&given, |config| &config.geoip));
        match (geo, devices) {
            (Some(geo), Some(devices)) if loading.wrong.is_empty() => Ok(Self {
                bundle,
                place: place.shown(),
                commit: files.commit,
                users,
                clients,
                geo,
                devices,
                warnings: loading.warnings,
            }),
            _ => Err(Failure::Files(loading.wrong)),
        }
    }
}

/// The policies that are named, or else those of the configuration.
fn place(args: &Args, config: Option<&Config>) -> Place {
    let directory = match (&args.policies, config) {
        (Some(named), _) => named.clone(),
        (None, Some(config)) => config.policies.directory.clone(),
        (None, None) => PathBuf::from(POLICIES),
    };
    Place::new(directory, args.rev.clone())
}

impl Loading {
    fn load<S: Source>(&mut self, source: S) -> Option<Live<S::Value>> {
        match load(source, Arc::clone(&self.clock)) {
            Ok((live, _)) => Some(live),
            Err(wrong) => {
                self.wrong.extend(wrong);
                None
            }
        }
    }

    /// The same for a source whose warnings can be why a fact is not known.
    fn load_with_warnings<S: Source>(&mut self, source: S) -> Option<Live<S::Value>> {
        let live = self.load(source)?;
        let warnings = live.status().diagnostics;
        self.warnings.extend(warnings.iter().map(in_words));
        Some(live)
    }

    fn users(&mut self, file: &Path) -> Option<File<Users>> {
        let path = file.to_owned();
        let live = self.load(UsersSource { file: path.clone() })?;
        Some(File { path, live })
    }

    fn clients(&mut self, file: &Path) -> Option<File<Clients>> {
        let path = file.to_owned();
        let live = self.load(ClientsSource {
            file: path.clone(),
            // Nobody is told a subject here, and no client proves itself.
            pairwise: true,
            certificates: Certificates::ByNameAndKey,
        })?;
        Some(File { path, live })
    }

    fn geo(&mut self, settings: &Geoip) -> Option<Live<GeoDatabases>> {
        self.load_with_warnings(GeoSource {
            databases: settings.databases.clone(),
            max_age: delta(settings.max_age),
        })
    }

    fn inventory(&mut self, file: &Path) -> Option<File<Inventory>> {
        let path = file.to_owned();
        let live = self.load_with_warnings(InventorySource { file: path.clone() })?;
        Some(File { path, live })
    }

    fn inventory_of(&mut self, file: Option<&Path>) -> Option<Devices> {
        match file {
            Some(file) => self.inventory(file).map(Devices::Inventory),
            None => Some(Devices::Nothing),
        }
    }

    fn device_host(&mut self, host: Option<&DeviceHost>) -> Option<Devices> {
        let Some(host) = host else {
            return Some(Devices::NotChecked);
        };
        let trust = self.load_with_warnings(TrustSource {
            name: "device-trust",
            authorities: host.authority_files(),
            hardware: host.hardware_files(),
            revocation_lists: host.revocation_lists.clone(),
        });
        let inventory = self.inventory(&host.inventory);
        let (trust, inventory) = trust.zip(inventory)?;
        let sources = DeviceSources {
            trust,
            inventory: inventory.live,
            identity: host.identity.clone(),
            proof_lifetime: delta(host.proof_lifetime),
            refresh_proof_lifetime: delta(host.refresh_proof_lifetime),
            evidence_lifetime: delta(host.evidence_lifetime),
        };
        Some(Devices::Host(inventory.path, sources))
    }
}

impl Devices {
    /// The inventory, its file, and how long its observations count.
    pub(super) fn inventory(&self) -> Option<(&Live<Inventory>, &Path, TimeDelta)> {
        match self {
            Self::Nothing | Self::NotChecked => None,
            Self::Inventory(file) => {
                let lifetime = delta(DeviceHost::EVIDENCE_LIFETIME);
                Some((&file.live, &file.path, lifetime))
            }
            Self::Host(path, sources) => {
                Some((&sources.inventory, path, sources.evidence_lifetime))
            }
        }
    }
}

/// `file: message`; a warning about no file in particular has only the message.
fn in_words(warning: &Diagnostic) -> String {
    if warning.file.is_empty() {
        warning.message.clone()
    } else {
        format!("{}: {}", warning.file, warning.message)
    }
}
