//! What changed in the text of a bundle: policies by their `@id`, names by what entity data declares.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::affected::Change;
use super::meaning::{changed, key};
use super::{Changed, Moved, Structure};
use crate::bundle::PolicyBundle;
use crate::policy::{Policy, PolicyRef};
use crate::stack;

/// Compares two bundles policy by policy. Files should be named alike on both sides.
#[must_use]
pub fn structure(old: &PolicyBundle, new: &PolicyBundle) -> Structure {
    stack::with_enough(|| {
        let change = Change::between(old, new);
        let (renamed, old_names, new_names) = renamed(old, new);
        let mut structure = Structure {
            added: alone(new, old, &new_names),
            removed: alone(old, new, &old_names),
            changed: Vec::new(),
            renamed,
            moved: Vec::new(),
            reformatted: Vec::new(),
            reordered: order(old, new) != order(new, old),
            entities: entities(old, new),
            schema_changed: old.schema.text() != new.schema.text(),
            touches_behaviour: change.other_schema || !change.is_none(),
        };
        for (before, after) in common(old, new) {
            structure.add(before, after);
        }
        structure
    })
}

impl Structure {
    fn add(&mut self, before: &Policy, after: &Policy) {
        let (old, new) = (&before.reference, &after.reference);
        let parts = changed(before, after);
        if !parts.is_empty() {
            self.changed.push(Changed {
                old: old.clone(),
                new: new.clone(),
                parts,
            });
        } else if before.text() != after.text() {
            self.reformatted.push(new.clone());
        }
        if old.origin.file != new.origin.file {
            self.moved.push(Moved {
                old: old.clone(),
                new: new.clone(),
            });
        }
    }
}

/// The policies that both have, in the order of the second.
fn common<'a>(
    old: &'a PolicyBundle,
    new: &'a PolicyBundle,
) -> impl Iterator<Item = (&'a Arc<Policy>, &'a Arc<Policy>)> {
    let all = new.in_order().into_iter();
    all.filter_map(move |after| Some((old.policy(after.id())?, after)))
}

/// The policies that only the first has, apart from those of these names.
fn alone(of: &PolicyBundle, without: &PolicyBundle, but: &BTreeSet<String>) -> Vec<PolicyRef> {
    let all = of.in_order().into_iter();
    all.filter(|policy| without.policy(policy.id()).is_none() && !but.contains(policy.id()))
        .map(|policy| policy.reference.clone())
        .collect()
}

/// Policies that say the same under another name, and their names on either side.
fn renamed(
    old: &PolicyBundle,
    new: &PolicyBundle,
) -> (Vec<Moved>, BTreeSet<String>, BTreeSet<String>) {
    let gone = old.in_order().into_iter();
    let mut gone: HashMap<String, &PolicyRef> = gone
        .filter(|policy| new.policy(policy.id()).is_none())
        .map(|policy| (key(policy), &policy.reference))
        .collect();
    let came = new.in_order().into_iter();
    let came = came.filter(|policy| old.policy(policy.id()).is_none());
    let renamed: Vec<Moved> = came
        .filter_map(|policy| {
            Some(Moved {
                old: gone.remove(&key(policy))?.clone(),
                new: policy.reference.clone(),
            })
        })
        .collect();
    let old_names = renamed.iter().map(|it| it.old.id.clone()).collect();
    let new_names = renamed.iter().map(|it| it.new.id.clone()).collect();
    (renamed, old_names, new_names)
}

/// The names of the policies that the other has in the same file, file by file in their order.
fn order<'a>(of: &'a PolicyBundle, other: &PolicyBundle) -> Vec<&'a str> {
    let all = of.in_order().into_iter();
    all.filter(|policy| {
        let twin = other.policy(policy.id());
        twin.is_some_and(|twin| twin.reference.origin.file == policy.reference.origin.file)
    })
    .map(|policy| policy.id())
    .collect()
}

fn entities(old: &PolicyBundle, new: &PolicyBundle) -> Vec<String> {
    let (before, after) = (old.catalogue.statements(), new.catalogue.statements());
    let came = after.difference(&before);
    let gone = before.difference(&after);
    let mut all: Vec<String> = came
        .map(|(subject, said)| format!("{subject} is now {said}"))
        .chain(gone.map(|(subject, said)| format!("{subject} is no longer {said}")))
        .collect();
    all.sort();
    all
}
