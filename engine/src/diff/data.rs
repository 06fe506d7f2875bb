//! The questions that changed policies tell apart, asked of both bundles: place by place, beside the policies
//! that decide there with them.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::affected::{Change, Region};
use super::{DataDiff, Flip, Place, compare};
use crate::bundle::PolicyBundle;
use crate::evaluate::evaluate;
use crate::representatives::{Representatives, Value};
use crate::request::{AccessRequest, Application, Device};
use crate::stack;
use crate::step_up::Offers;

/// Asks both bundles the questions that tell apart the policies that changed and those beside them, `most` of
/// them if there are more.
#[must_use]
pub fn representatives(old: &PolicyBundle, new: &PolicyBundle, most: usize) -> DataDiff {
    stack::with_enough(|| {
        let change = Change::between(old, new);
        let units = units(&change, old, new);
        let mut data = DataDiff {
            every: !change.other_schema,
            ..DataDiff::default()
        };
        let mut left = most;
        for (number, unit) in units.iter().enumerate() {
            let share = left / (units.len() - number).max(1);
            let asked = data.asked;
            let offers = unit.offers();
            let asking = Asking {
                bundles: [old, new],
                devices: offers.as_slice(),
                people: Arc::default(),
                places: Arc::clone(&unit.places),
            };
            asking.ask(&unit.requests, share, &mut data);
            data.every &= unit.requests.are_all();
            left = left.saturating_sub(data.asked - asked);
        }
        data.every &= !data.cut;
        data
    })
}

/// Questions about places that differ in nothing.
pub(super) struct Unit {
    pub(super) requests: Representatives,
    pub(super) places: Arc<[Place]>,
}

/// The units of a change, those with few questions first, so that what they leave goes to the others.
pub(super) fn units(change: &Change<'_>, old: &PolicyBundle, new: &PolicyBundle) -> Vec<Unit> {
    let mut units: Vec<Unit> = change
        .regions()
        .into_iter()
        .flat_map(|region| of_region(&region, old, new))
        .collect();
    units.sort_by_key(|unit| unit.requests.count());
    units
}

/// One for all places, or one for each where conditions look at them.
fn of_region(region: &Region<'_>, old: &PolicyBundle, new: &PolicyBundle) -> Vec<Unit> {
    let requests = Representatives::across(&[old, new], &region.policies());
    let at = |places: &[Place]| {
        let mut requests = requests.clone();
        if let Some(place) = places.first() {
            requests.set(&[Value::Action(place.action)]);
            requests.set(&applications(&requests, &place.application));
        }
        Unit {
            requests,
            places: places.into(),
        }
    };
    if requests.look_at_place() {
        region.places.chunks(1).map(at).collect()
    } else {
        vec![at(&region.places)]
    }
}

/// The application with all the attributes that it could have.
fn applications(requests: &Representatives, id: &str) -> Vec<Value> {
    let blank = Application {
        id: id.to_owned(),
        attributes: std::collections::BTreeMap::new(),
    };
    let mut all: Vec<Application> = Vec::new();
    for value in requests.values(&Value::Application(blank)) {
        if let Value::Application(known) = value {
            let application = Application {
                id: id.to_owned(),
                attributes: known.attributes.clone(),
            };
            if !all.contains(&application) {
                all.push(application);
            }
        }
    }
    all.into_iter().map(Value::Application).collect()
}

impl Unit {
    /// The device that most policies hope for, if they look at any: whoever has none might have that.
    fn offers(&self) -> Option<Device> {
        let mut devices = self.requests.values(&Value::Device(None)).iter();
        let known = devices.find_map(|value| match value {
            Value::Device(device) => device.as_deref(),
            _ => None,
        });
        known.cloned()
    }
}

/// Who asks, and what they could still present.
pub(super) struct Asking<'a> {
    pub(super) bundles: [&'a PolicyBundle; 2],
    pub(super) devices: &'a [Device],
    pub(super) people: Arc<[String]>,
    pub(super) places: Arc<[Place]>,
}

impl Asking<'_> {
    /// Asks `most` of the questions at most. Answers that permit on both sides, or on neither, are the same; so
    /// are then the step-ups, which are permits of other questions.
    pub(super) fn ask(&self, requests: &Representatives, most: usize, data: &mut DataDiff) {
        if requests.count() <= most {
            for number in requests.spread(most) {
                self.ask_one(requests, number, data);
            }
            return;
        }
        data.cut = true;
        // What a change moves is the border between permits and refusals: most of what is left of the questions
        // after a look everywhere is asked along it.
        let mut asked = HashSet::new();
        let mut permitted = VecDeque::new();
        for number in requests.spread(most - most / 4) {
            asked.insert(number);
            if self.ask_one(requests, number, data) {
                permitted.push_back(number);
            }
        }
        while let Some(number) = permitted.pop_front() {
            for near in requests.near(number) {
                if asked.len() < most && asked.insert(near) && self.ask_one(requests, near, data) {
                    permitted.push_back(near);
                }
            }
        }
    }

    /// Asks one question. Whether either side permits it.
    fn ask_one(&self, requests: &Representatives, number: usize, data: &mut DataDiff) -> bool {
        data.asked += 1;
        let request = requests.request(number);
        let [before, after] = self
            .bundles
            .map(|bundle| evaluate(bundle, &request).denied.is_none());
        if before != after {
            data.flips.extend(self.flip(request));
        }
        before || after
    }

    fn flip(&self, request: AccessRequest) -> Option<Flip> {
        let offers = || Offers {
            password: true,
            // After a device has presented its certificate, no other is asked for.
            devices: match request.device.value() {
                Some(_) => Vec::new(),
                None => self.devices.to_vec(),
            },
        };
        let [before, after] = self.bundles.map(|bundle| bundle.decide(&request, offers));
        let flip = compare(None, request, before, after)?;
        Some(Flip {
            people: Arc::clone(&self.people),
            places: Arc::clone(&self.places),
            ..flip
        })
    }
}
