//! A bundle as a solver is told of it: the text of the schema, of the policies that decide, and of what is
//! true of every request. The solver knows nothing of entity data: what is in which group is told to it as
//! policies that forbid a world where it were otherwise.

use std::collections::BTreeSet;
use std::net::IpAddr;

use cedar_policy::EntityUid;
use ipnet::IpNet;

use crate::bundle::PolicyBundle;
use crate::catalogue::Catalogue;
use crate::guardrails::Guardrails;
use crate::policy::{Mode, PolicyRef};
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
        let names: BTreeSet<&EntityUid> = self
            .names
            .iter()
            .chain(&guardrails.bundle().names)
            .collect();
        let mut facts: Vec<String> = ALWAYS.map(str::to_owned).to_vec();
        for name in &names {
            facts.extend(fact(&self.catalogue, name, &names));
        }
        facts
            .iter()
            .enumerate()
            .map(|(number, fact)| {
                format!("@id(\"world:{number}\") forbid (principal, action, resource) unless {{ {fact} }};")
            })
            .collect()
    }
}

fn fact(catalogue: &Catalogue, name: &EntityUid, names: &BTreeSet<&EntityUid>) -> Option<String> {
    if name.type_name().namespace_components().next().is_some() {
        return None;
    }
    match name.type_name().basename() {
        types::REGION => {
            let within = members(catalogue, types::COUNTRY, name);
            let is = one_of(&within, "context.country");
            Some(format!(
                "if context has country then (context.country in {name}) == ({is}) else true"
            ))
        }
        types::APPLICATION_GROUP => {
            let within = members(catalogue, types::APPLICATION, name);
            let is = one_of(&within, "resource");
            Some(format!("(resource in {name}) == ({is})"))
        }
        types::GROUP => {
            let above = catalogue.ancestors(types::GROUP, name.id().unescaped());
            let above: Vec<String> = names
                .iter()
                .filter(|other| other.type_name() == name.type_name())
                .filter(|other| above.iter().any(|id| id == other.id().unescaped()))
                .map(|other| format!("principal in {other}"))
                .collect();
            (!above.is_empty()).then(|| {
                format!(
                    "if principal in {name} then {} else true",
                    above.join(" && ")
                )
            })
        }
        types::NETWORK => Some(network(catalogue, name)),
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
fn members(catalogue: &Catalogue, kind: &'static str, group: &EntityUid) -> Vec<String> {
    let id = group.id().unescaped();
    catalogue
        .ids(kind)
        .filter(|member| {
            catalogue
                .ancestors(kind, member)
                .iter()
                .any(|above| above == id)
        })
        .map(|member| crate::entities::uid(kind, member).to_string())
        .collect()
}

fn one_of(members: &[String], what: &str) -> String {
    if members.is_empty() {
        // A set without elements has no type.
        "false".to_owned()
    } else {
        format!("[{}].contains({what})", members.join(", "))
    }
}

fn network(catalogue: &Catalogue, name: &EntityUid) -> String {
    // Addresses are canonical, so none is in a range of mapped ones, which Cedar cannot write.
    let ranges = catalogue
        .ranges_of(name.id().unescaped())
        .filter(|range| !is_mapped(range));
    let tests: Vec<String> = ranges
        .map(|range| format!("context.address.isInRange(ip(\"{range}\"))"))
        .collect();
    let inside = any(&tests);
    format!(
        "if context has network && context has address then (context.network in {name}) == ({inside}) else true"
    )
}
