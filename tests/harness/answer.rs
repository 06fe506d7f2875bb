//! What a client receives at its redirect URI. Whether that is right is left to the client and to
//! the tests.

use std::collections::BTreeMap;

use reqwest::Url;

use super::page::{Form, reference_in};

/// How the answer came to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In the query of a redirect.
    Query,
    /// In the fragment of a redirect.
    Fragment,
    /// In a form that the browser posts.
    FormPost,
}

/// An authorization response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The redirect URI, without what was added to it.
    pub redirect_uri: String,
    /// How it came.
    pub mode: Mode,
    /// The parameters; that none stands twice was checked.
    pub parameters: BTreeMap<String, String>,
}

impl Answer {
    /// The answer in a redirect.
    pub(crate) fn in_redirect(location: &Url) -> Self {
        let (mode, pairs): (Mode, Vec<(String, String)>) = match location.fragment() {
            Some(fragment) => {
                let inside = Url::parse(&format!("x:/?{fragment}")).expect("a fragment");
                (Mode::Fragment, inside.query_pairs().into_owned().collect())
            }
            None => (Mode::Query, location.query_pairs().into_owned().collect()),
        };
        let mut bare = location.clone();
        bare.set_query(None);
        bare.set_fragment(None);
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs {
            let known = parameters.insert(name.clone(), value);
            assert_eq!(known, None, "`{name}` stands twice in {location}");
        }
        Self {
            redirect_uri: bare.to_string(),
            mode,
            parameters,
        }
    }

    /// The answer in a form that posts itself.
    pub(crate) fn in_form(form: &Form) -> Self {
        Self {
            redirect_uri: form.action.to_string(),
            mode: Mode::FormPost,
            parameters: form.fields.clone(),
        }
    }

    /// A parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// The code, of an answer that permits.
    pub fn code(&self) -> &str {
        assert_eq!(self.get("error"), None, "{self:?}");
        self.get("code").expect("a code")
    }

    /// The error code, of an answer that does not permit.
    pub fn error(&self) -> &str {
        assert_eq!(self.get("code"), None, "{self:?}");
        self.get("error").expect("an error")
    }

    /// The reference at the end of the description of an error.
    pub fn reference(&self) -> String {
        let description = self.get("error_description").expect("a description");
        assert!(description.ends_with(')'), "{description}");
        let (_, end) = description.rsplit_once("(reference ").expect("a reference");
        reference_in(end).expect("a reference")
    }
}
