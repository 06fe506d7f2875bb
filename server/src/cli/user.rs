//! `doorward user`: what an operator needs to enter a user into the users file.
//! How passwords are hashed is left to `directory`.

use std::io::{self, BufRead, IsTerminal as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use serde::Serialize;
use zeroize::Zeroizing;

use super::render::{print, print_error};
use super::{Exit, Failure};
use crate::directory::password::hash_password;
use crate::domain::entropy::{Entropy, SystemEntropy};

const EXAMPLES: &str = "\
Examples:
  doorward user hash --username ana            asks for the password, twice
  doorward user hash --username ana >> users.toml
  pass show ana | doorward user hash --stdin   reads the first line

The users file keeps the Argon2id hash; the password itself is stored nowhere.";

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Hashes a password and prints an entry for the users file
    Hash(Hash),
}

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Hash {
    /// The name to sign in with
    #[arg(long, value_name = "NAME")]
    username: Option<String>,

    /// The permanent identifier, never given to anybody else; the username, where it is left out
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// Read one line of standard input instead of asking
    #[arg(long)]
    stdin: bool,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    let Command::Hash(hash) = command;
    let password = if hash.stdin || !io::stdin().is_terminal() {
        line(&mut io::stdin().lock())?
    } else {
        asked()?
    };
    print(&entry(hash, &password, &SystemEntropy)?)?;
    Ok(Exit::Yes)
}

/// The users file, with one user in it.
#[derive(Debug, Serialize)]
struct File<'a> {
    user: Vec<Entry<'a>>,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: &'a str,
    username: &'a str,
    password: String,
}

/// What the server refuses until somebody has filled it in.
const BLANK: &str = "…";

fn entry(args: &Hash, password: &str, entropy: &dyn Entropy) -> Result<String, Failure> {
    if password.is_empty() {
        return Err(Failure::new("the password is empty").with_help("type at least one character"));
    }
    let username = args.username.as_deref();
    let file = File {
        user: vec![Entry {
            id: args.id.as_deref().or(username).unwrap_or(BLANK),
            username: username.unwrap_or(BLANK),
            password: hash_password(password, entropy).map_err(|error| Failure::of(&error))?,
        }],
    };
    toml::to_string(&file).map_err(|error| Failure::of(&error))
}

/// The password as somebody types it, twice the same.
fn asked() -> Result<Zeroizing<String>, Failure> {
    let hidden = Hidden::new().map_err(|error| terminal(&error))?;
    let mut input = io::stdin().lock();
    print_error("Password: ");
    let first = line(&mut input)?;
    print_error("Once more: ");
    let second = line(&mut input)?;
    drop(hidden);
    if first == second {
        Ok(first)
    } else {
        Err(Failure::new("the two passwords differ").with_help("run the command again"))
    }
}

/// One line, without what ends it.
fn line(input: &mut impl BufRead) -> Result<Zeroizing<String>, Failure> {
    // Room for any password, so that growing leaves no copy of its beginning behind.
    let mut line = Zeroizing::new(String::with_capacity(1024));
    input.read_line(&mut line).map_err(|error| {
        Failure::new(format!("the password cannot be read: {error}"))
            .with_help("give it as one line of text in UTF-8")
    })?;
    let text = line.strip_suffix('\n').unwrap_or(&line);
    let length = text.strip_suffix('\r').unwrap_or(text).len();
    line.truncate(length);
    Ok(line)
}

fn terminal(error: &io::Error) -> Failure {
    Failure::new(format!("the terminal cannot hide what is typed: {error}"))
        .with_help("use `--stdin` and give the password on standard input")
}

/// A terminal that does not show what is typed, until this is dropped.
#[derive(Debug)]
struct Hidden {
    before: Termios,
}

impl Hidden {
    fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ECHO);
        // The line break is shown, or the next line would begin behind the prompt.
        modes.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Now, &modes)?;
        Ok(Self { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Nothing is left to try where this fails, and shells repair their terminal themselves.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::password::verify;
    use crate::directory::users::Users;
    use crate::domain::entropy::SeededEntropy;

    fn args(username: Option<&str>, id: Option<&str>) -> Hash {
        Hash {
            username: username.map(ToOwned::to_owned),
            id: id.map(ToOwned::to_owned),
            stdin: true,
        }
    }

    fn shown(args: &Hash) -> String {
        entry(args, "correct horse", &SeededEntropy::new(1)).unwrap()
    }

    fn read(text: &str) -> String {
        line(&mut text.as_bytes()).unwrap().to_string()
    }

    #[test]
    fn the_entry_recognises_the_password() {
        let entry = shown(&args(Some("ana"), Some("u-1")));
        let users = Users::parse(&entry, "users.toml").unwrap().value;
        let ana = users.by_username("ana").unwrap();
        assert_eq!(ana.id.as_str(), "u-1");
        assert!(verify(&ana.password, "correct horse"));
    }

    #[test]
    fn without_an_id_the_username_is_the_id() {
        let entry = shown(&args(Some("ana"), None));
        assert!(
            entry.starts_with("[[user]]\nid = \"ana\"\nusername = \"ana\"\n"),
            "{entry}"
        );
    }

    #[test]
    fn an_entry_with_blanks_is_refused_until_they_are_filled_in() {
        let entry = shown(&args(None, None));
        assert!(Users::parse(&entry, "users.toml").is_err(), "{entry}");
    }

    #[test]
    fn a_username_cannot_break_out_of_its_quotes() {
        let entry = shown(&args(Some("a\"\ndisabled = true"), Some("u-1")));
        let table: toml::Table = entry.parse().unwrap();
        let user = &table["user"][0];
        assert_eq!(user["username"].as_str(), Some("a\"\ndisabled = true"));
        assert!(user.get("disabled").is_none());
    }

    #[test]
    fn an_empty_password_is_refused() {
        let failure = entry(&args(None, None), "", &SeededEntropy::new(1)).unwrap_err();
        assert_eq!(failure.to_string(), "the password is empty");
    }

    #[test]
    fn a_line_is_read_without_its_end_and_with_its_blanks() {
        assert_eq!(read(" correct horse \nnext"), " correct horse ");
        assert_eq!(read("correct horse\r\n"), "correct horse");
        assert_eq!(read("correct horse"), "correct horse");
        assert_eq!(read(""), "");
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert!(line(&mut [0xff, b'\n'].as_slice()).is_err());
    }
}
