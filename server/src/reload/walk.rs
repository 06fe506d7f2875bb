//! The walk through a directory: which files are read, and which directories and links have to be watched.
//! No content is read here, and limits on bytes belong to `snapshot.rs`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::domain::diagnostic::Diagnostic;

/// What lies below a directory.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Files in the order of their names: the name below the root, joined with `/`, and the path to open.
    pub(super) files: Vec<(String, PathBuf)>,
    /// The root and all directories below it, without links in their paths.
    pub(super) directories: Vec<PathBuf>,
    /// Symbolic links met on the way.
    pub(super) links: Vec<PathBuf>,
    /// What could not be walked, or should not be there.
    pub(super) problems: Vec<Diagnostic>,
}

/// Walks through `root`, as the operator wrote it, following links, and stops after `most` entries.
pub(super) fn walk(root: &Path, most: usize) -> Tree {
    let mut walk = Walk {
        root,
        most,
        entries: 0,
        above: Vec::new(),
        tree: Tree::default(),
    };
    // The root is resolved once: when a link is swapped in the middle of the walk, all of it is still of one version.
    match fs::canonicalize(root) {
        Ok(resolved) => walk.enter(&resolved, ""),
        Err(error) => walk
            .tree
            .problems
            .push(unreadable(&root.display().to_string(), &error)),
    }
    walk.tree.files.sort_unstable();
    walk.tree
}

/// Whether a name is hidden or left behind by an editor: Vim, Emacs, Kate and their relatives.
pub(crate) fn is_ignored(name: &OsStr) -> bool {
    let text = name.to_string_lossy();
    text.starts_with('.')
        || text.ends_with('~')
        || (text.starts_with('#') && text.ends_with('#'))
        || text == "4913"
        || Path::new(name).extension() == Some(OsStr::new("swp"))
}

/// Why a file or directory cannot be read, in the operator's words.
pub(super) fn unreadable(file: &str, error: &io::Error) -> Diagnostic {
    let message = match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read by this process".to_owned(),
        io::ErrorKind::NotADirectory => "is not a directory".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    Diagnostic::error(file, message)
}

struct Walk<'a> {
    root: &'a Path,
    most: usize,
    entries: usize,
    /// The directories the walk is in, to notice a link that leads back to one of them.
    above: Vec<PathBuf>,
    tree: Tree,
}

impl Walk<'_> {
    fn enter(&mut self, directory: &Path, prefix: &str) {
        let names = match names(directory, self.most) {
            Ok(names) => names,
            Err(error) => {
                let problem = unreadable(&self.shown(prefix), &error);
                self.tree.problems.push(problem);
                return;
            }
        };
        self.tree.directories.push(directory.to_path_buf());
        self.above.push(directory.to_path_buf());
        for name in names {
            if self.entries == self.most {
                self.too_many();
                break;
            }
            self.entries += 1;
            self.visit(directory, prefix, &name);
        }
        self.above.pop();
    }

    fn visit(&mut self, directory: &Path, prefix: &str, name: &OsStr) {
        let path = directory.join(name);
        let Some(text) = name.to_str() else {
            let shown = self.shown(&below(prefix, &name.to_string_lossy()));
            self.problem(&shown, "the name is not valid UTF-8");
            return;
        };
        let text = below(prefix, text);
        if path.is_symlink() {
            self.tree.links.push(path.clone());
        }
        match fs::metadata(&path) {
            Ok(found) if found.is_dir() => self.descend(&path, &text),
            Ok(found) if found.is_file() => self.tree.files.push((text, path)),
            Ok(_) => {
                let shown = self.shown(&text);
                self.problem(&shown, "is neither a file nor a directory");
            }
            Err(error) => {
                let problem = unreadable(&self.shown(&text), &error);
                self.tree.problems.push(problem);
            }
        }
    }

    fn descend(&mut self, path: &Path, text: &str) {
        match fs::canonicalize(path) {
            Ok(resolved) if self.above.contains(&resolved) => {
                let shown = self.shown(text);
                self.problem(&shown, "this link leads back to a directory it lies in");
            }
            Ok(resolved) => self.enter(&resolved, text),
            Err(error) => {
                let problem = unreadable(&self.shown(text), &error);
                self.tree.problems.push(problem);
            }
        }
    }

    fn too_many(&mut self) {
        let message = format!("holds more than {} files and directories", self.most);
        let problem = Diagnostic::error(self.root.display().to_string(), message)
            .with_help("keep only what belongs together in this directory");
        // Each directory on the way up stops for the same reason; once is enough.
        if self.tree.problems.last() != Some(&problem) {
            self.tree.problems.push(problem);
        }
    }

    fn problem(&mut self, file: &str, message: &str) {
        self.tree.problems.push(Diagnostic::error(file, message));
    }

    /// A name below the root as the operator would write it.
    fn shown(&self, name: &str) -> String {
        if name.is_empty() {
            self.root.display().to_string()
        } else {
            self.root.join(name).display().to_string()
        }
    }
}

