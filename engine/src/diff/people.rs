//! The same questions for real people and their devices. Those whom no policy can tell apart are asked for once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::DataDiff;
use super::affected::Change;
use super::data::{Asking, units};
use crate::bundle::PolicyBundle;
use crate::representatives::{Value, moment};
use crate::request::{Device, DiskEncryption, User};
use crate::stack;
use crate::vocabulary::{types, user};

/// Somebody of the directory.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The name to call them by.
    pub name: String,
    /// As policies see them.
    pub user: User,
    /// Devices that they could present, each as it would count at this moment.
    pub devices: Vec<Device>,
}

/// People whom no policy can tell apart.
struct Alike {
    first: Person,
    names: Vec<String>,
}

/// Asks both bundles about these people, with each of their devices and with none, at the places that the change
/// can touch: `most` questions if there are more. They are examples, and never all that there is.
#[must_use]
pub fn people(
    old: &PolicyBundle,
    new: &PolicyBundle,
    people: impl Iterator<Item = Person>,
    most: usize,
) -> DataDiff {
    stack::with_enough(|| {
        let sight = Sight::of(old, new);
        let alike = sight.classes(people);
        let change = Change::between(old, new);
        let units = units(&change, old, new);
        let mut data = DataDiff::default();
        let mut left = most;
        let mut rounds = alike.len() * units.len();
        for class in &alike {
            let devices: Vec<Value> = class
                .first
                .devices
                .iter()
                .map(|device| Value::Device(Some(Box::new(device.clone()))))
                .chain([Value::Device(None)])
                .collect();
            for unit in &units {
                let mut requests = unit.requests.clone();
                requests.set(&[Value::User(class.first.user.clone())]);
                requests.set(&devices);
                let asking = Asking {
                    bundles: [old, new],
                    devices: &class.first.devices,
                    people: class.names.clone().into(),
                    places: Arc::clone(&unit.places),
                };
                let asked = data.asked;
                asking.ask(&requests, left / rounds.max(1), &mut data);
                left = left.saturating_sub(data.asked - asked);
                rounds = rounds.saturating_sub(1);
            }
        }
        data
    })
}

/// What policies of either bundle can see of people.
struct Sight {
    email: bool,
    devices: bool,
    users: BTreeSet<String>,
}

impl Sight {
    fn of(old: &PolicyBundle, new: &PolicyBundle) -> Self {
        let either = |seen: fn(&PolicyBundle) -> bool| seen(old) || seen(new);
        let named = old.names.iter().chain(&new.names);
        Self {
            email: either(|bundle| bundle.reads.name(user::EMAIL)),
            devices: either(PolicyBundle::names_devices),
            users: named
                .filter(|uid| uid.type_name().basename() == types::USER)
                .map(|uid| uid.id().unescaped().to_owned())
                .collect(),
        }
    }

    fn classes(&self, people: impl Iterator<Item = Person>) -> Vec<Alike> {
        let mut classes: Vec<Alike> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for mut person in people {
            let mut seen = BTreeSet::new();
            person
                .devices
                .retain(|device| seen.insert(self.device(device, &person.user)));
            for device in &mut person.devices {
                device.proved_at = moment();
            }
            let name = person.name.clone();
            let class = format!("{} {seen:?}", self.user(&person.user));
            let at = *known.entry(class).or_insert(classes.len());
            match classes.get_mut(at) {
                Some(class) => class.names.push(name),
                None => classes.push(Alike {
                    first: person,
                    names: vec![name],
                }),
            }
        }
        classes
    }

    fn user(&self, user: &User) -> String {
        let id = self.users.contains(&user.id).then_some(&user.id);
        let email = user.email.as_ref().filter(|_| self.email);
        format!("{id:?} {email:?} {:?} {:?}", user.groups, user.attributes)
    }

    fn device(&self, device: &Device, user: &User) -> String {
        let encrypted = device.disk_encryption.value() == Some(&DiskEncryption::On);
        let own = device.assigned_to.contains(&user.id);
        let named = device.assigned_to.intersection(&self.users);
        let named: Vec<&String> = named.collect();
        // Whether it is anybody else's, too: a set can be asked whether it is empty.
        let others = device
            .assigned_to
            .iter()
            .any(|id| *id != user.id && !self.users.contains(id));
        let id = self.devices.then_some(&device.id);
        format!(
            "{id:?} {own} {others} {named:?} {encrypted} {:?} {:?} {:?} {:?} {:?}",
            device.managed.value(),
            device.compliant.value(),
            device.platform.value(),
            device.os_version.value(),
            device.attributes,
        )
    }
}
