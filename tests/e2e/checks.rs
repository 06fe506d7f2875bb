//! `doorward check` in each of its forms, what it says of users and clients, its pages, and `doorward fmt`.

use std::fs;

use doorward_tests::{Finished, Installation, run_in};
use serde_json::Value;

use crate::BINARY;

/// An error, and a policy beside it that is right.
const BROKEN: &str = "\
@id(\"staff\")
@reason(\"Staff opens everything.\")
permit (principal in Group::\"employes\", action, resource);
";

/// Usable, and without a device or a bound on the password.
const DOUBTFUL: &str = "\
@id(\"staff\")
@reason(\"Staff opens the wiki.\")
permit (principal in Group::\"employees\", action, resource == Application::\"wiki\");
";

const CRAMPED: &str = "\
// Who gets in.

// Staff, to the wiki.
@id(\"staff\")@reason(\"Staff opens the wiki.\")
permit(principal in Group::\"employees\", // staff
action,resource==Application::\"wiki\"); // the wiki
";

/// An installation whose only policies are these.
fn with(policies: &str) -> Installation {
    let installation = Installation::new();
    installation.overwrite("policies/access.cedar", policies);
    installation
}

async fn doorward(installation: &Installation, arguments: &[&str]) -> Finished {
    run_in(installation.root(), BINARY, arguments, "").await
}

fn json(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

/// The codes of the findings in the JSON of `doorward check`.
fn codes(finished: &Finished) -> Vec<String> {
    json(finished)["diagnostics"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| finding["code"].as_str().expect("a code").to_owned())
        .collect()
}

#[tokio::test]
async fn warnings_make_the_answer_no_unless_they_are_fine() {
    let installation = with(DOUBTFUL);
    let strict = doorward(&installation, &["check", "--format", "json"]).await;
    assert_eq!(strict.code, Some(1), "{strict:?}");
    let document = json(&strict);
    assert_eq!(document["ok"], true, "{strict:?}");
    let mut found = codes(&strict);
    found.sort();
    let expected = ["permit-without-device", "permit-without-reauthentication"];
    assert_eq!(found, expected);
    let lenient = doorward(&installation, &["check", "--warnings-ok"]).await;
    assert_eq!(lenient.code, Some(0), "{lenient:?}");
    assert!(lenient.stdout.contains("2 warnings"), "{lenient:?}");

    let broken = doorward(&with(BROKEN), &["check", "--warnings-ok"]).await;
    assert_eq!(broken.code, Some(1), "{broken:?}");
}

#[tokio::test]
async fn a_code_host_gets_sarif() {
    let checked = doorward(&with(BROKEN), &["check", "--format", "sarif"]).await;
    assert_eq!((checked.code, checked.stderr.as_str()), (Some(1), ""));
    let log = json(&checked);
    assert_eq!(log["version"], "2.1.0");
    let [run] = log["runs"].as_array().expect("runs").as_slice() else {
        panic!("not one run: {log}");
    };
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "doorward");
    let rules = driver["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    assert!(!results.is_empty(), "{log}");
    for result in results {
        let number = result["ruleIndex"].as_u64().expect("a number");
        let rule = &rules[usize::try_from(number).expect("small")];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["markdown"].is_string(), "{rule}");
        assert!(result["message"]["text"].is_string(), "{result}");
        assert!(["error", "warning"].contains(&result["level"].as_str().expect("a level")));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "policies/access.cedar");
        for part in ["startLine", "startColumn", "endLine", "endColumn"] {
            assert!(place["region"][part].as_u64() >= Some(1), "{place}");
        }
    }
    let found = results.iter().find(|it| it["ruleId"] == "unknown-entity");
    let region = &found.expect("the name")["locations"][0]["physicalLocation"]["region"];
    assert_eq!(
        (&region["startLine"], &region["startColumn"]),
        (&3.into(), &22.into())
    );

    let fine = doorward(&Installation::new(), &["check", "--format", "sarif"]).await;
    assert_eq!(fine.code, Some(0), "{fine:?}");
    assert_eq!(json(&fine)["runs"][0]["results"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn a_pipeline_gets_junit_and_a_pull_request_markdown() {
    let installation = with(BROKEN);
    let junit = doorward(&installation, &["check", "--format", "junit"]).await;
    assert_eq!(junit.code, Some(1), "{junit:?}");
    insta::assert_snapshot!("check_junit", junit.stdout);
    let markdown = doorward(&installation, &["check", "--format", "markdown"]).await;
    assert_eq!(markdown.code, Some(1), "{markdown:?}");
    insta::assert_snapshot!("check_markdown", markdown.stdout);
}

#[tokio::test]
async fn forms_for_machines_say_nothing_where_nothing_can_be_read() {
    let installation = Installation::new();
    for form in ["human", "sarif", "junit", "markdown"] {
        let checked = doorward(&installation, &["check", "elsewhere", "--format", form]).await;
        assert_eq!(
            (checked.code, checked.stdout.as_str()),
            (Some(2), ""),
            "{checked:?}"
        );
        assert!(checked.stderr.contains("does not exist"), "{checked:?}");
    }
}

#[tokio::test]
async fn names_of_users_and_clients_are_compared_with_the_entity_data() {
    let installation = Installation::new();
    let all = [
        "check",
        "--users",
        "users.toml",
        "--clients",
        "clients.toml",
        "--format",
        "json",
    ];
    let before = codes(&doorward(&installation, &all).await);
    installation.append(
        "clients.toml",
        "[[client]]\nid = 'wikki-web'\nname = 'Wikki'\napplication = 'wikki'\n\
         redirect_uris = ['https://wikki.example.com/callback']\npublic = true\n",
    );
    let users = installation.read("users.toml");
    installation.overwrite("users.toml", users.replace("employees", "employes"));
    let checked = doorward(&installation, &all).await;
    assert_eq!(checked.code, Some(1), "{checked:?}");
    let document = json(&checked);
    let warned = |code: &str, file: &str, name: &str| {
        let findings = document["diagnostics"].as_array().expect("findings");
        findings.iter().any(|finding| {
            let message = finding["message"].as_str().unwrap_or_default();
            finding["severity"] == "warning"
                && finding["code"] == code
                && finding["file"] == file
                && message.contains(&format!("`{name}`"))
        })
    };
    assert!(
        warned("undeclared-group", "users.toml", "employes"),
        "{document}"
    );
    assert!(
        warned("undeclared-application", "clients.toml", "wikki"),
        "{document}"
    );
    assert_eq!(codes(&checked).len(), before.len() + 2, "{checked:?}");

    // What a file of secrets has in its lines stays there.
    installation.overwrite("users.toml", "[[user]]\npassword = 'in the clear'\n");
    let broken = doorward(&installation, &["check", "--users", "users.toml"]).await;
    assert_eq!(broken.code, Some(2), "{broken:?}");
    assert!(!broken.stderr.contains("in the clear"), "{broken:?}");
}

#[tokio::test]
async fn every_finding_of_the_manual_is_explained() {
    let installation = Installation::new();
    let pages = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/findings");
    for entry in fs::read_dir(pages).expect("pages") {
        let path = entry.expect("a page").path();
        let code = path.file_stem().expect("a name").to_string_lossy();
        let explained = doorward(&installation, &["check", "--explain", &code]).await;
        assert_eq!(explained.code, Some(0), "{explained:?}");
        assert_eq!(explained.stdout, fs::read_to_string(&path).expect("UTF-8"));
    }
    let unknown = doorward(&installation, &["check", "--explain", "shadwed"]).await;
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(2), ""));
    assert!(
        unknown.stderr.contains("did you mean `shadowed`?"),
        "{unknown:?}"
    );
    let both = doorward(
        &installation,
        &["check", "policies", "--explain", "shadowed"],
    )
    .await;
    assert_eq!(both.code, Some(2), "{both:?}");
}

#[tokio::test]
async fn the_starter_policies_and_guardrails_are_laid_out() {
    // The directory as it is shipped: an installation of the tests leaves some of it out.
    let starter = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies");
    let asked = doorward(&Installation::new(), &["fmt", "--check", starter]).await;
    assert_eq!(asked.code, Some(0), "{asked:?}");
    assert!(asked.stdout.contains("2 files"), "{asked:?}");
}

#[tokio::test]
async fn what_lies_beside_the_policies_and_would_keep_them_out_is_found() {
    let installation = Installation::new();
    let guardrail = "@id(\"g\") forbid (principal, action, resource) when { context.nothing };\n";
    installation.overwrite("policies/guardrails.cedar", guardrail);
    installation.overwrite("policies/a.suite.toml", "x = 1\n");
    let checked = doorward(&installation, &["check", "--format", "json"]).await;
    assert_eq!(checked.code, Some(1), "{checked:?}");
    let document = json(&checked);
    assert_eq!(document["ok"], false, "{document}");
    let found: Vec<&str> = document["diagnostics"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| finding["file"].as_str().expect("a file"))
        .collect();
    for file in ["policies/guardrails.cedar", "policies/a.suite.toml"] {
        assert!(found.contains(&file), "{found:?}");
    }
    // What is wrong with the entity data is not told once more for the guardrails.
    installation.overwrite("policies/a.suite.toml", "now = '2026-11-24T09:00:00Z'\n");
    installation.overwrite(
        "policies/guardrails.cedar",
        "@id(\"g\") forbid (principal, action, resource);\n",
    );
    installation.append(
        "policies/entities.toml",
        "\n[network.bad]\nranges = [\"nonsense\"]\n",
    );
    let checked = doorward(&installation, &["check", "--format", "json"]).await;
    assert_eq!(codes(&checked), ["entity-data"], "{checked:?}");
}

#[tokio::test]
async fn policies_are_laid_out_once() {
    let installation = with(CRAMPED);
    let asked = doorward(&installation, &["fmt", "--check"]).await;
    assert_eq!(
        (asked.code, asked.stderr.as_str()),
        (Some(1), ""),
        "{asked:?}"
    );
    insta::assert_snapshot!("fmt_check", asked.stdout);
    assert_eq!(installation.read("policies/access.cedar"), CRAMPED);

    let judged = async || {
        let checked = doorward(&installation, &["check", "--format", "json"]).await;
        (json(&checked)["counts"].clone(), codes(&checked))
    };
    let before = judged().await;
    let done = doorward(&installation, &["fmt"]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    insta::assert_snapshot!("fmt_done", done.stdout);
    let laid = installation.read("policies/access.cedar");
    insta::assert_snapshot!("fmt_laid_out", laid);
    assert_eq!(judged().await, before);

    let again = doorward(&installation, &["fmt", "policies/access.cedar", "--check"]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    let once_more = doorward(&installation, &["fmt"]).await;
    assert_eq!(once_more.code, Some(0), "{once_more:?}");
    assert_eq!(installation.read("policies/access.cedar"), laid);
    let left: Vec<String> = fs::read_dir(installation.path("policies"))
        .expect("the directory")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_file_with_a_mistake_is_left_alone() {
    let installation = with(CRAMPED);
    let mistake = "permit(principal,action,resource) when { true ";
    installation.overwrite("policies/wrong.cedar", mistake);
    let done = doorward(&installation, &["fmt"]).await;
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stdout.contains("wrong.cedar:1:"), "{done:?}");
    assert_eq!(installation.read("policies/wrong.cedar"), mistake);
    assert_ne!(installation.read("policies/access.cedar"), CRAMPED);

    let none = doorward(&installation, &["fmt", "users.toml"]).await;
    assert_eq!((none.code, none.stdout.as_str()), (Some(2), ""), "{none:?}");
}
