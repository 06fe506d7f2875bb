//! The bundle's entity data: which named networks, regions and groups there are, and what is in them.
//!
//! Written in TOML (`entities.toml`) or in Cedar's JSON (`entities.json`). The hierarchy is flattened
//! once, here, so that a decision only copies lists of ancestors.

mod format;
mod statements;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

pub use self::format::schema;
use self::format::{Entry, read_json, read_toml};
use crate::error::Diagnostic;
use crate::source::SourceFile;
use crate::vocabulary::types;
use ipnet::IpNet;

/// Longest chain of groups within groups. Cedar's transitive closure recurses along it.
pub(crate) const MAX_CHAIN: usize = 64;

/// Name of an entity: its type and id.
pub(crate) type Name = (&'static str, String);

/// Everything the entity data of a bundle declares.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalogue {
    /// Direct parents of each declared entity.
    parents: BTreeMap<Name, BTreeSet<String>>,
    /// All ancestors of each declared entity, itself left out.
    ancestors: HashMap<Name, Vec<String>>,
    /// Address ranges of named networks.
    ranges: Vec<(IpNet, String)>,
}

/// The type that entities of a type may have as parents.
fn parent_type(of: &str) -> Option<&'static str> {
    match of {
        types::USER | types::GROUP => Some(types::GROUP),
        types::APPLICATION | types::APPLICATION_GROUP => Some(types::APPLICATION_GROUP),
        types::COUNTRY | types::REGION => Some(types::REGION),
        types::NETWORK => Some(types::NETWORK),
        _ => None,
    }
}

/// The types that entity data may declare.
const DECLARABLE: [&str; 6] = [
    types::GROUP,
    types::APPLICATION,
    types::APPLICATION_GROUP,
    types::COUNTRY,
    types::REGION,
    types::NETWORK,
];

impl Catalogue {
    /// Reads all entity data of a bundle; findings of all files together.
    pub(crate) fn load(files: &[SourceFile]) -> (Self, Vec<Diagnostic>) {
        let mut findings = Vec::new();
        let mut catalogue = Self::default();
        for file in files {
            let read = if file.name.ends_with(".json") {
                read_json(file)
            } else {
                read_toml(file)
            };
            match read {
                Ok(entries) => {
                    for entry in entries {
                        catalogue.add(file, entry, &mut findings);
                    }
                }
                Err(finding) => findings.push(*finding),
            }
        }
        catalogue.flatten(files, &mut findings);
        catalogue
            .ranges
            .sort_by(|a, b| a.1.cmp(&b.1).then(a.0.cmp(&b.0)));
        (catalogue, findings)
    }

    fn add(&mut self, file: &SourceFile, entry: Entry, findings: &mut Vec<Diagnostic>) {
        let Entry {
            name,
            parents,
            ranges,
            members,
        } = entry;
        if name.0 == types::COUNTRY
            && let Err(error) = name.1.parse::<crate::request::CountryCode>()
        {
            findings.push(about(file, &name.1, error.to_string()));
        }
        if name.0 == types::NETWORK && name.1.parse::<IpAddr>().is_ok() {
            // The network of one address is named by it, see `entities.rs`.
            let message = format!("`{}` is an address and cannot name a network", name.1);
            findings.push(about(file, &name.1, message));
        }
        for range in ranges {
            match range
                .parse::<IpNet>()
                .or_else(|_| range.parse::<IpAddr>().map(IpNet::from))
            {
                Ok(network) => self.ranges.push((network.trunc(), name.1.clone())),
                Err(_) => findings.push(
                    about(file, &range, format!("`{range}` is no network")).with_help(
                        "write an address range such as `203.0.113.0/24` or `2001:db8::/32`",
                    ),
                ),
            }
        }
        for (kind, member) in members {
            if kind == types::COUNTRY
                && let Err(error) = member.parse::<crate::request::CountryCode>()
            {
                findings.push(about(file, &member, error.to_string()));
                continue;
            }
            self.parents
                .entry((kind, member))
                .or_default()
                .insert(name.1.clone());
        }
        self.parents.entry(name).or_default().extend(parents);
    }

