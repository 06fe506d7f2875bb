//! A bundle as a solver is told of it: the text of the schema, of the policies that decide, and of what is
//! true of every request. The solver knows nothing of entity data: what is in which group is told to it as
//! policies that forbid a world where it were otherwise.

mod ranges;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use cedar_policy::EntityUid;
use ipnet::IpNet;

use crate::bundle::PolicyBundle;
use crate::catalogue::Catalogue;
use crate::guardrails::Guardrails;
use crate::policy::{Mode, Policy, PolicyRef};
use crate::representatives;
use crate::vocabulary::types;

/// Facts of every request that are no entity data's: what is counted is never less than nothing, and an
/// address has a network.
const ALWAYS: [&str; 5] = [
    "(context has network) == (context has address)",
    "if context.session has passwordAge then context.session.passwordAge >= duration(\"0ms\") else true",
    "if context.session has secondFactorAge then context.session.secondFactorAge >= duration(\"0ms\") else true",
    "if context has device then context.device.certificateAge >= duration(\"0ms\") else true",
    "if context has device && context.device has osVersion then context.device.osVersion >= 0 else true",
];

impl PolicyBundle {
    /// The text of the schema.
    #[must_use]
    pub fn schema_text(&self) -> &str {
        self.schema.text()
    }

    /// The policies that decide, in the order of their places, each with its text.
    #[must_use]
    pub fn deciding(&self) -> Vec<(&PolicyRef, &str)> {
        self.in_order()
            .into_iter()
            .filter(|policy| policy.mode == Mode::Enforce)
            .map(|policy| (&policy.reference, policy.text()))
            .collect()
    }

    /// An attribute of the organisation's own that the schema requires, if there is one: a request without it
    /// is denied.
    #[must_use]
    pub fn required_attribute(&self) -> Option<&str> {
        [types::USER, types::APPLICATION, types::DEVICE]
            .into_iter()
            .flat_map(|of| self.schema.custom.of(of))
            .find(|(_, required, _)| *required)
            .map(|(name, ..)| name)
    }

    /// The bundle's schema's actions aside: what is true of every request, each fact as the text of a
    /// policy that forbids all else. Only what the policies and `guardrails` name is spoken of.
    #[must_use]
    pub fn world(&self, guardrails: &Guardrails) -> Vec<String> {
        let all = self.in_order().into_iter();
        let all = all.chain(guardrails.bundle().in_order());
        let all: Vec<&Policy> = all.map(AsRef::as_ref).collect();
        as_policies(&facts(&[(&self.catalogue, &Names::default())], &all))
    }

    /// The organisation's own attributes that files have values of: the entity's type, and the name.
    #[must_use]
    pub fn custom_attributes(&self) -> Vec<(&'static str, &str)> {
        [types::USER, types::APPLICATION, types::DEVICE]
            .into_iter()
            .flat_map(|of| self.schema.custom.of(of).map(move |(name, ..)| (of, name)))
            .collect()
    }
}

/// The names under which entities are told to the solver, where they are not their own.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Entities that go by another name.
    pub(crate) renamed: BTreeMap<EntityUid, EntityUid>,
    /// For each group the name of the group of those who are in it by themselves. With these, who is in a group
    /// is told exactly; without, only that whoever is in one is in those above it.
    pub(crate) direct: BTreeMap<String, EntityUid>,
}

impl Names {
    fn told<'a>(&'a self, uid: &'a EntityUid) -> &'a EntityUid {
        self.renamed.get(uid).unwrap_or(uid)
    }
}

/// Each fact as a policy that forbids all else.
pub(crate) fn as_policies(facts: &BTreeSet<String>) -> Vec<String> {
    let facts = facts.iter().enumerate();
    facts
        .map(|(number, fact)| {
            format!(
                "@id(\"world:{number}\") forbid (principal, action, resource) unless {{ {fact} }};"
            )
        })
        .collect()
}

/// What is true of every request, as far as these policies can tell: by one catalogue, or by those of two sides.
pub(crate) fn facts(sides: &[(&Catalogue, &Names)], policies: &[&Policy]) -> BTreeSet<String> {
    let literals = policies.iter().flat_map(|policy| &policy.literals);
    let wanted: BTreeSet<&EntityUid> = literals.collect();
    let mut facts: BTreeSet<String> = ALWAYS.map(str::to_owned).into();
    let mut tested = representatives::ranges(policies);
    for (catalogue, names) in sides {
        let about = wanted.iter();
        facts.extend(about.filter_map(|name| fact(catalogue, name, &wanted, names)));
        let networks = wanted.iter().filter(|name| is(name, types::NETWORK));
        tested.extend(networks.flat_map(|name| ranges_of(catalogue, name)));
    }
    facts.extend(tested.iter().map(ranges::is_no_range_around));
    facts
}

