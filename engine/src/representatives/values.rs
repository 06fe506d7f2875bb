//! The values that each fact takes: applications, actions, countries, ages and methods. Those of users,
//! devices and networks are next door.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use cedar_policy::EntityUid;
use chrono::TimeDelta;

use super::constants::Constants;
use super::moment;
use crate::attributes::Kind;
use crate::bundle::PolicyBundle;
use crate::fact::Fact;
use crate::request::{
    AccessRequest, Action, Application, AttributeValue, CountryCode, Device, User,
};
use crate::vocabulary::{context, types};

/// The source of every fact here.
pub(super) const SOURCE: &str = "example";

/// An age beyond every bound that makes sense.
pub(crate) const AGES_AGO: TimeDelta = TimeDelta::days(3_650);

/// A text that no policy compares with anything.
const OTHER_TEXT: &str = "something else";

/// Most names whose every combination is tried: 2 to the power of it.
const MOST_COMBINED: usize = 6;

/// One value of one fact.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    User(User),
    Application(Application),
    Action(Action),
    Address(Option<IpAddr>),
    Country(Option<CountryCode>),
    Device(Option<Box<Device>>),
    /// How long ago.
    Password(Option<TimeDelta>),
    /// How long ago.
    SecondFactor(Option<TimeDelta>),
    Methods(BTreeSet<String>),
}

impl Value {
    pub(super) fn apply(&self, request: &mut AccessRequest) {
        let ago = |age: &Option<TimeDelta>| {
            let then = age.map(|age| moment() - age);
            known(then)
        };
        match self.clone() {
            Self::User(user) => request.user = user,
            Self::Application(application) => request.application = application,
            Self::Action(action) => request.action = action,
            Self::Address(address) => request.address = known(address),
            Self::Country(country) => request.country = known(country),
            Self::Device(device) => request.device = known(device.map(|device| *device)),
            Self::Password(age) => request.session.password = ago(&age),
            Self::SecondFactor(age) => request.session.second_factor = ago(&age),
            Self::Methods(methods) => request.session.methods = methods,
        }
    }

    /// Whether the fact is not known.
    pub(super) fn is_missing(&self) -> bool {
        matches!(
            self,
            Self::Address(None)
                | Self::Country(None)
                | Self::Device(None)
                | Self::Password(None)
                | Self::SecondFactor(None)
        )
    }

    pub(super) fn same_fact(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

pub(super) fn known<T>(value: Option<T>) -> Fact<T> {
    match value {
        Some(value) => Fact::known(value, SOURCE, moment()),
        None => Fact::unknown("not known", SOURCE),
    }
}

/// Values, and whether no other would make a difference.
pub(super) type Values<T> = (Vec<T>, bool);

/// What values are made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    /// One, or two whose answers are compared: what either tells apart is told apart.
    pub(super) bundles: &'a [&'a PolicyBundle],
    pub(super) constants: &'a Constants,
    /// Entities that the policies name.
    pub(super) named: &'a BTreeSet<EntityUid>,
}

