//! Requests that arrive while the policies are replaced: each is decided, explained and recorded by one
//! version of them, whichever it met.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use doorward_tests::{ANA, Arrival, Browser, RelyingParty, TestProvider, WIKI, eventually};

use crate::journey::{provider, sign_in};

const POLICY: &str = "policies/access.cedar";

/// A rule that turns every permit of the wiki into a denial.
const CLOSED: &str = r#"
@id("wiki-closed")
@reason("The wiki is closed for repairs.")
forbid (principal, action, resource == Application::"wiki");
"#;

/// How often the policies are replaced.
const SWAPS: usize = 6;

/// Opens the wiki again and again until the end, and says how many answers there were.
async fn visits(client: &RelyingParty, browser: &mut Browser, over: &Cell<bool>) -> usize {
    let mut answers = 0;
    while !over.get() {
        match browser.visit(client.begin().url.as_str()).await {
            Arrival::Client(answer) => assert!(!answer.code().is_empty()),
            Arrival::Page(page) => assert_eq!(page.status, 403, "{page}"),
        }
        answers += 1;
    }
    answers
}

/// Closes the wiki, opens it, closes it…
async fn swaps(provider: &TestProvider, over: &Cell<bool>) {
    let operations = provider.operations();
    let files = provider.files();
    let open = files.read(POLICY);
    let closed = format!("{open}{CLOSED}");
    for text in [&closed, &open].into_iter().cycle().take(SWAPS) {
        let digest = operations.digest("policies").await;
        files.replace(POLICY, text);
        operations.reloaded("policies", &digest).await;
    }
    over.set(true);
}

#[tokio::test]
async fn each_request_is_decided_by_one_version_of_the_policies() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut browser, ANA).await;
    let mut other = provider.browser_on("mbp-ana");
    sign_in(&wiki, &mut other, ANA).await;
    let before = provider.decisions().len();

    let over = Cell::new(false);
    let (first, second, ()) = tokio::join!(
        visits(&wiki, &mut browser, &over),
        visits(&wiki, &mut other, &over),
        swaps(&provider, &over),
    );
    let decisions = eventually("record of each visit", async || {
        let decisions = provider.decisions();
        (decisions.len() >= before + first + second).then_some(decisions)
    })
    .await;

    let mut outcomes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in &decisions {
        let outcome = line["decision"]["outcome"].as_str().expect("an outcome");
        if outcome == "step-up" {
            continue;
        }
        let determining = line["decision"]["determining"].as_array();
        let closed = determining
            .is_some_and(|policies| policies.iter().any(|policy| policy["id"] == "wiki-closed"));
        assert_eq!(closed, outcome == "deny", "{line}");
        // What explains a denial is read after it was decided.
        let explained = line["explanation"]["forbids"].as_array();
        let explained = explained.is_some_and(|rules| {
            rules
                .iter()
                .any(|rule| rule["policy"]["id"] == "wiki-closed")
        });
        assert_eq!(explained, closed, "{line}");
        let revision = line["inputs"]["policies"].as_str().expect("a revision");
        outcomes.entry(revision).or_default().insert(outcome);
    }
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
    let of_one_mind = outcomes.values().all(|outcomes| outcomes.len() == 1);
    assert!(of_one_mind, "{outcomes:?}");
}
