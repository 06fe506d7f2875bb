//! Explanations: condition by condition, with value, source and age.

use std::collections::BTreeSet;

use super::{ana_to, change, load, now, starter};
use crate::Fact;

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
