//! Tests of the engine through its public face: the mission's rule, failing closed, explanations.

mod bundles;
mod explanations;
mod lints;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    AccessRequest, Action, Application, Demand, DenyReason, Device, DiskEncryption, Fact, Offers,
    Outcome, PolicyBundle, Session, SourceFile, User,
};

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

/// Ana's laptop as the inventory likes it.
pub(crate) fn laptop() -> Device {
    let seen = now() - TimeDelta::hours(2);
    Device {
        id: "MBP-ANA".to_owned(),
        managed: Fact::known(true, "inventory", seen),
        disk_encryption: Fact::known(DiskEncryption::On, "inventory", seen),
        compliant: Fact::known(true, "inventory", seen),
        platform: Fact::known(crate::Platform::Macos, "inventory", seen),
        os_version: Fact::known("15.3.1".parse().unwrap(), "inventory", seen),
        assigned_to: BTreeSet::from(["ana".to_owned()]),
        proved_at: now(),
        attributes: BTreeMap::new(),
    }
}

/// Ana, on her laptop in Singapore, password 20 hours ago, to `application`.
pub(crate) fn ana_to(application: &str) -> AccessRequest {
    AccessRequest {
        action: Action::SignIn,
        user: User {
            id: "ana".to_owned(),
            groups: BTreeSet::from(["employees".to_owned()]),
            email: Some("ana@example.com".to_owned()),
            attributes: BTreeMap::new(),
        },
        application: Application {
            id: application.to_owned(),
            attributes: BTreeMap::new(),
        },
        address: Fact::known("203.0.113.9".parse().unwrap(), "socket", now()),
        country: Fact::known(
            "SG".parse().unwrap(),
            "GeoIP of 2026-11-20",
            now() - TimeDelta::days(4),
        ),
        device: Fact::known(laptop(), "client certificate", now()),
        session: Session {
            password: Fact::known(
                now() - TimeDelta::hours(20),
                "password",
                now() - TimeDelta::hours(20),
            ),
            second_factor: Fact::unknown("no second factor was proved", "session"),
            methods: BTreeSet::from(["pwd".to_owned()]),
        },
        now: now(),
    }
}

pub(crate) fn starter() -> PolicyBundle {
    load(&[
        (
            "policies/access.cedar",
            include_str!("../../../policies/access.cedar"),
        ),
        (
            "policies/entities.toml",
            include_str!("../../../policies/entities.toml"),
        ),
    ])
    .unwrap()
}

pub(crate) fn load(files: &[(&str, &str)]) -> Result<PolicyBundle, String> {
    let files: Vec<SourceFile> = files
        .iter()
        .map(|(name, text)| SourceFile::new(*name, *text))
        .collect();
    PolicyBundle::load(&files, None).map_err(|error| render(&error.diagnostics))
}

