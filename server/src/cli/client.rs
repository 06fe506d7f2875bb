//! `doorward client`: what an operator needs to enter a client into the clients file.
//! Who may be a client is left to that file.

mod key;

use serde::Serialize;

use super::render::print;
use super::{Exit, Failure};
use crate::directory::client_secret;
use crate::domain::entropy::{Entropy, SystemEntropy};

const EXAMPLES: &str = "\
Examples:
  doorward client secret --id wiki --redirect-uri https://wiki.example.com/callback

The secret is shown once. The clients file keeps only its hash.";

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Makes a secret for a confidential client
    Secret(Secret),
    /// Prints the entry of a client that signs, from its public key
    Key(key::Key),
}

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Secret {
    /// The `client_id`
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// Where answers may be sent, compared exactly; may be given several times
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    let text = match command {
        Command::Secret(secret) => text(secret, &SystemEntropy)?,
        Command::Key(key) => key::text(key)?,
    };
    print(&text)?;
    Ok(Exit::Yes)
}

/// The clients file, with one client in it.
#[derive(Debug, Serialize)]
struct File<'a> {
    client: Vec<Entry<'a>>,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: &'a str,
    redirect_uris: &'a [String],
    secret: String,
}

/// What the server refuses until somebody has filled it in.
const BLANK: &str = "…";

fn text(args: &Secret, entropy: &dyn Entropy) -> Result<String, Failure> {
    let (secret, stored) = client_secret::generate(entropy);
    let file = File {
        client: vec![Entry {
            id: args.id.as_deref().unwrap_or(BLANK),
            redirect_uris: &args.redirect_uris,
            secret: stored,
        }],
    };
    let entry = toml::to_string(&file).map_err(|error| Failure::of(&error))?;
    let secret = secret.expose();
    Ok(format!(
        "The secret for the client, shown only now:\n\n{secret}\n\nThe entry for the clients file:\n\n{entry}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::clients::{ClientAuthentication, Clients};
    use crate::domain::entropy::SeededEntropy;
    use crate::domain::secret;

    fn wiki() -> Secret {
        Secret {
            id: Some("wiki".to_owned()),
            redirect_uris: vec!["https://wiki.example.com/callback".to_owned()],
        }
    }

    fn shown(args: &Secret) -> (String, String) {
        let text = text(args, &SeededEntropy::new(1)).unwrap();
        let secret = text.lines().nth(2).unwrap().to_owned();
        let entry = text.split_once("[[client]]").unwrap().1;
        (secret, format!("[[client]]{entry}"))
    }

    #[test]
    fn the_entry_recognises_the_secret() {
        let (secret, entry) = shown(&wiki());
        let clients = Clients::parse(&entry, "clients.toml").unwrap().value;
        let client = clients.by_id("wiki").unwrap();
        match &client.authentication {
            ClientAuthentication::Secret(hash) => {
                assert!(hash.matches(&secret::Secret::from_untrusted(secret)));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_entry_does_not_hold_the_secret() {
        let (secret, entry) = shown(&wiki());
        assert_eq!(secret.len(), 43);
        assert!(!entry.contains(&secret));
    }

    #[test]
    fn an_entry_with_blanks_is_refused_until_they_are_filled_in() {
        let blank = Secret {
            id: None,
            redirect_uris: Vec::new(),
        };
        let (_, entry) = shown(&blank);
        assert!(Clients::parse(&entry, "clients.toml").is_err(), "{entry}");
    }
}
