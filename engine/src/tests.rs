//! Tests of the engine through its public face: the mission's rule, failing closed, explanations.

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
            include_str!("../../policies/access.cedar"),
        ),
        (
            "policies/entities.toml",
            include_str!("../../policies/entities.toml"),
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
        "policies/access.cedar:6:1"
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
            include_str!("../../policies/entities.toml"),
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
fn a_denial_is_explained_condition_by_condition() {
    let mut request = ana_to("wiki");
    request.country = Fact::known("JP".parse().unwrap(), "GeoIP of 2026-11-20", now());
    insta::assert_snapshot!(starter().explain(&request).to_text());
}

#[test]
fn what_is_unknown_is_explained_with_its_reason() {
    let mut request = ana_to("payroll");
    request.device = Fact::unknown("no certificate was presented", "device host");
    request.country = Fact::unknown("the address is private", "GeoIP");
    insta::assert_snapshot!(starter().explain(&request).to_text());
}

#[test]
fn a_user_outside_the_group_is_told_so_and_an_application_without_rules_has_no_explanation() {
    let mut request = ana_to("wiki");
    request.user.groups = BTreeSet::from(["contractors".to_owned()]);
    insta::assert_snapshot!(starter().explain(&request).to_text());
    assert!(starter().explain(&ana_to("unknown")).permits.is_empty());
}

#[test]
fn every_error_of_every_file_is_reported_at_once() {
    let error = load(&[
        (
            "a.cedar",
            "@id(\"one\") permit (principal, action, resource) when { context.device.managed };\n\
             @id(\"two\") @reson(\"x\") permit (principal, action, resource);\n\
             permit (principal, action, resource);\n\
             @id(\"three\") @mode(\"shadow\") permit (principal, action, resource);\n\
             @id(\"four\") permit (principal, action, resource) when { 1 === 2 };\n",
        ),
        (
            "b/b.cedar",
            "@id(\"five\") permit (principal in Group::\"employes\", action, resource)\n\
             when { context has country && context.country == Country::\"sg\" }\n\
             when { context.session.passwordAge <= duration(\"7 days\") };\n\
             @id(\"six\") forbid (principal, action, resource in ApplicationGroup::\"sensitive\");\n\
             @id(\"six\") permit (principal == ?principal, action, resource);\n\
             @id(\"six\") permit (principal, action, resource == Application::\"wiki\");\n",
        ),
        ("entities.toml", include_str!("../../policies/entities.toml")),
    ])
    .unwrap_err();
    insta::assert_snapshot!(error);
}

#[test]
fn an_attribute_of_a_named_entity_in_a_forbid_is_refused() {
    let error = load(&[
        ("own.cedarschema", &crate::BUILT_IN_SCHEMA.replace("entity Network in [Network];", "entity Network in [Network] = { trusted: Bool };")),
        (
            "a.cedar",
            "@id(\"a\") forbid (principal, action, resource) unless { Network::\"offices\".trusted };",
        ),
        ("entities.toml", "[network.offices]"),
    ])
    .unwrap_err();
    insta::assert_snapshot!(error);
}

#[test]
fn a_schema_may_add_to_the_contract_and_not_change_it() {
    let policy = (
        "a.cedar",
        "@id(\"a\") permit (principal, action, resource) when { principal has team && principal.team == \"blue\" };",
    );
    let extended =
        crate::BUILT_IN_SCHEMA.replace("  email?: String,", "  email?: String,\n  team?: String,");
    let bundle = load(&[("own.cedarschema", &extended), policy]).unwrap();
    let mut request = ana_to("wiki");
    assert_eq!(outcome(&bundle, &request), NO_PERMIT);
    request.user.attributes.insert(
        "team".to_owned(),
        crate::AttributeValue::String("blue".to_owned()),
    );
    assert_eq!(outcome(&bundle, &request), Outcome::Permit);

    let broken = crate::BUILT_IN_SCHEMA
        .replace("country?: Country", "country: Country")
        .replace("  managed: Bool,", "");
    insta::assert_snapshot!(load(&[("own.cedarschema", &broken), policy]).unwrap_err());
}

#[test]
fn no_policy_means_no_bundle() {
    insta::assert_snapshot!(load(&[("entities.toml", "")]).unwrap_err());
}

#[test]
fn the_revision_depends_on_every_bundle_file_and_on_nothing_else() {
    let policy = (
        "a.cedar",
        "@id(\"a\") permit (principal, action, resource);",
    );
    let one = load(&[policy]).unwrap().revision();
    assert_eq!(load(&[policy, ("README.md", "x")]).unwrap().revision(), one);
    assert_ne!(load(&[("b.cedar", policy.1)]).unwrap().revision(), one);
    assert_ne!(
        load(&[policy, ("entities.toml", "")]).unwrap().revision(),
        one
    );
}

#[test]
fn a_reload_parses_changed_files_only() {
    let files = |text: &str| {
        vec![
            SourceFile::new(
                "a.cedar",
                "@id(\"a\") permit (principal, action, resource == Application::\"wiki\");",
            ),
            SourceFile::new("b.cedar", text),
            SourceFile::new("entities.toml", "[application.wiki]"),
        ]
    };
    let old = PolicyBundle::load(
        &files("@id(\"b\") permit (principal, action, resource);"),
        None,
    )
    .unwrap();
    let new = PolicyBundle::load(
        &files("@id(\"c\") permit (principal, action, resource);"),
        Some(&old),
    )
    .unwrap();
    assert_eq!((new.index.len(), new.index.shared_with(&old.index)), (2, 1));
}

fn extended(from: &str, to: &str) -> String {
    let schema = crate::BUILT_IN_SCHEMA.replacen(from, to, 1);
    assert_ne!(schema, crate::BUILT_IN_SCHEMA);
    schema
}

const INVALID: Outcome = Outcome::Deny {
    because: DenyReason::InvalidRequest,
};

#[test]
fn a_group_of_actions_is_known_at_run_time() {
    let schema = extended(
        "action signIn appliesTo",
        "action interactive;\naction signIn in [interactive] appliesTo",
    );
    let bundle = load(&[
        ("own.cedarschema", &schema),
        (
            "a.cedar",
            r#"@id("all") permit (principal, action, resource);
               @id("no") forbid (principal, action in Action::"interactive", resource);"#,
        ),
    ])
    .unwrap();
    let mut request = ana_to("wiki");
    let forbidden = Outcome::Deny {
        because: DenyReason::Forbidden,
    };
    assert_eq!(outcome(&bundle, &request), forbidden);
    request.action = Action::Refresh;
    assert_eq!(outcome(&bundle, &request), Outcome::Permit);
}

#[test]
fn an_attribute_of_another_type_than_the_schema_says_denies_and_says_so() {
    let schema = extended("  email?: String,", "  email?: String,\n  level?: Long,");
    let bundle = load(&[
        ("own.cedarschema", &schema),
        (
            "a.cedar",
            r#"@id("all") permit (principal, action, resource);
               @id("no") forbid (principal, action, resource) when { principal has level && principal.level == 0 };"#,
        ),
    ])
    .unwrap();
    let mut request = ana_to("wiki");
    assert_eq!(outcome(&bundle, &request), Outcome::Permit);
    let level = crate::AttributeValue::String("0".to_owned());
    request.user.attributes.insert("level".to_owned(), level);
    let decision = bundle.decide(&request, Offers::none);
    assert_eq!(decision.outcome, INVALID);
    insta::assert_snapshot!(decision.invalid.unwrap());
}

#[test]
fn a_required_attribute_that_is_missing_denies() {
    let schema = extended("  email?: String,", "  email?: String,\n  level: Long,");
    let policy = (
        "a.cedar",
        "@id(\"all\") permit (principal, action, resource);",
    );
    let bundle = load(&[("own.cedarschema", &schema), policy]).unwrap();
    assert_eq!(outcome(&bundle, &ana_to("wiki")), INVALID);
}

#[test]
fn a_name_of_ours_on_another_type_is_the_organisations_own() {
    let schema = extended("  email?: String,", "  email?: String,\n  managed?: Bool,");
    let bundle = load(&[
        ("own.cedarschema", &schema),
        (
            "a.cedar",
            r#"@id("all") permit (principal, action, resource);
               @id("no") forbid (principal, action, resource) when { principal has managed && !principal.managed };"#,
        ),
    ])
    .unwrap();
    let mut request = ana_to("wiki");
    let managed = crate::AttributeValue::Bool(false);
    request
        .user
        .attributes
        .insert("managed".to_owned(), managed);
    assert_eq!(
        outcome(&bundle, &request),
        Outcome::Deny {
            because: DenyReason::Forbidden
        }
    );
}

#[test]
fn a_schema_may_not_add_what_nothing_supplies_or_give_names_a_new_meaning() {
    let policy = (
        "a.cedar",
        "@id(\"a\") permit (principal, action, resource);",
    );
    let refused = [
        extended(
            "type Request = {",
            "type Country = String;\ntype Request = {",
        ),
        extended("type Request = {", "type Request = {\n  risk?: Long,"),
        extended("entity Session = {", "entity Session = {\n  risk?: Long,"),
        extended(
            "entity Group in [Group];",
            "entity Group in [Group] tags String;",
        ),
        (0..1_100)
            .map(|n| format!("entity E{n} in [E{}];\n", n + 1))
            .collect::<String>()
            + "entity E1100;\n"
            + crate::BUILT_IN_SCHEMA,
    ]
    .map(|schema| load(&[("own.cedarschema", &schema), policy]).unwrap_err());
    insta::assert_snapshot!(refused.join("\n--\n"));
}

#[test]
fn a_literal_on_the_left_of_a_test_in_a_forbid_is_refused() {
    let error = load(&[
        (
            "a.cedar",
            "@id(\"a\") forbid (principal, action, resource) when { Application::\"payroll\" in ApplicationGroup::\"sensitive\" };\n\
             @id(\"b\") forbid (principal, action, resource) when { User::\"ana\" has email };\n",
        ),
        ("entities.toml", include_str!("../../policies/entities.toml")),
    ])
    .unwrap_err();
    insta::assert_snapshot!(error);
}

#[test]
fn what_a_forbid_applies_because_of_is_not_shown_as_a_requirement_that_held() {
    let bundle = load(&[(
        "a.cedar",
        r#"@id("all") permit (principal, action, resource);
           @id("not-from-home") forbid (principal, action, resource)
           when { context has country && context.country == Country::"SG" }
           unless { context has device && context.device.compliant };"#,
    )])
    .unwrap();
    let mut request = ana_to("wiki");
    change(&mut request, |device| {
        device.compliant = Fact::known(false, "inventory", now());
    });
    insta::assert_snapshot!(bundle.explain(&request).to_text());
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