    /// Computes ancestors; refuses unknown parents, cycles and chains that are too long.
    fn flatten(&mut self, files: &[SourceFile], findings: &mut Vec<Diagnostic>) {
        for (name, parents) in &self.parents {
            let Some(kind) = parent_type(name.0) else {
                continue;
            };
            for parent in parents {
                if !self.parents.contains_key(&(kind, parent.clone())) {
                    let file = mentioning(files, parent);
                    let mut finding = about(
                        file,
                        parent,
                        format!("`{}` is in `{parent}`, which is not declared", name.1),
                    );
                    if let Some(near) = crate::words::nearest(parent, self.ids(kind)) {
                        finding = finding.with_help(format!("did you mean `{near}`?"));
                    }
                    findings.push(finding);
                }
            }
        }
        let names: Vec<Name> = self.parents.keys().cloned().collect();
        for name in names {
            match self.climb(&name) {
                Ok(ancestors) => {
                    self.ancestors.insert(name, ancestors);
                }
                Err(why) => findings.push(about(mentioning(files, &name.1), &name.1, why)),
            }
        }
    }

    fn climb(&self, name: &Name) -> Result<Vec<String>, String> {
        let mut seen = BTreeSet::new();
        let mut layer: BTreeSet<String> = self.parents.get(name).cloned().unwrap_or_default();
        let kind = parent_type(name.0).unwrap_or(name.0);
        for _ in 0..=MAX_CHAIN {
            if layer.is_empty() {
                return Ok(seen.into_iter().collect());
            }
            if name.0 == kind && layer.contains(&name.1) {
                return Err(format!("`{}` is inside itself", name.1));
            }
            let mut next = BTreeSet::new();
            for id in layer {
                if seen.insert(id.clone()) {
                    next.extend(self.parents.get(&(kind, id)).cloned().unwrap_or_default());
                }
            }
            layer = next;
        }
        Err(format!(
            "`{}` is in a chain of more than {MAX_CHAIN} groups",
            name.1
        ))
    }

    /// All ancestors of a declared entity; none for one that is not declared.
    pub(crate) fn ancestors(&self, kind: &'static str, id: &str) -> &[String] {
        // The tuple key needs an owned id; a decision asks for five of them.
        self.ancestors
            .get(&(kind, id.to_owned()))
            .map_or(&[], Vec::as_slice)
    }

    /// Whether the entity data declares the entity.
    pub(crate) fn declares(&self, kind: &'static str, id: &str) -> bool {
        self.parents.contains_key(&(kind, id.to_owned()))
    }

    /// The ids that are declared of a type.
    pub(crate) fn ids(&self, kind: &'static str) -> impl Iterator<Item = &str> {
        self.parents
            .keys()
            .filter(move |name| name.0 == kind)
            .map(|name| name.1.as_str())
    }

    /// The address ranges of a named network and of all that are in it.
    pub(crate) fn ranges_of<'a>(&'a self, network: &'a str) -> impl Iterator<Item = &'a IpNet> {
        let within = move |name: &str| {
            name == network
                || self
                    .ancestors(types::NETWORK, name)
                    .iter()
                    .any(|id| id == network)
        };
        let ranges = self.ranges.iter();
        ranges
            .filter(move |(_, name)| within(name))
            .map(|(range, _)| range)
    }

    /// The address ranges of all named networks.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = &IpNet> {
        self.ranges.iter().map(|(range, _)| range)
    }

    /// The named networks that an address is directly in, and all that these are in.
    pub(crate) fn networks(&self, address: IpAddr) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for (range, name) in &self.ranges {
            if range.contains(&address) {
                found.insert(name.as_str());
                found.extend(
                    self.ancestors(types::NETWORK, name)
                        .iter()
                        .map(String::as_str),
                );
            }
        }
        found
    }
}

/// A finding about a word of a data file, at the word's first place as a whole key or string.
fn about(file: &SourceFile, word: &str, message: impl Into<String>) -> Diagnostic {
    let at = file
        .text
        .find(&format!("\"{word}\""))
        .map(|at| at + 1)
        .or_else(|| file.text.find(&format!(".{word}]")).map(|at| at + 1))
        .or_else(|| file.text.find(word));
    let (offset, length) = at.map_or((0, 0), |at| (at, word.len()));
    Diagnostic::error(file, "entity-data", offset, length, message)
}

