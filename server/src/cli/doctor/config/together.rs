//! Checks of files against each other, and against the clock. What is wrong with one file alone is told in `files`.

use chrono::TimeDelta;
use doorward_engine::{Action, FUTURE_TOLERANCE};

use super::files::{BROKEN, NO_DEVICE_HOST, day, span};
use super::{ACTIONS, CLOCK, DECLARED, DEVICE_HOST, INVENTORY_AGE, OWNERS, Patient};
use crate::access::{undeclared_applications, undeclared_groups};
use crate::app::delta;
use crate::cli::doctor::check::Check;
use crate::cli::render::count;
use crate::directory::clients::{ClientRecord, RefreshPolicy};
use crate::directory::devices::Inventory;
use crate::directory::profile::Profile;
use crate::directory::users::Users;
use crate::domain::clock::Timestamp;
use crate::signals::geo::GeoDatabases;

impl Patient<'_> {
    /// Files were made in the past. One of tomorrow says that the clock of this machine is late, and then nothing
    /// that has an age can be judged.
    pub(super) fn clock(&self) -> Check {
        let databases = self.sources.geo.value().into_iter();
        let built = databases.flat_map(GeoDatabases::built_at);
        let observed = self.records().and_then(newest);
        let moments: Vec<(String, Timestamp)> = built
            .chain(
                observed.map(|time| ("the newest observation of the inventory".to_owned(), time)),
            )
            .collect();
        judged_clock(&moments, self.now)
    }

    pub(super) fn declared(&self) -> Check {
        let sources = &self.sources;
        let (Some(policies), Some(users), Some(clients)) = (
            sources.policies.value(),
            sources.users.value(),
            sources.clients.value(),
        ) else {
            return Check::not_checked(DECLARED, BROKEN);
        };
        let directory = &self.config.directory;
        let mut found = undeclared_groups(policies, users, &directory.users.display().to_string());
        let file = directory.clients.display().to_string();
        found.extend(undeclared_applications(policies, clients, &file));
        if found.is_empty() {
            return Check::good(DECLARED, "every group and every application is declared");
        }
        let lines: Vec<String> = found
            .iter()
            .map(|it| format!("{}: {}", it.file, it.message))
            .collect();
        Check::doubtful(DECLARED, lines.join("\n"))
            .with_fix("declare them in `entities.toml` beside the policies, or correct their names")
    }

    pub(super) fn actions(&self) -> Check {
        let sources = &self.sources;
        let (Some(policies), Some(clients)) = (sources.policies.value(), sources.clients.value())
        else {
            return Check::not_checked(ACTIONS, BROKEN);
        };
        let refreshes = |client: &ClientRecord| client.refresh != RefreshPolicy::Never;
        let reports = |client: &ClientRecord| matches!(client.profile, Profile::OktaPosture);
        let mut lines = Vec::new();
        for client in clients.all() {
            for (needed, action, word) in [
                (refreshes(client), Action::Refresh, "refresh"),
                (reports(client), Action::Posture, "posture"),
            ] {
                if needed && !policies.can_permit(action) {
                    let id = &client.id;
                    lines.push(format!(
                        "client `{id}` needs `{word}`, and no policy permits it"
                    ));
                }
            }
        }
        if lines.is_empty() {
            return Check::good(ACTIONS, "what clients need, some policy can permit");
        }
        Check::bad(ACTIONS, lines.join("\n"))
            .with_fix("write a policy for the action, or take the right away from the client")
    }

    pub(super) fn device_host(&self) -> Check {
        let Some(policies) = self.sources.policies.value() else {
            return Check::not_checked(DEVICE_HOST, BROKEN);
        };
        match (&self.config.device, policies.reads_attribute("device")) {
            (Some(device), true) => {
                Check::good(DEVICE_HOST, format!("devices are known by {}", device.url))
            }
            (Some(device), false) => Check::doubtful(
                DEVICE_HOST,
                format!(
                    "devices are known by {}, and no policy asks for one",
                    device.url
                ),
            )
            .with_fix("write policies that ask for a device, or leave `[device]` out"),
            (None, true) => Check::doubtful(
                DEVICE_HOST,
                "policies ask for a device, and without `[device]` none is ever known",
            )
            .with_fix("set up the device host in `[device]`"),
            (None, false) => Check::not_checked(DEVICE_HOST, "no policy asks for a device"),
        }
    }

    pub(super) fn inventory_age(&self) -> Check {
        match (&self.config.device, self.records()) {
            (None, _) => Check::not_checked(INVENTORY_AGE, NO_DEVICE_HOST),
            (Some(_), None) => Check::not_checked(INVENTORY_AGE, BROKEN),
            (Some(device), Some(inventory)) => {
                judged_age(inventory, delta(device.evidence_lifetime), self.now)
            }
        }
    }

    pub(super) fn owners(&self) -> Check {
        match (
            &self.config.device,
            self.records(),
            self.sources.users.value(),
        ) {
            (None, ..) => Check::not_checked(OWNERS, NO_DEVICE_HOST),
            (Some(_), Some(inventory), Some(users)) => judged_owners(inventory, users),
            (Some(_), ..) => Check::not_checked(OWNERS, BROKEN),
        }
    }

    fn records(&self) -> Option<&Inventory> {
        self.sources.devices.as_ref()?.inventory.value()
    }
}

fn newest(inventory: &Inventory) -> Option<Timestamp> {
    inventory.all().filter_map(|it| it.observed_at).max()
}

