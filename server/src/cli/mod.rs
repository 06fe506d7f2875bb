//! The commands of `doorward`: one file each. They read the arguments, ask the rooms below, and hand
//! what there is to say to `render`.

mod check;
mod client;
pub mod demo;
mod device;
mod diff;
mod doctor;
mod exit;
mod explain;
mod fmt;
mod keys;
mod lsp;
pub mod pki;
mod prove;
pub mod render;
mod replay;
mod revision;
mod schema;
mod serve;
mod test;
mod user;
mod whatif;

use std::io;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

pub use doctor::doctor_checks;
pub use exit::{Exit, Failure};

const EXAMPLES: &str = "\
Examples:
  doorward demo                                a whole provider to try out, on this machine
  doorward check policies                      would a server use these policies?
  doorward test policies                       do they answer as their suites expect?
  doorward serve --config doorward.toml        run the provider
  doorward explain 7F3K-29QD                   why was this sign-in answered as it was?

Exit codes: 0 the answer is yes, 1 the answer is no, 2 there is no answer";

#[derive(Debug, Parser)]
#[command(name = "doorward", version, about, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the provider
    Serve(serve::Args),
    /// Tells whether a server would use the policies in a directory, and what is wrong with them
    Check(check::Args),
    /// Lays out policy files in one way
    Fmt(fmt::Args),
    /// Helps in an editor that speaks the Language Server Protocol
    Lsp(lsp::Args),
    /// Tells whether policies answer as their suites expect
    Test(test::Args),
    /// Tells whether guardrails hold for all requests
    Prove(prove::Args),
    /// Tells what a change of policies changes, in the text and in the answers
    Diff(diff::Args),
    /// Tells how policies answer one question, now or at any revision, and why
    Whatif(Box<whatif::Args>),
    /// Tells which recorded decisions other policies would answer otherwise
    Replay(replay::Args),
    /// Tells why a sign-in was answered as it was, by its reference
    Explain(explain::Args),
    /// Looks a server over: what is wrong with it, and what to do about it
    #[command(subcommand)]
    Doctor(doctor::Command),
    /// Runs a whole provider on this machine, to try out
    Demo(demo::Args),
    /// Entries for the users file
    #[command(subcommand)]
    User(user::Command),
    /// Entries for the clients file
    #[command(subcommand)]
    Client(client::Command),
    /// Signing keys of a server
    #[command(subcommand)]
    Keys(keys::Command),
    /// Device certificates from a development authority
    #[command(subcommand)]
    Device(device::Command),
    /// Prints the schema that policies are written against, or that of a file
    Schema(schema::Args),
}

/// Runs the command that the arguments of this process name.
#[must_use]
pub fn main() -> ExitCode {
    let exit = match Cli::try_parse() {
        Ok(cli) => run(cli.command).unwrap_or_else(|failure| {
            render::complain(&failure);
            failure.exit()
        }),
        Err(told) => usage(&told),
    };
    exit.into()
}

/// The command line as data, for documentation and completion.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Threads for a server: each has the stack that the policy engine asks for.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .thread_name("doorward")
        .thread_stack_size(doorward_engine::STACK_SIZE)
        .build()
}

fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Fmt(args) => fmt::run(&args),
        Command::Lsp(args) => lsp::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Prove(args) => prove::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Whatif(args) => whatif::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Doctor(command) => doctor::run(&command),
        Command::Demo(args) => Ok(demo::run(args)),
        Command::User(command) => user::run(&command),
        Command::Client(command) => client::run(&command),
        Command::Keys(command) => keys::run(&command),
        Command::Device(command) => device::run(&command),
        Command::Schema(args) => schema::run(&args),
    }
}

/// Help and version are answers. Whatever else is told about the arguments means that there is none.
fn usage(told: &clap::Error) -> Exit {
    // A closed pipe is success, and a closed standard error leaves nobody to tell.
    let _ = told.print();
    if told.use_stderr() {
        Exit::Unanswered
    } else {
        Exit::Yes
    }
}

fn threads() -> Result<Runtime, Failure> {
    runtime().map_err(|error| Failure::new(format!("cannot start threads: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each command that does something, and the help that `--help` shows for it.
    fn helps() -> Vec<(String, String)> {
        let mut root = command().term_width(100);
        root.build();
        let mut helps = vec![("doorward".to_owned(), root.render_long_help().to_string())];
        collect(&mut root, "doorward", &mut helps);
        helps
    }

    fn collect(command: &mut clap::Command, path: &str, helps: &mut Vec<(String, String)>) {
        for inner in command.get_subcommands_mut() {
            if inner.get_name() == "help" {
                continue;
            }
            let path = format!("{path} {}", inner.get_name());
            helps.push((path.clone(), inner.render_long_help().to_string()));
            collect(inner, &path, helps);
        }
    }

    fn parsed(arguments: &[&str]) -> Result<Command, clap::Error> {
        let arguments = std::iter::once("doorward").chain(arguments.iter().copied());
        Cli::try_parse_from(arguments).map(|cli| cli.command)
    }

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn every_command_tells_how_it_is_used() {
        let texts = helps().into_iter();
        let texts: Vec<String> = texts
            .map(|(path, help)| format!("$ {path} --help\n{help}"))
            .collect();
        insta::assert_snapshot!(texts.join("\n\n"));
    }

    #[test]
    fn every_command_has_examples() {
        for (path, help) in helps() {
            let groups = [
                "doorward user",
                "doorward client",
                "doorward keys",
                "doorward device",
                "doorward doctor",
            ];
            let is_group = groups.contains(&path.as_str());
            assert!(is_group || help.contains("Examples:"), "{path}");
        }
    }

    #[test]
    fn a_reference_is_read_as_people_type_it() {
        assert!(parsed(&["explain", "7f3k29qd"]).is_ok());
        let told = parsed(&["explain", "no-such"]).unwrap_err();
        assert!(told.to_string().contains("eight letters and digits"));
        assert_eq!(told.exit_code(), 2);
    }

    #[test]
    fn a_certificate_is_valid_for_a_day_at_least() {
        let issue = ["device", "issue", "--ca", "ca", "--id", "a", "--days", "0"];
        assert!(parsed(&issue).is_err());
    }

    #[test]
    fn without_a_command_there_is_help_and_no_answer() {
        assert_eq!(parsed(&[]).unwrap_err().exit_code(), 2);
        assert_eq!(parsed(&["--version"]).unwrap_err().exit_code(), 0);
    }

    #[test]
    fn threads_have_the_stack_of_the_engine() {
        let runtime = runtime().unwrap();
        let tested =
            runtime.block_on(async { tokio::spawn(async { doorward_engine::self_test() }).await });
        tested.unwrap().unwrap();
    }
}
