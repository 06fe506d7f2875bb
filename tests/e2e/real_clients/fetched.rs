//! The libraries that the clients stand on. They come from the registries of their languages, at the versions that the
//! lists beside the programs say: either from the directory that `DOORWARD_TEST_CLIENTS` names, as `.ci/run` fills it,
//! or into the target directory, once.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;
use tokio::sync::OnceCell;

/// Names a directory with one directory for each client.
const VARIABLE: &str = "DOORWARD_TEST_CLIENTS";

/// A client whose libraries are fetched, under the name of its directory in `tests/clients/`.
#[derive(Debug)]
struct Fetched {
    name: &'static str,
    /// The files that say what is fetched.
    lists: &'static [&'static str],
    /// What fetches it into the working directory, in which the lists are.
    command: &'static [&'static str],
    /// The Debian package of that program.
    package: &'static str,
}

static OPENID_CLIENT: Fetched = Fetched {
    name: "openid_client",
    lists: &["package.json", "package-lock.json"],
    command: &["npm", "ci", "--ignore-scripts", "--silent"],
    package: "npm",
};

static AUTHLIB: Fetched = Fetched {
    name: "authlib",
    lists: &["requirements.txt"],
    command: &[
        "python3",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--target",
        ".",
        "--requirement",
        "requirements.txt",
    ],
    package: "python3-pip",
};

/// The directory whose `node_modules` has openid-client.
pub(super) async fn openid_client() -> &'static Path {
    static DIRECTORY: OnceCell<PathBuf> = OnceCell::const_new();
    DIRECTORY.get_or_init(|| OPENID_CLIENT.directory()).await
}

/// The directory that has Authlib.
pub(super) async fn authlib() -> &'static Path {
    static DIRECTORY: OnceCell<PathBuf> = OnceCell::const_new();
    DIRECTORY.get_or_init(|| AUTHLIB.directory()).await
}

/// The directory of a client in the repository.
pub(super) fn sources(name: &str) -> PathBuf {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    clients.join(name)
}

impl Fetched {
    /// The directory with the libraries.
    async fn directory(&self) -> PathBuf {
        let Some(named) = env::var_os(VARIABLE) else {
            return self.fetched().await;
        };
        let directory = fs::canonicalize(named)
            .expect("a directory")
            .join(self.name);
        assert!(
            self.is_current(&directory),
            "{} is not what tests/clients/{} lists; remove {VARIABLE} to have it fetched",
            directory.display(),
            self.name
        );
        directory
    }

    /// The directory in which the libraries are kept once they are fetched.
    async fn fetched(&self) -> PathBuf {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.name);
        if self.is_current(&kept) {
            return kept;
        }
        let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let whole = scratch.path().join(self.name);
        fs::create_dir(&whole).expect("a directory");
        for list in self.lists {
            fs::copy(sources(self.name).join(list), whole.join(list)).expect("copied");
        }
        self.run_in(&whole).await;
        // In one step, so that what is kept is whole. Of two who come at once, the second finds it there.
        let _ = fs::remove_dir_all(&kept);
        let renamed = fs::rename(&whole, &kept);
        assert!(self.is_current(&kept), "{renamed:?}");
        kept
    }

    /// Whether the directory was filled by the very lists of the repository.
    fn is_current(&self, directory: &Path) -> bool {
        self.lists.iter().all(|list| {
            let wanted = fs::read(sources(self.name).join(list)).expect("a list");
            fs::read(directory.join(list)).is_ok_and(|found| found == wanted)
        })
    }

    async fn run_in(&self, directory: &Path) {
        let advice = format!(
            "install {}, or name a directory with the libraries in {VARIABLE}",
            self.package
        );
        let (program, arguments) = self.command.split_first().expect("a program");
        let output = Command::new(program)
            .args(arguments)
            .current_dir(directory)
            .output()
            .await
            .unwrap_or_else(|error| panic!("`{program}`: {error}; {advice}"));
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "`{program}`: {complaint}; {advice}"
        );
    }
}
