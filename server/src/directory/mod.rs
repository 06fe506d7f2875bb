//! What operators keep in files: users, clients, and the inventory of devices.
//! Leaves to others when the files are read (`reload`), how TOML is parsed (`config`) and what a record
//! is worth in a decision (`signals`, `access`).

mod audience_entry;
mod client_entry;
mod client_keys;
mod client_record;
pub mod client_secret;
pub mod clients;
mod device_entry;
pub mod devices;
mod fapi;
pub mod guid;
pub mod password;
pub mod profile;
mod redirect_uri;
mod scope_entry;
mod user_entry;
pub mod users;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::mem::discriminant;
use std::path::Path;

use doorward_engine::AttributeValue;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::{Spanned, Value};

use crate::domain::diagnostic::Diagnostic;
use crate::reload::{Built, Snapshot};

/// The text of a file in a snapshot, and the file's name as diagnostics show it.
fn text_of<'s>(snapshot: &'s Snapshot, file: &Path) -> Result<(&'s str, String), Vec<Diagnostic>> {
    let text = snapshot.text(file)?;
    Ok((text, file.display().to_string()))
}

/// Everything that is wrong with one file, collected so that an operator sees it at once.
#[derive(Debug)]
struct Report<'a> {
    file: &'a str,
    text: &'a str,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl<'a> Report<'a> {
    fn new(text: &'a str, file: &'a str) -> Self {
        Self {
            file,
            text,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn error<T>(&mut self, at: &Spanned<T>, message: impl Into<String>) {
        let diagnostic = Diagnostic::error(self.file, message);
        self.errors
            .push(diagnostic.with_position(self.text, at.span().start));
    }

    fn error_with_help<T>(
        &mut self,
        at: &Spanned<T>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = Diagnostic::error(self.file, message).with_help(help);
        self.errors
            .push(diagnostic.with_position(self.text, at.span().start));
    }

    fn warning_with_help<T>(
        &mut self,
        at: &Spanned<T>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = Diagnostic::warning(self.file, message).with_help(help);
        self.warnings
            .push(diagnostic.with_position(self.text, at.span().start));
    }

    /// `file:line:column` of a value, to point from one diagnostic to a second place.
    fn place(&self, offset: usize) -> String {
        let there = Diagnostic::error(self.file, "").with_position(self.text, offset);
        let position = [there.line, there.column].into_iter().flatten();
        position.fold(self.file.to_owned(), |place, number| {
            format!("{place}:{number}")
        })
    }

    fn finish<T>(self, value: T) -> Result<Built<T>, Vec<Diagnostic>> {
        let Self {
            mut errors,
            warnings,
            ..
        } = self;
        if errors.is_empty() {
            return Ok(Built { value, warnings });
        }
        errors.extend(warnings);
        Err(errors)
    }
}

/// Without the lines of the file: those of users and clients may hold a secret that somebody wrote in the
/// clear, and diagnostics go to logs and to the status page.
fn without_excerpts<T>(
    outcome: Result<Built<T>, Vec<Diagnostic>>,
) -> Result<Built<T>, Vec<Diagnostic>> {
    fn hide(diagnostic: Diagnostic) -> Diagnostic {
        Diagnostic {
            excerpt: None,
            ..diagnostic
        }
    }
    match outcome {
        Ok(Built { value, warnings }) => Ok(Built {
            value,
            warnings: warnings.into_iter().map(hide).collect(),
        }),
        Err(errors) => Err(errors.into_iter().map(hide).collect()),
    }
}

/// Values that must not occur twice, and where each was first seen.
#[derive(Debug, Default)]
struct Unique {
    seen: BTreeMap<String, usize>,
}

impl Unique {
    /// Claims a value for one entry; where it is taken already, reports both places.
    fn claim<T>(&mut self, report: &mut Report<'_>, key: String, at: &Spanned<T>, what: &str) {
        match self.seen.entry(key) {
            Entry::Vacant(free) => {
                free.insert(at.span().start);
            }
            Entry::Occupied(taken) => {
                let first = report.place(*taken.get());
                report.error_with_help(
                    at,
                    format!("{what} is used twice"),
                    format!("it is used first at {first}"),
                );
            }
        }
    }
}

/// Text that must not be printed, even where it is not what it should be.
struct HiddenText(String);

impl<'de> Deserialize<'de> for HiddenText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            // The usual message would repeat the value: a password of digits without quotes, say.
            _ => Err(D::Error::custom("this has to be text in quotes")),
        }
    }
}

