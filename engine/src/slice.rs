//! Which policies can matter for a request: an index by scope, exactly equal to a full scan.
//!
//! Each policy is in one shard, by the most selective condition of its scope that must hold for it to
//! match; a request visits the shards whose condition it meets. Scope conditions on concrete entities
//! cannot error, so a policy that is not visited would have been false without an error.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cedar_policy::{
    ActionConstraint, EntityTypeName, EntityUid, PolicySet, PrincipalConstraint, ResourceConstraint,
};

use crate::policy::{Mode, Policy, PolicyEffect};

/// The necessary condition of a shard, beside its action.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    Any,
    Resource(EntityUid),
    Principal(EntityUid),
    ResourceType(EntityTypeName),
}

/// What the policies of a shard have in common beside their key. Effects stay apart, so that a shard
/// that answers names every policy of its that matched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) mode: Mode,
    pub(crate) effect: PolicyEffect,
    /// The one action that they are about; several, or any, if none.
    action: Option<EntityUid>,
}

/// Policies with one key and of one kind, as the authorizer takes them.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) kind: Kind,
    pub(crate) policies: Vec<Arc<Policy>>,
    pub(crate) set: PolicySet,
}

/// The shards of a bundle. Unchanged ones are shared with the bundle before it.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// One look-up a key, whatever kinds there are: a decision asks for few keys, and most are absent.
    shards: HashMap<Key, Vec<Arc<Shard>>>,
}

/// What a request is about, as far as scopes go.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) principal: &'a EntityUid,
    pub(crate) principal_ancestors: &'a [EntityUid],
    pub(crate) action: &'a EntityUid,
    pub(crate) action_groups: &'a [EntityUid],
    pub(crate) resource: &'a EntityUid,
    pub(crate) resource_ancestors: &'a [EntityUid],
}

impl Index {
    /// Sorts policies into shards; a shard of the very same policies is taken from `previous`.
    pub(crate) fn new<'a>(
        policies: impl Iterator<Item = &'a Arc<Policy>>,
        previous: Option<&Self>,
    ) -> Self {
        let mut sorted: BTreeMap<(Key, Kind), Vec<Arc<Policy>>> = BTreeMap::new();
        for policy in policies {
            sorted
                .entry(place(policy))
                .or_default()
                .push(Arc::clone(policy));
        }
        let mut index = Self::default();
        for ((key, kind), policies) in sorted {
            let unchanged = previous
                .and_then(|index| index.shards.get(&key))
                .and_then(|shards| shards.iter().find(|shard| shard.kind == kind))
                .filter(|shard| same(&shard.policies, &policies));
            let shard = unchanged.map_or_else(|| Arc::new(Shard::new(kind, policies)), Arc::clone);
            index.shards.entry(key).or_default().push(shard);
        }
        index
    }

    /// The shards that can hold a policy which matches.
    pub(crate) fn visit(&self, scope: &Scope<'_>) -> Vec<&Shard> {
        let resources = std::iter::once(scope.resource).chain(scope.resource_ancestors);
        let principals = std::iter::once(scope.principal).chain(scope.principal_ancestors);
        let keys = std::iter::once(Key::Any)
            .chain(resources.map(|uid| Key::Resource(uid.clone())))
            .chain(principals.map(|uid| Key::Principal(uid.clone())))
            .chain([Key::ResourceType(scope.resource.type_name().clone())]);
        let concerns = |shard: &&Shard| match &shard.kind.action {
            None => true,
            Some(action) => action == scope.action,
        };
        keys.filter_map(|key| self.shards.get(&key))
            .flatten()
            .map(Arc::as_ref)
            .filter(concerns)
            .collect()
    }

    /// How many shards are the same object as in `other`.
    #[cfg(test)]
    pub(crate) fn shared_with(&self, other: &Self) -> usize {
        let is_shared = |(key, shard): &(&Key, &Arc<Shard>)| {
            let old = other.shards.get(*key).into_iter().flatten();
            old.into_iter().any(|old| Arc::ptr_eq(old, shard))
        };
        self.all().filter(is_shared).count()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.all().count()
    }

    #[cfg(test)]
    fn all(&self) -> impl Iterator<Item = (&Key, &Arc<Shard>)> {
        self.shards
            .iter()
            .flat_map(|(key, shards)| shards.iter().map(move |shard| (key, shard)))
    }
}

