//! The page that asks whether to sign out, and the one that says it is done.

use askama::Template;

/// The page that asks whether to sign out; its form goes to `/sign-out` with the field `csrf`, and those of whoever asked.
#[derive(Debug, Clone, Template)]
#[template(path = "sign_out.html")]
pub struct SignOut {
    /// Who is signed in.
    pub username: String,
    /// The token of `web::csrf` for this form.
    pub csrf: String,
    /// The application that wants this, and the browser back.
    pub onward: Option<SignOutOnward>,
}

/// Where the browser goes after signing out.
#[derive(Debug, Clone)]
pub struct SignOutOnward {
    /// The name of the application.
    pub application_name: String,
    /// Its `client_id`.
    pub client_id: String,
    /// Its `post_logout_redirect_uri`.
    pub uri: String,
    /// Its `state`.
    pub state: Option<String>,
}

/// The page after the session has ended.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut {}

impl SignOut {
    /// The page for a person with a session.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            username: "ana@example.com".to_owned(),
            csrf: "c2FtcGxl".to_owned(),
            onward: None,
        }
    }

    /// The page for a person who comes from an application.
    #[must_use]
    pub fn sample_with_application() -> Self {
        Self {
            onward: Some(SignOutOnward {
                application_name: "Wiki".to_owned(),
                client_id: "wiki-web".to_owned(),
                uri: "https://wiki.example.com/signed-out".to_owned(),
                state: Some("af0ifjsldkj".to_owned()),
            }),
            ..Self::sample()
        }
    }

    /// The page in each of its states.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        vec![Self::sample(), Self::sample_with_application()]
    }
}

impl SignedOut {
    /// The only way this page looks.
    #[must_use]
    pub fn sample() -> Self {
        Self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::pages::text_of;

    #[test]
    fn signing_out_is_confirmed_first() {
        insta::assert_snapshot!(text_of(&SignOut::sample()));
    }

    #[test]
    fn an_application_that_wants_a_person_signed_out_is_named() {
        insta::assert_snapshot!(text_of(&SignOut::sample_with_application()));
    }

    #[test]
    fn the_form_carries_what_the_application_has_sent() {
        let html = SignOut::sample_with_application().render().unwrap();
        for field in [
            r#"name="client_id" value="wiki-web""#,
            r#"name="post_logout_redirect_uri" value="https://wiki.example.com/signed-out""#,
            r#"name="state" value="af0ifjsldkj""#,
        ] {
            assert!(html.contains(field), "{field}");
        }
        let html = SignOut::sample().render().unwrap();
        assert!(!html.contains("post_logout_redirect_uri"));
    }

    #[test]
    fn a_person_who_signed_out_is_told_what_may_still_be_open() {
        insta::assert_snapshot!(text_of(&SignedOut::sample()));
    }
}
