//! A change as a solver is told of it: for each action the policies that differ, and the slices of applications
//! that these have a say in, each with what is true there. Entities that entity data says something else about
//! than it did go by two names, one a side, so that both sides speak of one request.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::EntityUid;

use super::affected::{ANOTHER, Change, Deciding, Region};
use crate::bundle::PolicyBundle;
use crate::entities::uid;
use crate::policy::{Policy, PolicyEffect};
use crate::request::Action;
use crate::stack;
use crate::symbolic::{Names, as_policies, facts, members, one_of};
use crate::vocabulary::types;

/// Countries of examples, besides those that the bundles know.
const ORDINARY: [&str; 4] = ["BR", "DE", "JP", "US"];

/// What an example should be like, to be read with ease; none of it needs to be true.
const PLAUSIBLE: [&str; 5] = [
    "context has address && context.address.isIpv4()",
    "context.session has passwordAge && context.session.passwordAge <= duration(\"400d\")",
    "if context.session has secondFactorAge then context.session.secondFactorAge <= duration(\"400d\") else true",
    "if context has device then context.device.certificateAge <= duration(\"30d\") else true",
    "if context has device && context.device has osVersion then context.device.osVersion <= 100000000000 else true",
];

/// A change of policies as a solver is told of it.
#[derive(Debug)]
pub struct SymbolicChange {
    /// The actions about which policies differ.
    pub kinds: Vec<SymbolicKind>,
    /// What examples should be like, as policies that forbid all else.
    pub plausible: Vec<String>,
    /// The group behind each name under which the solver is told of those who are in it by themselves. Where
    /// this is empty, groups go by their own names.
    pub direct: BTreeMap<String, String>,
}

/// The change as far as it is about one action.
#[derive(Debug)]
pub struct SymbolicKind {
    /// The action.
    pub action: Action,
    /// The policies that differ, wherever they decide.
    pub touched: SymbolicSlice,
    /// The applications at which they decide, with all that decides there.
    pub slices: Vec<SymbolicSlice>,
}

/// Policies that decide together.
#[derive(Debug)]
pub struct SymbolicSlice {
    /// What is true there, as policies that forbid all else.
    pub world: Vec<String>,
    /// Those of the old side.
    pub old: Vec<SymbolicPolicy>,
    /// Those of the new side.
    pub new: Vec<SymbolicPolicy>,
}

/// A policy as the solver is told of it.
#[derive(Debug, Clone)]
pub struct SymbolicPolicy {
    /// Its `@id`.
    pub id: String,
    /// Whether it permits or forbids.
    pub effect: PolicyEffect,
    /// Its text.
    pub text: String,
    /// Whether the other side has none like it.
    pub differs: bool,
}

/// What a solver has to be told to compare the answers of two bundles.
///
/// # Errors
/// Why they cannot be compared, in words.
pub fn symbolic(old: &PolicyBundle, new: &PolicyBundle) -> Result<SymbolicChange, String> {
    stack::with_enough(|| {
        let change = Change::between(old, new);
        if change.other_schema {
            return Err("the schemas differ in what they mean".to_owned());
        }
        let regions = change.regions();
        let telling = Telling::of(&change, &regions, [old, new]);
        let kinds = Action::ALL.into_iter();
        Ok(SymbolicChange {
            kinds: kinds
                .filter_map(|action| telling.kind(action, &regions).transpose())
                .collect::<Result<_, _>>()?,
            plausible: telling.plausible(&regions),
            direct: telling.direct(),
        })
    })
}

struct Telling<'a> {
    change: &'a Change<'a>,
    bundles: [&'a PolicyBundle; 2],
    names: [Names; 2],
}

impl<'a> Telling<'a> {
    fn of(change: &'a Change<'a>, regions: &[Region<'_>], bundles: [&'a PolicyBundle; 2]) -> Self {
        let policies = regions.iter().flat_map(Region::policies);
        let moved: BTreeSet<&EntityUid> = policies
            .flat_map(|policy| &policy.literals)
            .filter(|uid| uid.type_name().namespace_components().next().is_none())
            .filter(|uid| change.has_moved(uid))
            .collect();
        let moves_groups = moved
            .iter()
            .any(|uid| uid.type_name().basename() == types::GROUP);
        let direct = if moves_groups {
            direct(regions, bundles)
        } else {
            BTreeMap::new()
        };
        let names = ["old", "new"].map(|side| Names {
            renamed: moved
                .iter()
                .map(|uid| ((*uid).clone(), renamed(uid, side)))
                .collect(),
            direct: direct.clone(),
        });
        Self {
            change,
            bundles,
            names,
        }
    }