pub(crate) fn render(diagnostics: &[crate::Diagnostic]) -> String {
    diagnostics
        .iter()
        .map(|d| {
            let help = d
                .help
                .as_deref()
                .map(|help| format!("\n  help: {help}"))
                .unwrap_or_default();
            format!("{} [{}] {}{help}", d.origin(), d.code, d.message)
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn outcome(bundle: &PolicyBundle, request: &AccessRequest) -> Outcome {
    bundle.decide(request, Offers::none).outcome
}

const NO_PERMIT: Outcome = Outcome::Deny {
    because: DenyReason::NoPermit,
};

#[test]
fn the_four_rules_permit_when_all_hold_and_name_the_policy() {
    let decision = starter().decide(&ana_to("wiki"), Offers::none);
    assert_eq!(decision.outcome, Outcome::Permit);
    let ids: Vec<&str> = decision
        .determining
        .iter()
        .map(|policy| policy.id.as_str())
        .collect();
    assert_eq!(ids, ["workplace"]);
    assert_eq!(
        decision.determining[0].origin.to_string(),
        "policies/access.cedar:9:1"
    );
}

type Change = fn(&mut AccessRequest);

#[test]
fn each_of_the_four_rules_alone_keeps_the_door_shut() {
    let bundle = starter();
    let break_rule: [(&str, Change); 8] = [
        ("no certificate", |r| {
            r.device = Fact::unknown("no certificate", "device host");
        }),
        ("not managed", |r| {
            change(r, |d| d.managed = Fact::known(false, "inventory", now()));
        }),
        ("managed unknown", |r| {
            change(r, |d| d.managed = Fact::unknown("stale", "inventory"));
        }),
        ("encrypting", |r| {
            change(r, |d| {
                d.disk_encryption = Fact::known(DiskEncryption::Encrypting, "inventory", now());
            });
        }),
        ("elsewhere", |r| {
            r.country = Fact::known("JP".parse().unwrap(), "GeoIP", now());
        }),
        ("country unknown", |r| {
            r.country = Fact::unknown("the address is private", "GeoIP");
        }),
        ("password too old", |r| {
            r.session.password = Fact::known(now() - TimeDelta::days(8), "password", now());
        }),
        ("password in the future", |r| {
            r.session.password = Fact::known(now() + TimeDelta::hours(1), "password", now());
        }),
    ];
    for (what, break_it) in break_rule {
        let mut request = ana_to("wiki");
        break_it(&mut request);
        assert_eq!(outcome(&bundle, &request), NO_PERMIT, "{what}");
    }
}

fn change(request: &mut AccessRequest, f: impl FnOnce(&mut Device)) {
    if let Fact::Known { value, .. } = &mut request.device {
        f(value);
    }
}

#[test]
fn a_forbid_overrules_a_permit_and_is_the_reason() {
    let mut request = ana_to("payroll");
    request.session.password = Fact::known(now() - TimeDelta::hours(1), "password", now());
    assert_eq!(outcome(&starter(), &request), Outcome::Permit);
    change(&mut request, |device| {
        device.assigned_to = BTreeSet::from(["ben".to_owned()]);
    });
    let decision = starter().decide(&request, Offers::none);
    assert_eq!(
        decision.outcome,
        Outcome::Deny {
            because: DenyReason::Forbidden
        }
    );
    assert_eq!(decision.determining[0].id, "own-device-only");
}

#[test]
fn a_forbid_that_cannot_be_evaluated_denies_although_cedar_would_allow() {
    let bundle = load(&[(
        "a.cedar",
        r#"@id("all") permit (principal, action, resource);
           @id("overflow") forbid (principal, action, resource)
           when { context.now.offset(duration("106751991166d")).offset(duration("106751991166d")) > context.now };"#,
    )])
    .unwrap();
    let decision = bundle.decide(&ana_to("wiki"), Offers::none);
    assert_eq!(
        decision.outcome,
        Outcome::Deny {
            because: DenyReason::PolicyError
        }
    );
    assert_eq!(decision.determining[0].id, "overflow");
    assert_eq!(decision.errors.len(), 1);
}

#[test]
fn an_error_in_a_permit_is_recorded_and_does_not_stop_another_permit() {
    let bundle = load(&[(
        "a.cedar",
        r#"@id("all") permit (principal, action, resource);
           @id("overflow") permit (principal, action, resource)
           when { context.now.offset(duration("106751991166d")).offset(duration("106751991166d")) > context.now };"#,
    )])
    .unwrap();
    let decision = bundle.decide(&ana_to("wiki"), Offers::none);
    assert_eq!(decision.outcome, Outcome::Permit);
    assert_eq!(decision.errors[0].policy.id, "overflow");
}

#[test]
fn a_report_only_policy_decides_nothing_and_says_what_it_would_have_done() {
    let mut request = ana_to("payroll");
    request.session.password = Fact::known(now(), "password", now());
    request.address = Fact::known("198.51.100.1".parse().unwrap(), "socket", now());
    let decision = starter().decide(&request, Offers::none);
    assert_eq!(decision.outcome, Outcome::Permit);
    let report = &decision.report_only[0];
    assert_eq!(report.policy.id, "office-network-trial");
    assert!(report.matched && report.would_change);
}

#[test]
fn named_networks_nest_and_mapped_addresses_are_the_same_address() {
    let bundle = load(&[
        (
            "a.cedar",
            r#"@id("office") permit (principal, action, resource)
               when { context has network && context.network in Network::"offices" };"#,
        ),
        (
            "entities.toml",
            include_str!("../../../policies/entities.toml"),
        ),
    ])
    .unwrap();
    let at = |address: &str| {
        let mut request = ana_to("wiki");
        request.address = Fact::known(address.parse().unwrap(), "socket", now());
        outcome(&bundle, &request)
    };
    assert_eq!(at("203.0.113.9"), Outcome::Permit);
    assert_eq!(at("::ffff:203.0.113.9"), Outcome::Permit);
    assert_eq!(at("2001:db8:10::1"), Outcome::Permit);
    assert_eq!(at("203.0.113.200"), NO_PERMIT);
    let mut unknown = ana_to("wiki");
    unknown.address = Fact::unknown("a proxy sent garbage", "forwarded");
    assert_eq!(outcome(&bundle, &unknown), NO_PERMIT);
}

#[test]
fn a_step_up_asks_for_the_device_first_then_the_password_then_both() {
    let bundle = starter();
    let offers = Offers {
        password: true,
        devices: vec![laptop()],
    };
    let demanded = |request: &AccessRequest| match bundle.decide(request, || offers.clone()).outcome
    {
        Outcome::StepUp { demand, .. } => Some((demand.password, demand.devices)),
        _ => None,
    };
    let mut request = ana_to("wiki");
    request.device = Fact::unknown("none", "device host");
    assert_eq!(
        demanded(&request),
        Some((false, vec!["MBP-ANA".to_owned()]))
    );
    request.session.password = Fact::known(now() - TimeDelta::days(8), "password", now());
    assert_eq!(demanded(&request), Some((true, vec!["MBP-ANA".to_owned()])));
    let mut stale = ana_to("wiki");
    stale.session.password = request.session.password.clone();
    assert_eq!(demanded(&stale), Some((true, vec![])));
    request.country = Fact::known("JP".parse().unwrap(), "GeoIP", now());
    assert_eq!(demanded(&request), None);
}

#[test]
fn devices_that_no_policy_tells_apart_are_asked_for_together() {
    let twin = Device {
        id: "MBP-2".to_owned(),
        ..laptop()
    };
    let offers = Offers {
        password: false,
        devices: vec![laptop(), twin],
    };
    let mut request = ana_to("wiki");
    request.device = Fact::unknown("none", "device host");
    let decision = starter().decide(&request, || offers.clone());
    let demand = Demand {
        password: false,
        devices: vec!["MBP-ANA".to_owned(), "MBP-2".to_owned()],
    };
    assert_eq!(
        decision.outcome,
        Outcome::StepUp {
            demand,
            instead_of: DenyReason::NoPermit
        }
    );
    assert_eq!(decision.work.hypotheticals, 1);
}

#[test]
fn the_right_device_is_found_behind_many_wrong_ones() {
    let wrong = |n: u32| Device {
        id: format!("wrong-{n}"),
        managed: Fact::known(false, "inventory", now()),
        os_version: Fact::known(format!("15.{n}").parse().unwrap(), "inventory", now()),
        ..laptop()
    };
    let devices: Vec<Device> = (0..300).map(wrong).chain([laptop()]).collect();
    let mut request = ana_to("wiki");
    request.device = Fact::unknown("none", "device host");
    let decision = starter().decide(&request, || Offers {
        password: false,
        devices: devices.clone(),
    });
    assert!(matches!(
        decision.outcome,
        Outcome::StepUp { demand, .. } if demand.devices == ["MBP-ANA"]
    ));
    assert_eq!(decision.work.hypotheticals, 2);
}
