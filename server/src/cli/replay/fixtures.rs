//! Decision logs for tests, as a server with the starter policies writes them, and the command over them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;

use chrono::TimeDelta;
use clap::Parser;
use doorward_engine::{
    AccessRequest, Action, Application, AttributeValue, Device, DiskEncryption, Fact, Offered,
    Offers, Outcome, Platform, PolicyBundle, Session, SourceFile, User,
};
use tempfile::TempDir;

use super::report::Report;
use super::{Args, replayed};
use crate::audit::{DecisionRecord, Ending};
use crate::cli::Failure;
use crate::domain::clock::Timestamp;

const ACCESS: &str = include_str!("../../../../policies/access.cedar");
const ENTITIES: &str = include_str!("../../../../policies/entities.toml");

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

/// A directory with policies and a decision log.
#[derive(Debug)]
pub(super) struct Place {
    directory: TempDir,
}

impl Place {
    /// The starter policies, and these lines.
    pub(super) fn with(lines: &[String]) -> Self {
        let place = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(place.directory.path().join("policies")).unwrap();
        place.write("policies/access.cedar", ACCESS);
        place.write("policies/entities.toml", ENTITIES);
        place.write("log", &lines.concat());
        place
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).unwrap();
    }

    /// Replaces a part of the policies or their data, which must be there.
    pub(super) fn edit(&self, name: &str, from: &str, to: &str) {
        let path = self.directory.path().join("policies").join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Replays the log with these options.
    pub(super) fn replay(&self, options: &[&str]) -> Result<Report, Failure> {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let (log, policies) = (path("log"), path("policies"));
        let words = ["replay", log.as_str(), "--policies", policies.as_str()];
        let words = words.iter().chain(options).copied();
        let Cli { args } = Cli::try_parse_from(words).unwrap();
        replayed(&args)
    }

    /// A text without what is another one each time.
    pub(super) fn short(&self, text: &str, report: &Report) -> String {
        let directory = format!("{}/", self.directory.path().display());
        text.replace(&directory, "")
            .replace(&report.revision.short(), "[REVISION]")
    }
}

