//! The users of Okta as somebody has exported them: a CSV file with a column of logins, and usually one of e-mail
//! addresses. What they are compared with is left to `okta`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use crate::cli::Failure;

/// What the column of logins is called, in whatever case and with whatever between the words.
const LOGINS: [&str; 5] = [
    "login",
    "username",
    "oktausername",
    "profilelogin",
    "userlogin",
];
/// What the column of e-mail addresses is called.
const ADDRESSES: [&str; 4] = ["email", "primaryemail", "profileemail", "useremail"];

/// Users of Okta.
#[derive(Debug)]
pub(super) struct Export {
    people: Vec<Person>,
    /// Whether there is a column of e-mail addresses.
    pub(super) has_addresses: bool,
}

/// A user of Okta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) login: String,
    pub(super) address: Option<String>,
}

impl Export {
    /// Reads a file.
    pub(super) fn load(file: &Path) -> Result<Self, Failure> {
        let bytes = fs::read(file).map_err(|error| Failure::file(file, &error))?;
        Self::parse(&bytes)
            .map_err(|why| Failure::new(format!("cannot use `{}`: {why}", file.display())))
    }

    /// Reads the text of a file. Values are taken as they are: a blank too many is one of the things to be found.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = ReaderBuilder::new().from_reader(bytes);
        let headers = reader.headers().map_err(|error| error.to_string())?;
        let logins = column(headers, &LOGINS)
            .ok_or("it has no column `login` or `username` in its first line")?;
        let addresses = column(headers, &ADDRESSES);
        let mut people = Vec::new();
        for row in reader.records() {
            let row = row.map_err(|error| error.to_string())?;
            let value = |column: usize| row.get(column).filter(|it| !it.is_empty());
            // Who has no login cannot be found by it.
            if let Some(login) = value(logins) {
                people.push(Person {
                    login: login.to_owned(),
                    address: addresses.and_then(value).map(str::to_owned),
                });
            }
        }
        Ok(Self {
            people,
            has_addresses: addresses.is_some(),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.people.len()
    }

    /// Every login.
    pub(super) fn logins(&self) -> impl Iterator<Item = &str> {
        self.people.iter().map(|person| person.login.as_str())
    }

    /// Every e-mail address.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &str> {
        self.people
            .iter()
            .filter_map(|person| person.address.as_deref())
    }
}

/// Names that are compared with others, letter by letter and apart from their case.
#[derive(Debug)]
pub(super) struct Names<'a> {
    by_lower: BTreeMap<String, Vec<&'a str>>,
}

/// What a name is among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness<'a> {
    /// One of them.
    Same,
    /// One of them apart from its case, or from blanks around it; this one.
    Almost(&'a str),
    /// None of them.
    Unknown,
}

impl<'a> Names<'a> {
    pub(super) fn of(names: impl Iterator<Item = &'a str>) -> Self {
        let mut by_lower: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for name in names {
            by_lower.entry(lower(name)).or_default().push(name);
        }
        Self { by_lower }
    }

    pub(super) fn likeness(&self, name: &str) -> Likeness<'a> {
        let Some(alike) = self.by_lower.get(&lower(name)) else {
            return Likeness::Unknown;
        };
        if alike.contains(&name) {
            return Likeness::Same;
        }
        alike
            .first()
            .map_or(Likeness::Unknown, |it| Likeness::Almost(it))
    }

    /// Names that stand there more than once, apart from their case.
    pub(super) fn twice(&self) -> impl Iterator<Item = &[&'a str]> {
        let alike = self.by_lower.values().map(Vec::as_slice);
        alike.filter(|alike| alike.len() > 1)
    }
}

fn lower(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The first column with one of these names.
fn column(headers: &StringRecord, names: &[&str]) -> Option<usize> {
    headers.iter().position(|header| {
        let letters = header.chars().filter(|letter| letter.is_alphanumeric());
        let plain = letters.collect::<String>().to_lowercase();
        names.contains(&plain.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(text: &str) -> Vec<Person> {
        Export::parse(text.as_bytes()).unwrap().people
    }

    #[test]
    fn columns_are_found_by_the_names_that_okta_gives_them() {
        for (login, address) in [
            ("login", "email"),
            ("Username", "Primary email"),
            ("\u{feff}profile.login", "profile.email"),
        ] {
            let text =
                format!("{login},firstName,{address}\r\nana,\"Ana, B.\",Ana@example.com\r\n");
            let expected = Person {
                login: "ana".to_owned(),
                address: Some("Ana@example.com".to_owned()),
            };
            assert_eq!(people(&text), [expected], "{login}");
        }
    }

    #[test]
    fn a_file_needs_logins_and_no_addresses() {
        let export = Export::parse(b"login\nana\n\"\"\nbo\n").unwrap();
        assert_eq!(export.len(), 2);
        assert!(!export.has_addresses);
        assert!(Export::parse(b"name,email\nana,ana@example.com\n").is_err());
        assert!(Export::parse(b"").is_err());
    }

    #[test]
    fn what_is_no_csv_is_refused() {
        assert!(Export::parse(b"login,email\nana\n").is_err());
        assert!(Export::parse(b"login\n\xff\n").is_err());
    }

    #[test]
    fn names_are_compared_letter_by_letter_and_apart_from_their_case() {
        let names = Names::of(["Ana", "ana", "bo ", "cy"].into_iter());
        assert_eq!(names.likeness("ana"), Likeness::Same);
        assert_eq!(names.likeness("ANA"), Likeness::Almost("Ana"));
        assert_eq!(names.likeness("bo"), Likeness::Almost("bo "));
        assert_eq!(names.likeness("dora"), Likeness::Unknown);
        let twice: Vec<&[&str]> = names.twice().collect();
        assert_eq!(twice, [["Ana", "ana"]]);
    }
}
