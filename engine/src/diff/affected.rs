//! Which policies can make two bundles answer differently, and where: policies that say something else, or say
//! the same about entities that are something else. All other policies decide alike on both sides.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cedar_policy::EntityUid;

use super::Place;
use super::meaning::key;
use crate::bundle::PolicyBundle;
use crate::entities::{action_name, uid};
use crate::policy::{Mode, Policy};
use crate::request::Action;
use crate::slice::Scope;
use crate::vocabulary::types;

/// An application that no entity data declares and no policy names.
pub(super) const ANOTHER: &str = "something";

/// What can make a difference.
#[derive(Debug)]
pub(super) struct Change<'a> {
    old: Side<'a>,
    new: Side<'a>,
    moved: Moved<'a>,
    /// Whether the schemas differ in what they mean, so that requests can fit one and not the other.
    pub(super) other_schema: bool,
}

/// The policies of one bundle that decide.
#[derive(Debug)]
struct Side<'a> {
    bundle: &'a PolicyBundle,
    policies: Vec<&'a Arc<Policy>>,
    affected: Vec<bool>,
}

/// Places at which the same policies decide, some of which are affected.
#[derive(Debug)]
pub(super) struct Region<'a> {
    /// The policies that decide there, of the old side and of the new.
    pub(super) sides: [Vec<Deciding<'a>>; 2],
    pub(super) places: Vec<Place>,
}

/// A policy that decides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deciding<'a> {
    pub(super) policy: &'a Policy,
    /// Whether the other side has none like it.
    pub(super) affected: bool,
}

impl<'a> Region<'a> {
    /// The policies of both sides.
    pub(super) fn policies(&self) -> Vec<&'a Policy> {
        let deciding = self.sides.iter().flatten();
        deciding.map(|deciding| deciding.policy).collect()
    }
}

impl<'a> Change<'a> {
    pub(super) fn between(old: &'a PolicyBundle, new: &'a PolicyBundle) -> Self {
        let other_schema = !is_same_schema(old, new);
        let mut change = Self {
            old: Side::of(old),
            new: Side::of(new),
            moved: Moved::between(old, new),
            other_schema,
        };
        let (before, after) = (change.old.keys(), change.new.keys());
        change.old.affect(&after, &change.moved, other_schema);
        change.new.affect(&before, &change.moved, other_schema);
        change
    }

    /// Whether entity data says something else about the entity than it did.
    pub(super) fn has_moved(&self, uid: &EntityUid) -> bool {
        self.moved.has_other_members(uid)
    }

    /// Whether no policy is affected: then no answer can differ.
    pub(super) fn is_none(&self) -> bool {
        let affected = [&self.old, &self.new];
        !affected.iter().any(|side| side.affected.contains(&true))
    }

    /// Where affected policies decide.
    pub(super) fn regions(&self) -> Vec<Region<'a>> {
        let mut regions: BTreeMap<[Vec<usize>; 2], Vec<Place>> = BTreeMap::new();
        for application in self.applications() {
            for action in Action::ALL {
                let place = Place {
                    application: application.to_owned(),
                    action,
                };
                let deciding = [self.old.deciding(&place), self.new.deciding(&place)];
                let [before, after] = &deciding;
                if self.old.is_affected(before) || self.new.is_affected(after) {
                    regions.entry(deciding).or_default().push(place);
                }
            }
        }
        regions
            .into_iter()
            .map(|([before, after], places)| Region {
                sides: [self.old.at(&before), self.new.at(&after)],
                places,
            })
            .collect()
    }

    /// Every application that is known to either side, and one that is not.
    pub(super) fn applications(&self) -> BTreeSet<&str> {
        let sides = [&self.old, &self.new];
        let declared = sides
            .into_iter()
            .flat_map(|side| side.bundle.applications());
        let literals = sides
            .into_iter()
            .flat_map(|side| side.policies.iter().flat_map(|policy| &policy.literals));
        let named = literals
            .filter(|uid| uid.type_name().basename() == types::APPLICATION)
            .map(|uid| uid.id().unescaped());
        declared.chain(named).chain([ANOTHER]).collect()
    }
}

