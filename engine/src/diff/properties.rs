//! Properties: what the questions say of a change, random requests do not contradict.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::properties_bundles::pair;
use super::*;
use crate::evaluate::evaluate;
use crate::tests::{ana_to, laptop, now};
use crate::{Device, DiskEncryption, Fact, Platform, describe};

/// Most questions of one pair. Few pairs have more.
const MOST: usize = 12_000;

/// Ages on either side of each bound in the policies, in milliseconds.
const AGES: [i64; 8] = [
    0,
    3_599_999,
    3_600_000,
    3_600_001,
    43_199_999,
    43_200_000,
    43_200_001,
    864_000_000,
];

const VERSIONS: [&str; 7] = [
    "0.0.0",
    "13.999.999999",
    "14.0.0",
    "14.0.1",
    "15.2.999999",
    "15.3.0",
    "26.0.0",
];

fn fact<T>(value: Option<T>) -> Fact<T> {
    match value {
        Some(value) => Fact::known(value, "x", now()),
        None => Fact::unknown("x", "x"),
    }
}

/// A value, or none: with each as likely as any.
fn maybe<T>(values: &[T]) -> impl Strategy<Value = Option<T>> + use<T>
where
    T: Clone + std::fmt::Debug + 'static,
{
    let all: Vec<Option<T>> = values.iter().cloned().map(Some).chain([None]).collect();
    select(all)
}

/// Some of the names.
fn some(names: &'static [&'static str]) -> impl Strategy<Value = BTreeSet<String>> {
    let few = prop::collection::btree_set(select(names), 0..=names.len());
    few.prop_map(|few| few.into_iter().map(ToOwned::to_owned).collect())
}

prop_compose! {
    fn any_device()(
        managed in maybe(&[true, false]),
        encrypted in maybe(&[DiskEncryption::On, DiskEncryption::Encrypting, DiskEncryption::Off]),
        platform in maybe(&[Platform::Macos, Platform::Windows]),
        version in maybe(&VERSIONS),
    ) -> Device {
        Device {
            managed: fact(managed),
            disk_encryption: fact(encrypted),
            platform: fact(platform),
            os_version: fact(version.map(|version| version.parse().unwrap())),
            ..laptop()
        }
    }
}

prop_compose! {
    fn any_request()(
        action in select(Action::ALL.to_vec()),
        application in select(vec!["wiki", "payroll", "unheard-of"]),
        groups in some(&["employees", "guests", "temps"]),
        methods in some(&["pwd", "hwk", "otp"]),
        country in maybe(&["SG", "SE", "JP", "FR"]),
        address in maybe(&["203.0.113.9", "203.0.113.200", "198.51.100.1", "2001:db8::1", "2001:db9::1"]),
        device in prop::option::weighted(0.8, any_device()),
        password in maybe(&AGES),
        second_factor in maybe(&AGES),
    ) -> AccessRequest {
        let mut request = ana_to(application);
        let ago = |age: Option<i64>| fact(age.map(|age| now() - TimeDelta::milliseconds(age)));
        request.action = action;
        request.user.groups = groups;
        request.country = fact(country.map(|country| country.parse().unwrap()));
        request.address = fact(address.map(|address| address.parse().unwrap()));
        request.device = fact(device);
        request.session.password = ago(password);
        request.session.second_factor = ago(second_factor);
        request.session.methods = methods;
        request
    }
}

fn permits(bundle: &PolicyBundle, request: &AccessRequest) -> bool {
    evaluate(bundle, request).denied.is_none()
}

proptest! {
    // 120 pairs, 300 requests each: 36,000 requests beside the questions.
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn whatever_is_said_of_a_change_no_request_contradicts(
        pair in pair(),
        requests in prop::collection::vec(any_request(), 300),
    ) {
        let [old, new] = pair.bundles();
        let data = representatives(&old, &new, MOST);
        let touches = structure(&old, &new).touches_behaviour();

        for flip in &data.flips {
            prop_assert!(touches && !flip.places.is_empty());
            for place in flip.places.iter() {
                let mut request = flip.request.clone();
                request.action = place.action;
                request.application.id.clone_from(&place.application);
                let answers = [permits(&old, &request), permits(&new, &request)];
                let permitted = flip.kind == FlipKind::NewlyPermitted;
                prop_assert_eq!(answers, [!permitted, permitted], "{}", describe(&request));
            }
        }

        let differing = requests
            .iter()
            .find(|request| permits(&old, request) != permits(&new, request));
        if let Some(request) = differing {
            let told = describe(request);
            prop_assert!(touches, "nothing is said to change, and this does: {}", told);
            prop_assert!(!data.flips.is_empty() || !data.every, "no question shows it: {}", told);
        }
        if pair.is_refactored {
            prop_assert!(differing.is_none() && data.flips.is_empty());
        }
    }
}

#[test]
fn random_pairs_are_told_by_all_questions_to_differ_or_not() {
    let mut runner = TestRunner::deterministic();
    let (mut differ, mut alike) = (0, 0);
    for _ in 0..60 {
        let tree = pair().new_tree(&mut runner).unwrap();
        let [old, new] = tree.current().bundles();
        let data = representatives(&old, &new, MOST);
        if data.every && data.asked > 0 {
            if data.flips.is_empty() {
                alike += 1;
            } else {
                differ += 1;
            }
        }
    }
    // Or the property above says little.
    assert!(differ >= 5 && alike >= 5, "{differ} differ, {alike} do not");
}
