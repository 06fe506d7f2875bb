//! The page that carries an answer to the client in a form (OAuth 2.0 Form Post Response Mode). The answer is made in
//! `oidc`; that the page may run its one script is arranged in `headers`.

use askama::Template;

/// The page that posts the answer to the client: by itself where scripts run, at a click where they do not.
#[derive(Debug, Clone, Template)]
#[template(path = "form_post.html")]
pub struct FormPost {
    /// The redirect URI, checked.
    pub action: String,
    /// The parameters of the authorization response, in order.
    pub fields: Vec<(String, String)>,
}

impl FormPost {
    /// The page with a successful answer.
    #[must_use]
    pub fn sample() -> Self {
        let fields = [
            ("code", "c2FtcGxl"),
            ("state", "a&b=\"c\""),
            ("iss", "https://id.example.com"),
        ];
        Self {
            action: "https://payroll.example.com/callback".to_owned(),
            fields: fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::headers::SUBMIT_SCRIPT;
    use crate::web::pages::text_of;

    #[test]
    fn a_person_without_scripts_can_continue() {
        insta::assert_snapshot!(text_of(&FormPost::sample()));
    }

    #[test]
    fn every_parameter_of_the_answer_is_a_field_and_keeps_its_value() {
        let html = FormPost::sample().render().unwrap();
        assert!(html.contains("action=\"https://payroll.example.com/callback\""));
        assert!(html.contains("name=\"code\" value=\"c2FtcGxl\""));
        assert!(html.contains("name=\"state\" value=\"a&#38;b=&#34;c&#34;\""));
    }

    #[test]
    fn the_script_is_exactly_the_one_that_the_policy_allows() {
        let html = FormPost::sample().render().unwrap();
        assert!(html.contains(&format!("<script>{SUBMIT_SCRIPT}</script>")));
    }
}
