//! Loading a bundle from nothing, and again after one file changed.

#![expect(
    clippy::expect_used,
    reason = "a benchmark without its inputs measures nothing"
)]

use divan::Bencher;
use doorward_engine::{PolicyBundle, SourceFile};

#[expect(dead_code, reason = "requests are for the other benchmark")]
mod support;

fn main() {
    divan::main();
}

const SIZES: [usize; 3] = [10, 1_000, 10_000];

/// From nothing: parse, lint, validate, index.
#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn from_nothing(bencher: Bencher<'_, '_>, policies: usize) {
    let files = support::bundle(policies);
    bencher.bench_local(|| PolicyBundle::load(divan::black_box(&files), None).expect("a bundle"));
}

/// After one of the files changed.
#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn one_file_changed(bencher: Bencher<'_, '_>, policies: usize) {
    let mut files = support::bundle(policies);
    let old = PolicyBundle::load(&files, None).expect("a bundle");
    for file in &mut files {
        if file.name.as_ref() == "app-1.cedar" {
            *file = SourceFile::new("app-1.cedar", support::application(1, "6h"));
        }
    }
    bencher.bench_local(|| {
        PolicyBundle::load(divan::black_box(&files), Some(&old)).expect("a bundle")
    });
}