fn judged_clock(moments: &[(String, Timestamp)], now: Timestamp) -> Check {
    if moments.is_empty() {
        return Check::not_checked(CLOCK, "no file says when it was made");
    }
    let lines: Vec<String> = moments
        .iter()
        .filter(|(_, time)| *time - now > FUTURE_TOLERANCE)
        .map(|(what, time)| format!("{what} is of {}, {} ahead", day(*time), span(*time - now)))
        .collect();
    if lines.is_empty() {
        let time = now.format("%Y-%m-%dT%H:%M:%SZ");
        return Check::good(
            CLOCK,
            format!("it is {time}, and no file is of a later time"),
        );
    }
    Check::bad(CLOCK, lines.join("\n")).with_fix(
        "let this machine keep its clock by NTP, and see whether that of the source is right",
    )
}

fn judged_age(inventory: &Inventory, lifetime: TimeDelta, now: Timestamp) -> Check {
    let number = inventory.all().count();
    if number == 0 {
        return Check::not_checked(INVENTORY_AGE, "no device is in the inventory");
    }
    let Some(newest) = newest(inventory) else {
        let finding = "no record says when it was observed, so that none counts";
        return Check::bad(INVENTORY_AGE, finding)
            .with_fix("export `observed_at` with each device");
    };
    let (age, bound) = (span(now - newest), span(lifetime));
    if now - newest > lifetime {
        let finding = format!(
            "the newest observation is {age} old, and what is older than {bound} does not count"
        );
        return Check::bad(INVENTORY_AGE, finding).with_fix(
            "see why the export does not run, or raise `evidence_lifetime` of `[device]`",
        );
    }
    let counts = |observed: Timestamp| now - observed <= lifetime;
    let young = inventory
        .all()
        .filter(|it| it.observed_at.is_some_and(counts))
        .count();
    let all = count(number, "device");
    let finding =
        format!("the newest observation is {age} old; of {all} {young} younger than {bound}");
    Check::good(INVENTORY_AGE, finding)
}

fn judged_owners(inventory: &Inventory, users: &Users) -> Check {
    let lines: Vec<String> = inventory
        .all()
        .flat_map(|device| device.assigned_to.iter().map(move |user| (device, user)))
        .filter(|(_, user)| users.by_id(user).is_none())
        .map(|(device, user)| {
            let id = &device.id;
            format!("device `{id}` is assigned to `{user}`, who is no user")
        })
        .collect();
    if lines.is_empty() {
        return Check::good(OWNERS, "devices are assigned to users that there are");
    }
    Check::doubtful(OWNERS, lines.join("\n"))
        .with_fix("assign devices to the `id` of a user, not to the username")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::check::Verdict;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn inventory(devices: &[(&str, &str)]) -> Inventory {
        let text: String = devices
            .iter()
            .map(|(id, rest)| format!("[[device]]\nid = '{id}'\nidentities = ['{id}']\n{rest}\n"))
            .collect();
        Inventory::parse(&text, "devices.toml").unwrap().value
    }

    fn age(observed: &[&str]) -> Check {
        let lines: Vec<(&str, String)> = ["a", "b", "c"]
            .into_iter()
            .zip(observed)
            .map(|(id, time)| (id, format!("observed_at = {time}")))
            .collect();
        let devices: Vec<(&str, &str)> = lines.iter().map(|(id, it)| (*id, it.as_str())).collect();
        judged_age(&inventory(&devices), TimeDelta::days(1), now())
    }

    #[test]
    fn an_inventory_is_as_old_as_its_newest_observation() {
        let young = age(&["2026-11-24T10:00:00Z", "2026-11-20T10:00:00Z"]);
        let told = "the newest observation is 2 hours old; of 2 devices 1 younger than 1 day";
        assert_eq!(young, Check::good(INVENTORY_AGE, told));
        let old = age(&["2026-11-20T12:00:00Z", "2026-11-21T12:00:00Z"]);
        assert_eq!(old.verdict, Verdict::Bad);
        assert!(
            old.finding
                .starts_with("the newest observation is 3 days old")
        );
    }

    #[test]
    fn an_inventory_without_times_counts_for_nothing() {
        let lifetime = TimeDelta::days(1);
        let timeless = judged_age(&inventory(&[("a", "")]), lifetime, now());
        assert_eq!(timeless.verdict, Verdict::Bad);
        let empty = judged_age(&inventory(&[]), lifetime, now());
        assert_eq!(empty.verdict, Verdict::NotChecked);
    }

    #[test]
    fn a_file_of_tomorrow_says_that_the_clock_is_late() {
        let moment = |hours| ("geo.mmdb".to_owned(), now() + TimeDelta::hours(hours));
        assert_eq!(judged_clock(&[], now()).verdict, Verdict::NotChecked);
        assert_eq!(judged_clock(&[moment(-1)], now()).verdict, Verdict::Good);
        let late = judged_clock(&[moment(-1), moment(30)], now());
        assert_eq!(late.verdict, Verdict::Bad);
        assert_eq!(late.finding, "geo.mmdb is of 2026-11-25, 1 day ahead");
    }

    #[test]
    fn a_device_of_nobody_is_doubtful() {
        let users = Users::parse("", "users.toml").unwrap().value;
        let assigned = inventory(&[("mbp", "assigned_to = ['ana']")]);
        let found = judged_owners(&assigned, &users);
        assert_eq!(
            found.finding,
            "device `mbp` is assigned to `ana`, who is no user"
        );
        let nobodys = judged_owners(&inventory(&[("mbp", "")]), &users);
        assert_eq!(nobodys.verdict, Verdict::Good);
    }
}
