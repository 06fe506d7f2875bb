//! `doorward device`: certificates for devices from a development authority, to try out and to test.
//! How certificates are made is left to `pki`; companies have an authority of their own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::BASE32_NOPAD;
use serde::Serialize;
use zeroize::Zeroizing;

use super::pki::{
    CERTIFICATE, DevelopmentCa, KEY, Pkcs12Encryption, PkiError, write_private, write_public,
};
use super::render::{count, print};
use super::{Exit, Failure};
use crate::domain::clock::{Clock as _, SystemClock, Timestamp};
use crate::domain::entropy::{Entropy, SystemEntropy};

const INIT_EXAMPLES: &str = "\
Examples:
  doorward device init devca";

const ISSUE_EXAMPLES: &str = "\
Examples:
  doorward device issue --ca devca --id mbp-ana --name 'MBP Ana'
  doorward device issue --ca devca --id lab-7 --days 1 --out /tmp/lab

Import the .p12 file into the key store of the browser or the system. The .pem files are
for programs: curl --cert mbp-ana.pem --key mbp-ana-key.pem …";

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Makes a development authority
    Init(Init),
    /// Issues a certificate to a device and prints its entry for the inventory
    Issue(Issue),
}

#[derive(Debug, clap::Args)]
#[command(after_help = INIT_EXAMPLES)]
pub(super) struct Init {
    /// Where the authority is kept; an authority that is there already stays
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = ISSUE_EXAMPLES)]
pub(super) struct Issue {
    /// The directory of the authority
    #[arg(long, value_name = "DIR")]
    ca: PathBuf,

    /// The identifier of the device: letters, digits, `.`, `_` and `-`
    #[arg(long, value_name = "ID")]
    id: String,

    /// The name that people know the device by; the identifier, where it is left out
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// For how many days the certificate is valid
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(1..=3650)
    )]
    days: u32,

    /// Where the files go
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,

    /// Encrypt the .p12 file so weakly that key chains of some years ago can read it
    #[arg(long)]
    danger_triple_des: bool,
}

pub(super) fn run(command: &Command) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    let text = match command {
        Command::Init(args) => init(args, now)?,
        Command::Issue(args) => issue(args, now, &SystemEntropy)?,
    };
    print(&text)?;
    Ok(Exit::Yes)
}

fn init(args: &Init, now: Timestamp) -> Result<String, Failure> {
    let directory = &args.directory;
    DevelopmentCa::create(directory, now).map_err(|error| failure(&error))?;
    Ok(format!(
        "Made a development authority:\n\
         \x20 {certificate}  name it under `authorities` of `[device]` in doorward.toml\n\
         \x20 {key}  whoever has this key can pass for any device\n\n\
         Next: doorward device issue --ca {ca} --id mbp-ana --name 'MBP Ana'\n",
        certificate = directory.join(CERTIFICATE).display(),
        key = directory.join(KEY).display(),
        ca = directory.display(),
    ))
}

fn issue(args: &Issue, now: Timestamp, entropy: &dyn Entropy) -> Result<String, Failure> {
    let ca = DevelopmentCa::open(&args.ca).map_err(|error| failure(&error))?;
    let name = args.name.as_deref().unwrap_or(&args.id);
    let issued = ca
        .issue_device(&args.id, name, args.days, now)
        .map_err(|error| failure(&error))?;
    let password = password(entropy);
    let encryption = if args.danger_triple_des {
        Pkcs12Encryption::DangerTripleDes
    } else {
        Pkcs12Encryption::Aes256
    };
    let key_store = issued
        .pkcs12(&password, encryption)
        .map_err(|error| failure(&error))?;

    let file = |ending: &str| args.out.join(format!("{}{ending}", args.id));
    let (chain, key, store) = (file(".pem"), file("-key.pem"), file(".p12"));
    fs::create_dir_all(&args.out).map_err(|error| Failure::file(&args.out, &error))?;
    absent(&[&chain, &key, &store])?;
    write_private(&key, issued.key_pem.as_bytes())
        .and_then(|()| write_private(&store, &key_store))
        .and_then(|()| write_public(&chain, issued.chain_pem.as_bytes()))
        .map_err(|error| failure(&error))?;

    let mut text = format!(
        "Issued a certificate to `{}`, valid for {}, serial {}:\n",
        args.id,
        count(usize::try_from(args.days).unwrap_or(usize::MAX), "day"),
        issued.serial,
    );
    for (path, what) in [
        (&chain, "the certificate and that of its authority"),
        (&key, "the private key"),
        (&store, "both, for a key store"),
    ] {
        // INVARIANT: writing into a string cannot fail.
        let _ = writeln!(text, "  {}  {what}", path.display());
    }
    let _ = write!(
        text,
        "\nThe password of the key store file, shown only now:\n\n{}\n\n\
         The entry for the inventory:\n\n{}",
        *password,
        entry(&args.id, name, now)?,
    );
    Ok(text)
}

/// Sixteen letters and digits, 80 random bits: short enough to type into a dialogue.
fn password(entropy: &dyn Entropy) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0_u8; 10]);
    entropy.fill(bytes.as_mut_slice());
    Zeroizing::new(BASE32_NOPAD.encode(bytes.as_slice()).to_ascii_lowercase())
}

