//! Properties: what passes the guard never crashes, slicing changes no answer, a step-up is returned
//! if and only if completing exactly it permits, unknown never opens the door.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cedar_policy::{Authorizer, Decision, PolicySet};
use chrono::TimeDelta;
use proptest::prelude::*;

use crate::entities::Input;
use crate::evaluate::evaluate;
use crate::policy::Mode;
use crate::step_up::{Offers, with_device, with_password};
use crate::tests::{ana_to, laptop, now, starter};
use crate::{AccessRequest, Device, DiskEncryption, Fact, Outcome, PolicyBundle, SourceFile};

/// A wrapper that nests an expression once more, in each way that Cedar text can nest.
fn wrap(kind: u8, inner: &str) -> String {
    match kind % 9 {
        0 => format!("({inner})"),
        1 => format!("!({inner})"),
        2 => format!("[{inner}] == []"),
        3 => format!("{{\"a\": {inner}}}.a"),
        4 => format!("if {inner} then true else false"),
        5 => format!("(context has device) && ({inner})"),
        6 => format!("{{\"a\": {inner}}}[\"a\"]"),
        7 => format!("// note\r({inner})"),
        _ => format!("[1, 2].contains(({inner}) == true)"),
    }
}

fn join(kind: u8) -> &'static str {
    match kind % 5 {
        0 => " || ",
        1 => " && ",
        2 => " == ",
        3 => " || !",
        _ => " && !!",
    }
}

