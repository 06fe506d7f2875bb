//! The question: who and what was named, looked up in the files, and what that makes of the facts. What nobody
//! gave is unknown, with that as its reason. A device counts exactly as it would on the server.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use axum::http::HeaderMap;
use doorward_engine::{AccessRequest, Application, Device, Fact, Offers, Session, User, words};

use super::Args;
use super::world::{Devices, World};
use crate::access::{self, DeviceEvidence, SignalSources};
use crate::cli::Failure;
use crate::config::KeyProtection;
use crate::directory::clients::Clients;
use crate::directory::users::UserRecord;
use crate::domain::authentication::{Authentication, DeviceProof};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{DeviceId, UserId};
use crate::domain::transaction::DeviceCheck;
use crate::reload::{Live, Snapshot, Watched};
use crate::signals::certificate::pem_file::SourceFile;
use crate::signals::client_ip::{ForwardedHeader, ForwardingSettings};
use crate::signals::posture::device_facts;

/// The source of what was given with the question.
const COMMAND_LINE: &str = "command line";
/// More names than this help nobody.
const MOST_NAMES: usize = 12;

/// A question, ready to be asked.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) request: AccessRequest,
    /// The name to sign in with, where there is a users file.
    pub(super) username: Option<String>,
    pub(super) client: Option<String>,
    /// What the user could still do.
    pub(super) offers: Offers,
    /// Which name of the certificate matched, or why it does not count.
    pub(super) certificate: Option<String>,
    /// What the policies cannot see, and what is worth knowing besides.
    pub(super) notes: Vec<String>,
}

/// The End-User as the policies see them, and what is worth knowing about them.
#[derive(Debug)]
struct Somebody {
    user: User,
    username: Option<String>,
    notes: Vec<String>,
}

impl Question {
    pub(super) fn of(args: &Args, world: &World, now: Timestamp) -> Result<Self, Failure> {
        let Somebody {
            user,
            username,
            mut notes,
        } = somebody(args, world)?;
        let application = application(args, world)?;
        let address = match args.address {
            Some(address) => Fact::known(address.to_canonical(), COMMAND_LINE, now),
            None => Fact::unknown("no address was given", COMMAND_LINE),
        };
        let country = match args.country {
            Some(country) => Fact::known(country, COMMAND_LINE, now),
            None => world.geo.current().value.country(&address, now),
        };
        let device = device(args, world, now)?;
        notes.extend(world.warnings.iter().cloned());
        Ok(Self {
            offers: Offers {
                password: true,
                devices: candidates(args, world, &user.id, now),
            },
            request: AccessRequest {
                action: args.action.into(),
                user,
                application,
                address,
                country,
                device: device.fact,
                session: session(args, now),
                now,
            },
            username,
            client: args.client.clone(),
            certificate: device.trail,
            notes,
        })
    }
}

fn somebody(args: &Args, world: &World) -> Result<Somebody, Failure> {
    let name = args.user.as_str();
    let Some(file) = &world.users else {
        let groups: BTreeSet<String> = args.groups.iter().cloned().collect();
        let undeclared = groups.iter().find(|it| !world.bundle.knows_group(it));
        if let Some(group) = undeclared {
            let message = format!("the policies declare no group `{group}`");
            return Err(unknown(message, group, world.bundle.groups()));
        }
        return Ok(Somebody {
            user: User {
                id: name.to_owned(),
                groups,
                email: None,
                attributes: BTreeMap::new(),
            },
            username: None,
            notes: Vec::new(),
        });
    };
    let users = file.live.current();
    let found = users
        .value
        .by_username(name)
        .or_else(|| users.value.by_id(&UserId::new(name)));
    let Some(record) = found else {
        let message = format!("there is no user `{name}` in `{}`", file.path.display());
        let names = users.value.all();
        let names = names.flat_map(|user| [user.username.as_str(), user.id.as_str()]);
        return Err(unknown(message, name, names));
    };
    Ok(Somebody {
        notes: notes_on(record, world),
        user: access::principal(record),
        username: Some(record.username.clone()),
    })
}

