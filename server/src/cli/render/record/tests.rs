//! Records of the real engine on the starter bundle, as people read them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use doorward_engine::{
    AccessRequest, Action, Application, Device, DiskEncryption, Fact, Offers, Outcome, Platform,
    PolicyBundle, PolicyError, Session, SourceFile, User,
};

use super::*;
use crate::audit::{Caller, Ending, SignalTrail};

fn now() -> DateTime<Utc> {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

fn bundle() -> PolicyBundle {
    let access = include_str!("../../../../../policies/access.cedar");
    let entities = include_str!("../../../../../policies/entities.toml");
    let files = [
        SourceFile::new("policies/access.cedar", access),
        SourceFile::new("policies/entities.toml", entities),
    ];
    PolicyBundle::load(&files, None).unwrap()
}

fn laptop() -> Device {
    let seen = now() - TimeDelta::hours(2);
    Device {
        id: "MBP-ANA".to_owned(),
        managed: Fact::known(true, "inventory", seen),
        disk_encryption: Fact::known(DiskEncryption::On, "inventory", seen),
        compliant: Fact::unknown("the inventory does not say", "inventory"),
        platform: Fact::known(Platform::Macos, "inventory", seen),
        os_version: Fact::known("15.3.1".parse().unwrap(), "inventory", seen),
        assigned_to: BTreeSet::from(["u-ana".to_owned()]),
        proved_at: now(),
        attributes: BTreeMap::new(),
    }
}

/// Ana, in Singapore, on her laptop, password 20 hours ago.
fn ana_to(application: &str) -> AccessRequest {
    let password = now() - TimeDelta::hours(20);
    AccessRequest {
        action: Action::SignIn,
        user: User {
            id: "u-ana".to_owned(),
            groups: BTreeSet::from(["employees".to_owned()]),
            email: None,
            attributes: BTreeMap::new(),
        },
        application: Application {
            id: application.to_owned(),
            attributes: BTreeMap::new(),
        },
        address: Fact::known("203.0.113.9".parse().unwrap(), "connection", now()),
        country: Fact::known(
            "SG".parse().unwrap(),
            "GeoIP of 2026-11-20",
            now() - TimeDelta::days(4),
        ),
        device: Fact::known(laptop(), "client certificate", now()),
        session: Session {
            password: Fact::known(password, "password", password),
            second_factor: Fact::unknown("no second factor was proved in this session", "session"),
            methods: BTreeSet::from(["pwd".to_owned()]),
        },
        now: now(),
    }
}

fn answered(
    ending: Ending,
    request: &AccessRequest,
    offers: impl FnOnce() -> Offers,
) -> DecisionRecord {
    let bundle = bundle();
    let decision = bundle.decide(request, offers);
    let explanation = (decision.outcome != Outcome::Permit).then(|| bundle.explain(request));
    let digest = |digit: &str| digit.repeat(64);
    DecisionRecord {
        client: Some("client-1".to_owned()),
        application: Some(request.application.id.clone()),
        user: Some(request.user.id.clone()),
        username: Some("ana".to_owned()),
        session: Some("k5qz2m4h".to_owned()),
        facts: request.facts(),
        trail: SignalTrail {
            address: vec![
                "10.0.0.7 is a trusted proxy".to_owned(),
                "203.0.113.9 is the client".to_owned(),
            ],
            certificate: Some("urn:doorward:device:MBP-ANA of the subject's URIs".to_owned()),
            device_host_address: Some("203.0.113.9".to_owned()),
        },
        decision: Some(decision),
        explanation,
        inputs: Inputs {
            policies: digest("a"),
            users: digest("b"),
            clients: digest("c"),
            inventory: Some(digest("d")),
            geoip: Some(digest("e")),
            device_trust: None,
        },
        decided_in_microseconds: Some(412),
        ..DecisionRecord::new("7F3K-29QD".parse().unwrap(), now(), ending)
    }
}

fn permitted() -> DecisionRecord {
    answered(Ending::Permitted, &ana_to("wiki"), Offers::none)
}

/// Ana to the payroll from Japan without a device: every policy of the bundle has something to say.
pub(in crate::cli) fn denied() -> DecisionRecord {
    let mut request = ana_to("payroll");
    request.device = Fact::unknown("no certificate was presented", "device host");
    request.country = Fact::known("JP".parse().unwrap(), "GeoIP of 2026-11-20", now());
    answered(Ending::Denied, &request, Offers::none)
}

fn nobody_permits() -> DecisionRecord {
    let mut request = ana_to("wiki");
    request.country = Fact::unknown("the address is private", "GeoIP");
    answered(Ending::Denied, &request, Offers::none)
}

fn step_up() -> DecisionRecord {
    let mut request = ana_to("wiki");
    request.device = Fact::unknown("no certificate was presented", "device host");
    let offers = Offers {
        password: true,
        devices: vec![laptop()],
    };
    let error = "interaction_required".to_owned();
    let mut record = answered(Ending::InteractionRequired { error }, &request, || {
        offers.clone()
    });
    record.decided_in_microseconds = Some(12_345);
    record
}

fn refused() -> DecisionRecord {
    let ending = Ending::Refused {
        error: "invalid_request".to_owned(),
        detail: "`redirect_uri` is not registered".to_owned(),
    };
    let mut record = DecisionRecord::new("7F3K-29QD".parse().unwrap(), now(), ending);
    record.client = Some("wiki".to_owned());
    record
}

fn abandoned() -> DecisionRecord {
    let stage = "asked-password".to_owned();
    let ending = Ending::Abandoned { stage };
    DecisionRecord::new("7F3K-29QD".parse().unwrap(), now(), ending)
}

fn stopped() -> DecisionRecord {
    let outcome = "permitted".to_owned();
    DecisionRecord {
        caller: Caller {
            client_request_id: Some("8b1f0b1e-2d3c-4c5d-9e8f-0a1b2c3d4e5f".to_owned()),
            state: Some("af0ifjsldkj".to_owned()),
            app_name: Some("Payroll".to_owned()),
            ..Caller::default()
        },
        ..answered(
            Ending::LoopStopped { outcome },
            &ana_to("wiki"),
            Offers::none,
        )
    }
}

#[test]
fn a_loop_says_what_was_kept_back_and_where_else_to_look() {
    let text = record(&stopped(), Style::plain());
    for line in [
        "loop  7F3K-29QD  2026-11-24 09:00:00 UTC\n",
        "again and again: it was kept back, `permitted`.\n",
        "\nIn the log of the other side\n  request id    8b1f0b1e-2d3c-4c5d-9e8f-0a1b2c3d4e5f\n  \
         state         af0ifjsldkj\n  application   Payroll\n\n",
    ] {
        assert!(text.contains(line), "no `{line}` in {text}");
    }
    let line = record_line(&stopped(), Style::plain());
    assert!(
        line.ends_with("the same answer too often: permitted"),
        "{line}"
    );
}

#[test]
fn a_report_says_what_the_client_was_told() {
    let report = |managed, compliant| {
        let ending = Ending::Reported { managed, compliant };
        let mut request = ana_to("wiki");
        request.action = Action::Posture;
        let mut reported = answered(ending, &request, Offers::none);
        reported.action = Action::Posture;
        record(&reported, Style::plain())
    };
    let text = report(true, false);
    assert!(text.starts_with("reported  7F3K-29QD"), "{text}");
    assert!(
        text.contains("about the device: managed, not compliant.\n"),
        "{text}"
    );
    let text = report(false, true);
    assert!(
        text.contains("about the device: not managed, compliant.\n"),
        "{text}"
    );
}

#[test]
fn a_denial_tells_policies_conditions_facts_and_inputs() {
    insta::assert_snapshot!(record(&denied(), Style::plain()));
}

#[test]
fn a_permit_names_the_policy_that_permitted() {
    insta::assert_snapshot!(record(&permitted(), Style::plain()));
}

#[test]
fn a_step_up_says_what_is_demanded() {
    insta::assert_snapshot!(record(&step_up(), Style::plain()));
}

#[test]
fn a_request_that_was_wrong_says_how() {
    insta::assert_snapshot!(record(&refused(), Style::plain()));
}

#[test]
fn each_ending_has_its_line() {
    let records = [
        permitted(),
        denied(),
        nobody_permits(),
        step_up(),
        refused(),
        abandoned(),
    ];
    let lines: Vec<String> = records
        .iter()
        .map(|each| record_line(each, Style::plain()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn without_a_device_its_facts_are_one_row() {
    let text = record(&denied(), Style::plain());
    let facts = text.split("Facts\n").nth(1).unwrap();
    let rows = facts.lines().take_while(|line| !line.is_empty());
    let devices: Vec<&str> = rows.filter(|row| row.contains("device")).collect();
    assert_eq!(devices.len(), 1, "{devices:?}");
}

#[test]
fn a_policy_that_failed_is_shown_with_its_message() {
    let mut record = denied();
    let decision = record.decision.as_mut().unwrap();
    decision.errors.push(PolicyError {
        policy: decision.determining[0].clone(),
        message: "integer overflow".to_owned(),
    });
    let text = super::record(&record, Style::plain());
    assert!(
        text.contains("  error   own-device-only  policies/"),
        "{text}"
    );
    assert!(text.contains("integer overflow"));
}

#[test]
fn colours_do_not_change_what_is_said() {
    let record = denied();
    let coloured = super::record(&record, Style::coloured());
    let mut bare = coloured.clone();
    for code in ["0", "1", "2", "31", "32", "33"] {
        bare = bare.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_ne!(coloured, bare);
    let trimmed = |text: &str| {
        text.lines()
            .map(str::trim_end)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(
        trimmed(&bare),
        trimmed(&super::record(&record, Style::plain()))
    );
}

#[test]
fn a_request_cannot_forge_lines_or_colours() {
    let mut record = refused();
    record.client = Some("wiki\nuser          admin\u{1b}[31m".to_owned());
    let text = super::record(&record, Style::plain());
    assert!(!text.contains("\nuser"), "{text}");
    assert!(!text.contains('\u{1b}'));
}
