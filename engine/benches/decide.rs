//! Latency of one decision, sliced against the plain Cedar authorizer, and the price of a step-up.
//!
//! Compare rows of one run: absolute times drift with the machine.

#![expect(
    clippy::expect_used,
    reason = "a benchmark without its inputs measures nothing"
)]

use cedar_policy::{Authorizer, PolicySet};
use divan::Bencher;
use doorward_engine::measure::Prepared;
use doorward_engine::{AccessRequest, Fact, Offers, PolicyBundle};

mod support;

fn main() {
    divan::main();
}

const SIZES: [usize; 3] = [10, 1_000, 100_000];

/// A whole decision: inputs from values, and evaluation of the policies that can match.
#[divan::bench(args = SIZES, sample_size = 50)]
fn sliced(bencher: Bencher<'_, '_>, policies: usize) {
    let bundle = PolicyBundle::load(&support::bundle(policies), None).expect("a bundle");
    let request = support::request(1);
    bencher.bench_local(|| bundle.decide(divan::black_box(&request), Offers::none));
}

/// The first part of it: Cedar's values from the facts.
#[divan::bench(args = SIZES, sample_size = 50)]
fn inputs(bencher: Bencher<'_, '_>, policies: usize) {
    let bundle = PolicyBundle::load(&support::bundle(policies), None).expect("a bundle");
    let request = support::request(1);
    bencher.bench_local(|| Prepared::new(&bundle, divan::black_box(&request)));
}

/// The second part: the policies that can match, evaluated.
#[divan::bench(args = SIZES, sample_size = 50)]
fn evaluation(bencher: Bencher<'_, '_>, policies: usize) {
    let bundle = PolicyBundle::load(&support::bundle(policies), None).expect("a bundle");
    let prepared = Prepared::new(&bundle, &support::request(1)).expect("a request that fits");
    bencher.bench_local(|| divan::black_box(&prepared).evaluate(&bundle));
}

/// The same policies and the same inputs through Cedar's own authorizer: to be compared with
/// `evaluation`.
#[divan::bench(args = SIZES, sample_count = 20, sample_size = 1)]
fn plain_cedar(bencher: Bencher<'_, '_>, policies: usize) {
    let files = support::bundle(policies);
    let bundle = PolicyBundle::load(&files, None).expect("a bundle");
    let prepared = Prepared::new(&bundle, &support::request(1)).expect("a request that fits");
    let text: String = files
        .iter()
        .filter(|file| file.name.ends_with(".cedar"))
        .map(|file| file.text.to_string())
        .collect();
    let set: PolicySet = text.parse().expect("policies");
    let authorizer = Authorizer::new();
    let (request, entities) = prepared.cedar();
    bencher.bench_local(|| authorizer.is_authorized(divan::black_box(request), &set, entities));
}

/// A denial with a search for what would help: no device yet, an old password.
#[divan::bench(args = SIZES, sample_size = 20)]
fn step_up(bencher: Bencher<'_, '_>, policies: usize) {
    let bundle = PolicyBundle::load(&support::bundle(policies), None).expect("a bundle");
    let complete = support::request(1);
    let device = complete.device.value().cloned().expect("a device");
    let request = AccessRequest {
        device: Fact::unknown("none", "device host"),
        address: Fact::unknown("none", "socket"),
        ..complete
    };
    let offers = Offers {
        password: true,
        devices: vec![device],
    };
    bencher.bench_local(|| bundle.decide(divan::black_box(&request), || offers.clone()));
}

/// An explanation of a denial.
#[divan::bench(args = SIZES, sample_size = 5)]
fn explain(bencher: Bencher<'_, '_>, policies: usize) {
    let bundle = PolicyBundle::load(&support::bundle(policies), None).expect("a bundle");
    let request = AccessRequest {
        country: Fact::unknown("none", "GeoIP"),
        ..support::request(1)
    };
    bencher.bench_local(|| bundle.explain(divan::black_box(&request)));
}
