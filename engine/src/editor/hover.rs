//! What there is to say about the word at the cursor.

use std::ops::Range;

use super::attributes::{Attribute, variable_type};
use super::cursor::{Cursor, Spot};
use super::{About, Draft, Hover, annotations};

impl Draft {
    pub(super) fn about(&self, text: &str, offset: usize, cursor: &Cursor<'_>) -> Option<Hover> {
        let written = cursor.written;
        let words = match &cursor.spot {
            Spot::Annotation => annotations::meaning(written)?,
            Spot::AnnotationText { name } => {
                let at = id_at(text, &cursor.at, offset)?;
                let value = text.get(at.clone())?;
                if annotations::is_finding(name, value) {
                    return Some(Hover {
                        at,
                        about: About::Finding(value.to_owned()),
                    });
                }
                annotations::value_meaning(name, written)?
            }
            Spot::Attribute { path } => {
                let attribute = self.facts.attributes(path)?.get(written)?;
                about_attribute(path, written, attribute)
            }
            Spot::Entity { kind, quoted: true } => self.about_entity(kind, written)?,
            Spot::Entity { .. } => return None,
            Spot::Type | Spot::Word => self.about_word(written)?,
        };
        Some(Hover {
            at: cursor.at.clone(),
            about: About::Words(words),
        })
    }

    /// A variable or a type.
    fn about_word(&self, word: &str) -> Option<String> {
        if word == "action" {
            return Some("`action`\n\nWhat is asked for, such as `Action::\"signIn\"`.".to_owned());
        }
        let (head, kind) = match variable_type(word) {
            Some(kind) => (format!("{word}: {kind}"), kind),
            None => (word.to_owned(), word),
        };
        let said = self.facts.types.get(kind)?.description.as_deref()?;
        Some(format!("`{head}`\n\n{said}"))
    }
}

/// An attribute with its type, what it is, and where its value comes from.
pub(super) fn about_attribute(path: &[&str], name: &str, attribute: &Attribute) -> String {
    let path = path.join(".");
    let mut said = format!("`{path}.{name}: {}`", attribute.kind);
    if let Some(description) = &attribute.description {
        said = format!("{said}\n\n{description}");
    }
    if let Some(source) = attribute.source {
        said = format!("{said}\n\nIts value comes from {source}.");
    }
    if !attribute.is_required {
        said = format!("{said}\n\nIt can be missing: ask `{path} has {name}` first.");
    }
    said
}

/// The id around the cursor, among ids with commas and spaces between them.
pub(super) fn id_at(text: &str, within: &Range<usize>, offset: usize) -> Option<Range<usize>> {
    let before = text.get(within.start..offset)?;
    let after = text.get(offset..within.end)?;
    let start = before.rfind([',', ' ']).map_or(0, |at| at + 1);
    let end = after.find([',', ' ']).unwrap_or(after.len());
    Some(within.start + start..offset + end)
}
