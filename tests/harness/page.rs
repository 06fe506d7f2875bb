//! What a server answered: status, headers, and the page a person reads. How one gets to the next
//! page is left to the browser.

use std::collections::BTreeMap;

use reqwest::header::HeaderMap;
use reqwest::{Response, Url};
use serde_json::Value;

use super::html::{tags, words};

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where it was asked for.
    pub url: Url,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

/// A form, with what it sends by itself.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) action: Url,
    pub(crate) fields: BTreeMap<String, String>,
}

impl Page {
    /// Reads the whole answer.
    pub async fn read(response: Response) -> Self {
        Self {
            url: response.url().clone(),
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.expect("a body"),
        }
    }

    /// A header that stands once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().expect("an ASCII header");
        assert!(values.next().is_none(), "`{name}` stands twice");
        Some(value)
    }

    /// All cookies that the answer sets, as they stand.
    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers
            .get_all("set-cookie")
            .iter()
            .map(|value| value.to_str().expect("an ASCII header"))
            .collect()
    }

    /// What a person reads.
    pub fn text(&self) -> String {
        words(&self.body)
    }

    /// Whether a person reads this, in whatever case.
    pub fn says(&self, words: &str) -> bool {
        self.text().to_lowercase().contains(&words.to_lowercase())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    /// The reference that the page shows.
    pub fn reference(&self) -> String {
        let text = self.text();
        text.rsplit_once("Reference ")
            .and_then(|(_, after)| reference_in(after))
            .unwrap_or_else(|| panic!("no reference on {self}"))
    }

    /// The value of a field of the page's forms.
    pub fn field(&self, name: &str) -> Option<String> {
        tags(&self.body)
            .iter()
            .filter(|tag| tag.name == "input" && tag.attribute("name") == Some(name))
            .find_map(|tag| tag.attribute("value").map(str::to_owned))
    }

    /// Whether the page has a form that leads to this path.
    pub fn has_form(&self, path: &str) -> bool {
        self.forms().iter().any(|form| form.action.path() == path)
    }

    /// The target of the link with this text.
    pub fn link(&self, text: &str) -> Option<Url> {
        tags(&self.body)
            .iter()
            .filter(|tag| tag.name == "a")
            .find(|tag| {
                let rest = &self.body[tag.end..];
                let shown = rest.split("</a>").next().unwrap_or_default();
                words(shown) == text
            })
            .and_then(|tag| self.url.join(tag.attribute("href")?).ok())
    }

    pub(crate) fn forms(&self) -> Vec<Form> {
        tags(&self.body)
            .iter()
            .filter(|tag| tag.name == "form")
            .map(|form| {
                let rest = &self.body[form.end..];
                let inside = rest.split("</form>").next().unwrap_or_default();
                let fields = tags(inside)
                    .iter()
                    .filter(|tag| tag.name == "input")
                    .filter_map(|tag| {
                        let value = tag.attribute("value").unwrap_or_default();
                        Some((tag.attribute("name")?.to_owned(), value.to_owned()))
                    })
                    .collect();
                let action = form.attribute("action").unwrap_or_default();
                Form {
                    action: self.url.join(action).expect("an action"),
                    fields,
                }
            })
            .collect()
    }
}

impl std::fmt::Display for Page {
    /// For the message of a failed test.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status, self.url, self.text())
    }
}

/// The first reference in a text: `7F3K-29QD`.
pub(crate) fn reference_in(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .find(|word| {
            let symbol = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase();
            word.len() == 9
                && word
                    .split_once('-')
                    .is_some_and(|(a, b)| a.len() == 4 && (a.to_owned() + b).chars().all(symbol))
        })
        .map(str::to_owned)
}
