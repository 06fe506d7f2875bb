//! Traps of conditional access: each is found, has a way out, and is not found where it is none.

use crate::{PolicyBundle, SourceFile, lint_ids};

const ENTITIES: &str = r#"
[group.employees]
[group.contractors]
[group.leads]
in = ["employees"]
[application.wiki]
in = ["workplace"]
[application.payroll]
in = ["workplace", "sensitive"]
[application-group.workplace]
[application-group.sensitive]
[region.home]
countries = ["SG"]
[network.offices]
ranges = ["203.0.113.0/24"]
"#;

/// What is found about the policies, each with the `@reason` that is not the point here.
fn findings(policies: &str) -> Vec<String> {
    let text = policies.replace("@id", "@reason(\"Because.\") @id");
    examine(&text)
}

fn examine(text: &str) -> Vec<String> {
    let files = [
        SourceFile::new("a.cedar", text),
        SourceFile::new("entities.toml", ENTITIES),
    ];
    let bundle = PolicyBundle::load(&files, None).unwrap();
    bundle
        .examine()
        .iter()
        .map(|finding| format!("{}: {}", finding.code, finding.message))
        .collect()
}

/// A permit with everything that a permit should have.
const SOUND: &str = r#"
@id("sound") permit (principal in Group::"employees", action, resource in ApplicationGroup::"workplace")
when { context has device && context.device.managed }
when { context.session has passwordAge && context.session.passwordAge <= duration("7d") };
"#;

#[test]
fn sound_policies_have_no_findings() {
    assert_eq!(findings(SOUND), [""; 0]);
    let bundle = super::starter();
    assert!(bundle.examine().is_empty(), "{:?}", bundle.examine());
}

#[test]
fn a_permit_of_everything_to_everybody_is_one_finding() {
    insta::assert_debug_snapshot!(findings(
        r#"@id("all") permit (principal, action, resource is Application);"#
    ));
}

#[test]
fn a_permit_without_a_device_is_shown_with_whom_it_lets_in() {
    insta::assert_debug_snapshot!(findings(
        r#"@id("password") permit (principal in Group::"employees", action, resource == Application::"wiki")
        when { context has country && context.country in Region::"home" }
        when { context.session has passwordAge && context.session.passwordAge <= duration("12h") };"#
    ));
}

#[test]
fn a_permit_without_a_device_is_none_where_a_forbid_demands_one() {
    let forbid =
        r#"@id("devices") forbid (principal, action, resource) unless { context has device };"#;
    let permit = r#"@id("fresh") permit (principal in Group::"employees", action, resource)
        when { context.session has passwordAge && context.session.passwordAge <= duration("12h") };"#;
    assert_eq!(findings(&format!("{forbid}{permit}")), [""; 0]);
}

#[test]
fn a_permit_without_a_bound_on_authentication_is_shown_with_whom_it_lets_in() {
    insta::assert_debug_snapshot!(findings(
        r#"@id("device") permit (principal in Group::"employees", action, resource == Application::"wiki")
        when { context has device && context.device.managed && context.device.diskEncrypted };"#
    ));
}

#[test]
fn conditions_that_exclude_each_other_never_match() {
    let found = findings(
        r#"@id("window") forbid (principal, action, resource)
        when { context.session has passwordAge && context.session.passwordAge > duration("7d") && context.session.passwordAge < duration("12h") };"#,
    );
    assert_eq!(found, ["never-matches: policy `window` can never match"]);
    let countries = findings(
        r#"@id("both") forbid (principal, action, resource)
        when { context has country && context.country == Country::"SG" && context.country == Country::"JP" };"#,
    );
    assert_eq!(countries.len(), 1);
    let possible = findings(
        r#"@id("one") forbid (principal, action, resource)
        when { context has country && context.country in Region::"home" && context.country == Country::"SG" };"#,
    );
    assert_eq!(possible, [""; 0]);
}

#[test]
fn whoever_else_there_is_counts() {
    for condition in [
        // A device of somebody else's.
        "when { context has device && !context.device.assignedTo.isEmpty() && !context.device.assignedTo.contains(principal) }",
        // Methods that no policy names.
        "when { !context.session.methods.isEmpty() }",
        "when { context.session.methods.isEmpty() }",
        "when { [\"pwd\", \"otp\"].containsAll(context.session.methods) }",
        "when { context.session.methods.containsAll([\"pwd\"]) && context.session.methods != [\"pwd\"] }",
        // The names that stand for others are somebody's.
        "when { principal == User::\"somebody\" }",
        "when { principal has email && principal.email == \"something else\" }",
        // A bound before the first day of the calendar.
        "when { context.session has passwordAge && context.session.passwordAge <= duration(\"100000000d\") }",
    ] {
        let policy = format!("@id(\"x\") forbid (principal, action, resource) {condition};");
        assert_eq!(findings(&policy), [""; 0], "{condition}");
    }
}

#[test]
fn of_a_policy_with_nothing_in_its_scope_it_is_not_said_that_it_always_matches() {
    let files = [
        SourceFile::new(
            "a.cedar",
            r#"@id("old") @reason("Old.") permit (principal, action, resource in ApplicationGroup::"legacy") when { false };"#,
        ),
        SourceFile::new("entities.toml", "[application-group.legacy]\n"),
    ];
    let bundle = PolicyBundle::load(&files, None).unwrap();
    assert!(bundle.examine().is_empty(), "{:?}", bundle.examine());
}

