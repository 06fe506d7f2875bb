//! Help for whoever writes policies in an editor: what stands at the cursor, what may stand there, and where it
//! is declared. The editor's protocol is the caller's, and so are files.
//!
//! Text that is being typed does not parse. So the text around the cursor is read by its tokens (`cursor`), and
//! of the files of the bundle whatever can be read.

mod annotations;
mod attributes;
mod complete;
mod cursor;
mod entities;
mod hover;
mod places;
mod sources;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use self::attributes::Facts;
use self::cursor::{Spot, look};
use crate::bundle::is_entity_data;
use crate::catalogue::Catalogue;
use crate::guard::MAX_FILE;
use crate::source::SourceFile;
use crate::stack;

/// The files of a bundle as they are at the moment, whatever is wrong with them.
pub struct Draft {
    facts: Facts,
    catalogue: Catalogue,
    /// The entity data.
    data: Vec<SourceFile>,
}

/// What there is to say about a place in a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hover {
    /// The bytes that it is said of.
    pub at: Range<usize>,
    /// What is said.
    pub about: About,
}

/// What is said about a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// This, in Markdown.
    Words(String),
    /// The finding of this id: its page is the caller's.
    Finding(String),
}

/// What may stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The bytes before the cursor that a candidate takes the place of.
    pub at: Range<usize>,
    /// The candidates.
    pub candidates: Vec<Candidate>,
}

/// Something that may stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// What is written for it.
    pub text: String,
    /// What it is.
    pub subject: Subject,
    /// More about it, in a few words.
    pub detail: Option<String>,
    /// What it means, in Markdown.
    pub description: Option<String>,
}

/// What a candidate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An attribute.
    Attribute,
    /// A type of entities.
    Type,
    /// An entity.
    Entity,
    /// An annotation.
    Annotation,
    /// A value of an annotation.
    Value,
    /// The id of a finding, in an annotation.
    Finding,
    /// A word of Cedar.
    Keyword,
    /// `principal` and the like.
    Variable,
    /// A function.
    Function,
}

/// Where something is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name of the file.
    pub file: Arc<str>,
    /// The bytes of its name there.
    pub at: Range<usize>,
}

impl Draft {
    /// Reads what can be read of the files of a bundle.
    #[must_use]
    pub fn of(files: &[SourceFile]) -> Self {
        let small = files.iter().filter(|file| file.text.len() <= MAX_FILE);
        let data: Vec<SourceFile> = small
            .filter(|file| is_entity_data(&file.name))
            .cloned()
            .collect();
        stack::with_enough(|| Self {
            facts: Facts::of(files),
            // What is wrong with the data is told by whoever loads the bundle.
            catalogue: Catalogue::load(&data).0,
            data,
        })
    }

    /// What there is to say about a place in a policy file, if anything.
    #[must_use]
    pub fn hover(&self, text: &str, offset: usize) -> Option<Hover> {
        let cursor = look_at(text, offset)?;
        self.about(text, offset, &cursor)
    }

    /// What may stand at a place in a policy file.
    #[must_use]
    pub fn complete(&self, text: &str, offset: usize) -> Option<Completion> {
        let cursor = look_at(text, offset)?;
        self.candidates(text, offset, &cursor)
    }

    /// Where the entity at a place in a policy file is declared.
    #[must_use]
    pub fn definition(&self, text: &str, offset: usize) -> Option<Place> {
        let cursor = look_at(text, offset)?;
        match cursor.spot {
            Spot::Entity { kind, quoted: true } => self.declaration(kind, cursor.written),
            _ => None,
        }
    }

    fn declaration(&self, kind: &str, id: &str) -> Option<Place> {
        self.data.iter().find_map(|file| {
            let at = places::declaration(file, kind, id)?;
            Some(Place {
                file: Arc::clone(&file.name),
                at,
            })
        })
    }
}

/// How many names it knows: the texts would say nothing.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("types", &self.facts.types.len())
            .field("data", &self.data.len())
            .finish_non_exhaustive()
    }
}

/// Looks at a place of a policy file, unless the file is larger than any that can be used.
fn look_at(text: &str, offset: usize) -> Option<cursor::Cursor<'_>> {
    if text.len() > MAX_FILE {
        return None;
    }
    look(text, offset)
}

impl Candidate {
    fn new(name: impl Into<String>, subject: Subject) -> Self {
        let name = name.into();
        Self {
            text: name.clone(),
            name,
            subject,
            detail: None,
            description: None,
        }
    }

    fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into()).filter(|text| !text.is_empty());
        self
    }

    fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into()).filter(|text| !text.is_empty());
        self
    }
}
