//! A counterexample of the solver as a request of ours: what it chose for a fact, where the policies can
//! tell, and something plausible where they cannot.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use cedar_policy::{Entities, EvalResult, Expression, Policy, Request, eval_expression};
use cedar_policy_symcc::Env;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_engine::{
    AccessRequest, Application, AttributeValue, CountryCode, Device, DiskEncryption, Fact,
    OsVersion, Platform, PolicyBundle, Session, User,
};

use crate::asking::action_of;

const SOURCE: &str = "example";

/// A country that hardly a policy names, for one that no policy tells from it.
const SOMEWHERE: [&str; 4] = ["AQ", "BV", "HM", "TF"];

/// What has to be known to read what the solver found.
pub(crate) struct Examples<'a> {
    /// Countries that some policy names.
    countries: BTreeSet<String>,
    /// The organisation's own attributes: of which type, and the name.
    attributes: Vec<(&'static str, &'a str)>,
    /// The groups that some go by, if not by their own names.
    groups: Option<&'a BTreeMap<String, String>>,
}

impl<'a> Examples<'a> {
    pub(crate) fn of<'p>(
        bundle: &'a PolicyBundle,
        policies: impl IntoIterator<Item = &'p Policy>,
    ) -> Self {
        let countries = policies
            .into_iter()
            .flat_map(Policy::entity_literals)
            .filter(|uid| uid.type_name().basename() == "Country")
            .map(|uid| uid.id().unescaped().to_owned());
        Self {
            countries: countries.collect(),
            attributes: bundle.custom_attributes(),
            groups: None,
        }
    }

    /// The same, where a user is in the groups that these names stand for, if there are any.
    pub(crate) fn with_groups(self, groups: &'a BTreeMap<String, String>) -> Self {
        Self {
            groups: (!groups.is_empty()).then_some(groups),
            ..self
        }
    }

    /// The request that the solver found. None if it has no shape of a request of ours.
    pub(crate) fn request(&self, env: &Env) -> Option<AccessRequest> {
        let found = Found {
            request: &env.request,
            entities: &env.entities,
        };
        let principal = env.request.principal()?;
        let groups = env.entities.ancestors(principal).into_iter().flatten();
        let groups = groups.filter_map(|group| match self.groups {
            None => Some(group.id().unescaped().to_owned()),
            Some(known) => known.get(group.id().unescaped()).cloned(),
        });
        let now = moment();
        Some(AccessRequest {
            action: action_of(env.request.action()?.id().unescaped())?,
            user: User {
                id: name(principal.id().unescaped(), "somebody"),
                groups: groups.collect(),
                email: found.text("principal has email", "principal.email"),
                attributes: self.attributes(&found, "User", "principal"),
            },
            application: Application {
                id: name(env.request.resource()?.id().unescaped(), "something"),
                attributes: self.attributes(&found, "Application", "resource"),
            },
            address: known(found.address()),
            country: known(found.country(&self.countries)),
            device: found.device(|| self.attributes(&found, "Device", "context.device"))?,
            session: Session {
                password: known(found.ago(
                    "context.session has passwordAge",
                    "context.session.passwordAge",
                )),
                second_factor: known(found.ago(
                    "context.session has secondFactorAge",
                    "context.session.secondFactorAge",
                )),
                methods: found.texts("context.session.methods"),
            },
            now,
        })
    }

    /// The values of the organisation's own attributes of `what`, which is of the type `of`.
    fn attributes(
        &self,
        found: &Found<'_>,
        of: &str,
        what: &str,
    ) -> BTreeMap<String, AttributeValue> {
        let names = self.attributes.iter().filter(|(type_of, _)| *type_of == of);
        names
            .filter_map(|(_, name)| {
                let has = format!("{what} has {name:?}");
                let value = found
                    .value(&format!("{what}[{name:?}]"))
                    .filter(|_| found.is(&has))?;
                Some(((*name).to_owned(), attribute(&value)?))
            })
            .collect()
    }
}

fn attribute(value: &EvalResult) -> Option<AttributeValue> {
    match value {
        EvalResult::Bool(value) => Some(AttributeValue::Bool(*value)),
        EvalResult::Long(value) => Some(AttributeValue::Long(*value)),
        EvalResult::String(value) => Some(AttributeValue::String(value.clone())),
        EvalResult::Set(values) => {
            let values: Option<Vec<_>> = values.iter().map(attribute).collect();
            values.map(AttributeValue::Set)
        }
        _ => None,
    }
}

fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_315_200, 0).unwrap_or_default()
}