    fn kind(&self, action: Action, regions: &[Region<'_>]) -> Result<Option<SymbolicKind>, String> {
        let mut touched: [Vec<Deciding<'_>>; 2] = Default::default();
        let mut slices = Vec::new();
        for region in regions {
            let here = region.places.iter().filter(|place| place.action == action);
            let here: BTreeSet<&str> = here.map(|place| place.application.as_str()).collect();
            if here.is_empty() {
                continue;
            }
            slices.push(self.slice(&region.sides, self.resource(&here))?);
            for (all, side) in touched.iter_mut().zip(&region.sides) {
                for deciding in side.iter().filter(|it| it.affected) {
                    if !all
                        .iter()
                        .any(|it| std::ptr::eq(it.policy, deciding.policy))
                    {
                        all.push(*deciding);
                    }
                }
            }
        }
        // What has few policies is answered soonest.
        slices.sort_by_key(|slice| slice.old.len() + slice.new.len());
        if slices.is_empty() {
            return Ok(None);
        }
        Ok(Some(SymbolicKind {
            action,
            touched: self.slice(&touched, None)?,
            slices,
        }))
    }

    fn slice(
        &self,
        sides: &[Vec<Deciding<'_>>; 2],
        resource: Option<String>,
    ) -> Result<SymbolicSlice, String> {
        let all: Vec<&Policy> = sides.iter().flatten().map(|it| it.policy).collect();
        let [old, new] = sides;
        let [old_names, new_names] = &self.names;
        let catalogues = self.bundles.map(|bundle| &bundle.catalogue);
        let known: Vec<_> = catalogues.into_iter().zip(&self.names).collect();
        let mut world = facts(&known, &all);
        world.extend(resource);
        let all = |side: &[Deciding<'_>], names| -> Result<Vec<_>, String> {
            side.iter().map(|it| told(*it, names)).collect()
        };
        Ok(SymbolicSlice {
            world: as_policies(&world),
            old: all(old, old_names)?,
            new: all(new, new_names)?,
        })
    }

    /// That the resource is one of these applications. Nothing if it can be any.
    fn resource(&self, here: &BTreeSet<&str>) -> Option<String> {
        let known = self.change.applications();
        let named = |ids: &mut dyn Iterator<Item = &str>| -> Vec<String> {
            ids.map(|id| uid(types::APPLICATION, id).to_string())
                .collect()
        };
        if here.contains(ANOTHER) {
            let elsewhere = named(&mut known.iter().copied().filter(|id| !here.contains(id)));
            (!elsewhere.is_empty()).then(|| format!("!({})", one_of(&elsewhere, "resource")))
        } else {
            Some(one_of(&named(&mut here.iter().copied()), "resource"))
        }
    }

    fn plausible(&self, regions: &[Region<'_>]) -> Vec<String> {
        let literals = regions.iter().flat_map(Region::policies);
        let named = literals
            .flat_map(|policy| &policy.literals)
            .filter(|uid| uid.type_name().basename() == types::COUNTRY)
            .map(|uid| uid.id().unescaped());
        let declared = self
            .bundles
            .iter()
            .flat_map(|bundle| bundle.catalogue.ids(types::COUNTRY));
        let countries: BTreeSet<&str> = named.chain(declared).chain(ORDINARY).collect();
        let countries: Vec<String> = countries
            .into_iter()
            .map(|id| uid(types::COUNTRY, id).to_string())
            .collect();
        let country = format!(
            "context has country && {}",
            one_of(&countries, "context.country")
        );
        let facts = PLAUSIBLE.map(str::to_owned).into_iter().chain([country]);
        // Names of their own: they stand beside the facts of a slice.
        as_policies(&facts.collect())
            .into_iter()
            .map(|text| text.replacen("world:", "plausible:", 1))
            .collect()
    }

    fn direct(&self) -> BTreeMap<String, String> {
        let [names, _] = &self.names;
        names
            .direct
            .iter()
            .map(|(group, told)| (told.id().unescaped().to_owned(), group.clone()))
            .collect()
    }
}

/// A name for those who are in a group by themselves, for each group that a policy names or that is in one.
fn direct(regions: &[Region<'_>], bundles: [&PolicyBundle; 2]) -> BTreeMap<String, EntityUid> {
    let policies = regions.iter().flat_map(Region::policies);
    let named: BTreeSet<&EntityUid> = policies
        .flat_map(|policy| &policy.literals)
        .filter(|uid| uid.type_name().basename() == types::GROUP)
        .collect();
    let mut groups: BTreeSet<&str> = BTreeSet::new();
    for group in named {
        groups.insert(group.id().unescaped());
        for bundle in bundles {
            groups.extend(members(&bundle.catalogue, types::GROUP, group));
        }
    }
    let told = |group: &str| uid(types::GROUP, &format!("{group}~itself"));
    groups
        .into_iter()
        .map(|group| (group.to_owned(), told(group)))
        .collect()
}

fn renamed(of: &EntityUid, side: &str) -> EntityUid {
    let id = cedar_policy::EntityId::new(format!("{}~{side}", of.id().unescaped()));
    EntityUid::from_type_name_and_id(of.type_name().clone(), id)
}

fn told(deciding: Deciding<'_>, names: &Names) -> Result<SymbolicPolicy, String> {
    let policy = deciding.policy;
    let mut renames = policy.literals.iter();
    let text = if renames.any(|uid| names.renamed.contains_key(uid)) {
        let renamed = policy.cedar.sub_entity_literals(names.renamed.clone());
        let text = renamed.ok().and_then(|policy| policy.to_cedar());
        text.ok_or_else(|| format!("`{}` cannot be told to the solver", policy.id()))?
    } else {
        policy.text().to_owned()
    };
    Ok(SymbolicPolicy {
        id: policy.id().to_owned(),
        effect: policy.reference.effect,
        text,
        differs: deciding.affected,
    })
}
