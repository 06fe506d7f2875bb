//! The page that asks whether to sign out, and the one that says it is done.

use askama::Template;

/// The page that asks whether to sign out; its form goes to `/sign-out` with the field `csrf`.
#[derive(Debug, Clone, Template)]
#[template(path = "sign_out.html")]
pub struct SignOut {
    /// Who is signed in.
    pub username: String,
    /// The token of `web::csrf` for this form.
    pub csrf: String,
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
        }
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
    fn a_person_who_signed_out_is_told_what_may_still_be_open() {
        insta::assert_snapshot!(text_of(&SignedOut::sample()));
    }
}