/// A fact of an example.
pub(crate) fn known<T>(value: Option<T>) -> Fact<T> {
    match value {
        Some(value) => Fact::known(value, SOURCE, moment()),
        None => Fact::unknown("not known", SOURCE),
    }
}

/// The solver likes names without a letter.
fn name(id: &str, otherwise: &str) -> String {
    let readable = !id.is_empty() && id.chars().all(|letter| letter.is_ascii_graphic());
    if readable { id } else { otherwise }.to_owned()
}

/// Facts are read by asking Cedar for them.
struct Found<'a> {
    request: &'a Request,
    entities: &'a Entities,
}

impl Found<'_> {
    fn value(&self, expression: &str) -> Option<EvalResult> {
        let expression: Expression = expression.parse().ok()?;
        eval_expression(self.request, self.entities, &expression).ok()
    }

    fn is(&self, expression: &str) -> bool {
        self.value(expression) == Some(EvalResult::Bool(true))
    }

    fn text(&self, has: &str, expression: &str) -> Option<String> {
        match self.value(expression) {
            Some(EvalResult::String(text)) if self.is(has) => Some(text),
            _ => None,
        }
    }

    fn texts(&self, expression: &str) -> BTreeSet<String> {
        match self.value(expression) {
            Some(EvalResult::Set(set)) => set
                .iter()
                .filter_map(|element| match element {
                    EvalResult::String(text) => Some(text.clone()),
                    EvalResult::EntityUid(uid) => Some(uid.id().unescaped().to_owned()),
                    _ => None,
                })
                .collect(),
            _ => BTreeSet::new(),
        }
    }

    fn id(&self, expression: &str) -> Option<String> {
        match self.value(expression) {
            Some(EvalResult::EntityUid(uid)) => Some(uid.id().unescaped().to_owned()),
            _ => None,
        }
    }

    fn age(&self, expression: &str) -> Option<TimeDelta> {
        match self.value(&format!("{expression}.toMilliseconds()")) {
            Some(EvalResult::Long(number)) => TimeDelta::try_milliseconds(number),
            _ => None,
        }
    }

    fn ago(&self, has: &str, expression: &str) -> Option<DateTime<Utc>> {
        let age = self.age(expression).filter(|_| self.is(has))?;
        // As far back as a date can be: further makes no difference to a bound.
        Some(
            moment()
                .checked_sub_signed(age)
                .unwrap_or(DateTime::<Utc>::MIN_UTC),
        )
    }

    fn address(&self) -> Option<IpAddr> {
        match self.value("context.address") {
            Some(EvalResult::ExtensionValue(text)) => {
                let written = text
                    .trim_start_matches("ip(")
                    .trim_end_matches(')')
                    .trim_matches('"');
                written.split('/').next()?.parse().ok()
            }
            _ => None,
        }
    }

    fn country(&self, named: &BTreeSet<String>) -> Option<CountryCode> {
        let id = self
            .id("context.country")
            .filter(|_| self.is("context has country"))?;
        let somewhere = || SOMEWHERE.into_iter().find(|code| !named.contains(*code));
        id.parse().ok().or_else(|| somewhere()?.parse().ok())
    }

    /// None if the solver chose a device that cannot be.
    fn device(
        &self,
        attributes: impl FnOnce() -> BTreeMap<String, AttributeValue>,
    ) -> Option<Fact<Device>> {
        if !self.is("context has device") {
            return Some(known(None));
        }
        let assured = |name: &str| known(Some(self.is(&format!("context.device.{name}"))));
        let encrypted = if self.is("context.device.diskEncrypted") {
            DiskEncryption::On
        } else {
            DiskEncryption::Off
        };
        let platform = self
            .id("context.device.platform")
            .filter(|_| self.is("context.device has platform"));
        let version = match self.value("context.device.osVersion") {
            Some(EvalResult::Long(number)) if self.is("context.device has osVersion") => {
                Some(OsVersion::nearest(number))
            }
            _ => None,
        };
        Some(known(Some(Device {
            id: name(&self.id("context.device")?, "a device"),
            managed: assured("managed"),
            disk_encryption: known(Some(encrypted)),
            compliant: assured("compliant"),
            platform: known(platform.as_deref().and_then(Platform::of)),
            os_version: known(version),
            assigned_to: self
                .texts("context.device.assignedTo")
                .iter()
                .map(|id| name(id, "somebody"))
                .collect(),
            proved_at: self.ago("context has device", "context.device.certificateAge")?,
            attributes: attributes(),
        })))
    }
}
