//! The page of the manual about each kind of finding, which `doorward check --explain` prints.

use doorward_engine::words;

use crate::cli::Failure;

macro_rules! pages {
    ($($code:literal,)*) => {
        &[$(($code, include_str!(concat!("../../../../docs/src/findings/", $code, ".md")))),*]
    };
}

/// Every kind of finding with its page, in order.
const PAGES: &[(&str, &str)] = pages![
    "always-matches",
    "broken-guardrail",
    "cannot-format",
    "catch-all-permit",
    "duplicate-id",
    "empty-annotation",
    "entity-data",
    "failed-case",
    "forbid-can-error",
    "literal-attribute",
    "missing-id",
    "missing-reason",
    "never-matches",
    "no-policies",
    "permit-without-device",
    "permit-without-reauthentication",
    "policy-too-complex",
    "policy-too-deep",
    "policy-too-large",
    "schema",
    "schema-contract",
    "schema-too-large",
    "shadowed",
    "suite",
    "suspicious",
    "syntax",
    "template",
    "unbalanced",
    "undeclared-application",
    "undeclared-group",
    "unknown-annotation",
    "unknown-entity",
    "unknown-lint",
    "unknown-mode",
    "unproved-guardrail",
    "unused-allow",
    "validation",
];

/// The page about a kind of finding.
pub(in crate::cli) fn page(code: &str) -> Option<&'static str> {
    let found = PAGES.iter().find(|(known, _)| *known == code);
    found.map(|(_, page)| *page)
}

/// The page about what somebody asked for.
pub(super) fn find(asked: &str) -> Result<&'static str, Failure> {
    page(asked).ok_or_else(|| {
        let known = || PAGES.iter().map(|(code, _)| *code);
        let help = words::nearest(asked, known()).map_or_else(
            || {
                let all: Vec<&str> = known().collect();
                format!("these are: {}", all.join(", "))
            },
            |near| format!("did you mean `{near}`?"),
        );
        Failure::new(format!("`{asked}` is no kind of finding")).with_help(help)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_can_be_allowed_has_a_page_that_says_how() {
        for code in doorward_engine::lint_ids() {
            let page = page(code).unwrap_or_else(|| panic!("no page about `{code}`"));
            assert!(page.contains("@allow("), "{code}");
        }
    }

    #[test]
    fn pages_are_headed_by_their_codes_in_order() {
        for (code, page) in PAGES {
            assert!(page.starts_with(&format!("# `{code}`\n\n")), "{code}");
        }
        assert!(PAGES.is_sorted_by_key(|(code, _)| *code));
    }

    #[test]
    fn a_slip_of_the_pen_is_understood() {
        assert!(find("shadowed").is_ok());
        let told = |asked: &str| match find(asked).unwrap_err() {
            Failure::Other { help, .. } => help.unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(told("shadow"), "did you mean `shadowed`?");
        assert!(told("xyz").starts_with("these are: always-matches, "));
    }
}
