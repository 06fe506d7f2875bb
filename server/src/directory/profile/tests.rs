//! What the profiles fix, and whom they stand for.

use super::*;

const NAMES: [ProfileName; 4] = [
    ProfileName::OidcRp,
    ProfileName::OktaFactor,
    ProfileName::OktaPosture,
    ProfileName::EntraMfa,
];

#[test]
fn the_default_mode_of_each_profile_is_one_of_its_modes() {
    for name in NAMES {
        let rules = name.rules();
        assert!(rules.modes.contains(&rules.default_mode), "{name:?}");
    }
}

#[test]
fn profiles_without_a_code_have_no_use_for_pkce_and_for_secrets() {
    for name in NAMES {
        let rules = name.rules();
        let code = rules.response_types.contains(&ResponseType::Code);
        assert_eq!(rules.pkce == Pkce::Unused, !code, "{name:?}");
        assert_eq!(rules.authentication == [Method::None], !code, "{name:?}");
    }
}

#[test]
fn an_application_at_okta_is_known_by_its_instance_and_then_by_its_name() {
    let application = |id: &str| ApplicationId::new(id);
    let okta = OktaFactor {
        applications: [
            ("0oa1".to_owned(), application("payroll")),
            ("Payroll".to_owned(), application("by-name")),
        ]
        .into(),
        context: ApplicationContext::Unsigned,
    };
    let found = |instance, name| {
        let application = okta.application(instance, name);
        application.map(|application| application.map(ApplicationId::as_str))
    };
    assert_eq!(found(Some("0oa1"), None), Ok(Some("payroll")));
    assert_eq!(found(Some("0oa1"), Some("Other")), Ok(Some("payroll")));
    assert_eq!(found(Some("0oa2"), Some("Payroll")), Ok(Some("by-name")));
    assert_eq!(found(None, Some("payroll")), Ok(None));
    assert_eq!(found(None, None), Ok(None));
    // Both come by the hands of a person: which of the two is meant cannot be told.
    let two = found(Some("0oa1"), Some("Payroll"));
    assert_eq!(two, Err(TwoApplications));
}

#[test]
fn the_document_of_each_cloud_is_a_url() {
    for cloud in [
        EntraCloud::Global,
        EntraCloud::UsGovernment,
        EntraCloud::China,
    ] {
        assert!(Url::parse(cloud.discovery()).is_ok(), "{cloud:?}");
    }
}
