//! The only place that turns an [`AccessRequest`] into Cedar values.
//!
//! Here unknown becomes what the schema says it is: an assurance that is false, or an attribute that
//! is not there. Ancestors are copied flattened from the catalogue, so that Cedar has no hierarchy
//! to compute; and what no policy of the bundle names, attribute or ancestor, is left out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression,
};
use chrono::{DateTime, TimeDelta, Utc};

use crate::bundle::PolicyBundle;
use crate::fact::{FUTURE_TOLERANCE, Fact};
use crate::request::{AccessRequest, Action, AttributeValue, Device, DiskEncryption, Platform};
use crate::slice::Scope;
use crate::values;
use crate::vocabulary::{action, context, device, session, types, user};

/// A request as Cedar takes it.
#[derive(Debug)]
pub(crate) struct Input {
    principal: EntityUid,
    principal_ancestors: Vec<EntityUid>,
    action: EntityUid,
    action_groups: Vec<EntityUid>,
    resource: EntityUid,
    resource_ancestors: Vec<EntityUid>,
    pub(crate) request: Request,
    pub(crate) entities: Entities,
}

/// Values that Cedar does not take. They cannot come from a well-formed request.
#[derive(Debug, thiserror::Error)]
#[error("the request does not fit the schema: {0}")]
pub(crate) struct InvalidRequest(String);

impl Input {
    pub(crate) fn new(
        bundle: &PolicyBundle,
        request: &AccessRequest,
    ) -> Result<Self, InvalidRequest> {
        Builder { bundle, request }.build()
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope {
            principal: &self.principal,
            principal_ancestors: &self.principal_ancestors,
            action: &self.action,
            action_groups: &self.action_groups,
            resource: &self.resource,
            resource_ancestors: &self.resource_ancestors,
        }
    }
}

/// The time since `then`, where it is a time that can be believed.
pub(crate) fn age(then: &Fact<DateTime<Utc>>, now: DateTime<Utc>) -> Option<TimeDelta> {
    then.value().and_then(|then| age_of(*then, now))
}

fn age_of(then: DateTime<Utc>, now: DateTime<Utc>) -> Option<TimeDelta> {
    // A little ahead is another clock's pace; far ahead is a claim that proves nothing.
    (then - now <= FUTURE_TOLERANCE).then(|| (now - then).max(TimeDelta::zero()))
}

struct Builder<'a> {
    bundle: &'a PolicyBundle,
    request: &'a AccessRequest,
}

