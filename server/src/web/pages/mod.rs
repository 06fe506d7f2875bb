//! Every page a person can see, one struct for each template, with samples that show it in each of its states. When a
//! page is shown is decided in `oidc`; how it is sent, in `headers`.

mod denied;
mod device_check;
mod error;
mod form_post;
mod home;
mod refused_hint;
mod sign_in;
mod sign_out;
mod stopped;

pub use denied::{Condition, Denied, Held};
pub use device_check::DeviceCheck;
pub use error::ErrorPage;
pub use form_post::FormPost;
pub use home::Home;
pub use refused_hint::RefusedHint;
pub use sign_in::{SignIn, SignInError};
pub use sign_out::{SignOut, SignOutOnward, SignedOut};
pub use stopped::Stopped;

/// The words of a page as a person reads them, one line for each block, its title first.
#[cfg(test)]
fn text_of(page: &impl askama::Template) -> String {
    const INLINE: [&str; 4] = ["a", "code", "span", "strong"];
    const SILENT: [&str; 2] = ["script", "svg"];
    let html = page
        .render()
        .unwrap_or_else(|error| format!("does not render: {error}"));
    let mut text = String::new();
    let mut silent = false;
    for piece in html.split('<') {
        let (tag, words) = piece.split_once('>').unwrap_or(("", piece));
        let name = tag.trim_start_matches('/');
        let name = name.split_whitespace().next().unwrap_or_default();
        if SILENT.contains(&name) {
            silent = !tag.starts_with('/');
        } else if !INLINE.contains(&name) {
            text.push('\n');
        }
        if !silent {
            text.push_str(
                &words
                    .split('\n')
                    .map(str::trim_start)
                    .collect::<Vec<_>>()
                    .join(" "),
            );
        }
    }
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty());
    let text = lines.collect::<Vec<_>>().join("\n");
    [
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
    ]
    .iter()
    .fold(text, |text, (entity, symbol)| text.replace(entity, symbol))
}

#[cfg(test)]
mod tests {
    use super::*;
    use askama::Template;

    fn rendered<T: Template>(name: &'static str, samples: &[T]) -> Vec<(&'static str, String)> {
        samples
            .iter()
            .map(|sample| (name, sample.render().unwrap()))
            .collect()
    }

    fn every_page() -> Vec<(&'static str, String)> {
        [
            rendered("sign in", &SignIn::samples()),
            rendered("device check", &DeviceCheck::samples()),
            rendered("denied", &Denied::samples()),
            rendered("sign out", &SignOut::samples()),
            rendered("signed out", &[SignedOut::sample()]),
            rendered("stopped", &[Stopped::sample()]),
            rendered("refused hint", &[RefusedHint::sample()]),
            rendered("error", &ErrorPage::samples()),
            rendered("form post", &[FormPost::sample()]),
            rendered("home", &[Home::sample()]),
        ]
        .concat()
    }

    /// The tags of this name, with their attributes.
    fn tags<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
        html.split('<')
            .filter_map(|piece| piece.split_once('>'))
            .map(|(tag, _)| tag)
            .filter(|tag| tag.split_whitespace().next() == Some(name))
            .collect()
    }

    fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
        let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
        rest.split_once('"').map(|(value, _)| value)
    }

    #[test]
    fn every_page_says_its_language_and_has_a_title() {
        for (name, html) in every_page() {
            assert!(
                html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"),
                "{name}"
            );
            assert!(!html.contains("<title></title>"), "{name}");
        }
    }

    #[test]
    fn every_page_has_one_first_heading_and_no_level_is_skipped() {
        for (name, html) in every_page() {
            assert_eq!(tags(&html, "h1").len(), 1, "{name}");
            assert!(tags(&html, "h3").is_empty(), "{name}");
            if let Some(second) = html.find("<h2") {
                assert!(html.find("<h1").unwrap() < second, "{name}");
            }
        }
    }

    #[test]
    fn every_field_that_is_seen_has_a_label() {
        for (name, html) in every_page() {
            for input in tags(&html, "input") {
                if attribute(input, "type") == Some("hidden") {
                    continue;
                }
                let id = attribute(input, "id").unwrap();
                assert!(
                    html.contains(&format!("<label for=\"{id}\">")),
                    "{name}: {id}"
                );
            }
        }
    }

    #[test]
    fn every_form_of_ours_carries_a_token() {
        for (name, html) in every_page() {
            for form in html.split("<form ").skip(1) {
                let (tag, fields) = form.split_once('>').unwrap();
                assert!(tag.contains("method=\"post\""), "{name}");
                if attribute(&format!(" {tag}"), "action")
                    .unwrap()
                    .starts_with('/')
                {
                    let (fields, _) = fields.split_once("</form>").unwrap();
                    assert!(fields.contains("name=\"csrf\""), "{name}");
                }
            }
        }
    }

    #[test]
    fn no_page_carries_style_or_script_that_our_policy_would_block() {
        for (name, html) in every_page() {
            assert!(!html.contains(" style=\""), "{name}");
            assert!(!html.contains("<style"), "{name}");
            assert!(!html.contains(" onclick="), "{name}");
            assert_eq!(html.contains("<script"), name == "form post", "{name}");
        }
    }

    #[test]
    fn what_others_wrote_stays_text() {
        let html = SignIn {
            application_name: "<script>alert(1)</script>".to_owned(),
            username: "\" autofocus onfocus=\"alert(1)".to_owned(),
            ..SignIn::sample()
        }
        .render()
        .unwrap();
        assert!(!html.contains("<script"));
        assert!(!html.contains(" onfocus=\""));
    }
}