impl Shard {
    fn new(kind: Kind, policies: Vec<Arc<Policy>>) -> Self {
        let mut set = PolicySet::new();
        for policy in &policies {
            // INVARIANT: ids are unique over the bundle and policies are static, so `add` cannot refuse.
            let added = set.add(policy.cedar.clone());
            debug_assert!(added.is_ok(), "policy ids are unique within a bundle");
        }
        Self {
            kind,
            policies,
            set,
        }
    }
}

fn same(old: &[Arc<Policy>], new: &[Arc<Policy>]) -> bool {
    old.len() == new.len() && old.iter().zip(new).all(|(a, b)| Arc::ptr_eq(a, b))
}

fn place(policy: &Policy) -> (Key, Kind) {
    let action = match policy.cedar.action_constraint() {
        ActionConstraint::Eq(action) => Some(action),
        // An action in a list or a group may be any of several: leave the shard open to all.
        ActionConstraint::Any | ActionConstraint::In(_) => None,
    };
    let key = match policy.cedar.resource_constraint() {
        ResourceConstraint::Eq(uid)
        | ResourceConstraint::In(uid)
        | ResourceConstraint::IsIn(_, uid) => Key::Resource(uid),
        by_type => match (policy.cedar.principal_constraint(), by_type) {
            (
                PrincipalConstraint::Eq(uid)
                | PrincipalConstraint::In(uid)
                | PrincipalConstraint::IsIn(_, uid),
                _,
            ) => Key::Principal(uid),
            (_, ResourceConstraint::Is(kind)) => Key::ResourceType(kind),
            _ => Key::Any,
        },
    };
    let kind = Kind {
        mode: policy.mode,
        effect: policy.reference.effect,
        action,
    };
    (key, kind)
}

impl Scope<'_> {
    /// Whether the policy's action and resource match.
    pub(crate) fn concerns(&self, policy: &Policy) -> bool {
        self.acts(policy) && self.is_about(policy)
    }

    /// Whether the policy's action matches.
    pub(crate) fn acts(&self, policy: &Policy) -> bool {
        match policy.cedar.action_constraint() {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(uid) => uid == *self.action,
            ActionConstraint::In(uids) => uids
                .iter()
                .any(|uid| uid == self.action || self.action_groups.contains(uid)),
        }
    }

    /// Whether the policy's resource matches.
    pub(crate) fn is_about(&self, policy: &Policy) -> bool {
        let is = |kind: &EntityTypeName| kind == self.resource.type_name();
        let within =
            |uid: &EntityUid| uid == self.resource || self.resource_ancestors.contains(uid);
        match policy.cedar.resource_constraint() {
            ResourceConstraint::Any => true,
            ResourceConstraint::Is(kind) => is(&kind),
            ResourceConstraint::Eq(uid) => uid == *self.resource,
            ResourceConstraint::In(uid) => within(&uid),
            ResourceConstraint::IsIn(kind, uid) => is(&kind) && within(&uid),
        }
    }

    /// Whether the policy's principal matches.
    pub(crate) fn addresses(&self, policy: &Policy) -> bool {
        let is = |kind: &EntityTypeName| kind == self.principal.type_name();
        let within =
            |uid: &EntityUid| uid == self.principal || self.principal_ancestors.contains(uid);
        match policy.cedar.principal_constraint() {
            PrincipalConstraint::Any => true,
            PrincipalConstraint::Is(kind) => is(&kind),
            PrincipalConstraint::Eq(uid) => uid == *self.principal,
            PrincipalConstraint::In(uid) => within(&uid),
            PrincipalConstraint::IsIn(kind, uid) => is(&kind) && within(&uid),
        }
    }
}
