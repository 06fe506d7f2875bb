//! Who may read key material, and whether the key of pairwise subjects is one. Whether a key belongs to its
//! certificate is told where certificates are read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{KEYS, Patient};
use crate::cli::doctor::check::Check;
use crate::cli::render::count;
use crate::domain::diagnostic::Diagnostic;
use crate::oidc::PairwiseKey;

/// The database, which holds the signing keys, and what SQLite keeps beside it.
const DATABASE: [&str; 2] = ["doorward.db", "doorward.db-wal"];

impl Patient<'_> {
    pub(super) fn keys(&self) -> Check {
        let config = self.config;
        let keys = [
            config.listen.key.as_ref(),
            config.device.as_ref().map(|host| &host.key),
            config.client_tls.as_ref().map(|host| &host.key),
            config.tokens.pairwise_key.as_ref(),
        ];
        let database = DATABASE.iter().map(|name| config.state.join(name));
        let keys = keys.into_iter().flatten().cloned();
        let files: Vec<PathBuf> = keys.chain(database).collect();
        let mut said: Vec<Diagnostic> = files.iter().filter_map(|file| exposed(file)).collect();
        said.extend(config.tokens.pairwise_key.as_deref().and_then(unusable));
        let looked_at = files.iter().filter(|file| file.exists()).count();
        let good = format!(
            "{} with keys, none open to everybody",
            count(looked_at, "file")
        );
        Check::of(KEYS, &said, good)
    }
}

/// What is wrong with the permissions of a file. One that is not there is missed by whoever needs it.
fn exposed(file: &Path) -> Option<Diagnostic> {
    let mode = fs::metadata(file).ok()?.permissions().mode();
    let name = file.display().to_string();
    if mode & 0o007 != 0 {
        let message = "every user of this machine can use the keys in it";
        return Some(
            Diagnostic::error(name.as_str(), message).with_help(format!("chmod o= {name}")),
        );
    }
    if mode & 0o020 != 0 {
        let message = "every member of its group can replace the keys in it";
        return Some(
            Diagnostic::warning(name.as_str(), message).with_help(format!("chmod g-w {name}")),
        );
    }
    None
}

/// Why the key of pairwise subjects cannot be used. What stands in the file is shown to nobody.
fn unusable(file: &Path) -> Option<Diagnostic> {
    let name = file.display().to_string();
    let message = match fs::read_to_string(file) {
        Ok(text) if PairwiseKey::parse(&text).is_some() => return None,
        Ok(_) => "is not a key: it has to be the base64 of 32 bytes".to_owned(),
        Err(error) => format!("cannot be read: {error}"),
    };
    let help = "make one with `openssl rand -base64 32`, once, and keep it for good";
    Some(Diagnostic::error(name, message).with_help(help))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;
    use crate::domain::diagnostic::Severity;

    #[test]
    fn what_everybody_can_read_is_bad_and_what_the_group_can_write_is_doubtful() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, severity) in [
            (0o600, None),
            (0o640, None),
            (0o660, Some(Severity::Warning)),
            (0o644, Some(Severity::Error)),
        ] {
            fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
            let found = exposed(file.path()).map(|it| it.severity);
            assert_eq!(found, severity, "{mode:o}");
        }
        assert_eq!(exposed(Path::new("/nowhere/key.pem")), None);
    }

    #[test]
    fn what_is_no_key_of_pairwise_subjects_is_not_repeated() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "hunter2").unwrap();
        let found = unusable(file.path()).unwrap();
        assert!(!format!("{found:?}").contains("hunter2"));
        fs::write(
            file.path(),
            "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
        )
        .unwrap();
        assert_eq!(unusable(file.path()), None);
    }
}
