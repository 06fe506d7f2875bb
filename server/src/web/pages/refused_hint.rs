//! The page for a person whom Microsoft Entra sends here and about whom nothing can be said. What is wrong is found out in
//! `oidc`.

use askama::Template;

/// The page for a hint that does not count. It leads back by a form to Entra itself, which is told that there is no factor.
#[derive(Debug, Clone, Template)]
#[template(path = "refused_hint.html")]
pub struct RefusedHint {
    /// The name of the client.
    pub application_name: String,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What can be done about it.
    pub help: String,
    /// The category of what is wrong, for the help desk.
    pub code: String,
    /// What Entra calls the request.
    pub request_id: Option<String>,
    /// Where the answer goes.
    pub action: String,
    /// The answer.
    pub fields: Vec<(String, String)>,
    /// The reference of the record.
    pub reference: String,
}

impl RefusedHint {
    /// The page for a hint that was here before.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            application_name: "Microsoft Entra".to_owned(),
            message: "This question of Microsoft Entra was here before.".to_owned(),
            help: "Go back, and sign in at Microsoft once more from the beginning.".to_owned(),
            code: "hint_used".to_owned(),
            request_id: Some("3f2504e0-4f89-41d3-9a0c-0305e82c3301".to_owned()),
            action: "https://login.microsoftonline.com/common/federation/externalauthprovider"
                .to_owned(),
            fields: vec![
                ("error".to_owned(), "access_denied".to_owned()),
                ("state".to_owned(), "af0ifjsldkj".to_owned()),
            ],
            reference: "7F3K-29QD".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::pages::text_of;

    #[test]
    fn a_person_reads_what_is_wrong_and_the_help_desk_where_to_look() {
        let text = text_of(&RefusedHint::sample());
        for words in [
            "This question of Microsoft Entra was here before.",
            "sign in at Microsoft once more",
            "hint_used",
            "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            "7F3K-29QD",
            "Return to Microsoft Entra",
        ] {
            assert!(text.contains(words), "no `{words}` in {text}");
        }
    }

    #[test]
    fn without_a_name_for_the_request_there_is_no_row_for_it() {
        let nameless = RefusedHint {
            request_id: None,
            ..RefusedHint::sample()
        };
        assert!(!text_of(&nameless).contains("client-request-id"));
    }

    #[test]
    fn the_answer_goes_to_entra_by_a_form_that_a_person_sends() {
        let html = RefusedHint::sample().render().unwrap();
        let form = "<form method=\"post\" action=\"https://login.microsoftonline.com/common/federation/externalauthprovider\">";
        assert!(html.contains(form), "{html}");
        let field = "<input type=\"hidden\" name=\"error\" value=\"access_denied\">";
        assert!(html.contains(field), "{html}");
        assert!(!html.contains("<script"));
    }
}
