//! The key of pairwise subjects, read once, from the file that the configuration names. What is made with it is left to
//! `oidc`.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::config::Config;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::entropy::Entropy;
use crate::oidc::PairwiseKey;

/// The key. Where none is configured, the clients file has nobody who is told pairwise subjects, and any key will do.
pub(super) fn key(config: &Config, entropy: &dyn Entropy) -> Result<PairwiseKey, Vec<Diagnostic>> {
    match &config.tokens.pairwise_key {
        None => Ok(PairwiseKey::passing(entropy)),
        Some(file) => read(file).map_err(|wrong| vec![*wrong]),
    }
}

fn read(file: &Path) -> Result<PairwiseKey, Box<Diagnostic>> {
    let name = file.display().to_string();
    let wrong = |message: String| {
        let help = "make one with `openssl rand -base64 32`, once, and keep it for good";
        Box::new(Diagnostic::error(name.as_str(), message).with_help(help))
    };
    let text = fs::read_to_string(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => wrong("does not exist".to_owned()),
        _ => wrong(format!("cannot be read: {error}")),
    })?;
    // What stands in the file is shown to nobody.
    let key = PairwiseKey::parse(&text)
        .ok_or_else(|| wrong("is not a key: it has to be the base64 of 32 bytes".to_owned()))?;
    if is_open(file) {
        tracing::warn!(
            file = name.as_str(),
            "everybody on this machine can read the key of pairwise subjects: take that away with `chmod o= FILE`"
        );
    }
    Ok(key)
}

/// Whether any user of the machine can read or write the file.
fn is_open(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|file| file.permissions().mode() & 0o007 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;
    use crate::domain::entropy::SeededEntropy;

    const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

    fn configured(section: &str) -> Config {
        let text = format!("issuer = 'https://id.example.com'\n{section}");
        Config::parse(&text, "doorward.toml", Path::new("")).unwrap()
    }

    /// What is said about a file with this text.
    fn said(text: &str) -> Option<Diagnostic> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pairwise.key");
        fs::write(&file, text).unwrap();
        read(&file).err().map(|wrong| *wrong)
    }

    #[test]
    fn a_key_in_a_file_is_taken() {
        assert_eq!(said(KEY), None);
        assert_eq!(said(&format!("{KEY}\n")), None);
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        for text in ["", "hunter2", &KEY[1..], &"ab".repeat(32)] {
            let found = said(text).unwrap();
            assert_eq!(
                found.message,
                "is not a key: it has to be the base64 of 32 bytes"
            );
            assert!(text.is_empty() || !format!("{found:?}").contains(text));
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let found = read(Path::new("/nowhere/pairwise.key")).unwrap_err();
        assert_eq!(found.message, "does not exist");
        assert_eq!(found.file, "/nowhere/pairwise.key");
    }

    #[test]
    fn without_a_file_there_is_a_key_that_nobody_keeps() {
        let key = key(&configured(""), &SeededEntropy::new(1));
        assert!(key.is_ok());
    }

    #[test]
    fn a_file_that_everybody_can_read_is_open() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, open) in [(0o600, false), (0o640, false), (0o644, true)] {
            fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_open(file.path()), open, "{mode:o}");
        }
    }
}