#[test]
fn a_country_that_nobody_speaks_of_is_found_wherever_it_is() {
    let files = [
        SourceFile::new(
            "a.cedar",
            r#"@id("x") @reason("Ice.") forbid (principal, action, resource) when { context has country && !(context.country in Region::"ice") };"#,
        ),
        SourceFile::new(
            "entities.toml",
            "[region.ice]\ncountries = [\"AQ\", \"BV\", \"HM\", \"TF\", \"UM\"]\n",
        ),
    ];
    let bundle = PolicyBundle::load(&files, None).unwrap();
    assert!(bundle.examine().is_empty(), "{:?}", bundle.examine());
}

#[test]
fn conditions_that_cannot_fail_always_match() {
    insta::assert_debug_snapshot!(findings(
        r#"@id("or") forbid (principal, action, resource == Application::"wiki")
        when { if context has country then context.country != Country::"JP" || context.country != Country::"CN" else true };"#
    ));
}

#[test]
fn what_is_not_understood_is_not_said_to_be_always_or_never() {
    let found = findings(
        r#"@id("evening") forbid (principal, action, resource)
        when { context.now.toTime() > duration("20h") && context.now.toTime() < duration("19h") };"#,
    );
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_policy_whose_effect_another_has_already_is_shadowed() {
    let narrower = r#"@id("leads") permit (principal in Group::"leads", action, resource == Application::"wiki")
        when { context has device && context.device.managed && context.device.diskEncrypted }
        when { context.session has passwordAge && context.session.passwordAge <= duration("1d") };"#;
    insta::assert_debug_snapshot!(findings(&format!("{SOUND}{narrower}")));
    let twice = findings(&format!(
        "{SOUND}{}",
        SOUND.replace("\"sound\"", "\"again\"")
    ));
    assert_eq!(twice.len(), 1, "{twice:?}");
    assert!(
        twice[0].contains("policy `again` adds nothing"),
        "{twice:?}"
    );
}

#[test]
fn a_permit_that_a_forbid_takes_back_lets_nobody_in() {
    let forbid =
        r#"@id("no-contractors") forbid (principal in Group::"contractors", action, resource);"#;
    let permit = SOUND
        .replace("employees", "contractors")
        .replace("\"sound\"", "\"contractors\"");
    insta::assert_debug_snapshot!(findings(&format!("{forbid}{permit}")));
}

#[test]
fn a_forbid_that_calculates_can_fail() {
    insta::assert_debug_snapshot!(findings(
        r#"@id("since") forbid (principal, action, resource)
        when { context.now.durationSince(datetime("2026-01-01")) > duration("1d") };"#
    ));
}

#[test]
fn a_policy_without_a_reason_is_named() {
    assert_eq!(
        examine(SOUND),
        ["missing-reason: policy `sound` has no `@reason`"]
    );
}

#[test]
fn attributes_that_a_schema_requires_hide_nothing() {
    let schema = crate::BUILT_IN_SCHEMA.replace(
        "entity Application in [ApplicationGroup];",
        "entity Application in [ApplicationGroup] = { level: Long };",
    );
    let files = [
        SourceFile::new(
            "a.cedar",
            r#"@id("none") @reason("No.") forbid (principal, action, resource) when { resource.level > 3 && resource.level < 2 };"#,
        ),
        SourceFile::new("entities.toml", ENTITIES),
        SourceFile::new("own.cedarschema", schema),
    ];
    let bundle = PolicyBundle::load(&files, None).unwrap();
    let found: Vec<_> = bundle
        .examine()
        .iter()
        .map(|finding| finding.code)
        .collect();
    assert_eq!(found, ["never-matches"]);
    let narrow = SourceFile::new(
        "a.cedar",
        SOUND
            .replace("@id", "@reason(\"So.\") @id")
            .replace("when { context has device && context.device.managed }", ""),
    );
    let bundle = PolicyBundle::load(&[narrow, files[1].clone(), files[2].clone()], None).unwrap();
    let found: Vec<_> = bundle
        .examine()
        .iter()
        .map(|finding| finding.code)
        .collect();
    assert_eq!(found, ["permit-without-device"]);
}

#[test]
fn what_is_meant_is_allowed_and_an_allowance_of_nothing_is_found() {
    let open = r#"@allow("catch-all-permit") @id("all") permit (principal, action, resource);"#;
    assert_eq!(findings(open), [""; 0]);
    let unused = SOUND.replace("@id", "@allow(\"shadowed, missing-reason\") @id");
    assert_eq!(
        findings(&unused),
        [
            "unused-allow: `@allow(\"missing-reason\")` allows what is not found",
            "unused-allow: `@allow(\"shadowed\")` allows what is not found",
        ]
    );
}

#[test]
fn an_allowance_of_what_does_not_exist_is_an_error() {
    let text = SOUND.replace("@id", "@allow(\"catch-all\") @id");
    let error = PolicyBundle::load(
        &[
            SourceFile::new("a.cedar", text),
            SourceFile::new("entities.toml", ENTITIES),
        ],
        None,
    )
    .unwrap_err();
    let finding = &error.diagnostics[0];
    assert_eq!(finding.code, "unknown-lint");
    assert_eq!(
        finding.help.as_deref(),
        Some("did you mean `catch-all-permit`?")
    );
    assert_eq!(lint_ids().len(), 9);
}

#[test]
fn a_permit_of_posture_lets_nobody_in() {
    assert_eq!(
        findings(
            r#"@id("posture") permit (principal, action == Action::"posture", resource in ApplicationGroup::"workplace")
            when { context has device && context.device.managed };"#
        ),
        [""; 0]
    );
}
