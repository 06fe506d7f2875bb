//! Bundles and requests for the benchmarks: a few global policies and five for each application.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use doorward_engine::{
    AccessRequest, Action, Application, Device, DiskEncryption, Fact, Platform, Session,
    SourceFile, User,
};

/// Policies that apply to one application.
pub(crate) const PER_APPLICATION: usize = 5;

/// The moment of every benchmark.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-24T09:00:00Z".parse().expect("a time")
}

/// The files of a bundle of about `policies` policies, one file an application.
pub(crate) fn bundle(policies: usize) -> Vec<SourceFile> {
    let applications = policies.div_ceil(PER_APPLICATION).max(1);
    let mut entities = String::from(
        "[group.employees]\n[region.home]\ncountries = [\"SG\"]\n[network.offices]\nranges = [\"203.0.113.0/24\"]\n",
    );
    let mut files = vec![SourceFile::new("global.cedar", GLOBAL)];
    for number in 0..applications {
        let _ = writeln!(entities, "[application.app-{number}]");
        files.push(SourceFile::new(
            format!("app-{number}.cedar"),
            application(number, "12h"),
        ));
    }
    files.push(SourceFile::new("entities.toml", entities));
    files
}

const GLOBAL: &str = r#"
@id("country") forbid (principal, action, resource) unless { context has country };
"#;

/// The policies of one application.
pub(crate) fn application(number: usize, daily: &str) -> String {
    let scope = format!("resource == Application::\"app-{number}\"");
    format!(
        r#"
@id("app-{number}-permit") permit (principal in Group::"employees", action, {scope})
when {{ context has device && context.device.managed && context.device.diskEncrypted }}
when {{ context has country && context.country in Region::"home" }}
when {{ context.session has passwordAge && context.session.passwordAge <= duration("7d") }};
@id("app-{number}-own") forbid (principal, action, {scope})
unless {{ context has device && context.device.assignedTo.contains(principal) }};
@id("app-{number}-daily") forbid (principal, action == Action::"signIn", {scope})
unless {{ context.session has passwordAge && context.session.passwordAge <= duration("{daily}") }};
@id("app-{number}-office") permit (principal, action, {scope})
when {{ context has network && context.network in Network::"offices" }};
@id("app-{number}-platform") forbid (principal, action, {scope})
when {{ context has device && context.device has osVersion && context.device.osVersion < 14000000000 }};
"#
    )
}

/// A request that every policy of its application lets through.
pub(crate) fn request(application: usize) -> AccessRequest {
    let now = now();
    let hours = |hours| now - TimeDelta::hours(hours);
    AccessRequest {
        action: Action::SignIn,
        user: User {
            id: "ana".to_owned(),
            groups: (0..11)
                .map(|n| format!("team-{n}"))
                .chain(["employees".to_owned()])
                .collect(),
            email: Some("ana@example.com".to_owned()),
            attributes: BTreeMap::new(),
        },
        application: Application {
            id: format!("app-{application}"),
            attributes: BTreeMap::new(),
        },
        address: Fact::known("203.0.113.9".parse().expect("an address"), "socket", now),
        country: Fact::known("SG".parse().expect("a country"), "GeoIP", now),
        device: Fact::known(
            Device {
                id: "MBP-ANA".to_owned(),
                managed: Fact::known(true, "inventory", hours(2)),
                disk_encryption: Fact::known(DiskEncryption::On, "inventory", hours(2)),
                compliant: Fact::known(true, "inventory", hours(2)),
                platform: Fact::known(Platform::Macos, "inventory", hours(2)),
                os_version: Fact::known(
                    "15.3.1".parse().expect("a version"),
                    "inventory",
                    hours(2),
                ),
                assigned_to: BTreeSet::from(["ana".to_owned()]),
                proved_at: now,
                attributes: BTreeMap::new(),
            },
            "client certificate",
            now,
        ),
        session: Session {
            password: Fact::known(hours(2), "password", hours(2)),
            second_factor: Fact::unknown("none", "second factor"),
            methods: BTreeSet::from(["pwd".to_owned()]),
        },
        now,
    }
}
