//! Ways in which the files of a directory change under the hands of editors, operators and tools.
//! Whether such a change is noticed, and what comes of it, is left to the tests.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file of the directory: its name and its text.
pub(crate) type File = (&'static str, String);

/// How the files of a directory are changed, all of them to other texts under the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Written in place: whoever reads them meanwhile may see a part.
    Overwritten,
    /// Written beside the old ones and renamed over them, as careful editors do.
    RenamedOver,
    /// Written anew after the old ones were moved aside, as editors that keep backups do.
    MovedAside,
    /// Deleted, and made again later.
    FilesRemade,
    /// Deleted with their directory, and made again later with a new one.
    DirectoryRemade,
    /// Brought by another directory that takes the place of the old one.
    DirectoryExchanged,
    /// Mounted by the kubelet as a `ConfigMap` or a `Secret`: links to `..data`, which is a link to the
    /// version in force, and is swapped.
    ConfigMap,
    /// Fetched and checked out by git.
    Checkout,
}

/// The link that the kubelet swaps.
const DATA: &str = "..data";

impl Way {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::Overwritten,
        Self::RenamedOver,
        Self::MovedAside,
        Self::FilesRemade,
        Self::DirectoryRemade,
        Self::DirectoryExchanged,
        Self::ConfigMap,
        Self::Checkout,
    ];

    /// Makes the directory with the first files in it, ready to be changed in this way.
    pub(crate) fn lay_out(self, directory: &Path, files: &[File]) {
        match self {
            Self::ConfigMap => {
                write(&directory.join("..1"), files);
                symlink("..1", directory.join(DATA)).expect("a link");
                for (name, _) in files {
                    let target = Path::new(DATA).join(name);
                    symlink(target, directory.join(name)).expect("a link");
                }
            }
            Self::Checkout => {
                let upstream = beside(directory, "upstream");
                write(&upstream, files);
                git(&upstream, &["init", "--quiet", "--initial-branch=main"]);
                commit(&upstream, "The first version");
                let from = upstream.display().to_string();
                let to = directory.display().to_string();
                git(&upstream, &["clone", "--quiet", &from, &to]);
            }
            _ => write(directory, files),
        }
    }

    /// Deletes what is there, where that belongs to this way. Says whether it does.
    pub(crate) fn delete(self, directory: &Path) -> bool {
        match self {
            Self::FilesRemade => {
                for entry in fs::read_dir(directory).expect("a directory") {
                    fs::remove_file(entry.expect("an entry").path()).expect("removed");
                }
                true
            }
            Self::DirectoryRemade => {
                fs::remove_dir_all(directory).expect("removed");
                true
            }
            _ => false,
        }
    }

    /// Changes the files, after [`Self::delete`].
    pub(crate) fn change(self, directory: &Path, files: &[File]) {
        match self {
            Self::Overwritten | Self::FilesRemade | Self::DirectoryRemade => {
                write(directory, files);
            }
            Self::RenamedOver => {
                for (name, text) in files {
                    let fresh = directory.join(format!(".{name}.new"));
                    fs::write(&fresh, text).expect("written");
                    fs::rename(&fresh, directory.join(name)).expect("renamed");
                }
            }
            Self::MovedAside => {
                for (name, text) in files {
                    let (file, backup) = (directory.join(name), directory.join(format!("{name}~")));
                    fs::rename(&file, &backup).expect("renamed");
                    fs::write(&file, text).expect("written");
                    fs::remove_file(&backup).expect("removed");
                }
            }
            Self::DirectoryExchanged => {
                let (fresh, old) = (beside(directory, "new"), beside(directory, "old"));
                write(&fresh, files);
                fs::rename(directory, &old).expect("renamed");
                fs::rename(&fresh, directory).expect("renamed");
                fs::remove_dir_all(&old).expect("removed");
            }
            Self::ConfigMap => swap(directory, files),
            Self::Checkout => {
                let upstream = beside(directory, "upstream");
                write(&upstream, files);
                commit(&upstream, "Another version");
                git(directory, &["fetch", "--quiet", "origin"]);
                git(
                    directory,
                    &["checkout", "--quiet", "--detach", "origin/main"],
                );
            }
        }
    }
}

/// Writes files in place into a directory, which is made if it is not there.
fn write(directory: &Path, files: &[File]) {
    fs::create_dir_all(directory).expect("a directory");
    for (name, text) in files {
        fs::write(directory.join(name), text).expect("written");
    }
}

/// A directory beside this one.
fn beside(directory: &Path, what: &str) -> PathBuf {
    directory.with_extension(what)
}

/// Puts another version in force, and deletes the old one.
fn swap(directory: &Path, files: &[File]) {
    let data = directory.join(DATA);
    let old = fs::read_link(&data).expect("a link");
    let number: u32 = old
        .to_str()
        .and_then(|old| old.strip_prefix(".."))
        .and_then(|number| number.parse().ok())
        .expect("a number");
    let fresh = format!("..{}", number + 1);
    write(&directory.join(&fresh), files);
    let link = directory.join("..data_tmp");
    symlink(&fresh, &link).expect("a link");
    fs::rename(&link, &data).expect("renamed");
    fs::remove_dir_all(directory.join(&old)).expect("removed");
}

/// Whether there is git on this machine. A test that goes on without it says so.
pub(crate) fn has_git() -> bool {
    let there = Command::new("git").arg("--version").output().is_ok();
    if !there {
        eprintln!("skipped: there is no git on this machine");
    }
    there
}

/// Commits all that is in a working tree.
pub(crate) fn commit(directory: &Path, message: &str) {
    git(directory, &["add", "--all"]);
    git(
        directory,
        &["commit", "--quiet", "--no-verify", "--message", message],
    );
}

/// Runs git in a directory, whatever its user has configured.
pub(crate) fn git(directory: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
        .args([
            "-c",
            "commit.gpgsign=false",
            "-c",
            "core.hooksPath=/dev/null",
        ])
        .args(arguments)
        .current_dir(directory)
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}
