//! What a pull request waits for: `check`, `test`, `diff` and `prove` on bundles of 4, 50 and 500 policies, each
//! the real binary from its start to its answer. The change is one condition, of one application or of the policy
//! that is about all of them; so are the guardrails.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use divan::Bencher;
use tempfile::TempDir;

/// The program, as cargo has just built it.
const BINARY: &str = env!("CARGO_BIN_EXE_doorward-under-test");

const SIZES: [usize; 3] = [4, 50, 500];

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn check(bencher: Bencher<'_, '_>, policies: usize) {
    let place = Place::new(policies);
    bencher.bench_local(|| place.run(&["check", "old"], 0));
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn test(bencher: Bencher<'_, '_>, policies: usize) {
    let place = Place::new(policies);
    bencher.bench_local(|| place.run(&["test", "old", "--coverage"], 0));
}

#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn diff_by_questions(bencher: Bencher<'_, '_>, policies: usize) {
    let place = Place::new(policies);
    bencher.bench_local(|| place.run(&["diff", "old", "one", "--proof", "never"], 1));
}

#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn diff(bencher: Bencher<'_, '_>, policies: usize) {
    let place = Place::new(policies);
    bencher.bench_local(|| place.run(&["diff", "old", "one", "--proof", "always"], 1));
}

#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn diff_of_all_applications(bencher: Bencher<'_, '_>, policies: usize) {
    let place = Place::new(policies);
    bencher.bench_local(|| place.run(&["diff", "old", "all", "--proof", "always"], 1));
}

#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn prove(bencher: Bencher<'_, '_>, policies: usize) {
    let place = Place::new(policies);
    bencher.bench_local(|| place.run(&["prove", "old", "--limit", "60s"], 0));
}

/// Versions of a bundle with its suite and guardrails: as it was, with a change of one application, with a change
/// of all.
struct Place(TempDir);

impl Place {
    fn new(policies: usize) -> Self {
        let place = Self(tempfile::tempdir().expect("a directory"));
        place.write("old", policies, "7d", "30d");
        place.write("one", policies, "3d", "30d");
        place.write("all", policies, "7d", "5d");
        place
    }

    fn write(&self, version: &str, policies: usize, first: &str, all: &str) {
        let directory = self.0.path().join(version);
        fs::create_dir(&directory).expect("a directory");
        // Two policies an application: who gets in, and with whose device.
        let applications = policies / 2;
        let (mut text, mut data, mut suite) =
            (everywhere(all), String::from(DATA), String::from(FIXTURES));
        for number in 0..applications {
            let age = if number == 0 { first } else { "7d" };
            let _ = write!(text, "{}", policies_of(number, age));
            let _ = writeln!(data, "[application.app-{number}]");
            let _ = write!(suite, "{}", cases_of(number));
        }
        let files = [
            ("access.cedar", text.as_str()),
            ("entities.toml", data.as_str()),
            ("access.suite.toml", suite.as_str()),
            ("guardrails.cedar", GUARDRAILS),
        ];
        for (name, text) in files {
            fs::write(directory.join(name), text).expect("written");
        }
    }

    fn run(&self, arguments: &[&str], expected: i32) {
        let status = Command::new(BINARY)
            .args(arguments)
            .current_dir(Path::new(self.0.path()))
            .stdout(Stdio::null())
            .status()
            .expect("started");
        assert_eq!(status.code(), Some(expected), "{arguments:?}");
    }
}

const DATA: &str = "[group.employees]\n[region.home]\ncountries = [\"SG\", \"MY\"]\n";

const GUARDRAILS: &str = "@id(\"managed\")\n@reason(\"Only managed devices.\")\n\
    forbid (principal, action, resource == Application::\"app-0\")\n\
    unless { context has device && context.device.managed };\n\
    @id(\"managed-everywhere\")\n@reason(\"Only managed devices.\")\n\
    forbid (principal, action, resource)\n\
    unless { context has device && context.device.managed };\n";

const FIXTURES: &str = "\
now = '2026-11-24T09:00:00Z'
[user.ana]
groups = ['employees']
[device.mbp]
managed = true
assigned_to = ['ana']
[place.home]
country = 'SG'
[default]
user = 'ana'
device = 'mbp'
from = 'home'
";

fn everywhere(age: &str) -> String {
    format!(
        r#"@id("everywhere")
@reason("Everybody enters a password now and then.")
forbid (principal, action, resource)
unless {{ context.session has passwordAge && context.session.passwordAge <= duration("{age}") }};
"#
    )
}

fn policies_of(number: usize, age: &str) -> String {
    format!(
        r#"@id("app-{number}")
@reason("It opens at home, on a managed device.")
permit (principal in Group::"employees", action, resource == Application::"app-{number}")
when {{ context has device && context.device.managed }}
when {{ context has country && context.country in Region::"home" }}
when {{ context.session has passwordAge && context.session.passwordAge <= duration("{age}") }};
@id("app-{number}-own")
@reason("It opens on your own device.")
forbid (principal, action, resource == Application::"app-{number}")
unless {{ context has device && context.device.assignedTo.contains(principal) }};
"#
    )
}

fn cases_of(number: usize) -> String {
    format!(
        "[[case]]\nname = 'app-{number} opens'\napplication = 'app-{number}'\npassword = '2h'\nexpect = 'permit'\n\
         [[case]]\nname = 'app-{number} asks again'\napplication = 'app-{number}'\npassword = '8d'\nexpect = 'step-up'\n"
    )
}