impl<'a> Side<'a> {
    fn of(bundle: &'a PolicyBundle) -> Self {
        let all = bundle.in_order().into_iter();
        let policies: Vec<_> = all.filter(|policy| policy.mode == Mode::Enforce).collect();
        Self {
            bundle,
            affected: vec![false; policies.len()],
            policies,
        }
    }

    fn keys(&self) -> BTreeSet<String> {
        self.policies.iter().map(|policy| key(policy)).collect()
    }

    /// Marks the policies that the other side does not have, and those that are about what has moved.
    fn affect(&mut self, others: &BTreeSet<String>, moved: &Moved<'_>, all: bool) {
        let mut known = HashMap::new();
        let affected = self.policies.iter().map(|policy| {
            all || !others.contains(&key(policy))
                || policy.literals.iter().any(|uid| {
                    *known
                        .entry(uid)
                        .or_insert_with(|| moved.has_other_members(uid))
                })
        });
        self.affected = affected.collect();
    }

    /// Which policies' heads fit the place.
    fn deciding(&self, place: &Place) -> Vec<usize> {
        let Place {
            application,
            action,
        } = place;
        let ancestors = self
            .bundle
            .catalogue
            .ancestors(types::APPLICATION, application);
        let groups: Vec<EntityUid> = ancestors
            .iter()
            .map(|group| uid(types::APPLICATION_GROUP, group))
            .collect();
        let resource = uid(types::APPLICATION, application);
        let action = uid(types::ACTION, action_name(*action));
        let nobody = uid(types::USER, "");
        let scope = Scope {
            principal: &nobody,
            principal_ancestors: &[],
            action: &action,
            action_groups: self.bundle.schema.action_groups(&action),
            resource: &resource,
            resource_ancestors: &groups,
        };
        let policies = self.policies.iter().enumerate();
        policies
            .filter(|(_, policy)| scope.concerns(policy))
            .map(|(number, _)| number)
            .collect()
    }

    fn is_affected(&self, numbers: &[usize]) -> bool {
        let mut affected = numbers
            .iter()
            .filter_map(|number| self.affected.get(*number));
        affected.any(|affected| *affected)
    }

    fn at(&self, numbers: &[usize]) -> Vec<Deciding<'a>> {
        let deciding = numbers.iter().filter_map(|number| {
            Some(Deciding {
                policy: self.policies.get(*number)?,
                affected: *self.affected.get(*number)?,
            })
        });
        deciding.collect()
    }
}

/// Entities with other members on the one side than on the other.
#[derive(Debug)]
struct Moved<'a> {
    sides: Option<[&'a PolicyBundle; 2]>,
}

impl<'a> Moved<'a> {
    fn between(old: &'a PolicyBundle, new: &'a PolicyBundle) -> Self {
        let differ = old.catalogue.statements() != new.catalogue.statements();
        Self {
            sides: differ.then_some([old, new]),
        }
    }

    fn has_other_members(&self, uid: &EntityUid) -> bool {
        self.sides.is_some_and(|sides| {
            let (kind, id) = (uid.type_name().basename(), uid.id().unescaped());
            let [old, new] = sides.map(|bundle| bundle.catalogue.within(kind, id));
            old != new
        })
    }
}

fn is_same_schema(old: &PolicyBundle, new: &PolicyBundle) -> bool {
    old.schema.text() == new.schema.text()
        || (old.schema.custom == new.schema.custom
            && Action::ALL.into_iter().all(|action| {
                let action = uid(types::ACTION, action_name(action));
                let groups = |bundle: &PolicyBundle| -> BTreeSet<EntityUid> {
                    let groups = bundle.schema.action_groups(&action).iter();
                    groups.cloned().collect()
                };
                groups(old) == groups(new)
            }))
}