fn below(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}/{name}")
    }
}

/// The names in a directory that count, sorted; one more than `most` is enough to know that they are too many.
fn names(directory: &Path, most: usize) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if !is_ignored(&name) {
            names.push(name);
        }
        if names.len() > most {
            break;
        }
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 100;

    fn names_of(tree: &Tree) -> Vec<&str> {
        tree.files.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn files_are_found_below_directories_in_a_stable_order() {
        let root = tempfile::tempdir().unwrap();
        for name in ["b/z", "b/a", "b.c", "a", "c"] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let tree = walk(root.path(), MOST);
        assert_eq!(names_of(&tree), ["a", "b.c", "b/a", "b/z", "c"]);
        assert_eq!(tree.directories.len(), 2);
        assert!(tree.problems.is_empty());
    }

    #[test]
    fn hidden_entries_and_leftovers_of_editors_are_ignored() {
        for name in [
            ".git", "..data", ".a.swp", ".#a", "a~", "a.swp", "#a#", "4913",
        ] {
            assert!(is_ignored(OsStr::new(name)), "{name}");
        }
        for name in ["a", "a.cedar", "49130", "a#", "swp"] {
            assert!(!is_ignored(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn a_directory_that_is_not_there_is_told() {
        let root = tempfile::tempdir().unwrap();
        let tree = walk(&root.path().join("absent"), MOST);
        assert_eq!(tree.problems.len(), 1);
        assert_eq!(tree.problems[0].message, "does not exist");
    }

    #[test]
    fn a_file_in_place_of_the_directory_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let tree = walk(file.path(), MOST);
        assert_eq!(tree.problems[0].message, "is not a directory");
    }

    #[test]
    fn too_many_entries_are_told_once() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        for name in ["a/b/1", "a/b/2", "a/b/3", "a/4", "5"] {
            fs::write(root.path().join(name), "").unwrap();
        }
        let tree = walk(root.path(), 3);
        assert_eq!(tree.problems.len(), 1, "{:?}", tree.problems);
        assert!(tree.problems[0].message.contains("more than 3"));
        assert!(walk(root.path(), 7).problems.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_remembered() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("a"), "").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), root.path().join("linked")).unwrap();
        let tree = walk(root.path(), MOST);
        assert_eq!(names_of(&tree), ["linked/a"]);
        assert_eq!(tree.links.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_a_circle_is_told_and_ends_there() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("again")).unwrap();
        let tree = walk(root.path(), MOST);
        assert_eq!(tree.problems.len(), 1);
        assert!(tree.problems[0].message.contains("leads back"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nowhere_is_told() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("nowhere", root.path().join("a.cedar")).unwrap();
        let tree = walk(root.path(), MOST);
        assert_eq!(tree.problems[0].message, "does not exist");
        assert!(tree.problems[0].file.ends_with("/a.cedar"));
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_is_told_instead_of_being_opened() {
        let root = tempfile::tempdir().unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.path().join("s")).unwrap();
        let tree = walk(root.path(), MOST);
        assert!(tree.problems[0].message.contains("neither a file"));
    }
}