impl Builder<'_> {
    fn build(self) -> Result<Input, InvalidRequest> {
        let request = self.request;
        let principal = uid(types::USER, &request.user.id);
        let principal_ancestors = self.groups(&request.user.groups);
        let resource = uid(types::APPLICATION, &request.application.id);
        let resource_ancestors = self.ancestors(
            types::APPLICATION,
            &request.application.id,
            types::APPLICATION_GROUP,
        );
        let mut entities = vec![
            self.entity(&principal, self.user_attributes()?, &principal_ancestors)?,
            self.entity(
                &resource,
                self.custom(types::APPLICATION, &request.application.attributes)?,
                &resource_ancestors,
            )?,
        ];
        let pairs = self.context(&mut entities)?;
        let action = uid(types::ACTION, action_name(request.action));
        let action_groups = self.bundle.schema.action_groups(&action).to_vec();
        entities.push(self.entity(&action, BTreeMap::new(), &action_groups)?);
        let invalid = |error: &dyn std::fmt::Display| InvalidRequest(error.to_string());
        let context = Context::from_pairs(pairs).map_err(|error| invalid(&error))?;
        let cedar = Request::new(
            principal.clone(),
            action.clone(),
            resource.clone(),
            context,
            None,
        )
        .map_err(|error| invalid(&error))?;
        let entities = values::closed_hierarchy(&entities).map_err(InvalidRequest)?;
        Ok(Input {
            principal,
            principal_ancestors,
            action,
            action_groups,
            resource,
            resource_ancestors,
            request: cedar,
            entities,
        })
    }

    /// The context, and the entities that it refers to.
    fn context(
        &self,
        entities: &mut Vec<Entity>,
    ) -> Result<Vec<(String, RestrictedExpression)>, InvalidRequest> {
        let request = self.request;
        // Values of Cedar's extension types are parsed from text, which is most of what they cost:
        // what no policy of the bundle names is left out.
        let reads = |name: &str| self.bundle.reads.name(name);
        let mut pairs = Vec::new();
        if reads(context::NOW) {
            pairs.push((context::NOW.to_owned(), values::datetime(request.now)));
        }
        let address = request.address.value().map(std::net::IpAddr::to_canonical);
        if let Some(address) = address.filter(|_| reads(context::ADDRESS)) {
            pairs.push((context::ADDRESS.to_owned(), values::ip(address)));
        }
        if let Some(address) = address.filter(|_| reads(context::NETWORK)) {
            // The network of this one address: no declared network can have its name.
            let network = uid(types::NETWORK, &address.to_string());
            let networks = self.bundle.catalogue.networks(address);
            let within = self.named(types::NETWORK, networks.into_iter());
            entities.push(self.entity(&network, BTreeMap::new(), &within)?);
            pairs.push((
                context::NETWORK.to_owned(),
                RestrictedExpression::new_entity_uid(network),
            ));
        }
        if let Some(country) = request.country.value().filter(|_| reads(context::COUNTRY)) {
            let country_uid = uid(types::COUNTRY, country.as_str());
            let regions = self.ancestors(types::COUNTRY, country.as_str(), types::REGION);
            entities.push(self.entity(&country_uid, BTreeMap::new(), &regions)?);
            pairs.push((
                context::COUNTRY.to_owned(),
                RestrictedExpression::new_entity_uid(country_uid),
            ));
        }
        // A device whose proof lies in the future proved nothing: it is not there.
        if let Some((known, proved)) = request
            .device
            .value()
            .and_then(|known| Some((known, age_of(known.proved_at, request.now)?)))
        {
            let device_uid = uid(types::DEVICE, &known.id);
            let custom = self.custom(types::DEVICE, &known.attributes)?;
            entities.push(self.entity(
                &device_uid,
                device_attributes(known, proved, custom),
                &[],
            )?);
            pairs.push((
                context::DEVICE.to_owned(),
                RestrictedExpression::new_entity_uid(device_uid),
            ));
        }
        let session_uid = uid(types::SESSION, "current");
        entities.push(self.entity(&session_uid, self.session_attributes(), &[])?);
        pairs.push((
            context::SESSION.to_owned(),
            RestrictedExpression::new_entity_uid(session_uid),
        ));
        Ok(pairs)
    }

    /// An entity with those of its attributes that some policy can read.
    fn entity(
        &self,
        uid: &EntityUid,
        attributes: BTreeMap<String, RestrictedExpression>,
        parents: &[EntityUid],
    ) -> Result<Entity, InvalidRequest> {
        let read = attributes
            .into_iter()
            .filter(|(name, _)| self.bundle.reads.name(name))
            .collect();
        let parents: HashSet<EntityUid> = parents.iter().cloned().collect();
        Entity::new(uid.clone(), read, parents).map_err(|error| InvalidRequest(error.to_string()))
    }

    fn custom(
        &self,
        of: &str,
        given: &BTreeMap<String, AttributeValue>,
    ) -> Result<BTreeMap<String, RestrictedExpression>, InvalidRequest> {
        let schema = &self.bundle.schema;
        schema.custom.values(of, given).map_err(InvalidRequest)
    }

    /// The groups that are given, and those they are in.
    fn groups(&self, direct: &BTreeSet<String>) -> Vec<EntityUid> {
        let above = |id| self.bundle.catalogue.ancestors(types::GROUP, id);
        let all: BTreeSet<&str> = direct
            .iter()
            .flat_map(|id| std::iter::once(id).chain(above(id)))
            .map(String::as_str)
            .collect();
        self.named(types::GROUP, all.into_iter())
    }

    fn ancestors(&self, kind: &'static str, id: &str, parents: &str) -> Vec<EntityUid> {
        let ids = self.bundle.catalogue.ancestors(kind, id);
        self.named(parents, ids.iter().map(String::as_str))
    }

    /// Those that some policy names: no other can be asked for.
    fn named<'a>(&self, kind: &str, ids: impl Iterator<Item = &'a str>) -> Vec<EntityUid> {
        ids.map(|id| uid(kind, id))
            .filter(|uid| self.bundle.names.contains(uid))
            .collect()
    }

    fn user_attributes(&self) -> Result<BTreeMap<String, RestrictedExpression>, InvalidRequest> {
        let mut attributes = self.custom(types::USER, &self.request.user.attributes)?;
        if let Some(email) = &self.request.user.email {
            attributes.insert(
                user::EMAIL.to_owned(),
                RestrictedExpression::new_string(email.clone()),
            );
        }
        Ok(attributes)
    }

    fn session_attributes(&self) -> BTreeMap<String, RestrictedExpression> {
        let facts = &self.request.session;
        let methods = facts
            .methods
            .iter()
            .cloned()
            .map(RestrictedExpression::new_string);
        let mut attributes = BTreeMap::from([(
            session::METHODS.to_owned(),
            RestrictedExpression::new_set(methods),
        )]);
        for (name, proved) in [
            (session::PASSWORD_AGE, &facts.password),
            (session::SECOND_FACTOR_AGE, &facts.second_factor),
        ] {
            if let Some(age) = age(proved, self.request.now) {
                attributes.insert(name.to_owned(), values::duration(age));
            }
        }
        attributes
    }
}

