//! Cedar's values by a shorter way than its public constructors: they parse the name of an extension
//! function for each value, and compute the closure of a hierarchy that is closed already. Together
//! that was half of a decision. The only place that knows `cedar-policy-core`.

use std::net::IpAddr;
use std::sync::LazyLock;

use cedar_policy::{Entities, Entity, RestrictedExpression};
use cedar_policy_core::ast;
use cedar_policy_core::entities::{Entities as Store, NoEntitiesSchema, TCComputation};
use cedar_policy_core::extensions::Extensions;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// Cedar's `duration`, to the millisecond.
pub(crate) fn duration(span: TimeDelta) -> RestrictedExpression {
    static NAME: LazyLock<ast::Name> = LazyLock::new(|| name("duration"));
    call(&NAME, format!("{}ms", span.num_milliseconds()))
}

/// Cedar's `datetime`, to the millisecond.
pub(crate) fn datetime(moment: DateTime<Utc>) -> RestrictedExpression {
    static NAME: LazyLock<ast::Name> = LazyLock::new(|| name("datetime"));
    call(&NAME, moment.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Cedar's `ipaddr`.
pub(crate) fn ip(address: IpAddr) -> RestrictedExpression {
    static NAME: LazyLock<ast::Name> = LazyLock::new(|| name("ip"));
    call(&NAME, address.to_string())
}

/// The entities of a request, each of which comes with *all* its ancestors.
///
/// # Errors
/// Two different entities of one name.
pub(crate) fn closed_hierarchy(entities: &[Entity]) -> Result<Entities, String> {
    let entities = entities.iter().map(|entity| {
        let entity: &ast::Entity = entity.as_ref();
        entity.clone()
    });
    Store::from_entities(
        entities,
        None::<&NoEntitiesSchema>,
        TCComputation::AssumeAlreadyComputed,
        Extensions::all_available(),
    )
    .map(Entities::from)
    .map_err(|error| error.to_string())
}

fn call(function: &ast::Name, argument: String) -> RestrictedExpression {
    let argument = ast::RestrictedExpr::val(argument);
    ast::RestrictedExpr::call_extension_fn(function.clone(), [argument]).into()
}

// INVARIANT: called with the three names above, which parse.
#[expect(
    clippy::expect_used,
    reason = "the names are written here, and any test that decides meets them"
)]
fn name(function: &str) -> ast::Name {
    ast::Name::unqualified_name(function.parse().expect("an identifier"))
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use cedar_policy::{Context, EntityUid};

    use super::*;

    /// What Cedar makes of a value; an expression says nothing before it is evaluated.
    fn evaluated(value: RestrictedExpression) -> Context {
        Context::from_pairs([("value".to_owned(), value)]).unwrap()
    }

    #[test]
    fn values_are_those_of_the_public_constructors() {
        let moment: DateTime<Utc> = "2026-11-24T09:00:00.25Z".parse().unwrap();
        let address: IpAddr = "2001:db8::1".parse().unwrap();
        let pairs = [
            (
                duration(TimeDelta::milliseconds(86_400_250)),
                RestrictedExpression::new_duration("86400250ms"),
            ),
            (
                datetime(moment),
                RestrictedExpression::new_datetime("2026-11-24T09:00:00.250Z"),
            ),
            (ip(address), RestrictedExpression::new_ip("2001:db8::1")),
        ];
        for (ours, theirs) in pairs {
            let (ours, theirs) = (evaluated(ours), evaluated(theirs));
            assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
        }
    }

    #[test]
    fn a_closed_hierarchy_is_what_cedar_computes_itself() {
        let uid = |text: &str| text.parse::<EntityUid>().unwrap();
        let entity = |name: &str, ancestors: &[&str]| {
            let ancestors: HashSet<EntityUid> = ancestors.iter().map(|text| uid(text)).collect();
            Entity::new(uid(name), HashMap::new(), ancestors).unwrap()
        };
        let entities = [
            entity(
                "User::\"ana\"",
                &["Group::\"leads\"", "Group::\"employees\""],
            ),
            entity("Group::\"leads\"", &["Group::\"employees\""]),
            entity("Group::\"employees\"", &[]),
        ];
        let ours = closed_hierarchy(&entities).unwrap();
        assert_eq!(
            ours,
            Entities::from_entities(entities.clone(), None).unwrap()
        );
        for ancestor in ["Group::\"leads\"", "Group::\"employees\""] {
            assert!(ours.is_ancestor_of(&uid(ancestor), &uid("User::\"ana\"")));
        }
    }

    #[test]
    fn two_entities_of_one_name_are_refused() {
        let uid = || "User::\"ana\"".parse::<EntityUid>().unwrap();
        let with = |level| {
            let attributes =
                HashMap::from([("level".to_owned(), RestrictedExpression::new_long(level))]);
            Entity::new(uid(), attributes, HashSet::new()).unwrap()
        };
        assert!(closed_hierarchy(&[with(1), with(2)]).is_err());
    }
}
