//! The page that refuses, with reason, advice and a reference. What a person may learn is decided by who fills it in.

use askama::Template;

/// The page of a refusal. It ends only when the person wants it to: back to the client goes a form to `/authorize/return`
/// with the fields `transaction` and `csrf`; another account is asked for at
/// `/authorize/resume?transaction=…&account=another`.
#[derive(Debug, Clone, Template)]
#[template(path = "denied.html")]
pub struct Denied {
    /// The application that the End-User wanted to open.
    pub application_name: String,
    /// What happened, in one line.
    pub headline: String,
    /// The `@reason` of the policy that came nearest, or that forbids.
    pub reason: Option<String>,
    /// The `@advice` of the policies concerned.
    pub advice: Vec<String>,
    /// What was asked for, and what was found.
    pub conditions: Vec<Condition>,
    /// What there is to say about the device check itself, such as that the browser presented no certificate.
    pub device_note: Option<String>,
    /// The reference of the decision record, for the help desk.
    pub reference: String,
    /// Where the whole request is decided again.
    pub check_again_url: String,
    /// The authorization request that waits.
    pub transaction: String,
    /// The token of `web::csrf` for the form that returns to the client.
    pub csrf: String,
    /// What the application calls the request, where its own log can be searched by that.
    pub request_id: Option<String>,
    /// The username, where somebody is signed in.
    pub signed_in_as: Option<String>,
    /// Whether it could be somebody else.
    pub another_account: bool,
}

/// One thing a policy asked for, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What was asked for.
    pub label: String,
    /// Whether it was so.
    pub held: Held,
    /// The value that was found, its source and age, or why nothing is known; may be empty.
    pub detail: String,
}

/// Whether a condition held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It held.
    Yes,
    /// It did not.
    No,
    /// Nothing is known, which counts as no.
    Unknown,
}

impl Held {
    /// The word for a person who cannot see the symbol.
    fn word(self) -> &'static str {
        match self {
            Self::Yes => "Met",
            Self::No => "Not met",
            Self::Unknown => "Not known",
        }
    }

    /// The class of the list entry in the stylesheet.
    fn class(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }

    fn is_yes(self) -> bool {
        self == Self::Yes
    }

    fn is_no(self) -> bool {
        self == Self::No
    }
}

impl Condition {
    /// A condition, whether it held, and what was found.
    #[must_use]
    pub fn new(label: impl Into<String>, held: Held, detail: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            held,
            detail: detail.into(),
        }
    }
}

impl Denied {
    /// A refusal of a person we know, with everything there is to say.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            application_name: "Payroll".to_owned(),
            headline: "You can’t open Payroll from here".to_owned(),
            reason: Some("Sign in from a managed, encrypted device in Singapore.".to_owned()),
            advice: vec![
                "Use your company laptop; if it is new, let it finish enrolling.".to_owned(),
                "When you travel, ask the help desk for an exception.".to_owned(),
            ],
            conditions: vec![
                Condition::new(
                    "Managed and encrypted device",
                    Held::Yes,
                    "MBP-ANA, inventory, seen 2 h ago",
                ),
                Condition::new(
                    "Country is Singapore",
                    Held::No,
                    "Japan, GeoIP of 2026-11-20, 203.0.113.9",
                ),
                Condition::new(
                    "Compliant device",
                    Held::Unknown,
                    "the inventory does not say",
                ),
                Condition::new("Password at most 7 days old", Held::Yes, "20 h"),
            ],
            device_note: None,
            reference: "7F3K-29QD".to_owned(),
            check_again_url: "/authorize/resume?transaction=gezdgnbvgy3tqojqgezdgnbvgy".to_owned(),
            transaction: "gezdgnbvgy3tqojqgezdgnbvgy".to_owned(),
            csrf: "c2FtcGxl".to_owned(),
            request_id: None,
            signed_in_as: Some("ana@example.com".to_owned()),
            another_account: true,
        }
    }

    /// The page in each of its states.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        vec![
            Self::sample(),
            Self {
                headline: "This device did not show a certificate".to_owned(),
                reason: Some("Sign in from a managed device.".to_owned()),
                advice: Vec::new(),
                conditions: vec![Condition::new(
                    "Managed device",
                    Held::Unknown,
                    "no certificate was presented",
                )],
                device_note: Some(
                    "Your browser sent no certificate, and it remembers that until you quit it. \
                     Quit the browser, open it again, and choose the company certificate."
                        .to_owned(),
                ),
                ..Self::sample()
            },
            Self {
                headline: "You can’t open Payroll".to_owned(),
                reason: None,
                advice: Vec::new(),
                conditions: Vec::new(),
                signed_in_as: None,
                ..Self::sample()
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::pages::text_of;

    fn sample(index: usize) -> Denied {
        Denied::samples().swap_remove(index)
    }

    #[test]
    fn a_refusal_says_what_held_what_did_not_and_what_to_do() {
        insta::assert_snapshot!(text_of(&sample(0)));
    }

    #[test]
    fn a_missing_certificate_comes_with_the_way_to_present_one() {
        insta::assert_snapshot!(text_of(&sample(1)));
    }

    #[test]
    fn a_stranger_gets_the_reference_and_no_reasons() {
        insta::assert_snapshot!(text_of(&sample(2)));
    }

    #[test]
    fn returning_to_the_application_is_a_form_and_not_a_link() {
        let html = sample(0).render().unwrap();
        assert!(html.contains("<form method=\"post\" action=\"/authorize/return\">"));
        assert!(!html.contains("href=\"/authorize/return"));
    }

    #[test]
    fn each_condition_has_a_symbol_of_its_own_kind() {
        let html = sample(0).render().unwrap();
        for (class, count) in [("yes", 2), ("no", 1), ("unknown", 1)] {
            let entry = format!("<li class=\"{class}\">");
            assert_eq!(html.matches(&entry).count(), count, "{class}");
        }
    }
}
