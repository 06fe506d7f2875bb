//! A counterexample of the solver as a request of ours: what it chose for a fact, where the policies can
//! tell, and something plausible where they cannot.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use cedar_policy::{Entities, EvalResult, Expression, Request, eval_expression};
use cedar_policy_symcc::Env;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_engine::{
    AccessRequest, Action, Application, CountryCode, Device, DiskEncryption, Fact, OsVersion,
    Platform, Session, User,
};

const SOURCE: &str = "example";

/// A country that hardly a policy names, for one that no policy tells from it.
const SOMEWHERE: [&str; 4] = ["AQ", "BV", "HM", "TF"];

/// The request that the solver found. None if it has no shape of a request of ours.
pub(crate) fn request(env: &Env, named: &BTreeSet<String>) -> Option<AccessRequest> {
    let found = Found {
        request: &env.request,
        entities: &env.entities,
    };
    let principal = env.request.principal()?;
    let groups = env
        .entities
        .ancestors(principal)
        .map(|groups| {
            groups
                .map(|group| group.id().unescaped().to_owned())
                .collect()
        })
        .unwrap_or_default();
    let now = moment();
    Some(AccessRequest {
        action: action(env.request.action()?.id().unescaped())?,
        user: User {
            id: name(principal.id().unescaped(), "somebody"),
            groups,
            email: found.text("principal has email", "principal.email"),
            attributes: BTreeMap::new(),
        },
        application: Application {
            id: name(env.request.resource()?.id().unescaped(), "something"),
            attributes: BTreeMap::new(),
        },
        address: known(found.address()),
        country: known(found.country(named)),
        device: found.device()?,
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

fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_315_200, 0).unwrap_or_default()
}

fn known<T>(value: Option<T>) -> Fact<T> {
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

fn action(id: &str) -> Option<Action> {
    match id {
        "signIn" => Some(Action::SignIn),
        "refresh" => Some(Action::Refresh),
        "posture" => Some(Action::Posture),
        _ => None,
    }
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
    fn device(&self) -> Option<Fact<Device>> {
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
            attributes: BTreeMap::new(),
        })))
    }
}
