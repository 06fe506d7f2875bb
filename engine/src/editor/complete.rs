//! What may stand at the cursor. Of all that there is, editors show what fits the letters that are typed.

use super::attributes::{Attribute, variable_type};
use super::cursor::{Cursor, Spot};
use super::hover::{about_attribute, id_at};
use super::{Candidate, Completion, Draft, Subject, annotations};

/// Words that a policy is made of, outside of its brackets.
const CLAUSES: [(&str, &str); 4] = [
    (
        "permit",
        "lets in whom it matches, unless something forbids it",
    ),
    ("forbid", "keeps out whom it matches, whatever permits it"),
    ("when", "a condition that has to hold"),
    ("unless", "a condition that must not hold"),
];

/// Words within brackets.
const OPERATORS: [(&str, &str); 9] = [
    ("has", "whether an attribute is there"),
    ("in", "whether an entity is another, or in it"),
    ("like", "whether a text fits a pattern with `*`"),
    ("is", "whether an entity is of a type"),
    ("if", "if … then … else …"),
    ("then", "if … then … else …"),
    ("else", "if … then … else …"),
    ("true", "Bool"),
    ("false", "Bool"),
];

/// Variables.
const VARIABLES: [(&str, &str); 4] = [
    ("principal", "the user"),
    ("action", "what is asked for"),
    ("resource", "the application"),
    ("context", "the request"),
];

/// Functions that make values of texts.
const FUNCTIONS: [(&str, &str); 4] = [
    ("duration", "a span of time: duration(\"12h\")"),
    ("datetime", "a moment: datetime(\"2026-11-24T09:00:00Z\")"),
    ("ip", "an address or a range: ip(\"203.0.113.0/24\")"),
    ("decimal", "a number with places: decimal(\"0.5\")"),
];

impl Draft {
    pub(super) fn candidates(
        &self,
        text: &str,
        offset: usize,
        cursor: &Cursor<'_>,
    ) -> Option<Completion> {
        // Nothing behind the cursor is replaced: while a quote is open, that may be anything.
        let mut start = cursor.at.start;
        let candidates = match &cursor.spot {
            Spot::Annotation => annotations::names(),
            Spot::AnnotationText { name } => {
                start = id_at(text, &cursor.at, offset)?.start;
                annotations::values(name)
            }
            Spot::Attribute { path } => self.attributes(path),
            Spot::Entity { kind, quoted } => {
                let entities = self.entities(kind).into_iter();
                entities.map(|entity| quote(entity, *quoted)).collect()
            }
            Spot::Type => self.types(),
            Spot::Word if cursor.nested => self.words(),
            Spot::Word => table(&CLAUSES, Subject::Keyword).collect(),
        };
        if candidates.is_empty() || offset < start {
            return None;
        }
        Some(Completion {
            at: start..offset,
            candidates,
        })
    }

    fn attributes(&self, path: &[&str]) -> Vec<Candidate> {
        let attributes = self.facts.attributes(path).into_iter().flatten();
        attributes
            .map(|(name, attribute)| {
                Candidate::new(name.as_str(), Subject::Attribute)
                    .with_detail(detail(attribute))
                    .with_description(about_attribute(path, name, attribute))
            })
            .collect()
    }

    /// Types of entities.
    fn types(&self) -> Vec<Candidate> {
        let types = self.facts.types.iter().filter(|(_, of)| of.is_entity);
        types
            .map(|(name, of)| {
                Candidate::new(name.as_str(), Subject::Type)
                    .with_description(of.description.as_deref().unwrap_or_default())
            })
            .collect()
    }

    /// What an expression may begin or go on with.
    fn words(&self) -> Vec<Candidate> {
        let variables = table(&VARIABLES, Subject::Variable).map(|it| {
            let known = variable_type(&it.name).and_then(|kind| self.facts.types.get(kind));
            let said = known.and_then(|of| of.description.clone());
            it.with_description(said.unwrap_or_default())
        });
        variables
            .chain(table(&OPERATORS, Subject::Keyword))
            .chain(table(&FUNCTIONS, Subject::Function))
            .chain(self.types())
            .chain([Candidate::new("Action", Subject::Type)])
            .collect()
    }
}

fn detail(attribute: &Attribute) -> String {
    let may = if attribute.is_required {
        ""
    } else {
        ", may be missing"
    };
    format!("{}{may}", attribute.kind)
}

/// An entity's id as it is written: escaped, and with quotes where none is open.
fn quote(entity: Candidate, quoted: bool) -> Candidate {
    let escaped = entity.name.replace('\\', "\\\\").replace('"', "\\\"");
    Candidate {
        text: if quoted {
            escaped
        } else {
            format!("\"{escaped}\"")
        },
        ..entity
    }
}

fn table(
    words: &'static [(&'static str, &'static str)],
    subject: Subject,
) -> impl Iterator<Item = Candidate> {
    words
        .iter()
        .map(move |(word, meaning)| Candidate::new(*word, subject).with_detail(*meaning))
}