/// All files have to be absent before the first is written, so that none is left alone.
fn absent(files: &[&Path]) -> Result<(), Failure> {
    match files.iter().find(|file| file.exists()) {
        None => Ok(()),
        Some(file) => {
            let path = file.display().to_string();
            Err(failure(&PkiError::Exists { path }))
        }
    }
}

fn failure(error: &PkiError) -> Failure {
    let failure = Failure::of(error);
    match error {
        PkiError::Exists { .. } => failure.with_help("choose another place, or move it away first"),
        PkiError::File { .. } | PkiError::Broken { .. } => {
            failure.with_help("`doorward device init` makes an authority in a directory of its own")
        }
        _ => failure,
    }
}

/// The inventory, with one device in it.
#[derive(Debug, Serialize)]
struct File<'a> {
    device: Vec<Entry<'a>>,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: &'a str,
    name: &'a str,
    identities: Vec<String>,
}

/// The entry, with what only the operator can vouch for left out.
fn entry(id: &str, name: &str, now: Timestamp) -> Result<String, Failure> {
    let file = File {
        device: vec![Entry {
            id,
            name,
            identities: vec![format!("urn:doorward:device:{id}")],
        }],
    };
    let entry = toml::to_string(&file).map_err(|error| Failure::of(&error))?;
    Ok(format!(
        "{entry}\
         # What is left out is unknown, and unknown never counts as a yes. Where it is true, say:\n\
         # managed = true\n\
         # disk_encryption = \"on\"\n\
         # compliant = true\n\
         # assigned_to = [\"the id of a user\"]\n\
         # observed_at = {}\n",
        now.format("%Y-%m-%dT%H:%M:%SZ"),
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;
    use crate::directory::devices::Inventory;
    use crate::domain::entropy::SeededEntropy;

    fn now() -> Timestamp {
        "2026-11-24T09:00:00Z".parse().unwrap()
    }

    fn authority() -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        let args = Init {
            directory: directory.path().join("ca"),
        };
        init(&args, now()).unwrap();
        directory
    }

    fn to(directory: &TempDir, id: &str) -> Issue {
        Issue {
            ca: directory.path().join("ca"),
            id: id.to_owned(),
            name: Some("MBP Ana".to_owned()),
            days: 30,
            out: directory.path().join("out"),
            danger_triple_des: false,
        }
    }

    fn issued(args: &Issue) -> Result<String, Failure> {
        issue(args, now(), &SeededEntropy::new(1))
    }

    #[test]
    fn the_files_are_written_and_keys_are_for_their_owner() {
        let directory = authority();
        issued(&to(&directory, "mbp-ana")).unwrap();
        let mode = |name: &str| {
            let file = directory.path().join("out").join(name);
            fs::metadata(file).unwrap().permissions().mode() & 0o777
        };
        assert_eq!(mode("mbp-ana-key.pem"), 0o600);
        assert_eq!(mode("mbp-ana.p12"), 0o600);
        assert_eq!(mode("mbp-ana.pem"), 0o644);
    }

    #[test]
    fn the_inventory_knows_the_device_by_the_entry() {
        let directory = authority();
        let text = issued(&to(&directory, "mbp-ana")).unwrap();
        let entry = text.split_once("[[device]]").unwrap().1;
        let inventory = Inventory::parse(&format!("[[device]]{entry}"), "devices.toml").unwrap();
        let matched = inventory.value.matching("urn:doorward:device:mbp-ana");
        let record = matched.record().unwrap();
        assert_eq!(record.name, "MBP Ana");
        assert_eq!(record.managed, None);
    }

    #[test]
    fn the_comments_of_an_entry_hold_once_they_are_uncommented() {
        let entry = entry("mbp-ana", "MBP Ana", now()).unwrap();
        let said = entry.replace("# What", "## What").replace("\n# ", "\n");
        let inventory = Inventory::parse(&said, "devices.toml").unwrap().value;
        let record = inventory.all().next().unwrap();
        assert_eq!(record.managed, Some(true));
        assert_eq!(record.observed_at, Some(now()));
    }

    #[test]
    fn nothing_is_written_where_a_file_is_in_the_way() {
        let directory = authority();
        let args = to(&directory, "mbp-ana");
        fs::create_dir_all(&args.out).unwrap();
        fs::write(args.out.join("mbp-ana.p12"), "mine").unwrap();
        let failure = issued(&args).unwrap_err();
        assert!(failure.to_string().ends_with("mbp-ana.p12` exists already"));
        assert_eq!(fs::read_dir(&args.out).unwrap().count(), 1);
    }

    #[test]
    fn an_authority_is_not_made_over_another() {
        let directory = authority();
        let args = Init {
            directory: directory.path().join("ca"),
        };
        assert!(init(&args, now()).is_err());
    }

    #[test]
    fn without_an_authority_nothing_is_issued_and_help_is_given() {
        let directory = tempfile::tempdir().unwrap();
        match issued(&to(&directory, "mbp-ana")).unwrap_err() {
            Failure::Other { help, .. } => assert!(help.unwrap().contains("device init")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_password_is_shown_once_and_has_sixteen_symbols() {
        let directory = authority();
        let text = issued(&to(&directory, "mbp-ana")).unwrap();
        let expected = password(&SeededEntropy::new(1));
        assert_eq!(expected.len(), 16);
        assert_eq!(text.matches(expected.as_str()).count(), 1);
    }
}
