//! What entity data declares, statement by statement in words, so that two bundles can be compared.

use std::collections::BTreeSet;

use super::{Catalogue, parent_type};
use crate::request::CountryCode;
use crate::vocabulary::types;

/// One statement: about what, and what is said of it.
pub(crate) type Statement = (String, String);

impl Catalogue {
    /// Everything that is declared.
    pub(crate) fn statements(&self) -> BTreeSet<Statement> {
        let mut statements = BTreeSet::new();
        for ((kind, id), parents) in &self.parents {
            let subject = named(kind, id);
            statements.insert((subject.clone(), "declared".to_owned()));
            let above = parent_type(kind).unwrap_or(*kind);
            for parent in parents {
                statements.insert((subject.clone(), format!("in {}", named(above, parent))));
            }
        }
        for (range, name) in &self.ranges {
            statements.insert((named(types::NETWORK, name), format!("at {range}")));
        }
        statements
    }

    /// Everything that is declared to be in an entity, at any depth, and the address ranges of a network.
    pub(crate) fn within(&self, kind: &str, id: &str) -> BTreeSet<String> {
        let inside = self.ancestors.iter().filter(|(name, ancestors)| {
            parent_type(name.0) == Some(kind) && ancestors.iter().any(|above| above == id)
        });
        let mut within: BTreeSet<String> = inside
            .map(|((kind, id), _)| format!("{kind} {id}"))
            .collect();
        if kind == types::NETWORK {
            let is_part = |name: &String| {
                name == id || within.contains(&format!("{} {name}", types::NETWORK))
            };
            let ranges = self.ranges.iter().filter(|(_, name)| is_part(name));
            let ranges: Vec<String> = ranges.map(|(range, _)| range.to_string()).collect();
            within.extend(ranges);
        }
        within
    }
}

fn named(kind: &str, id: &str) -> String {
    match kind {
        types::GROUP => format!("group {id}"),
        types::APPLICATION => format!("application {id}"),
        types::APPLICATION_GROUP => format!("application group {id}"),
        types::REGION => format!("region {id}"),
        types::NETWORK => format!("network {id}"),
        types::COUNTRY => match id.parse::<CountryCode>() {
            Ok(country) => format!("country {} ({id})", country.name()),
            Err(_) => format!("country {id}"),
        },
        _ => format!("{kind} {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn catalogue() -> Catalogue {
        let text = "[region.home]\ncountries = [\"SG\"]\n\
                    [network.hq]\nranges = [\"203.0.113.0/24\"]\nin = [\"offices\"]\n[network.offices]\n";
        Catalogue::load(&[SourceFile::new("entities.toml", text)]).0
    }

    #[test]
    fn each_declaration_membership_and_range_is_a_statement() {
        let statements: Vec<String> = catalogue()
            .statements()
            .into_iter()
            .map(|(subject, said)| format!("{subject}: {said}"))
            .collect();
        assert_eq!(
            statements,
            [
                "country Singapore (SG): declared",
                "country Singapore (SG): in region home",
                "network hq: at 203.0.113.0/24",
                "network hq: declared",
                "network hq: in network offices",
                "network offices: declared",
                "region home: declared",
            ]
        );
    }

    #[test]
    fn what_is_in_a_network_is_known_with_its_ranges() {
        let within = catalogue().within(types::NETWORK, "offices");
        assert_eq!(
            within.into_iter().collect::<Vec<_>>(),
            ["203.0.113.0/24", "Network hq"]
        );
        let home = catalogue().within(types::REGION, "home");
        assert_eq!(home.into_iter().collect::<Vec<_>>(), ["Country SG"]);
    }
}
