//! The page for a person whom an application sends here again and again for the same answer. When that is too often is
//! decided in `oidc`.

use askama::Template;

/// The page that ends a loop.
#[derive(Debug, Clone, Template)]
#[template(path = "stopped.html")]
pub struct Stopped {
    /// The application that does not take the answer.
    pub application_name: String,
    /// How often the same answer may go there.
    pub limit: u32,
    /// Within which time, in words.
    pub window: String,
    /// The answer, as the middle of a sentence.
    pub answer: String,
    /// What to look for in the log of the other side.
    pub elsewhere: String,
    /// What the other side may know this request by.
    pub state: Option<String>,
    /// The reference of the record.
    pub reference: String,
}

impl Stopped {
    /// The page for a person who is let in, again and again.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            application_name: "Payroll".to_owned(),
            limit: 6,
            window: "1 min".to_owned(),
            answer: "you may sign in".to_owned(),
            elsewhere: "events named user.authentication.auth_via_IDP in the System Log of Okta"
                .to_owned(),
            state: Some("af0ifjsldkj".to_owned()),
            reference: "7F3K-29QD".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::pages::text_of;

    #[test]
    fn a_person_is_told_why_it_stops_here_and_whom_to_tell() {
        insta::assert_snapshot!(text_of(&Stopped::sample()));
    }

    #[test]
    fn without_a_name_for_the_request_there_is_no_row_for_it() {
        let nameless = Stopped {
            state: None,
            ..Stopped::sample()
        };
        assert!(!text_of(&nameless).contains("Its state"));
    }
}