fn is(name: &EntityUid, kind: &str) -> bool {
    name.type_name().basename() == kind
}

/// The ranges of a network that Cedar can write.
fn ranges_of<'a>(
    catalogue: &'a Catalogue,
    network: &'a EntityUid,
) -> impl Iterator<Item = &'a IpNet> {
    // Addresses are canonical, so none is in a range of mapped ones.
    let ranges = catalogue.ranges_of(network.id().unescaped());
    ranges.filter(|range| !is_mapped(range))
}

fn fact(
    catalogue: &Catalogue,
    name: &EntityUid,
    wanted: &BTreeSet<&EntityUid>,
    names: &Names,
) -> Option<String> {
    if name.type_name().namespace_components().next().is_some() {
        return None;
    }
    let told = names.told(name);
    match name.type_name().basename() {
        types::REGION => {
            let within = uids(catalogue, types::COUNTRY, name);
            let is = one_of(&within, "context.country");
            Some(format!(
                "if context has country then (context.country in {told}) == ({is}) else true"
            ))
        }
        types::APPLICATION_GROUP => {
            let within = uids(catalogue, types::APPLICATION, name);
            let is = one_of(&within, "resource");
            Some(format!("(resource in {told}) == ({is})"))
        }
        types::GROUP if names.direct.is_empty() => {
            let above = catalogue.ancestors(types::GROUP, name.id().unescaped());
            let above: Vec<String> = wanted
                .iter()
                .filter(|other| other.type_name() == name.type_name())
                .filter(|other| above.iter().any(|id| id == other.id().unescaped()))
                .map(|other| format!("principal in {}", names.told(other)))
                .collect();
            (!above.is_empty()).then(|| {
                format!(
                    "if principal in {told} then {} else true",
                    above.join(" && ")
                )
            })
        }
        types::GROUP => {
            let within = members(catalogue, types::GROUP, name);
            let tests: Vec<String> = within
                .chain([name.id().unescaped()])
                .filter_map(|group| names.direct.get(group))
                .map(|direct| format!("principal in {direct}"))
                .collect();
            Some(format!("(principal in {told}) == ({})", any(&tests)))
        }
        types::NETWORK => Some(network(catalogue, name, told)),
        _ => None,
    }
}

fn is_mapped(range: &IpNet) -> bool {
    match range.network() {
        IpAddr::V6(address) => address.to_ipv4_mapped().is_some(),
        IpAddr::V4(_) => false,
    }
}

/// Whether any of the tests holds, as a tree that is no deeper than it has to be: it is walked by recursion.
fn any(tests: &[String]) -> String {
    match tests {
        [] => "false".to_owned(),
        [one] => one.clone(),
        several => {
            let (left, right) = several.split_at(several.len() / 2);
            format!("({} || {})", any(left), any(right))
        }
    }
}

/// The declared entities of a type that are in a group, however deep.
pub(crate) fn members<'a>(
    catalogue: &'a Catalogue,
    kind: &'static str,
    group: &'a EntityUid,
) -> impl Iterator<Item = &'a str> {
    let id = group.id().unescaped();
    catalogue.ids(kind).filter(move |member| {
        let above = catalogue.ancestors(kind, member);
        above.iter().any(|above| above == id)
    })
}

fn uids(catalogue: &Catalogue, kind: &'static str, group: &EntityUid) -> Vec<String> {
    let members = members(catalogue, kind, group);
    members
        .map(|member| crate::entities::uid(kind, member).to_string())
        .collect()
}

/// Whether `what` is one of the entities, as a condition.
pub(crate) fn one_of(members: &[String], what: &str) -> String {
    if members.is_empty() {
        // A set without elements has no type.
        "false".to_owned()
    } else {
        format!("[{}].contains({what})", members.join(", "))
    }
}

fn network(catalogue: &Catalogue, name: &EntityUid, told: &EntityUid) -> String {
    let tests: Vec<String> = ranges_of(catalogue, name).map(ranges::within).collect();
    let inside = any(&tests);
    format!(
        "if context has network && context has address then (context.network in {told}) == ({inside}) else true"
    )
}
