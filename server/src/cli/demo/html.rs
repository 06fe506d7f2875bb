//! What a program has to find on a page of the provider: forms with their fields, links, and the
//! reference. It reads the HTML that our own templates write, and does not claim to read any other.

use crate::domain::ids::Reference;

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Where it goes, as the page writes it.
    pub action: String,
    /// Its fields with the values they have on the page, in order.
    pub fields: Vec<Field>,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The value on the page.
    pub value: String,
    /// Whether a person can change it.
    pub read_only: bool,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The words of the link.
    pub text: String,
    /// Where it leads, as the page writes it.
    pub href: String,
}

impl Form {
    /// The field with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The fields as they are sent, with what a person typed in place of what was there. What is typed
    /// into a field that the form does not have is sent along.
    #[must_use]
    pub fn filled_in(&self, typed: &[(&str, &str)]) -> Vec<(String, String)> {
        let on_page = self.fields.iter().map(|field| {
            let entered = typed.iter().find(|(name, _)| *name == field.name);
            let value = entered.map_or(field.value.as_str(), |(_, value)| *value);
            (field.name.clone(), value.to_owned())
        });
        let added = typed
            .iter()
            .filter(|(name, _)| self.field(name).is_none())
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        on_page.chain(added).collect()
    }
}

/// Every form of a page.
#[must_use]
pub fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut inside = false;
    for tag in tags(html) {
        match tag.name {
            "form" => {
                inside = true;
                forms.push(Form {
                    action: tag.attribute("action").unwrap_or_default(),
                    fields: Vec::new(),
                });
            }
            "/form" => inside = false,
            "input" if inside => {
                if let (Some(form), Some(name)) = (forms.last_mut(), tag.attribute("name")) {
                    form.fields.push(Field {
                        name,
                        value: tag.attribute("value").unwrap_or_default(),
                        read_only: tag.has("readonly") || tag.is_hidden(),
                    });
                }
            }
            _ => {}
        }
    }
    forms
}

/// Every link of a page.
#[must_use]
pub fn links(html: &str) -> Vec<Link> {
    tags(html)
        .filter(|tag| tag.name == "a")
        .filter_map(|tag| {
            Some(Link {
                text: decode(tag.text.trim()),
                href: tag.attribute("href")?,
            })
        })
        .collect()
}

/// The reference that a page shows to its reader.
#[must_use]
pub fn reference(html: &str) -> Option<Reference> {
    tags(html)
        .find(|tag| tag.attribute("class").as_deref() == Some("reference"))
        .and_then(|tag| tag.text.parse().ok())
}

/// A tag, and the text behind it up to the next one.
#[derive(Debug, Clone, Copy)]
struct Tag<'a> {
    name: &'a str,
    attributes: &'a str,
    text: &'a str,
}

fn tags(html: &str) -> impl Iterator<Item = Tag<'_>> {
    // INVARIANT: templates escape `<` and `>` wherever they are no part of a tag.
    html.split('<').skip(1).filter_map(|piece| {
        let (inside, text) = piece.split_once('>')?;
        let (name, attributes) = inside
            .split_once(char::is_whitespace)
            .unwrap_or((inside, ""));
        Some(Tag {
            name,
            attributes,
            text,
        })
    })
}

impl Tag<'_> {
    fn attribute(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes;
        while let Some((before, after)) = rest.split_once("=\"") {
            let (value, behind) = after.split_once('"')?;
            if before.split_whitespace().next_back() == Some(name) {
                return Some(decode(value));
            }
            rest = behind;
        }
        None
    }

    /// Whether it carries an attribute that has no value.
    fn has(&self, flag: &str) -> bool {
        // Every second piece stands outside of quotes.
        self.attributes
            .split('"')
            .step_by(2)
            .flat_map(str::split_whitespace)
            .any(|word| word == flag)
    }

    fn is_hidden(&self) -> bool {
        self.attribute("type").as_deref() == Some("hidden")
    }
}

/// Text without character references.
fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let known = after
            .split_once(';')
            .and_then(|(entity, behind)| Some((character(entity)?, behind)));
        if let Some((symbol, behind)) = known {
            decoded.push(symbol);
            rest = behind;
        } else {
            decoded.push('&');
            rest = after;
        }
    }
    decoded.push_str(rest);
    decoded
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        _ => char::from_u32(entity.strip_prefix('#')?.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use askama::Template as _;

    use super::*;
    use crate::web::pages::{Denied, DeviceCheck, SignIn};

    #[test]
    fn the_form_of_the_sign_in_page_is_read_with_its_hidden_fields() {
        let page = SignIn::sample();
        let html = page.render().unwrap();
        let forms = forms(&html);
        assert_eq!(forms.len(), 1);
        assert_eq!(forms[0].action, "/sign-in");
        let names: Vec<_> = forms[0].fields.iter().map(|field| &field.name).collect();
        assert_eq!(names, ["transaction", "csrf", "username", "password"]);
        assert_eq!(
            forms[0].field("transaction").unwrap().value,
            page.transaction
        );
        assert_eq!(forms[0].field("csrf").unwrap().value, page.csrf);
        assert!(!forms[0].field("username").unwrap().read_only);
    }

    #[test]
    fn a_fixed_username_is_read_only_and_sent_as_it_is() {
        let html = SignIn::samples()[1].render().unwrap();
        let form = forms(&html).swap_remove(0);
        assert!(form.field("username").unwrap().read_only);
        let sent = form.filled_in(&[("password", "doorward")]);
        assert!(sent.contains(&("username".to_owned(), "ana@example.com".to_owned())));
        assert!(sent.contains(&("password".to_owned(), "doorward".to_owned())));
    }

    #[test]
    fn what_is_typed_replaces_what_was_there_and_may_be_added() {
        let form =
            forms("<form action=\"/a\"><input name=\"x\" value=\"1\"></form>").swap_remove(0);
        let sent = form.filled_in(&[("x", "2"), ("y", "3")]);
        let expected =
            [("x", "2"), ("y", "3")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(sent, expected);
    }

    #[test]
    fn the_links_of_the_device_check_are_read_with_their_addresses() {
        let page = DeviceCheck::sample();
        let links = links(&page.render().unwrap());
        let href = |text: &str| {
            links
                .iter()
                .find(|link| link.text == text)
                .map(|link| link.href.clone())
        };
        assert_eq!(href("Check this device"), Some(page.continue_url));
        assert_eq!(
            href("Continue without the check").unwrap(),
            format!(
                "/authorize/resume?transaction={}&device=skip",
                page.transaction
            )
        );
    }

    #[test]
    fn the_reference_of_a_refusal_is_read() {
        let html = Denied::sample().render().unwrap();
        assert_eq!(reference(&html).unwrap().to_string(), "7F3K-29QD");
        assert_eq!(reference("<p>Reference 7F3K-29QD</p>"), None);
    }

    #[test]
    fn fields_belong_to_the_form_around_them() {
        let html = "<input name=\"a\"><form action=\"/1\"><input name=\"b\"></form>\
                    <input name=\"c\"><form action=\"/2\"><input name=\"d\"></form>";
        let names: Vec<Vec<String>> = forms(html)
            .into_iter()
            .map(|form| form.fields.into_iter().map(|field| field.name).collect())
            .collect();
        assert_eq!(names, [["b"], ["d"]]);
    }

    #[test]
    fn character_references_are_decoded_and_nothing_else_is() {
        assert_eq!(decode("a&#38;b=&#34;c&#34;&amp;"), "a&b=\"c\"&");
        assert_eq!(decode("&nbsp; & ; &#x; &"), "&nbsp; & ; &#x; &");
    }
}