pub(super) fn now() -> Timestamp {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

/// The starter policies, as they lie on a server.
pub(super) static STARTER: LazyLock<PolicyBundle> = LazyLock::new(|| {
    let files = [
        SourceFile::new("/srv/policies/access.cedar", ACCESS),
        SourceFile::new("/srv/policies/entities.toml", ENTITIES),
    ];
    PolicyBundle::load(&files, None).unwrap()
});

/// A laptop, managed or not, of this user.
pub(super) fn laptop(id: &str, managed: bool, owner: &str) -> Device {
    let seen = now() - TimeDelta::hours(2);
    Device {
        id: id.to_owned(),
        managed: Fact::known(managed, "inventory", seen),
        disk_encryption: Fact::known(DiskEncryption::On, "inventory", seen),
        compliant: Fact::unknown("the inventory does not say", "inventory"),
        platform: Fact::known(Platform::Macos, "inventory", seen),
        os_version: Fact::known("15.3.1".parse().unwrap(), "inventory", seen),
        assigned_to: BTreeSet::from([owner.to_owned()]),
        proved_at: now() - TimeDelta::milliseconds(1_234),
        attributes: BTreeMap::from([(
            "tags".to_owned(),
            AttributeValue::Set(vec![AttributeValue::String("lab".to_owned())]),
        )]),
    }
}

/// Ana's question.
pub(super) fn question(
    application: &str,
    country: Option<&str>,
    device: Option<Device>,
    password_hours: Option<i64>,
) -> AccessRequest {
    let password = password_hours.map(|hours| now() - TimeDelta::hours(hours));
    AccessRequest {
        action: Action::SignIn,
        user: User {
            id: "u-ana".to_owned(),
            groups: BTreeSet::from(["employees".to_owned()]),
            email: Some("ana@example.com".to_owned()),
            attributes: BTreeMap::new(),
        },
        application: Application {
            id: application.to_owned(),
            attributes: BTreeMap::new(),
        },
        address: Fact::known("2001:db8::9".parse().unwrap(), "connection", now()),
        country: match country {
            Some(code) => Fact::known(code.parse().unwrap(), "GeoIP of 2026-11-20", now()),
            None => Fact::unknown("the address is private", "GeoIP"),
        },
        device: match device {
            Some(device) => {
                let proved = device.proved_at;
                Fact::known(device, "client certificate", proved)
            }
            None => Fact::unknown("no device certificate was presented yet", "device host"),
        },
        session: Session {
            password: match password {
                Some(at) => Fact::known(at, "password", at),
                None => Fact::unknown("no password was entered in this session", "password"),
            },
            second_factor: Fact::unknown("no second factor was proved", "second factor"),
            methods: BTreeSet::from(["pwd".to_owned()]),
        },
        now: now(),
    }
}

/// Questions of every kind that the starter policies tell apart, and more.
pub(super) fn questions() -> Vec<AccessRequest> {
    let devices = [
        None,
        Some(laptop("mbp-ana", true, "u-ana")),
        Some(laptop("byod-ana", false, "u-ana")),
        Some(laptop("mbp-bo", true, "u-bo")),
    ];
    let mut questions = Vec::new();
    for application in ["wiki", "payroll", "unheard-of"] {
        for country in [Some("SG"), Some("JP"), None] {
            for device in &devices {
                for hours in [None, Some(2), Some(20), Some(24 * 8)] {
                    questions.push(question(application, country, device.clone(), hours));
                }
            }
        }
    }
    questions
}

/// The record of a decision, under the reference with this number.
pub(super) fn record(number: usize, request: &AccessRequest) -> DecisionRecord {
    let offers = || Offers {
        password: true,
        devices: vec![
            laptop("mbp-ana", true, "u-ana"),
            laptop("byod-ana", false, "u-ana"),
            laptop("mbp-bo", true, "u-bo"),
        ],
    };
    let (decision, asked) = STARTER.decide_and_keep(request, offers);
    let ending = match &decision.outcome {
        Outcome::Permit => Ending::Permitted,
        Outcome::Deny { .. } => Ending::Denied,
        Outcome::StepUp { demand, .. } => Ending::StepUpAsked {
            password: demand.password,
            device: !demand.devices.is_empty(),
        },
    };
    let offers = asked.map(|offers| Offered::of(&offers, &decision, &request.user.id));
    let at = now() + TimeDelta::minutes(i64::try_from(number).unwrap());
    DecisionRecord {
        username: Some("ana".to_owned()),
        user: Some(request.user.id.clone()),
        application: Some(request.application.id.clone()),
        facts: request.facts(),
        decision: Some(decision),
        request: Some(Box::new(request.clone())),
        offers: offers.map(Box::new),
        ..bare(number, at, ending)
    }
}

fn bare(number: usize, at: Timestamp, ending: Ending) -> DecisionRecord {
    DecisionRecord::new(format!("{number:08}").parse().unwrap(), at, ending)
}

/// A record as its line in the log.
pub(super) fn line(record: &DecisionRecord) -> String {
    serde_json::to_string(record).unwrap() + "\n"
}

/// A line of each sort: a permit, two step-ups, a denial, and what is not replayed.
pub(in crate::cli) fn lines() -> Vec<String> {
    let own = || Some(laptop("mbp-ana", true, "u-ana"));
    let refused = Ending::Refused {
        error: "invalid_request".to_owned(),
        detail: "`redirect_uri` is not registered".to_owned(),
    };
    let mut old = record(6, &question("wiki", Some("SG"), own(), Some(2)));
    old.request = None;
    vec![
        line(&record(1, &question("wiki", Some("SG"), own(), Some(2)))),
        line(&record(2, &question("wiki", Some("SG"), None, Some(2)))),
        line(&record(
            3,
            &question("payroll", Some("SG"), own(), Some(20)),
        )),
        line(&record(4, &question("wiki", Some("JP"), own(), Some(2)))),
        line(&bare(5, now(), refused)),
        line(&old),
    ]
}
