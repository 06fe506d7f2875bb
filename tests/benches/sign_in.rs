//! What a sign-in costs the server: the CPU time of its process for what browsers and clients ask of it
//! most. Time on the clock depends on the machine and on this client, which takes a share of it, so it
//! stands in the table for orientation only. What a decision alone costs is measured in the engine.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::process::Command;
use std::time::{Duration, Instant};

use doorward::cli::pki::IssuedCertificate;
use doorward_tests::{ANA, Browser, Installation, RelyingParty, TestProvider, WIKI};

/// The server, as cargo has just built it.
const BINARY: &str = env!("CARGO_BIN_EXE_doorward-under-test");

/// What each browser does before anything is measured.
const WARM_UP: u32 = 2;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Extent {
    /// How often each browser does each thing.
    each: u32,
    /// How long all of that may take before it is cut short.
    longest: Duration,
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
enum Operation {
    /// A code for a browser that is signed in.
    Code,
    /// The same, with tokens for the code and claims for the access token.
    Tokens,
    /// A code for a browser that knows nothing yet: password, device check, a session.
    Password,
}

/// What an operation has cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    done: u32,
    clock: Duration,
    cpu: Duration,
}

/// The provider, and what all browsers share.
#[derive(Debug)]
struct Surroundings {
    provider: TestProvider,
    wiki: RelyingParty,
    certificate: IssuedCertificate,
}

fn main() -> io::Result<()> {
    let extent = if env::args().any(|argument| argument == "--bench") {
        Extent {
            each: 100,
            longest: Duration::from_secs(30),
        }
    } else {
        // Not called by `cargo bench`: does it still work?
        Extent {
            each: 1,
            longest: Duration::from_secs(10),
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let table = runtime.block_on(measure_all(extent));
    io::stdout().write_all(table.as_bytes())
}

/// Measures one operation after the other, and says the table.
async fn measure_all(extent: Extent) -> String {
    let here = surroundings().await;
    let mut browsers = [
        here.signed_in_browser().await,
        here.signed_in_browser().await,
        here.signed_in_browser().await,
        here.signed_in_browser().await,
    ];
    let mut table = format!(
        "\n{:<52}{:>7}{:>10}{:>12}{:>14}\n",
        "4 browsers at once", "done", "clock s", "CPU ms each", "per CPU second"
    );
    for operation in [Operation::Code, Operation::Tokens, Operation::Password] {
        here.perform(operation, &mut browsers, warm_up(extent))
            .await;
        let cost = here.perform(operation, &mut browsers, extent).await;
        table += &cost.row(operation.name());
    }
    table
}

fn warm_up(extent: Extent) -> Extent {
    Extent {
        each: WARM_UP.min(extent.each),
        ..extent
    }
}

/// The starter policies, for one person who signs in more often than people do.
async fn surroundings() -> Surroundings {
    let files = Installation::new();
    files.edit("doorward.toml", "per_account = 10", "per_account = 1000000");
    files.edit("doorward.toml", "per_address = 50", "per_address = 1000000");
    files.edit("doorward.toml", "limit = 1000", "limit = 1000000");
    let provider = TestProvider::start_in(BINARY, files).await;
    Surroundings {
        wiki: provider.relying_party(WIKI).await,
        certificate: provider.files().pki.device("mbp-ana"),
        provider,
    }
}

impl Surroundings {
    /// A browser that has never been here, on Ana's laptop.
    fn browser(&self) -> Browser {
        self.provider.browser().with_certificate(&self.certificate)
    }

    async fn signed_in_browser(&self) -> Browser {
        let mut browser = self.browser();
        let url = self.wiki.begin().url;
        browser.walk(url.as_str(), ANA).await.answer();
        browser
    }

    /// Has every browser do this, all of them at once.
    async fn perform(
        &self,
        operation: Operation,
        browsers: &mut [Browser; 4],
        extent: Extent,
    ) -> Cost {
        let process = self.provider.process();
        let before = cpu_time(process);
        let began = Instant::now();
        let [first, second, third, fourth] = browsers;
        let (first, second, third, fourth) = tokio::join!(
            self.repeat(operation, first, extent),
            self.repeat(operation, second, extent),
            self.repeat(operation, third, extent),
            self.repeat(operation, fourth, extent),
        );
        Cost {
            done: first + second + third + fourth,
            clock: began.elapsed(),
            cpu: cpu_time(process).saturating_sub(before),
        }
    }

    /// Does this again and again, and says how often.
    async fn repeat(&self, operation: Operation, browser: &mut Browser, extent: Extent) -> u32 {
        let began = Instant::now();
        let mut done = 0;
        while done < extent.each && began.elapsed() < extent.longest {
            self.once(operation, browser).await;
            done += 1;
        }
        done
    }

    async fn once(&self, operation: Operation, browser: &mut Browser) {
        let attempt = self.wiki.begin();
        let url = attempt.url.as_str();
        match operation {
            Operation::Code => {
                let answer = browser.visit(url).await.answer();
                self.wiki.check(&attempt, &answer);
            }
            Operation::Tokens => {
                let answer = browser.visit(url).await.answer();
                let tokens = self.wiki.redeem(&attempt, &answer).await;
                self.wiki.userinfo(&tokens).await;
            }
            Operation::Password => {
                let answer = self.browser().walk(url, ANA).await.answer();
                self.wiki.check(&attempt, &answer);
            }
        }
    }
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Code => "authorize, with a session",
            Self::Tokens => "authorize, token, userinfo, with a session",
            Self::Password => "authorize with password and device check",
        }
    }
}

impl Cost {
    fn row(self, name: &str) -> String {
        let done = f64::from(self.done);
        let cpu = self.cpu.as_secs_f64();
        format!(
            "{name:<52}{:>7}{:>10.1}{:>12.2}{:>14.0}\n",
            self.done,
            self.clock.as_secs_f64(),
            cpu * 1000.0 / done,
            done / cpu,
        )
    }
}

/// The time that the process has had from all cores together, in its own code and in the kernel
/// (`proc_pid_stat(5)`, fields 14 and 15).
fn cpu_time(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a process, on Linux");
    // The second field is the name of the program, and could hold anything.
    let (_, from_third) = stat.rsplit_once(')').expect("a name");
    let ticks: u64 = from_third
        .split_whitespace()
        .skip(14 - 3)
        .take(2)
        .map(|field| field.parse::<u64>().expect("a number"))
        .sum();
    Duration::from_millis(ticks * 1000 / ticks_per_second())
}

fn ticks_per_second() -> u64 {
    let output = Command::new("getconf").arg("CLK_TCK").output();
    let text = String::from_utf8(output.expect("getconf").stdout).expect("a text");
    text.trim().parse().expect("a number")
}
