//! Entities that policies name: which there are, what they are, and what is in them.

use super::attributes::Facts;
use super::places::table;
use super::{Candidate, Draft, Subject};
use crate::facts::platform_words;
use crate::request::{CountryCode, Platform};
use crate::source::Origin;
use crate::vocabulary::types;
use crate::words::nearest;

/// Most entities that a description names one by one.
const MOST_NAMED: usize = 20;

impl Draft {
    /// The entities of a type.
    pub(super) fn entities(&self, kind: &str) -> Vec<Candidate> {
        let entity = |id: &str| Candidate::new(id, Subject::Entity);
        match kind {
            types::COUNTRY => rust_iso3166::ALL
                .iter()
                .map(|country| entity(country.alpha2).with_detail(country.name))
                .collect(),
            types::ACTION => self
                .facts
                .actions
                .iter()
                .map(|(name, said)| entity(name).with_description(said.as_deref().unwrap_or("")))
                .collect(),
            _ => match declarable(kind) {
                Some(kind) => self
                    .catalogue
                    .ids(kind)
                    .map(|id| entity(id).with_detail(self.above(kind, id)))
                    .collect(),
                None => choices(&self.facts, kind)
                    .iter()
                    .map(|id| entity(id).with_detail(product(kind, id)))
                    .collect(),
            },
        }
    }

    /// What an entity is, in Markdown.
    pub(super) fn about_entity(&self, kind: &str, id: &str) -> Option<String> {
        let head = format!("`{kind}::\"{id}\"`");
        let said = match kind {
            types::COUNTRY => self.about_country(id),
            types::ACTION => match self.facts.actions.get(id) {
                Some(said) => said.clone().unwrap_or_default(),
                None => unknown("action", id, self.facts.actions.keys().map(String::as_str)),
            },
            types::USER => "A user, by the `id` in the users file.".to_owned(),
            types::DEVICE => {
                "A device, by the `id` in the inventory or the identity in its certificate."
                    .to_owned()
            }
            _ => match declarable(kind) {
                Some(kind) => self.about_declared(kind, id),
                None => self.about_choice(kind, id)?,
            },
        };
        Some(format!("{head}\n\n{said}"))
    }

    fn about_country(&self, id: &str) -> String {
        match id.parse::<CountryCode>() {
            Err(error) => error.to_string(),
            Ok(country) => {
                let regions = self.catalogue.ancestors(types::COUNTRY, id);
                if regions.is_empty() {
                    format!("{}. In no region of the entity data.", country.name())
                } else {
                    format!("{}. In {}.", country.name(), list(regions))
                }
            }
        }
    }

    fn about_declared(&self, kind: &'static str, id: &str) -> String {
        let noun = noun(kind);
        if !self.catalogue.declares(kind, id) {
            return unknown(noun, id, self.catalogue.ids(kind));
        }
        let mut said = match self.declared_at(kind, id) {
            Some(at) => format!(
                "This {noun} is declared in `{}`, line {}.",
                at.file, at.line
            ),
            None => format!("This {noun} is declared in the entity data."),
        };
        let above = self.above(kind, id);
        if !above.is_empty() {
            said = format!("{said}\n\nIt is {above}.");
        }
        let within = self.catalogue.within(kind, id);
        let within: Vec<String> = within.iter().map(|inside| member(inside)).collect();
        if !within.is_empty() {
            said = format!("{said}\n\nIn it: {}.", list(&within));
        }
        if kind == types::GROUP {
            said.push_str("\n\nWhich users are in it stands in the users file.");
        }
        said
    }

    fn about_choice(&self, kind: &str, id: &str) -> Option<String> {
        let choices = choices(&self.facts, kind);
        if choices.is_empty() {
            return None;
        }
        if choices.iter().any(|choice| choice == id) {
            return Some(product(kind, id));
        }
        Some(unknown(kind, id, choices.iter().map(String::as_str)))
    }

    fn declared_at(&self, kind: &str, id: &str) -> Option<Origin> {
        let place = self.declaration(kind, id)?;
        let file = self.data.iter().find(|file| file.name == place.file)?;
        Some(file.origin(place.at.start))
    }

    /// What an entity is in, in words; nothing where it is in nothing.
    fn above(&self, kind: &'static str, id: &str) -> String {
        let above = self.catalogue.ancestors(kind, id);
        if above.is_empty() {
            String::new()
        } else {
            format!("in {}", list(above))
        }
    }
}

/// The type by its name, where entity data declares its entities by name.
fn declarable(kind: &str) -> Option<&'static str> {
    types::ALL
        .into_iter()
        .find(|known| *known == kind && table(known).is_some())
}

fn choices<'a>(facts: &'a Facts, kind: &str) -> &'a [String] {
    facts.types.get(kind).map_or(&[], |of| &of.choices)
}

/// What people call a platform.
fn product(kind: &str, id: &str) -> String {
    let known = Platform::of(id).filter(|_| kind == types::PLATFORM);
    known.map(platform_words).unwrap_or_default().to_owned()
}

fn noun(kind: &str) -> &'static str {
    match kind {
        types::GROUP => "group",
        types::APPLICATION => "application",
        types::APPLICATION_GROUP => "application group",
        types::REGION => "region",
        _ => "network",
    }
}

fn unknown<'a>(noun: &str, id: &str, known: impl Iterator<Item = &'a str>) -> String {
    let said = format!("No {noun} `{id}` is declared.");
    match nearest(id, known) {
        Some(near) => format!("{said} Did you mean `{near}`?"),
        None => said,
    }
}

/// Something in an entity: the catalogue writes `Group staff` for a group, and a range as it is.
fn member(within: &str) -> String {
    match within.split_once(' ') {
        Some((types::COUNTRY, code)) => match code.parse::<CountryCode>() {
            Ok(country) => format!("{} ({code})", country.name()),
            Err(_) => code.to_owned(),
        },
        Some((_, id)) => id.to_owned(),
        None => within.to_owned(),
    }
}

fn list(names: &[String]) -> String {
    let (named, others) = names.split_at(names.len().min(MOST_NAMED));
    let mut text = named
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if !others.is_empty() {
        text = format!("{text} and {} more", others.len());
    }
    text
}