fn notes_on(user: &UserRecord, world: &World) -> Vec<String> {
    let name = &user.username;
    let disabled = user.disabled.then(|| {
        format!("`{name}` is disabled: the server lets them in nowhere, whatever the policies say")
    });
    let groups = user.groups.iter();
    let undeclared = groups.filter(|group| !world.bundle.knows_group(group));
    let undeclared = undeclared.map(|group| {
        format!("`{name}` is in the group `{group}`, which the policies do not declare")
    });
    disabled.into_iter().chain(undeclared).collect()
}

fn application(args: &Args, world: &World) -> Result<Application, Failure> {
    let clients = world.clients.as_ref().map(|file| file.live.current());
    let clients = clients.as_ref().map(|loaded| &loaded.value);
    if let (Some(id), Some(clients), Some(file)) = (&args.client, clients, &world.clients) {
        return clients.by_id(id).map_or_else(
            || {
                let message = format!("there is no client `{id}` in `{}`", file.path.display());
                let ids = clients.all().map(|client| client.id.as_str());
                Err(unknown(message, id, ids))
            },
            |client| Ok(access::application(client, &client.application)),
        );
    }
    let name = args.application.as_deref().unwrap_or_default();
    let all = || clients.into_iter().flat_map(Clients::all);
    let known: Vec<Application> = all()
        .filter(|client| client.application.as_str() == name)
        .map(|client| access::application(client, &client.application))
        .collect();
    if let Some((first, others)) = known.split_first() {
        if others.iter().all(|other| other == first) {
            return Ok(first.clone());
        }
        let message = format!("clients of the application `{name}` differ in its attributes");
        return Err(Failure::new(message).with_help("name one of them with `--client`"));
    }
    if !world.bundle.knows_application(name) {
        let message = format!("the policies declare no application `{name}`");
        let used = all().map(|client| client.application.as_str());
        return Err(unknown(
            message,
            name,
            world.bundle.applications().chain(used),
        ));
    }
    Ok(Application {
        id: name.to_owned(),
        attributes: BTreeMap::new(),
    })
}

fn session(args: &Args, now: Timestamp) -> Session {
    let mut methods: BTreeSet<String> = args.methods.iter().cloned().collect();
    let password_at = args.password_age.before(now);
    if methods.is_empty() && password_at.is_some() {
        methods.insert("pwd".to_owned());
    }
    access::session(&Authentication {
        password_at,
        second_factor_at: args.second_factor_age.before(now),
        methods,
    })
}

fn device(args: &Args, world: &World, now: Timestamp) -> Result<DeviceEvidence, Failure> {
    match (&args.device, &args.certificate) {
        (Some(id), _) => named(id, world, now).map(|device| DeviceEvidence {
            fact: Fact::known(device, COMMAND_LINE, now),
            trail: None,
            seen_from: None,
            keys: KeyProtection::Software,
        }),
        (None, Some(file)) => presented(file, args, world, now),
        (None, None) => {
            let (reason, source) = match &world.devices {
                Devices::Nothing => ("no device was given", COMMAND_LINE),
                Devices::NotChecked => ("this provider checks no devices", "device host"),
                Devices::Inventory(_) | Devices::Host(..) => {
                    ("no device certificate was presented yet", "device host")
                }
            };
            Ok(DeviceEvidence {
                fact: Fact::unknown(reason, source),
                trail: None,
                seen_from: None,
                keys: KeyProtection::Software,
            })
        }
    }
}

