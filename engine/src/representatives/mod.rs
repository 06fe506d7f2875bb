//! Requests that stand for all requests, as far as some policies can tell: each fact takes one value on
//! either side of everything that the policies compare it with, and is missing where it can be.
//!
//! Where the policies only compare facts with constants, what holds for these requests holds for all
//! ([`Representatives::are_all`]). Elsewhere they are examples, which show and do not prove.

mod constants;
mod describe;
mod device;
mod network;
mod spread;
mod users;
mod values;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use ipnet::IpNet;

use self::constants::Constants;
pub use self::describe::describe;
pub(crate) use self::values::{AGES_AGO, Value};
use crate::bundle::PolicyBundle;
use crate::fact::Fact;
use crate::policy::Policy;
use crate::request::{AccessRequest, Action, Application, Session, User};

/// The ranges that conditions of the policies test the address for, those of Cedar's own tests among them.
pub(crate) fn ranges(policies: &[&Policy]) -> BTreeSet<IpNet> {
    let mut constants = Constants::default();
    for policy in policies.iter().filter_map(|policy| policy.syntax()) {
        constants.add(&policy);
    }
    network::tested(&constants)
}

/// Most values of one fact. A fact that needs more is shown by some of them.
const MOST_VALUES: usize = 2_048;

/// The requests.
#[derive(Debug, Clone)]
pub(crate) struct Representatives {
    dimensions: Vec<Vec<Value>>,
    all: bool,
    /// Whether conditions, and not only scopes, look at the user, the application, the action.
    conditions_read: [bool; 3],
}

impl Representatives {
    /// The requests that tell apart whatever these policies of the bundle tell apart.
    pub(crate) fn of(bundle: &PolicyBundle, policies: &[&Policy]) -> Self {
        Self::across(&[bundle], policies)
    }

    /// The same for bundles whose answers are compared: what any of them tells apart is told apart.
    pub(crate) fn across(bundles: &[&PolicyBundle], policies: &[&Policy]) -> Self {
        let mut constants = Constants::default();
        let mut named = BTreeSet::new();
        for policy in policies {
            match policy.syntax() {
                Some(syntax) => constants.add(&syntax),
                None => constants.beyond = true,
            }
            named.extend(policy.literals.iter().cloned());
        }
        let mut all = !constants.beyond;
        let source = values::Source {
            bundles,
            constants: &constants,
            named: &named,
        };
        let dimensions = source
            .dimensions()
            .into_iter()
            .map(|(mut values, every)| {
                all &= every && values.len() <= MOST_VALUES;
                values.truncate(MOST_VALUES);
                values
            })
            .collect();
        let reads = |path| constants.reads(path);
        let all = all && !source.others_are_taken();
        Self {
            dimensions,
            all,
            conditions_read: [
                reads("user") || reads("device.assignedTo"),
                reads("application"),
                reads("action"),
            ],
        }
    }

    /// Whether the policies tell no other requests apart than these.
    pub(crate) fn are_all(&self) -> bool {
        self.all
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.dimensions
            .iter()
            .fold(1, |product, values| product.saturating_mul(values.len()))
    }

    /// Leaves only the requests all of whose values are wanted.
    fn keep(&mut self, wanted: impl Fn(&Value) -> bool) {
        for values in &mut self.dimensions {
            values.retain(&wanted);
        }
    }

    /// Leaves of users, applications and actions those in the policy's scope; and only one of each where
    /// no condition looks at them.
    pub(crate) fn keep_scope(&mut self, bundle: &PolicyBundle, policy: &Policy) {
        // Not from nothing: a schema may require attributes.
        let whole = self.request(0);
        let in_scope = |value: &Value| {
            let mut request = whole.clone();
            value.apply(&mut request);
            let Ok(input) = crate::entities::Input::new(bundle, &request) else {
                return false;
            };
            let scope = input.scope();
            match value {
                Value::User(_) => scope.addresses(policy),
                Value::Application(_) => scope.is_about(policy),
                Value::Action(_) => scope.acts(policy),
                _ => true,
            }
        };
        self.keep(in_scope);
        let [users, applications, actions] = self.conditions_read;
        for values in &mut self.dimensions {
            let matters = match values.first() {
                Some(Value::User(_)) => users,
                Some(Value::Application(_)) => applications,
                Some(Value::Action(_)) => actions,
                _ => true,
            };
            if !matters {
                values.truncate(1);
            }
        }
    }

    /// Whether conditions, and not only scopes, look at the application or the action.
    pub(crate) fn look_at_place(&self) -> bool {
        let [_, application, action] = self.conditions_read;
        application || action
    }

    /// The values of the fact that `like` is a value of; none where it is not asked for.
    pub(crate) fn values(&self, like: &Value) -> &[Value] {
        let mut dimensions = self.dimensions.iter();
        let found = dimensions.find(|it| it.first().is_some_and(|first| first.same_fact(like)));
        found.map_or(&[], Vec::as_slice)
    }

    /// Gives one fact these values and no others, if it is asked for.
    pub(crate) fn set(&mut self, wanted: &[Value]) {
        let Some(like) = wanted.first() else {
            return;
        };
        for values in &mut self.dimensions {
            if values.first().is_some_and(|first| first.same_fact(like)) {
                *values = wanted.to_vec();
            }
        }
    }

    /// Gives every request the same value of one fact, unless nobody asks for the fact and it is missing.
    pub(crate) fn fix(&mut self, value: &Value) {
        for values in &mut self.dimensions {
            let is_same = values.first().is_some_and(|first| first.same_fact(value));
            let is_ignored = values.iter().all(Value::is_missing);
            if is_same && !is_ignored {
                *values = vec![value.clone()];
            }
        }
    }

    /// Every request, or the first `most` of them, those first that differ in the facts that vary least.
    pub(crate) fn iter(&self, most: usize) -> impl Iterator<Item = AccessRequest> + '_ {
        (0..self.count().min(most)).map(|number| self.request(number))
    }

    /// The request of this number, below [`Self::count`].
    pub(crate) fn request(&self, mut number: usize) -> AccessRequest {
        let mut request = blank();
        for values in &self.dimensions {
            // INVARIANT: no dimension is empty, or `count` is zero and nothing asks.
            let size = values.len().max(1);
            if let Some(value) = values.get(number % size) {
                value.apply(&mut request);
            }
            number /= size;
        }
        request
    }
}

/// The moment of every representative.
pub(crate) fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_315_200, 0).unwrap_or_default()
}

/// A request of which nothing is known.
fn blank() -> AccessRequest {
    let unknown = "it does not matter";
    AccessRequest {
        action: Action::SignIn,
        user: User {
            id: "somebody".to_owned(),
            groups: BTreeSet::new(),
            email: None,
            attributes: std::collections::BTreeMap::new(),
        },
        application: Application {
            id: "something".to_owned(),
            attributes: std::collections::BTreeMap::new(),
        },
        address: Fact::unknown(unknown, values::SOURCE),
        country: Fact::unknown(unknown, values::SOURCE),
        device: Fact::unknown(unknown, values::SOURCE),
        session: Session {
            password: Fact::unknown(unknown, values::SOURCE),
            second_factor: Fact::unknown(unknown, values::SOURCE),
            methods: BTreeSet::new(),
        },
        now: moment(),
    }
}
