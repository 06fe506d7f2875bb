//! The directory of the demo: every file of a real deployment, written where it is missing. A file
//! that is there stays as it is, so that whatever the user edits outlives a restart.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::cast::PASSWORD;
use super::reach::DeviceIdentity;
use super::{certificates, geo, texts};
use crate::cli::pki::{self, PkiError};
use crate::config::Config;
use crate::directory::password::{PasswordError, hash_password};
use crate::domain::clock::Timestamp;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::entropy::Entropy;

/// The configuration, below the demo's directory.
pub(super) const CONFIG: &str = "doorward.toml";
/// The inventory.
pub(super) const DEVICES: &str = "devices.toml";
/// The entity data of the policies.
pub(super) const ENTITIES: &str = "policies/entities.toml";
/// The policies.
pub(super) const ACCESS: &str = "policies/access.cedar";
/// The certificates.
pub(super) const PKI: &str = "pki";

const USERS: &str = "users.toml";
const CLIENTS: &str = "clients.toml";
const POLICIES: &str = "policies";
const GEO: &str = "geo.mmdb";

/// The ports of the demo, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ports {
    /// The provider.
    pub(super) main: u16,
    /// The device host.
    pub(super) device: u16,
    /// The demo's applications.
    pub(super) portal: u16,
    /// Health and status.
    pub(super) operations: u16,
}

impl Ports {
    /// The ports that follow the provider's. The command line takes none that has no successors.
    #[must_use]
    pub(super) fn from_first(main: u16) -> Self {
        Self {
            main,
            device: main.saturating_add(1),
            portal: main.saturating_add(2),
            operations: main.saturating_add(3),
        }
    }

    /// The origin of the demo's applications. Plain HTTP is fine on the machine itself.
    #[must_use]
    pub(super) fn portal_url(self) -> String {
        format!("http://localhost:{}", self.portal)
    }

    /// Where answers to the demo's applications go.
    #[must_use]
    pub(super) fn redirect_uri(self) -> String {
        format!("{}/callback", self.portal_url())
    }
}

/// Why the directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum LayoutError {
    /// A file cannot be read or written.
    #[error("cannot use `{}`: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A certificate cannot be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The password cannot be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The GeoIP database cannot be made.
    #[error("cannot make the GeoIP database: {0}")]
    Geo(#[from] mmdb_writer::Error),
}

