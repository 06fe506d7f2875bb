//! An example without what it does not need: the solver gives every fact some value, and a reader wonders which
//! of them matter. What is left of a plain example does.

use chrono::{DateTime, TimeDelta, Utc};
use doorward_engine::{AccessRequest, Device, DiskEncryption, Fact};

use crate::example::known;

/// Ages that are read with ease, in hours: an hour, half a day, days, weeks, months, a year.
const AGES: [i64; 11] = [1, 12, 24, 48, 168, 336, 720, 1_440, 2_160, 4_320, 8_760];

/// The plainest request near this one that is still an example.
pub(crate) fn plain(
    request: AccessRequest,
    is_one: impl Fn(&AccessRequest) -> bool,
) -> AccessRequest {
    let mut plainer = Plainer { request, is_one };
    plainer.session();
    plainer.place();
    plainer.device();
    plainer.user_and_application();
    plainer.request
}

/// An example, and how to tell whether another request is one.
struct Plainer<F> {
    request: AccessRequest,
    is_one: F,
}

impl<F: Fn(&AccessRequest) -> bool> Plainer<F> {
    /// Changes the example, unless it were none any more. Whether it did.
    fn attempt(&mut self, change: impl FnOnce(&mut AccessRequest)) -> bool {
        let mut changed = self.request.clone();
        change(&mut changed);
        let is_one = (self.is_one)(&changed);
        if is_one {
            self.request = changed;
        }
        is_one
    }

    fn session(&mut self) {
        if !self.attempt(|it| it.session.methods.clear()) {
            for method in self.request.session.methods.clone() {
                self.attempt(|it| {
                    it.session.methods.remove(&method);
                });
            }
        }
        if !self.attempt(|it| it.session.second_factor = known(None)) {
            self.age(|it, then| it.session.second_factor = known(Some(then)));
        }
        if !self.attempt(|it| it.session.password = known(None)) {
            self.age(|it, then| it.session.password = known(Some(then)));
        }
    }

    /// Sets an age to the first that will do: of those that are read with ease, of hours, of days.
    fn age(&mut self, set: impl Fn(&mut AccessRequest, DateTime<Utc>)) {
        let now = self.request.now;
        let days = (1..=400).map(|days| days * 24);
        let mut hours = AGES.into_iter().chain(1..=48).chain(days);
        hours.any(|hours| self.attempt(|it| set(it, now - TimeDelta::hours(hours))));
    }

    fn place(&mut self) {
        self.attempt(|it| it.address = known(None));
        self.attempt(|it| it.country = known(None));
    }

    fn device(&mut self) {
        if self.attempt(|it| it.device = known(None)) {
            return;
        }
        let now = self.request.now;
        let changes: [&dyn Fn(&mut Device); 8] = [
            &|it| it.assigned_to.clear(),
            &|it| it.os_version = known(None),
            &|it| it.platform = known(None),
            &|it| it.proved_at = now,
            &|it| it.compliant = known(Some(true)),
            &|it| it.disk_encryption = known(Some(DiskEncryption::On)),
            &|it| it.managed = known(Some(true)),
            &|it| it.attributes.clear(),
        ];
        for change in changes {
            self.attempt(|it| {
                if let Fact::Known { value, .. } = &mut it.device {
                    change(value);
                }
            });
        }
    }

    fn user_and_application(&mut self) {
        for group in self.request.user.groups.clone() {
            self.attempt(|it| {
                it.user.groups.remove(&group);
            });
        }
        self.attempt(|it| it.user.email = None);
        self.attempt(|it| it.user.attributes.clear());
        self.attempt(|it| it.application.attributes.clear());
    }
}