impl fmt::Debug for HiddenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HiddenText(••••••••)")
    }
}

/// Identifiers travel in tokens, logs and policies: 1 to 255 visible ASCII characters. OpenID Connect Core
/// section 2 limits `sub` to 255 ASCII characters, RFC 6749 appendix A limits `client_id` to visible ones.
fn check_id(report: &mut Report<'_>, what: &str, id: &Spanned<String>) {
    let text = id.get_ref();
    let length = (1..=255).contains(&text.len());
    if !length || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        report.error(
            id,
            format!("the {what} id `{text}` is not 1 to 255 visible ASCII characters"),
        );
    }
}

/// Attributes that the organisation added to its schema, as written in TOML.
type RawAttributes = BTreeMap<String, Spanned<Value>>;

fn attributes(report: &mut Report<'_>, raw: RawAttributes) -> BTreeMap<String, AttributeValue> {
    let mut attributes = BTreeMap::new();
    for (name, value) in raw {
        match attribute(value.get_ref()) {
            Ok(converted) => {
                attributes.insert(name, converted);
            }
            Err(problem) => {
                report.error_with_help(
                    &value,
                    format!("the attribute `{name}` {problem}"),
                    "an attribute is text, a whole number, true or false, or a list of one of these",
                );
            }
        }
    }
    attributes
}

fn attribute(value: &Value) -> Result<AttributeValue, &'static str> {
    match value {
        Value::String(text) => Ok(AttributeValue::String(text.clone())),
        Value::Integer(number) => Ok(AttributeValue::Long(*number)),
        Value::Boolean(truth) => Ok(AttributeValue::Bool(*truth)),
        Value::Array(values) => {
            let values: Vec<AttributeValue> =
                values.iter().map(attribute).collect::<Result<_, _>>()?;
            let mut kinds = values.iter().map(discriminant);
            let first = kinds.next();
            if kinds.all(|kind| Some(kind) == first) {
                Ok(AttributeValue::Set(values))
            } else {
                Err("mixes values of different types")
            }
        }
        Value::Float(_) => Err("is not a whole number"),
        Value::Datetime(_) => Err("is a date"),
        Value::Table(_) => Err("is a table"),
    }
}

/// The shape of [`RawAttributes`].
fn attributes_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": { "type": ["string", "integer", "boolean", "array"] }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(text: &str) -> Result<AttributeValue, &'static str> {
        let table: toml::Table = text.parse().unwrap();
        attribute(&table["x"])
    }

    #[test]
    fn attributes_are_text_numbers_truths_and_lists() {
        assert_eq!(
            converted("x = 'a'"),
            Ok(AttributeValue::String("a".to_owned()))
        );
        assert_eq!(converted("x = -3"), Ok(AttributeValue::Long(-3)));
        assert_eq!(converted("x = true"), Ok(AttributeValue::Bool(true)));
        assert_eq!(
            converted("x = [1, 2]"),
            Ok(AttributeValue::Set(vec![
                AttributeValue::Long(1),
                AttributeValue::Long(2)
            ]))
        );
    }

    #[test]
    fn other_attributes_are_refused() {
        assert_eq!(converted("x = 1.5"), Err("is not a whole number"));
        assert_eq!(converted("x = 2026-11-24"), Err("is a date"));
        assert_eq!(converted("x = { y = 1 }"), Err("is a table"));
        assert_eq!(
            converted("x = [1, 'a']"),
            Err("mixes values of different types")
        );
        assert_eq!(converted("x = [[1.5]]"), Err("is not a whole number"));
    }

    #[test]
    fn hidden_text_prints_as_dots() {
        let text = HiddenText("hunter2".to_owned());
        assert!(!format!("{text:?}").contains("hunter2"));
    }

    #[test]
    fn a_place_is_file_line_and_column() {
        let report = Report::new("a\nbc", "users.toml");
        assert_eq!(report.place(3), "users.toml:2:2");
    }
}