/// A directory in which every file is there.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Writes whatever is missing, and renews what would grow old.
    pub(super) fn create(
        root: &Path,
        ports: Ports,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, LayoutError> {
        let layout = Self {
            root: root.to_owned(),
        };
        layout.create_directory("")?;
        // A user may have split or renamed the policies: a file of ours among them would say
        // everything twice.
        if !layout.path(POLICIES).exists() {
            layout.create_directory(POLICIES)?;
            for (name, text) in texts::POLICIES {
                layout.add(name, text)?;
            }
        }
        layout.add(CONFIG, &texts::config(ports))?;
        layout.add(CLIENTS, &texts::clients(ports))?;
        layout.add(DEVICES, &texts::devices(now))?;
        layout.add_users(entropy)?;
        certificates::lay_out(&layout.path(PKI), now)?;
        layout.renew_geo(now)?;
        layout.renew_inventory(now)?;
        Ok(layout)
    }

    /// The directory itself.
    #[must_use]
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The path of a file below the directory.
    #[must_use]
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The configuration as it stands in the file.
    pub(super) fn config(&self) -> Result<Config, Vec<Diagnostic>> {
        Config::load(&self.path(CONFIG))
    }

    /// The certificate of the authority that the servers' certificates come from, in PEM.
    pub(super) fn server_authority(&self) -> Result<String, LayoutError> {
        let directory = self.path(PKI).join(certificates::SERVER_AUTHORITY);
        read(&directory.join(pki::CERTIFICATE))
    }

    /// The certificate and key of a machine, as a browser on it would hold them.
    pub(super) fn identity(&self, machine: &str) -> Result<DeviceIdentity, LayoutError> {
        let pki = self.path(PKI);
        Ok(DeviceIdentity {
            chain_pem: read(&pki.join(format!("{machine}.pem")))?,
            key_pem: read(&pki.join(format!("{machine}-key.pem")))?.into(),
        })
    }

    /// Sets the marked dates of the inventory, as if it had looked at every machine just now.
    pub(super) fn renew_inventory(&self, now: Timestamp) -> Result<(), LayoutError> {
        self.edit(DEVICES, |text| texts::renewed(text, now))
    }

    /// Replaces the text of a file in one step: whoever reads it finds the old text or the new one.
    pub(super) fn edit(
        &self,
        name: &str,
        change: impl FnOnce(&str) -> String,
    ) -> Result<(), LayoutError> {
        let path = self.path(name);
        let before = read(&path)?;
        let after = change(&before);
        if after == before {
            return Ok(());
        }
        replace(&path, after.as_bytes())
    }

    /// Writes a file if there is none of this name.
    fn add(&self, name: &str, text: &str) -> Result<(), LayoutError> {
        let path = self.path(name);
        if path.exists() {
            return Ok(());
        }
        Ok(pki::write_public(&path, text.as_bytes())?)
    }

    fn add_users(&self, entropy: &dyn Entropy) -> Result<(), LayoutError> {
        let path = self.path(USERS);
        if path.exists() {
            return Ok(());
        }
        let text = texts::users(|| hash_password(PASSWORD, entropy))?;
        Ok(pki::write_private(&path, text.as_bytes())?)
    }

    /// A database is believed for some weeks only. One that the user put there is left alone.
    fn renew_geo(&self, now: Timestamp) -> Result<(), LayoutError> {
        let path = self.path(GEO);
        let ours = match fs::read(&path) {
            Ok(bytes) => geo::is_ours(&bytes),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if ours {
            replace(&path, &geo::database(now)?)?;
        }
        Ok(())
    }

    fn create_directory(&self, name: &str) -> Result<(), LayoutError> {
        let path = self.path(name);
        fs::create_dir_all(&path).map_err(|source| LayoutError::File { path, source })
    }
}

fn read(path: &Path) -> Result<String, LayoutError> {
    fs::read_to_string(path).map_err(|source| LayoutError::File {
        path: path.to_owned(),
        source,
    })
}

/// Writes beside the file and renames. The name begins with a dot, so that no reload takes it for a
/// file of the user.
fn replace(path: &Path, contents: &[u8]) -> Result<(), LayoutError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = path.with_file_name(format!(".{name}.new"));
    fs::write(&fresh, contents)
        .and_then(|()| fs::rename(&fresh, path))
        .map_err(|source| LayoutError::File {
            path: path.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::access;
    use crate::domain::entropy::SeededEntropy;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn laid_out(root: &Path, now: Timestamp) -> Layout {
        Layout::create(root, Ports::from_first(8443), now, &SeededEntropy::new(1)).unwrap()
    }

    #[test]
    fn everything_that_the_configuration_names_is_there() {
        let root = tempfile::tempdir().unwrap();
        let layout = laid_out(&root.path().join("demo"), now());
        let config = layout.config().unwrap();
        let device = config.device.unwrap();
        let files = [
            config.listen.certificate,
            config.listen.key,
            Some(device.certificate),
            Some(device.key),
            Some(device.inventory),
            Some(config.directory.users),
            Some(config.directory.clients),
        ];
        for file in files.into_iter().flatten().chain(device.authorities) {
            assert!(file.exists(), "{}", file.display());
        }
        assert!(access::check(&config.policies.directory).is_ok());
        assert!(layout.identity("mbp-ana").is_ok());
    }

    #[test]
    fn a_file_that_the_user_edited_is_never_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let layout = laid_out(root.path(), now());
        let edited = [
            CONFIG,
            USERS,
            CLIENTS,
            ENTITIES,
            ACCESS,
            GEO,
            "pki/localhost.pem",
        ];
        for name in edited {
            fs::write(layout.path(name), "mine").unwrap();
        }

        let again = laid_out(root.path(), now() + TimeDelta::days(1));

        for name in edited {
            let text = fs::read_to_string(again.path(name)).unwrap();
            assert_eq!(text, "mine", "{name}");
        }
    }

    #[test]
    fn policies_under_other_names_are_not_joined_by_ours() {
        let root = tempfile::tempdir().unwrap();
        let layout = laid_out(root.path(), now());
        fs::rename(layout.path(ACCESS), layout.path("policies/mine.cedar")).unwrap();

        let again = laid_out(root.path(), now());

        assert!(!again.path(ACCESS).exists());
    }

    #[test]
    fn the_inventory_is_renewed_at_each_start_and_keeps_what_the_user_wrote() {
        let root = tempfile::tempdir().unwrap();
        let layout = laid_out(root.path(), now());
        layout
            .edit(DEVICES, |text| text.replace("NUC-LAB", "Lab machine"))
            .unwrap();

        let later = now() + TimeDelta::days(8);
        let again = laid_out(root.path(), later);

        let expected = texts::devices(later).replace("NUC-LAB", "Lab machine");
        assert_eq!(read(&again.path(DEVICES)).unwrap(), expected);
    }

    #[test]
    fn an_edit_leaves_nothing_else_behind() {
        let root = tempfile::tempdir().unwrap();
        let layout = laid_out(root.path(), now());
        let count = || fs::read_dir(layout.path(POLICIES)).unwrap().count();
        let before = count();
        layout
            .edit(ENTITIES, |text| text.replace("\"SG\"", "\"SG\", \"JP\""))
            .unwrap();
        assert!(read(&layout.path(ENTITIES)).unwrap().contains("\"JP\""));
        assert_eq!(count(), before);
    }
}
