//! What a bundle may be, what it may not, and what its schema promises at run time.

use super::{NO_PERMIT, ana_to, load, outcome};
use crate::{Action, DenyReason, Offers, Outcome, PolicyBundle, SourceFile};

fn extended(from: &str, to: &str) -> String {
    let schema = crate::BUILT_IN_SCHEMA.replacen(from, to, 1);
    assert_ne!(schema, crate::BUILT_IN_SCHEMA);
    schema
}

const INVALID: Outcome = Outcome::Deny {
    because: DenyReason::InvalidRequest,
};

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
        ("entities.toml", include_str!("../../../policies/entities.toml")),
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
        ("entities.toml", include_str!("../../../policies/entities.toml")),
    ])
    .unwrap_err();
    insta::assert_snapshot!(error);
}
