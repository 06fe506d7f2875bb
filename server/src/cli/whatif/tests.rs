//! Questions to the starter policies, with and without a configuration, and questions that cannot be asked.

use doorward_engine::{DenyReason, Outcome};

use super::fixtures::{Place, ask, now, told};
use super::*;
use crate::cli::revision::fixtures::Repository;
use crate::signals::certificate::fixtures::Authority;

/// Snapshots without the fingerprint of the starter policies.
macro_rules! assert_text {
    ($text:expr) => {
        insta::with_settings!({
            filters => vec![(r"revision [0-9a-f]{12}", "revision [REVISION]")]
        }, {
            insta::assert_snapshot!($text);
        });
    };
}

const HOME: [&str; 4] = ["--country", "SG", "--address", "203.0.113.9"];
const ANA_TO_WIKI: [&str; 4] = ["--user", "ana", "--client", "wiki-web"];
const ANA_TO_PAYROLL: [&str; 4] = ["--user", "ana", "--application", "payroll"];

fn asked(parts: &[&[&'static str]]) -> Vec<&'static str> {
    parts.concat()
}

#[test]
fn a_permit_comes_first_with_its_facts_and_policies_below() {
    let place = Place::new();
    let given = ["--device", "mbp-ana", "--password-age", "20h"];
    let question = asked(&[&ANA_TO_WIKI, &HOME, &given]);
    assert_eq!(place.ask(&question).unwrap().exit(), Exit::Yes);
    assert_text!(place.human(&question));
}

#[test]
fn a_denial_tells_every_policy_and_what_was_tried() {
    let place = Place::new();
    let given = [
        "--country",
        "JP",
        "--device",
        "mbp-bo",
        "--password-age",
        "20h",
    ];
    let question = asked(&[&ANA_TO_PAYROLL, &given]);
    let answer = place.ask(&question).unwrap();
    assert_eq!(answer.exit(), Exit::No);
    assert_eq!(
        answer.decision.outcome,
        Outcome::Deny {
            because: DenyReason::Forbidden
        }
    );
    assert_text!(place.human(&question));
}

#[test]
fn a_step_up_tells_what_is_enough_and_what_is_not() {
    let place = Place::new();
    let question = asked(&[&ANA_TO_PAYROLL, &HOME, &["--password-age", "20h"]]);
    assert_eq!(place.ask(&question).unwrap().exit(), Exit::No);
    assert_text!(place.human(&question));
}

#[test]
fn a_comment_on_a_pull_request_has_it_all_in_tables() {
    let place = Place::new();
    let question = asked(&[&ANA_TO_PAYROLL, &HOME, &["--password-age", "8d"]]);
    let answer = place.ask(&question).unwrap();
    assert_text!(place.short(&render::record::whatif_markdown(&answer)));
}

#[test]
fn a_machine_gets_everything() {
    let place = Place::new();
    let question = asked(&[&ANA_TO_PAYROLL, &HOME, &["--password-age", "8d"]]);
    let answer = place.ask(&question).unwrap();
    let json = serde_json::to_value(&answer).unwrap();
    assert_eq!(json["decision"]["outcome"], "step-up");
    assert_eq!(json["username"], "ana");
    assert_eq!(json["outcomes"][0]["policy"]["id"], "workplace");
    assert_eq!(json["outcomes"][0]["result"], "not-matched");
    assert_eq!(json["tried"][0]["outcome"], "deny");
    assert_eq!(serde_json::from_value::<Answer>(json).unwrap(), answer);
}

#[test]
fn without_files_groups_describe_the_user() {
    let place = Place::new();
    let question = [
        "--user",
        "dee",
        "--group",
        "employees",
        "--application",
        "wiki",
    ];
    let answer = place.ask_policies(&question).unwrap();
    assert_eq!(answer.exit(), Exit::No);
    assert_eq!(answer.username, None);
    let unknown = |name: &str| {
        let row = answer.facts.iter().find(|row| row.name == name).unwrap();
        row.unknown.clone().unwrap()
    };
    assert_eq!(unknown("address"), "no address was given");
    assert_eq!(unknown("device"), "no device was given");
    assert_eq!(unknown("country"), "the address is not known");
    let (message, help) = told(place.ask_policies(&[
        "--user",
        "dee",
        "--group",
        "employes",
        "--application",
        "wiki",
    ]));
    assert_eq!(message, "the policies declare no group `employes`");
    assert_eq!(help, "did you mean `employees`?");
}

#[test]
fn files_can_be_given_one_by_one() {
    let place = Place::new();
    let (users, devices) = (place.path("users.toml"), place.path("devices.toml"));
    let files = ["--users", users.as_str(), "--devices", devices.as_str()];
    let given = [
        "--device",
        "mbp-ana",
        "--password-age",
        "20h",
        "--country",
        "SG",
    ];
    let question = [
        &files[..],
        &ANA_TO_PAYROLL[..2],
        &["--application", "wiki"],
        &given,
    ]
    .concat();
    assert_eq!(place.ask_policies(&question).unwrap().exit(), Exit::Yes);
}

#[test]
fn a_certificate_counts_as_on_the_device_host() {
    let place = Place::new();
    place.write("own.pem", &place.authority.device(|_| {}).pem);
    let strangers = Authority::root("Strangers");
    place.write("foreign.pem", &strangers.device(|_| {}).pem);
    let with = |file: &str| {
        let file = place.path(file);
        let rest = ["--password-age", "20h", "--certificate", file.as_str()];
        place.ask(&[&ANA_TO_WIKI[..], &HOME, &rest].concat())
    };

    let own = with("own.pem").unwrap();
    assert_eq!(own.exit(), Exit::Yes);
    let trail = own.certificate.unwrap();
    assert!(trail.contains("urn:doorward:device:mbp-ana"), "{trail}");

    let foreign = with("foreign.pem").unwrap();
    assert_eq!(foreign.exit(), Exit::No);
    let trail = foreign.certificate.unwrap();
    assert!(trail.starts_with("refused: "), "{trail}");

    let missing = with("absent.pem").unwrap_err();
    assert!(missing.to_string().ends_with("does not exist"), "{missing}");
    let no_certificate = with("users.toml").unwrap_err();
    assert!(
        no_certificate
            .to_string()
            .contains("no certificate in this file")
    );
}

#[test]
fn a_certificate_without_authorities_is_not_believed() {
    let place = Place::new();
    let (message, help) = told(place.ask_policies(&[
        "--user",
        "ana",
        "--application",
        "wiki",
        "--certificate",
        "own.pem",
    ]));
    assert_eq!(
        message,
        "without a configuration no certificate can be verified"
    );
    assert!(help.contains("`--config`"), "{help}");
    place.write("doorward.toml", "issuer = 'https://id.example.com'\n");
    let question = asked(&[&ANA_TO_WIKI, &["--device", "mbp-ana"]]);
    let (message, _) = told(place.ask(&question));
    assert!(message.contains("no `[device]`"), "{message}");
}

#[test]
fn unknown_names_are_told_with_those_that_were_meant() {
    let place = Place::new();
    for (question, message, help) in [
        (
            ["--user", "anna", "--client", "wiki-web"],
            "no user `anna`",
            "`ana`",
        ),
        (
            ["--user", "ana", "--client", "wiki-wb"],
            "no client `wiki-wb`",
            "`wiki-web`",
        ),
        (
            ["--user", "ana", "--application", "payrol"],
            "no application `payrol`",
            "`payroll`",
        ),
    ] {
        let (told_message, told_help) = told(place.ask(&question));
        assert!(told_message.contains(message), "{told_message}");
        assert_eq!(told_help, format!("did you mean {help}?"));
    }
    let question = asked(&[&ANA_TO_WIKI, &["--device", "mbp-anna"]]);
    let (message, help) = told(place.ask(&question));
    assert!(message.contains("no device `mbp-anna`"), "{message}");
    assert_eq!(help, "did you mean `mbp-ana`?");
    let (_, help) = told(place.ask(&["--user", "zoe", "--client", "wiki-web"]));
    assert_eq!(help, "known here: `ana`, `cy`, `u-ana`, `u-cy`");
}

#[test]
fn a_device_that_no_certificate_names_cannot_be_presented() {
    let place = Place::new();
    let question = asked(&[&ANA_TO_WIKI, &["--device", "nameless"]]);
    let (message, _) = told(place.ask(&question));
    assert_eq!(
        message,
        "no certificate can stand for the device `nameless`"
    );
}

#[test]
fn what_the_policies_cannot_see_is_noted() {
    let place = Place::new();
    let answer = place
        .ask(&["--user", "cy", "--client", "wiki-web"])
        .unwrap();
    assert_eq!(answer.notes.len(), 2, "{:?}", answer.notes);
    assert!(answer.notes[0].contains("`cy` is disabled"));
    assert!(answer.notes[1].contains("`board`"));
}

#[test]
fn an_application_that_only_a_client_names_can_be_asked_for() {
    let place = Place::new();
    let answer = place
        .ask(&["--user", "ana", "--application", "desk"])
        .unwrap();
    assert!(answer.outcomes.is_empty());
    let text = place.human(&["--user", "ana", "--application", "desk"]);
    assert!(text.contains("none is about this application"), "{text}");
}

#[test]
fn policies_at_another_revision_may_answer_otherwise() {
    let repository = Repository::new();
    let policies = |country: &str| {
        format!(
            "@id(\"wiki\") @reason(\"From home.\") permit (principal, action, resource)\n\
             when {{ context has country && context.country == Country::\"{country}\" }};\n"
        )
    };
    repository.write("policies/entities.toml", "[application.wiki]\n");
    repository.write("policies/access.cedar", &policies("SG"));
    let first = repository.commit("from Singapore");
    repository.write("policies/access.cedar", &policies("JP"));
    repository.commit("from Japan");
    let directory = repository.path("policies").display().to_string();
    let at = |revision: &[&str]| {
        let question = ["--user", "ana", "--application", "wiki", "--country", "SG"];
        let question = [&["--policies", directory.as_str()][..], &question, revision].concat();
        ask(&question).unwrap()
    };
    assert_eq!(at(&[]).exit(), Exit::No);
    assert_eq!(at(&["--rev", "HEAD"]).exit(), Exit::No);
    let before = at(&["--rev", "HEAD~1"]);
    assert_eq!(before.exit(), Exit::Yes);
    assert_eq!(before.commit, Some(first));
    assert_eq!(before.policies, format!("{directory} at HEAD~1"));
}

#[test]
fn broken_policies_are_told_with_their_places() {
    let place = Place::new();
    place.write(
        "policies/access.cedar",
        "permit (principal, action, resource);\n",
    );
    let failure = place.ask(&ANA_TO_WIKI).unwrap_err();
    assert!(matches!(failure, Failure::Files(_)), "{failure:?}");
    assert!(failure.to_string().contains("has no `@id`"), "{failure}");
}

#[test]
fn ages_and_moments_are_read_as_people_write_them() {
    assert_eq!("never".parse::<Age>(), Ok(Age::Never));
    assert_eq!("20h".parse::<Age>(), Ok(Age::Ago(TimeDelta::hours(20))));
    assert!("20".parse::<Age>().is_err());
    assert_eq!(Age::Never.before(now()), None);
    let ten_days = Age::Ago(TimeDelta::days(10)).before(now());
    assert_eq!(ten_days, Some(now() - TimeDelta::days(10)));
    let ages: Age = "300000y".parse().unwrap();
    assert_eq!(ages.before(now()), Some(DateTime::UNIX_EPOCH));
    assert_eq!(instant("2026-11-24T10:00:00+01:00"), Ok(now()));
    assert!(instant("yesterday").is_err());
}

#[test]
fn the_moment_of_the_question_can_be_chosen() {
    let place = Place::new();
    let given = ["--device", "mbp-ana", "--password-age", "20h"];
    let later = ["--at", "2026-11-27T09:00:00Z"];
    let question = asked(&[&ANA_TO_WIKI, &HOME, &given, &later]);
    let answer = place.ask(&question).unwrap();
    // By then the observation of the inventory is stale.
    assert_eq!(answer.exit(), Exit::No);
    assert_eq!(answer.at, now() + TimeDelta::days(3));
}