/// The device of the inventory as it would count if it presented its certificate now.
fn named(id: &str, world: &World, now: Timestamp) -> Result<Device, Failure> {
    let Some((inventory, file, lifetime)) = world.devices.inventory() else {
        return Err(no_devices(&world.devices, "--device"));
    };
    let inventory = inventory.current();
    let inventory = &inventory.value;
    let file = file.display();
    let Some(record) = inventory.by_id(&DeviceId::new(id)) else {
        let message = format!("there is no device `{id}` in `{file}`");
        let ids = inventory.all().map(|record| record.id.as_str());
        return Err(unknown(message, id, ids));
    };
    // Under an identity that is in conflict, a device counts like one that no record knows.
    let own = record.identities.iter().find_map(|identity| {
        let matched = inventory.matching(identity);
        matched.record()?;
        Some((identity, matched))
    });
    let Some((identity, matched)) = own else {
        let message = format!("no certificate can stand for the device `{id}`");
        let help = format!("give it an identity of its own in `{file}`");
        return Err(Failure::new(message).with_help(help));
    };
    let proof = proof(Vec::new(), some_address(None), now);
    Ok(device_facts(identity, &matched, &proof, lifetime, now))
}

/// What the device host makes of a certificate that is presented now.
fn presented(
    file: &Path,
    args: &Args,
    world: &World,
    now: Timestamp,
) -> Result<DeviceEvidence, Failure> {
    let Devices::Host(_, devices) = &world.devices else {
        return Err(no_devices(&world.devices, "--certificate"));
    };
    let snapshot = Snapshot::read(&Watched::Files(vec![file.to_owned()]));
    let snapshot = snapshot.map_err(Failure::Files)?;
    let chain = SourceFile::find(&snapshot, file)
        .and_then(|file| file.certificates())
        .map_err(|problem| Failure::Files(vec![*problem]))?;
    let chain = chain.iter().map(|certificate| certificate.to_vec());
    let address = some_address(args.address);
    let proof = proof(chain.collect(), address, now);
    let sources = SignalSources {
        // The address is given: no proxy speaks for it.
        forwarding: ForwardingSettings {
            trusted: Vec::new(),
            header: ForwardedHeader::XForwardedFor,
        },
        geo: Live::clone(&world.geo),
        devices: Some(devices.clone()),
    };
    let peer = SocketAddr::from((address, 0));
    let headers = HeaderMap::new();
    let signals = sources.gather(peer, &headers, Some(&proof), DeviceCheck::Presented, now);
    Ok(signals.device)
}

fn proof(chain: Vec<Vec<u8>>, address: IpAddr, now: Timestamp) -> DeviceProof {
    DeviceProof {
        chain,
        proved_at: now,
        address,
    }
}

/// An address for places that need one; no fact is taken from it.
fn some_address(given: Option<IpAddr>) -> IpAddr {
    given.unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

/// Without a certificate every device could still be presented; after one, the server offers no other.
fn candidates(args: &Args, world: &World, user: &str, now: Timestamp) -> Vec<Device> {
    if args.device.is_some() || args.certificate.is_some() {
        return Vec::new();
    }
    world.devices.inventory().map_or_else(Vec::new, |known| {
        let (inventory, _, lifetime) = known;
        access::candidates(
            &inventory.current().value,
            &UserId::new(user),
            lifetime,
            now,
        )
    })
}

/// Why no device can be given with this option.
fn no_devices(devices: &Devices, option: &str) -> Failure {
    let (message, help) = match (devices, option) {
        (Devices::NotChecked, _) => (
            "the configuration has no `[device]`, so no device is known",
            "ask without a device: that server would see none either",
        ),
        (_, "--certificate") => (
            "without a configuration no certificate can be verified",
            "give `--config`, whose device authorities count, or name the device with `--device`",
        ),
        _ => (
            "without an inventory no device is known",
            "give `--config`, or an inventory with `--devices`",
        ),
    };
    Failure::new(message).with_help(help)
}

/// A name that is not there, and what was probably meant.
fn unknown<'n>(message: String, name: &str, names: impl IntoIterator<Item = &'n str>) -> Failure {
    let names: BTreeSet<&str> = names.into_iter().collect();
    let failure = Failure::new(message);
    if let Some(near) = words::nearest(name, names.iter().copied()) {
        return failure.with_help(format!("did you mean `{near}`?"));
    }
    if names.is_empty() || names.len() > MOST_NAMES {
        return failure;
    }
    let names: Vec<&str> = names.into_iter().collect();
    failure.with_help(format!("known here: `{}`", names.join("`, `")))
}