fn device_attributes(
    known: &Device,
    proved: TimeDelta,
    custom: BTreeMap<String, RestrictedExpression>,
) -> BTreeMap<String, RestrictedExpression> {
    // INVARIANT: an assurance is true only when its fact is known to be; unknown is false.
    let assured = |fact: &Fact<bool>| RestrictedExpression::new_bool(fact.value() == Some(&true));
    let encrypted = known.disk_encryption.value() == Some(&DiskEncryption::On);
    let users = known
        .assigned_to
        .iter()
        .map(|id| RestrictedExpression::new_entity_uid(uid(types::USER, id)));
    let mut attributes = custom;
    attributes.extend([
        (device::MANAGED.to_owned(), assured(&known.managed)),
        (
            device::DISK_ENCRYPTED.to_owned(),
            RestrictedExpression::new_bool(encrypted),
        ),
        (device::COMPLIANT.to_owned(), assured(&known.compliant)),
        (
            device::ASSIGNED_TO.to_owned(),
            RestrictedExpression::new_set(users),
        ),
        (device::CERTIFICATE_AGE.to_owned(), values::duration(proved)),
    ]);
    if let Some(platform) = known.platform.value() {
        let platform = uid(types::PLATFORM, platform_name(*platform));
        attributes.insert(
            device::PLATFORM.to_owned(),
            RestrictedExpression::new_entity_uid(platform),
        );
    }
    if let Some(version) = known.os_version.value() {
        attributes.insert(
            device::OS_VERSION.to_owned(),
            RestrictedExpression::new_long(version.comparable()),
        );
    }
    attributes
}

pub(crate) fn uid(kind: &str, id: &str) -> EntityUid {
    static TYPES: LazyLock<HashMap<&'static str, EntityTypeName>> = LazyLock::new(|| {
        types::ALL
            .into_iter()
            .filter_map(|name| Some((name, name.parse().ok()?)))
            .collect()
    });
    // INVARIANT: every caller passes a name of `vocabulary::types`, and all of these parse.
    #[expect(
        clippy::expect_used,
        reason = "a name missing from the table is a programming error that any test meets"
    )]
    let kind = TYPES.get(kind).cloned().expect("a type of the vocabulary");
    EntityUid::from_type_name_and_id(kind, EntityId::new(id))
}

pub(crate) fn action_name(action: Action) -> &'static str {
    match action {
        Action::SignIn => action::SIGN_IN,
        Action::Refresh => action::REFRESH,
        Action::Posture => action::POSTURE,
    }
}

pub(crate) fn platform_name(platform: Platform) -> &'static str {
    match platform {
        Platform::Macos => "macos",
        Platform::Windows => "windows",
        Platform::Linux => "linux",
        Platform::Ios => "ios",
        Platform::Android => "android",
        Platform::Chromeos => "chromeos",
    }
}