prop_compose! {
    /// Policy text around the guard's limits, of mixed shapes.
    fn policy_text()(
        wraps in prop::collection::vec(0_u8..9, 0..90),
        joins in prop::collection::vec(0_u8..5, 0..330),
        clauses in 1_usize..4,
        forbid in any::<bool>(),
    ) -> String {
        let mut condition = "1 == 1".to_owned();
        for kind in wraps {
            condition = wrap(kind, &condition);
        }
        for kind in joins {
            let _ = write!(condition, "{}(true)", join(kind));
        }
        let effect = if forbid { "forbid" } else { "permit" };
        let clauses = format!("when {{ {condition} }} ").repeat(clauses);
        format!("@id(\"x\") {effect} (principal, action, resource) {clauses};")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_passes_the_guard_parses_validates_evaluates_formats_and_drops(text in policy_text()) {
        let file = SourceFile::new("x.cedar", text.clone());
        let (statements, findings) = crate::guard::statements(&file);
        prop_assert_eq!(statements.len() + findings.len(), 1);
        if findings.is_empty() {
            // An error is an answer; reaching the next line is the property.
            if let Ok(bundle) = PolicyBundle::load(&[file], None) {
                let evaluation = evaluate(&bundle, &ana_to("wiki"));
                prop_assert!(evaluation.errors.is_empty(), "{:?}", evaluation.errors);
                let _ = bundle.explain(&ana_to("wiki"));
            }
            let _ = crate::stack::with_enough(|| {
                cedar_policy_formatter::policies_str_to_pretty(&text, &cedar_policy_formatter::Config::default())
            });
        }
    }

    #[test]
    fn garbage_is_refused_with_a_message_and_never_a_crash(text in "[-@a-z(){}\\[\\]\"!|&;:.,=<>/ \r\n]{0,400}") {
        let _ = PolicyBundle::load(&[SourceFile::new("x.cedar", text.clone())], None);
        let _ = PolicyBundle::load(&[SourceFile::new("entities.toml", text.clone())], None);
        let _ = PolicyBundle::load(&[SourceFile::new("entities.json", text.clone())], None);
        let _ = PolicyBundle::load(&[SourceFile::new("x.cedarschema", text)], None);
    }
}

const GROUPS: [&str; 4] = ["employees", "engineers", "contractors", "leads"];
const APPS: [&str; 4] = ["wiki", "payroll", "repo", "crm"];
const APP_GROUPS: [&str; 2] = ["workplace", "sensitive"];

const ENTITIES: &str = r#"
[group.employees]
[group.engineers]
in = ["employees"]
[group.leads]
in = ["engineers"]
[group.contractors]
[application.wiki]
in = ["workplace"]
[application.payroll]
in = ["sensitive"]
[application.repo]
in = ["workplace"]
[application.crm]
[application-group.workplace]
[application-group.sensitive]
in = ["workplace"]
[region.home]
countries = ["SG", "MY"]
[network.offices]
ranges = ["203.0.113.0/24"]
"#;

/// One random policy: every form of scope, some conditions that error at run time.
fn one_policy(number: usize, seed: [u8; 6]) -> String {
    let pick = |from: &[&str], at: usize| from[usize::from(seed[at]) % from.len()].to_owned();
    let principal = match seed[0] % 6 {
        0 => "principal is User".to_owned(),
        1 => format!("principal in Group::\"{}\"", pick(&GROUPS, 1)),
        2 => format!("principal is User in Group::\"{}\"", pick(&GROUPS, 1)),
        3 => "principal == User::\"ana\"".to_owned(),
        _ => "principal".to_owned(),
    };
    let action = match seed[2] % 4 {
        0 => "action == Action::\"signIn\"".to_owned(),
        1 => "action in [Action::\"signIn\", Action::\"refresh\"]".to_owned(),
        2 => "action == Action::\"refresh\"".to_owned(),
        _ => "action".to_owned(),
    };
    let resource = match seed[3] % 6 {
        0 => format!("resource == Application::\"{}\"", pick(&APPS, 4)),
        1 => format!("resource in ApplicationGroup::\"{}\"", pick(&APP_GROUPS, 4)),
        2 => "resource is Application".to_owned(),
        3 => format!(
            "resource is Application in ApplicationGroup::\"{}\"",
            pick(&APP_GROUPS, 4)
        ),
        4 => format!("resource in Application::\"{}\"", pick(&APPS, 4)),
        _ => "resource".to_owned(),
    };
    let condition = match seed[5] % 10 {
        0 => "when { context has device && context.device.managed }",
        1 => "unless { context has device && context.device.diskEncrypted }",
        2 => "when { context has country && context.country in Region::\"home\" }",
        3 => {
            "unless { context.session has passwordAge && context.session.passwordAge <= duration(\"1d\") }"
        }
        4 => {
            "when { context.now.offset(duration(\"106751991166d\")).offset(duration(\"106751991166d\")) > context.now }"
        }
        5 => "unless { context has network && context.network in Network::\"offices\" }",
        6 => "unless { context has device && context.device.assignedTo.contains(principal) }",
        _ => "",
    };
    let effect = if (seed[1] ^ seed[4]).is_multiple_of(3) {
        "forbid"
    } else {
        "permit"
    };
    let mode = if seed[2].is_multiple_of(11) {
        "@mode(\"report-only\") "
    } else {
        ""
    };
    format!("@id(\"p{number}\") {mode}{effect} ({principal}, {action}, {resource}) {condition};\n")
}

fn bundle_of(seeds: &[[u8; 6]]) -> PolicyBundle {
    let text: String = seeds
        .iter()
        .enumerate()
        .map(|(n, seed)| one_policy(n, *seed))
        .collect();
    let files = [
        SourceFile::new("p.cedar", text),
        SourceFile::new("entities.toml", ENTITIES),
    ];
    PolicyBundle::load(&files, None).unwrap()
}

prop_compose! {
    fn any_request()(
        app in prop::sample::select(vec!["wiki", "payroll", "repo", "crm", "undeclared"]),
        user in prop::sample::select(vec!["ana", "ben"]),
        groups in prop::collection::btree_set(prop::sample::select(GROUPS.to_vec()), 0..3),
        refresh in any::<bool>(),
        country in prop::option::of(prop::sample::select(vec!["SG", "MY", "JP"])),
        address in prop::option::of(prop::sample::select(vec!["203.0.113.9", "198.51.100.1", "::ffff:203.0.113.9"])),
        device in prop::option::of((any::<bool>(), prop::option::of(any::<bool>()), any::<bool>())),
        password_hours in prop::option::of(0_i64..400),
    ) -> AccessRequest {
        let mut request = ana_to(app);
        request.user.id = user.to_owned();
        request.user.groups = groups.into_iter().map(ToOwned::to_owned).collect();
        if refresh {
            request.action = crate::Action::Refresh;
        }
        request.country = country.map_or(Fact::unknown("x", "x"), |c| Fact::known(c.parse().unwrap(), "x", now()));
        request.address = address.map_or(Fact::unknown("x", "x"), |a| Fact::known(a.parse().unwrap(), "x", now()));
        request.device = device.map_or(Fact::unknown("x", "x"), |posture| Fact::known(device_of(posture), "x", now()));
        request.session.password = password_hours.map_or(Fact::unknown("x", "x"), |hours| {
            let at = now() - TimeDelta::hours(hours);
            Fact::known(at, "x", at)
        });
        request
    }
}

fn device_of((managed, encrypted, ours): (bool, Option<bool>, bool)) -> Device {
    Device {
        managed: Fact::known(managed, "x", now()),
        disk_encryption: match encrypted {
            None => Fact::unknown("x", "x"),
            Some(true) => Fact::known(DiskEncryption::On, "x", now()),
            Some(false) => Fact::known(DiskEncryption::Off, "x", now()),
        },
        assigned_to: if ours {
            BTreeSet::from(["ana".to_owned()])
        } else {
            BTreeSet::new()
        },
        ..laptop()
    }
}

/// All enforced policies of a bundle, unsliced.
fn enforced(bundle: &PolicyBundle) -> PolicySet {
    let mut all = PolicySet::new();
    for (reference, mode) in bundle.policies() {
        if mode == Mode::Enforce {
            all.add(bundle.policy(&reference.id).unwrap().cedar.clone())
                .unwrap();
        }
    }
    all
}

/// The same question to Cedar's own authorizer over all enforced policies.
fn unsliced(
    bundle: &PolicyBundle,
    all: &PolicySet,
    request: &AccessRequest,
) -> (Decision, BTreeSet<String>, BTreeSet<String>) {
    let input = Input::new(bundle, request).unwrap();
    let response = Authorizer::new().is_authorized(&input.request, all, &input.entities);
    let reasons = response
        .diagnostics()
        .reason()
        .map(ToString::to_string)
        .collect();
    let errors = response
        .diagnostics()
        .errors()
        .map(|error| {
            let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
            error.policy_id().to_string()
        })
        .collect();
    (response.decision(), reasons, errors)
}

proptest! {
    // 800 bundles of up to 40 policies, 40 requests each: 32,000 requests.
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn slicing_changes_no_answer(
        seeds in prop::collection::vec(any::<[u8; 6]>(), 1..40),
        requests in prop::collection::vec(any_request(), 40),
    ) {
        let bundle = bundle_of(&seeds);
        let all = enforced(&bundle);
        for request in requests {
            let (decision, reasons, errors) = unsliced(&bundle, &all, &request);
            let ours = evaluate(&bundle, &request);
            let our_errors: BTreeSet<String> = ours.errors.iter().map(|e| e.policy.id.clone()).collect();
            let erring_forbid = ours.errors.iter().any(|e| e.policy.effect == crate::PolicyEffect::Forbid);
            prop_assert_eq!(&our_errors, &errors);
            // Stricter than Cedar in exactly one case: an erring forbid denies.
            prop_assert_eq!(ours.denied.is_none(), decision == Decision::Allow && !erring_forbid);
            if ours.denied.is_none() || !erring_forbid || decision == Decision::Deny && !reasons.is_empty() {
                let ids: BTreeSet<String> = ours.determining.iter().map(|p| p.id.clone()).collect();
                prop_assert_eq!(ids, reasons);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_step_up_is_returned_if_and_only_if_completing_exactly_it_permits(
        seeds in prop::collection::vec(any::<[u8; 6]>(), 1..20),
        request in any_request(),
        candidates in prop::collection::vec((any::<bool>(), prop::option::of(any::<bool>()), any::<bool>()), 0..3),
        password in any::<bool>(),
    ) {
        let bundle = bundle_of(&seeds);
        let devices: Vec<Device> = candidates.into_iter().enumerate()
            .map(|(n, posture)| Device { id: format!("d{n}"), ..device_of(posture) })
            .collect();
        let permits = |request: &AccessRequest| evaluate(&bundle, request).denied.is_none();
        let bases: Vec<AccessRequest> = if password { vec![request.clone(), with_password(&request)] } else { vec![request.clone()] };
        let reachable = bases.iter().any(|base| permits(base) || devices.iter().any(|d| permits(&with_device(base, d))));
        match bundle.decide(&request, || Offers { password, devices: devices.clone() }).outcome {
            Outcome::Permit => prop_assert!(permits(&request)),
            Outcome::Deny { .. } => prop_assert!(!reachable),
            Outcome::StepUp { demand, .. } => {
                prop_assert!(!permits(&request));
                prop_assert!(demand.password || !demand.devices.is_empty());
                prop_assert!(password || !demand.password);
                let base = if demand.password { with_password(&request) } else { request.clone() };
                if demand.devices.is_empty() {
                    prop_assert!(permits(&base));
                }
                for id in &demand.devices {
                    let device = devices.iter().find(|d| d.id == *id).unwrap();
                    prop_assert!(permits(&with_device(&base, device)));
                }
                // The cheapest: nothing that is asked for could be left out.
                if demand.password && !demand.devices.is_empty() {
                    prop_assert!(!permits(&with_password(&request)));
                    prop_assert!(!devices.iter().any(|d| permits(&with_device(&request, d))));
                }
            }
        }
    }

    #[test]
    fn making_any_fact_unknown_never_opens_the_starter_bundle(request in any_request(), which in 0_u8..5) {
        let bundle = starter();
        let mut less = request.clone();
        match which {
            0 => less.country = Fact::unknown("x", "x"),
            1 => less.address = Fact::unknown("x", "x"),
            2 => less.device = Fact::unknown("x", "x"),
            3 => less.session.password = Fact::unknown("x", "x"),
            _ => if let Fact::Known { value, .. } = &mut less.device {
                value.managed = Fact::unknown("x", "x");
                value.disk_encryption = Fact::unknown("x", "x");
            },
        }
        if evaluate(&bundle, &less).denied.is_none() {
            prop_assert!(evaluate(&bundle, &request).denied.is_none());
        }
    }
}
