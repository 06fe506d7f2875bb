//! `doorward check`: whether a server would use the policies in a directory, and everything that is wrong or
//! doubtful about them. What is wrong is found by the engine, and said by `verdict`.

mod names;
pub(super) mod pages;
mod verdict;

use std::path::PathBuf;

use clap::ValueEnum;

use self::names::Names;
use self::verdict::{Document, Verdict};
use super::render::machine::{Finding, junit, sarif};
use super::render::{self, Style};
use super::{Exit, Failure};
use crate::access::{self, PoliciesError};
use crate::domain::diagnostic::Diagnostic;

const EXAMPLES: &str = "\
Examples:
  doorward check                               check ./policies
  doorward check /etc/doorward/policies        check another directory
  doorward check --users users.toml            do the policies know the groups of all users?
  doorward check --format sarif > check.sarif  for the code host to show beside the lines
  doorward check --explain shadowed            what a finding means, and what to do

Exit code: 0 nothing was found, 1 there are errors or warnings, 2 the files cannot be read";

/// For whom the command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Form {
    /// A person
    #[default]
    Human,
    /// A machine, which gets JSON
    Json,
    /// A code host, which gets SARIF
    Sarif,
    /// A pipeline, which gets JUnit's XML
    Junit,
    /// A comment on a pull request
    Markdown,
}

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The directory with policies and entity data; it is read whole
    #[arg(value_name = "DIR", default_value = "policies")]
    directory: PathBuf,

    /// How to answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,

    /// A users file whose groups the entity data should declare
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,

    /// A clients file whose applications the entity data should declare
    #[arg(long, value_name = "FILE")]
    clients: Option<PathBuf>,

    /// Ends with 0 although there are warnings
    #[arg(long)]
    warnings_ok: bool,

    /// Tells what a finding means and what to do about it, and checks nothing
    #[arg(long, value_name = "ID", exclusive = true)]
    explain: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    if let Some(id) = &args.explain {
        render::print(pages::find(id)?)?;
        return Ok(Exit::Yes);
    }
    let verdict = match judge(args) {
        Ok(verdict) => verdict,
        Err(problems) => return unreadable(problems, args.format),
    };
    render::print(&answer(&verdict, args.format)?)?;
    Ok(verdict.exit(args.warnings_ok))
}

fn judge(args: &Args) -> Result<Verdict, Vec<Diagnostic>> {
    // The files of names are read first: they are wrong or right whatever the policies are.
    let names = Names::read(args.users.as_deref(), args.clients.as_deref())?;
    match access::check(&args.directory) {
        Ok((bundle, warnings)) => {
            let undeclared = names.undeclared(&bundle);
            Ok(Verdict::usable(&bundle, warnings, undeclared))
        }
        Err(PoliciesError::Invalid(error)) => Ok(Verdict::refused(&error)),
        Err(PoliciesError::Unreadable(problems)) => Err(problems),
    }
}

fn answer(verdict: &Verdict, form: Form) -> Result<String, Failure> {
    match form {
        Form::Human => Ok(verdict.text(Style::stdout())),
        Form::Json => render::json(&verdict.document()),
        Form::Sarif => sarif(&verdict.findings(), &pages::page),
        Form::Junit => junit("doorward check", &verdict.findings()),
        Form::Markdown => Ok(verdict.markdown()),
    }
}

fn unreadable(problems: Vec<Diagnostic>, form: Form) -> Result<Exit, Failure> {
    if form != Form::Json {
        return Err(Failure::Files(problems));
    }
    let findings = problems.into_iter().map(Finding::of_file).collect();
    render::print(&render::json(&Document::unreadable(findings))?)?;
    Ok(Exit::Unanswered)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    const STARTER: [(&str, &str); 2] = [
        (
            "access.cedar",
            include_str!("../../../../policies/access.cedar"),
        ),
        (
            "entities.toml",
            include_str!("../../../../policies/entities.toml"),
        ),
    ];

    fn args(directory: &Path) -> Args {
        Args {
            directory: directory.to_owned(),
            format: Form::Human,
            users: None,
            clients: None,
            warnings_ok: false,
            explain: None,
        }
    }

    fn starter() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in STARTER {
            fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    #[test]
    fn a_directory_that_is_not_there_is_no_answer() {
        let directory = tempfile::tempdir().unwrap();
        let failure = run(&args(&directory.path().join("absent"))).unwrap_err();
        assert_eq!(failure.exit(), Exit::Unanswered);
    }

    #[test]
    fn nothing_is_found_about_the_starter_bundle() {
        let directory = starter();
        let verdict = judge(&args(directory.path())).unwrap();
        assert_eq!(verdict.exit(false), Exit::Yes, "{:?}", verdict.findings());
    }

    #[test]
    fn a_users_file_that_cannot_be_read_is_no_answer() {
        let directory = starter();
        let absent = directory.path().join("users.toml");
        let asked = Args {
            users: Some(absent),
            ..args(directory.path())
        };
        assert_eq!(run(&asked).unwrap_err().exit(), Exit::Unanswered);
    }

    #[test]
    fn a_group_that_nobody_declared_is_a_warning() {
        let directory = starter();
        let users = directory.path().join("users.toml");
        let text = "[[user]]\nid = 'ana'\nusername = 'ana'\ngroups = ['employees', 'employes']\n\
                    password = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$\
                    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n";
        fs::write(&users, text).unwrap();
        let asked = Args {
            users: Some(users),
            ..args(directory.path())
        };
        let verdict = judge(&asked).unwrap();
        assert_eq!(verdict.exit(false), Exit::No);
        assert_eq!(verdict.exit(true), Exit::Yes);
        let findings = verdict.findings();
        let codes: Vec<Option<&str>> = findings
            .iter()
            .map(|finding| finding.diagnostic.code.as_deref())
            .collect();
        assert_eq!(codes, [Some("undeclared-group")]);
    }

    #[test]
    fn explaining_checks_nothing() {
        let asked = |id: &str| Args {
            explain: Some(id.to_owned()),
            ..args(Path::new("absent"))
        };
        assert_eq!(run(&asked("shadowed")).unwrap(), Exit::Yes);
        let failure = run(&asked("shadwed")).unwrap_err();
        assert_eq!(failure.exit(), Exit::Unanswered);
    }
}
