//! The page for a request that cannot be answered, nor sent back to a client. Which status and words fit is up to the
//! error that is shown.

use askama::Template;

/// The page for a request that cannot be answered.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The HTTP status that the page is sent with.
    pub status: u16,
    /// What is wrong, in one line.
    pub title: String,
    /// What is wrong, in a sentence or two.
    pub message: String,
    /// The parameter of the request that is at fault.
    pub parameter: Option<String>,
    /// The reference of the record, for the help desk.
    pub reference: Option<String>,
    /// What can be done about it.
    pub help: Option<String>,
}

impl ErrorPage {
    /// The page for a request whose redirect URI is not registered.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            status: 400,
            title: "This sign-in link does not work".to_owned(),
            message:
                "The application asked to be answered at an address that is not registered for it."
                    .to_owned(),
            parameter: Some("redirect_uri".to_owned()),
            reference: Some("7F3K-29QD".to_owned()),
            help: Some(
                "If you run this application, register the exact address, including its path."
                    .to_owned(),
            ),
        }
    }

    /// The page in each of its states.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        vec![
            Self::sample(),
            Self {
                status: 404,
                title: "There is nothing here".to_owned(),
                message: "The address may be mistyped, or the page may have moved.".to_owned(),
                parameter: None,
                reference: None,
                help: None,
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::pages::text_of;

    #[test]
    fn an_error_names_the_parameter_the_help_and_the_reference() {
        insta::assert_snapshot!(text_of(&ErrorPage::sample()));
    }

    #[test]
    fn an_error_that_nobody_recorded_shows_no_reference() {
        insta::assert_snapshot!(text_of(&ErrorPage::samples().swap_remove(1)));
    }
}
