//! How many recorded decisions a second are replayed, by one thread and by as many as there are cores: the real
//! binary, from its start to its answer.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::{DateTime, Utc};
use divan::Bencher;
use divan::counter::ItemsCount;
use doorward::audit::{DecisionRecord, Ending};
use doorward_engine::{
    AccessRequest, Action, Application, Fact, Offered, Offers, PolicyBundle, Session, SourceFile,
    User,
};

/// The program, as cargo has just built it.
const BINARY: &str = env!("CARGO_BIN_EXE_doorward-under-test");
/// The starter policies.
const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies");

fn main() {
    divan::main();
}

#[divan::bench(args = ["one thread", "all cores"], sample_count = 5, sample_size = 1)]
fn records(bencher: Bencher<'_, '_>, threads: &str) {
    let measured = env::args().any(|argument| argument == "--bench");
    // Not called by `cargo bench`: does it still work?
    let records: usize = if measured { 50_000 } else { 100 };
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("log");
    fs::write(&path, log(records)).expect("written");
    let options: &[&str] = match threads {
        "one thread" => &["--threads", "1"],
        _ => &[],
    };
    bencher
        .counter(ItemsCount::new(records))
        .bench_local(|| replay(&path, options));
}

fn replay(log: &Path, options: &[&str]) {
    let status = Command::new(BINARY)
        .arg("replay")
        .arg(log)
        .args(["--policies", POLICIES, "--same"])
        .args(options)
        .stdout(Stdio::null())
        .status()
        .expect("started");
    assert!(status.success(), "{status}");
}

/// Permits, denials and step-ups, as a server with the starter policies records them.
fn log(records: usize) -> String {
    let files = ["access.cedar", "entities.toml"].map(|name| {
        let text = fs::read_to_string(Path::new(POLICIES).join(name)).expect("a file");
        SourceFile::new(name, text)
    });
    let bundle = PolicyBundle::load(&files, None).expect("a bundle");
    let mut log = String::new();
    for number in 0..records {
        let record = record(number, &bundle);
        let line = serde_json::to_string(&record).expect("JSON");
        writeln!(log, "{line}").expect("a string takes everything");
    }
    log
}

fn record(number: usize, bundle: &PolicyBundle) -> DecisionRecord {
    let request = question(number);
    let offers = || Offers {
        password: true,
        devices: Vec::new(),
    };
    let (decision, asked) = bundle.decide_and_keep(&request, offers);
    let offers = asked.map(|offers| Offered::of(&offers, &decision, &request.user.id));
    let explanation = offers.is_some().then(|| bundle.explain(&request));
    let reference = format!("{number:08}").parse().expect("a reference");
    DecisionRecord {
        application: Some(request.application.id.clone()),
        user: Some(request.user.id.clone()),
        facts: request.facts(),
        decision: Some(decision),
        explanation,
        offers: offers.map(Box::new),
        request: Some(Box::new(request.clone())),
        ..DecisionRecord::new(reference, request.now, Ending::Denied)
    }
}

fn question(number: usize) -> AccessRequest {
    let now: DateTime<Utc> = "2026-11-24T09:00:00Z".parse().expect("a time");
    let country = if number.is_multiple_of(3) { "JP" } else { "SG" };
    let application = if number.is_multiple_of(2) {
        "wiki"
    } else {
        "payroll"
    };
    AccessRequest {
        action: Action::SignIn,
        user: User {
            id: format!("u-{}", number % 1_000),
            groups: ["employees".to_owned()].into(),
            email: None,
            attributes: [].into(),
        },
        application: Application {
            id: application.to_owned(),
            attributes: [].into(),
        },
        address: Fact::known([203_u8, 0, 113, 9].into(), "connection", now),
        country: Fact::known(country.parse().expect("a country"), "GeoIP", now),
        device: Fact::unknown("no certificate was presented", "device host"),
        session: Session {
            password: Fact::known(now, "password", now),
            second_factor: Fact::unknown("no second factor was proved", "second factor"),
            methods: ["pwd".to_owned()].into(),
        },
        now,
    }
}