impl Source<'_> {
    /// One dimension a fact. The first values are those that most policies hope for.
    pub(super) fn dimensions(&self) -> Vec<Values<Value>> {
        let one = |value| (vec![value], true);
        let reads = |path: &str| self.constants.reads(path);
        let mut dimensions = vec![
            wrap(self.users(), Value::User),
            wrap(self.applications(), Value::Application),
            (Action::ALL.map(Value::Action).to_vec(), true),
            if reads("session.passwordAge") {
                wrap(self.ages("session.passwordAge"), Value::Password)
            } else {
                // Somebody who has a session has entered a password.
                one(Value::Password(Some(TimeDelta::zero())))
            },
            if reads("session.secondFactorAge") {
                wrap(self.ages("session.secondFactorAge"), Value::SecondFactor)
            } else {
                one(Value::SecondFactor(None))
            },
            if reads("session.methods") {
                wrap(self.methods(), Value::Methods)
            } else {
                one(Value::Methods(BTreeSet::new()))
            },
        ];
        if reads(context::COUNTRY) {
            dimensions.push(wrap(self.countries(), Value::Country));
        }
        if reads(context::NETWORK) || reads(context::ADDRESS) {
            dimensions.push(wrap(self.addresses(), Value::Address));
        }
        if reads(context::DEVICE) {
            dimensions.push(wrap(self.devices(), |device| {
                Value::Device(device.map(Box::new))
            }));
        }
        dimensions
    }

    /// Whether a name that stands for all others is somebody's: then nothing stands for the others.
    pub(super) fn others_are_taken(&self) -> bool {
        let names = |kind: &'static str, id: &str| {
            self.named(kind).contains(id) || self.declared(kind).any(|declared| declared == id)
        };
        let compared = self
            .constants
            .texts
            .values()
            .any(|texts| texts.contains(OTHER_TEXT));
        compared
            || names(types::USER, "somebody")
            || names(types::USER, "somebody else")
            || names(types::APPLICATION, "something")
            || names(types::DEVICE, "a device")
    }

    /// Ids of a type that the policies name.
    pub(super) fn named(&self, kind: &str) -> BTreeSet<&str> {
        self.named
            .iter()
            .filter(|uid| uid.type_name().basename() == kind)
            .map(|uid| uid.id().unescaped())
            .collect()
    }

    pub(super) fn declared<'s>(&'s self, kind: &'static str) -> impl Iterator<Item = &'s str> {
        let bundles = self.bundles.iter();
        bundles.flat_map(move |bundle| bundle.catalogue.ids(kind))
    }

    /// Which of the named groups an entity is in, for each bundle.
    fn within(
        &self,
        kind: &'static str,
        id: &str,
        groups: &BTreeSet<&str>,
    ) -> Vec<BTreeSet<String>> {
        let within = |bundle: &&PolicyBundle| {
            let ancestors = bundle.catalogue.ancestors(kind, id).iter();
            let named = ancestors.filter(|group| groups.contains(group.as_str()));
            named.cloned().collect()
        };
        self.bundles.iter().map(within).collect()
    }

    fn applications(&self) -> Values<Application> {
        let named = self.named(types::APPLICATION);
        let groups = self.named(types::APPLICATION_GROUP);
        let declared = self.declared(types::APPLICATION);
        let mut seen = BTreeSet::new();
        let ids: Vec<&str> = declared
            .chain(named.iter().copied())
            .chain(["something"])
            .filter(|id| {
                let within = self.within(types::APPLICATION, id, &groups);
                seen.insert((named.get(id).copied(), within))
            })
            .collect();
        let (attributes, every) = self.custom(types::APPLICATION, "application");
        let applications = ids.iter().flat_map(|id| {
            attributes.iter().map(|attributes| Application {
                id: (*id).to_owned(),
                attributes: attributes.clone(),
            })
        });
        (applications.collect(), every)
    }

    fn countries(&self) -> Values<Option<CountryCode>> {
        let named = self.named(types::COUNTRY);
        let regions = self.named(types::REGION);
        let declared = self.declared(types::COUNTRY);
        let mut seen = BTreeSet::new();
        let mut countries: Vec<Option<CountryCode>> = declared
            .chain(named.iter().copied())
            // Somewhere that nobody speaks of.
            .chain(std::iter::once("AQ").chain(rust_iso3166::ALL_ALPHA2.iter().copied()))
            .filter(|id| {
                let within = self.within(types::COUNTRY, id, &regions);
                seen.insert((named.get(id).copied(), within))
            })
            .map(|id| id.parse().ok())
            .collect();
        let every = countries.iter().all(Option::is_some);
        countries.push(None);
        (countries, every)
    }

    /// On either side of each bound, far beyond all of them, and never.
    pub(super) fn ages(&self, path: &str) -> Values<Option<TimeDelta>> {
        let mut ages: BTreeSet<TimeDelta> = self
            .around(path)
            .into_iter()
            .filter(|number| *number >= 0)
            // Before the first day of the calendar nobody has entered anything.
            .filter_map(TimeDelta::try_milliseconds)
            .filter(|age| moment().checked_sub_signed(*age).is_some())
            .collect();
        if !self.constants.reads(path) {
            return (vec![Some(TimeDelta::zero())], true);
        }
        ages.insert(TimeDelta::zero());
        ages.insert(AGES_AGO);
        (ages.into_iter().map(Some).chain([None]).collect(), true)
    }

    /// Each number that a fact is compared with, and its neighbours.
    pub(super) fn around(&self, path: &str) -> BTreeSet<i64> {
        let numbers = self.constants.numbers.get(path);
        numbers
            .into_iter()
            .flatten()
            .flat_map(|number| [number.saturating_sub(1), *number, number.saturating_add(1)])
            .collect()
    }

    fn methods(&self) -> Values<BTreeSet<String>> {
        let none = BTreeSet::new();
        let texts = self.constants.texts.get("session.methods").unwrap_or(&none);
        // And one that no policy names: a set can hold it beside the others.
        combinations(
            &texts
                .iter()
                .map(String::as_str)
                .chain([OTHER_TEXT])
                .collect(),
        )
    }

    pub(super) fn texts(&self, path: &str, optional: bool) -> Values<Option<String>> {
        if !self.constants.reads(path) {
            return (vec![None], true);
        }
        let compared = self.constants.texts.get(path).into_iter().flatten();
        let another = [OTHER_TEXT.to_owned()];
        let texts = compared.chain(&another).cloned().map(Some);
        let missing = optional.then_some(None);
        (texts.chain(missing).collect(), true)
    }

    /// Values of the organisation's own attributes, all of them together.
    pub(super) fn custom(&self, of: &str, root: &str) -> Values<BTreeMap<String, AttributeValue>> {
        let mut all = vec![BTreeMap::new()];
        let mut every = true;
        for (name, (required, kind, agreed)) in self.attributes(of) {
            let path = format!("{root}.{name}");
            every &= agreed;
            if !required && !self.constants.reads(&path) {
                continue;
            }
            let (mut values, known) = self.attribute(kind, &path);
            every &= known;
            if !required {
                values.push(None);
            }
            all = all
                .iter()
                .flat_map(|before: &BTreeMap<String, AttributeValue>| {
                    values.iter().map(|value| {
                        let mut with = before.clone();
                        if let Some(value) = value {
                            with.insert(name.to_owned(), value.clone());
                        }
                        with
                    })
                })
                .take(super::MOST_VALUES)
                .collect();
            every &= all.len() < super::MOST_VALUES;
        }
        (all, every)
    }

    /// The attributes of a type in any bundle: whether all require it, its type, whether all agree on that.
    fn attributes(&self, of: &str) -> BTreeMap<&str, (bool, &Kind, bool)> {
        let mut all: BTreeMap<&str, (bool, &Kind, bool)> = BTreeMap::new();
        for (name, required, kind) in self.bundles.iter().flat_map(|it| it.schema.custom.of(of)) {
            let known = all.entry(name).or_insert((required, kind, true));
            *known = (known.0 && required, known.1, known.1 == kind);
        }
        all
    }

    fn attribute(&self, kind: &Kind, path: &str) -> Values<Option<AttributeValue>> {
        match kind {
            Kind::Bool => (
                [true, false]
                    .map(|value| Some(AttributeValue::Bool(value)))
                    .to_vec(),
                true,
            ),
            Kind::Long => {
                let numbers = self.around(path).into_iter().chain([i64::from(i32::MAX)]);
                (
                    numbers.map(|n| Some(AttributeValue::Long(n))).collect(),
                    true,
                )
            }
            Kind::String => {
                let (texts, every) = self.texts(path, false);
                let text =
                    |text: Option<String>| Some(AttributeValue::String(text.unwrap_or_default()));
                (texts.into_iter().map(text).collect(), every)
            }
            Kind::Set(element) if **element == Kind::String => {
                let none = BTreeSet::new();
                let texts = self.constants.texts.get(path).unwrap_or(&none);
                let names = texts
                    .iter()
                    .map(String::as_str)
                    .chain([OTHER_TEXT])
                    .collect();
                let (sets, every) = combinations(&names);
                let set = |set: BTreeSet<String>| {
                    let texts = set.into_iter().map(AttributeValue::String);
                    Some(AttributeValue::Set(texts.collect()))
                };
                (sets.into_iter().map(set).collect(), every)
            }
            // Nothing of these is compared with constants by the policies that people write.
            Kind::Set(_) => (vec![Some(AttributeValue::Set(Vec::new()))], false),
            Kind::Other => (vec![None], false),
        }
    }
}

fn wrap<T>((values, every): Values<T>, value: impl Fn(T) -> Value) -> Values<Value> {
    (values.into_iter().map(value).collect(), every)
}

/// Every set of the names, the largest first; where these are too many: all, none, and each alone.
pub(super) fn combinations(names: &BTreeSet<&str>) -> Values<BTreeSet<String>> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let names: Vec<&str> = names.iter().copied().collect();
    if names.len() > MOST_COMBINED {
        let mut sets = vec![owned(&names), BTreeSet::new()];
        sets.extend(names.iter().map(|name| owned(&[*name])));
        return (sets, false);
    }
    let sets = (0..1_usize << names.len()).rev().map(|bits| {
        names
            .iter()
            .enumerate()
            .filter(|(at, _)| bits >> at & 1 == 1)
            .map(|(_, name)| (*name).to_owned())
            .collect()
    });
    (sets.collect(), true)
}