fn mentioning<'a>(files: &'a [SourceFile], word: &str) -> &'a SourceFile {
    // INVARIANT: entities come from files, so there is one.
    static NONE: std::sync::LazyLock<SourceFile> =
        std::sync::LazyLock::new(|| SourceFile::new("entities.toml", ""));
    files
        .iter()
        .find(|file| file.text.contains(word))
        .unwrap_or(&NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, text: &str) -> (Catalogue, Vec<String>) {
        let (catalogue, findings) = Catalogue::load(&[SourceFile::new(name, text)]);
        let findings = findings
            .iter()
            .map(|d| format!("{} {}", d.origin(), d.message))
            .collect();
        (catalogue, findings)
    }

    #[test]
    fn an_address_is_in_its_networks_and_all_they_are_in() {
        let (catalogue, findings) = load(
            "entities.toml",
            "[network.hq]\nranges = [\"203.0.113.0/24\"]\nin = [\"offices\"]\n[network.offices]\n[network.vpn]\nranges = [\"203.0.113.128/25\"]\n",
        );
        assert!(findings.is_empty(), "{findings:?}");
        let networks = |text: &str| catalogue.networks(text.parse().unwrap());
        assert_eq!(networks("203.0.113.9"), ["hq", "offices"].into());
        assert_eq!(networks("203.0.113.200"), ["hq", "offices", "vpn"].into());
        assert!(networks("198.51.100.1").is_empty());
    }

    #[test]
    fn the_two_formats_say_the_same() {
        let (toml, _) = load(
            "entities.toml",
            "[region.emea]\ncountries = [\"FI\"]\n[application.payroll]\nin = [\"sensitive\"]\n[application-group.sensitive]\n",
        );
        let (json, findings) = load(
            "entities.json",
            r#"[{"uid":{"type":"Region","id":"emea"}},
                {"uid":{"type":"Country","id":"FI"},"parents":[{"__entity":{"type":"Region","id":"emea"}}]},
                {"uid":{"type":"ApplicationGroup","id":"sensitive"},"attrs":{},"parents":[]},
                {"uid":{"type":"Application","id":"payroll"},"parents":[{"type":"ApplicationGroup","id":"sensitive"}]}]"#,
        );
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(toml.parents, json.parents);
        assert_eq!(json.ancestors(types::COUNTRY, "FI"), ["emea"]);
    }

    #[test]
    fn cycles_long_chains_and_unknown_parents_are_refused() {
        let (_, cycle) = load(
            "entities.toml",
            "[group.a]\nin = [\"b\"]\n[group.b]\nin = [\"a\"]\n",
        );
        assert_eq!(cycle.len(), 2);
        let chain: String = (0..=MAX_CHAIN + 1)
            .map(|n| format!("[group.g{n}]\nin = [\"g{}\"]\n", n + 1))
            .chain([format!("[group.g{}]\n", MAX_CHAIN + 2)])
            .collect();
        assert!(load("entities.toml", &chain).1[0].contains("more than 64 groups"));
        let (_, unknown) = load("entities.toml", "[group.a]\nin = [\"bb\"]\n");
        assert_eq!(
            unknown,
            ["entities.toml:2:8 `a` is in `bb`, which is not declared"]
        );
    }

    #[test]
    fn bad_ranges_countries_keys_and_types_are_refused_where_they_stand() {
        let (_, findings) = load(
            "entities.toml",
            "[network.hq]\nranges = [\"203.0.113.0/33\"]\n[region.x]\ncountries = [\"sg\"]\n",
        );
        assert_eq!(findings.len(), 2);
        assert!(findings[0].starts_with("entities.toml:2:12 `203.0.113.0/33` is no network"));
        assert!(findings[1].starts_with("entities.toml:4:15 `sg` is not a country"));
        assert!(load("entities.toml", "[networks.hq]\n").1[0].contains("unknown field `networks`"));
        assert!(
            load(
                "entities.json",
                "[{\"uid\":{\"type\":\"Foo\",\"id\":\"x\"}}]"
            )
            .1[0]
                .contains("cannot declare a `Foo`")
        );
        assert!(load("entities.json", "[").1[0].starts_with("entities.json:1:"));
    }
}
