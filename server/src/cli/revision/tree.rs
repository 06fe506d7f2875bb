//! The files of a directory in a tree of git, links resolved as far as they stay inside the tree: the same
//! files, under the same names, that a checkout would have. Which tree it is, is found by others.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use super::git::{Git, ONE_LINE};
use super::index::{Index, Kind, Node, Target, join};
use crate::cli::Failure;
use crate::domain::diagnostic::Diagnostic;
use crate::reload::is_ignored;

/// Contents by path, as a directory would have been read.
pub(super) type Contents = BTreeMap<String, Arc<[u8]>>;

/// How much one bundle may hold. More is a mistake in a path.
const MOST_FILES: usize = 20_000;
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// Links cost a process each.
const MOST_LINKS: usize = 200;
/// The names of everything in the repository: half a million of them.
const LONGEST_LISTING: u64 = 64 * 1024 * 1024;
/// What stands around the content of one object in an answer.
const FRAME: u64 = 128;

/// What is read, and how it is named.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub(super) git: &'a Git<'a>,
    /// The tree of the whole revision.
    pub(super) root: &'a str,
    /// The path of the directory in it; empty for all of it.
    pub(super) path: &'a str,
    /// The directory as the operator wrote it.
    pub(super) directory: &'a Path,
    /// The revision as the operator wrote it.
    pub(super) revision: &'a str,
}

/// The way through the tree.
struct Walk<'a> {
    reading: &'a Reading<'a>,
    index: &'a Index,
    wanted: &'a dyn Fn(&str) -> bool,
    /// Where the links lie that led here, to notice one that leads back.
    above: Vec<Vec<u8>>,
    files: usize,
    links: usize,
    /// Names of files that are wanted, and their objects.
    found: BTreeMap<String, String>,
    problems: Vec<Diagnostic>,
}

impl Reading<'_> {
    /// The files that are wanted by their names.
    pub(super) fn contents(&self, wanted: &dyn Fn(&str) -> bool) -> Result<Contents, Failure> {
        let index = self.index()?;
        let directory = self.directory(&index)?;
        let mut walk = Walk {
            reading: self,
            index: &index,
            wanted,
            above: Vec::new(),
            files: 0,
            links: 0,
            found: BTreeMap::new(),
            problems: Vec::new(),
        };
        walk.enter(&directory, "")?;
        if walk.problems.is_empty() {
            self.load(walk.found)
        } else {
            Err(Failure::Files(walk.problems))
        }
    }

    fn index(&self) -> Result<Index, Failure> {
        let arguments = ["ls-tree", "-r", "-t", "-z", "--full-tree", self.root];
        let said = self.git.run(&arguments, "", LONGEST_LISTING)?;
        if !said.success {
            let reason = said.complaint();
            return Err(Failure::new(format!("git cannot list the files: {reason}")));
        }
        Index::parse(&said.stdout).ok_or_else(|| odd(&arguments))
    }

    /// Where the directory lies in the tree.
    fn directory(&self, index: &Index) -> Result<Vec<u8>, Failure> {
        let (directory, revision) = (self.directory.display(), self.revision);
        let message = match self.target(index, self.path.as_bytes())? {
            Target::Directory { path } => return Ok(path),
            Target::File { .. } => format!("`{directory}` is no directory at `{revision}`"),
            Target::Submodule => {
                format!("`{directory}` is a submodule at `{revision}`, and not of this repository")
            }
            Target::Nothing | Target::Circle => {
                format!("`{directory}` does not exist at `{revision}`")
            }
            Target::Outside(to) => format!(
                "`{directory}` is a link at `{revision}`, and leads to `{to}`, outside of the repository"
            ),
        };
        Err(Failure::new(message)
            .with_help("give `--policies` the directory where the policies lay at that revision"))
    }

    fn target(&self, index: &Index, path: &[u8]) -> Result<Target, Failure> {
        index.resolve(path, |object| {
            let arguments = ["cat-file", "blob", object];
            let said = self.git.run(&arguments, "", ONE_LINE)?;
            if said.success {
                Ok(said.stdout)
            } else {
                Err(odd(&arguments))
            }
        })
    }

    /// Reads the objects.
    fn load(&self, found: BTreeMap<String, String>) -> Result<Contents, Failure> {
        if found.is_empty() {
            return Ok(Contents::new());
        }
        let question: String = found.values().map(|object| format!("{object}\n")).collect();
        let objects = u64::try_from(found.len()).unwrap_or(u64::MAX);
        let most = MOST_BYTES.saturating_add(objects.saturating_mul(FRAME));
        let arguments = ["cat-file", "--batch"];
        let said = self.git.run(&arguments, &question, most)?;
        let mut rest = said.stdout.as_slice();
        let mut contents = Contents::new();
        for (name, object) in found {
            let (bytes, behind) = content(rest, &object).ok_or_else(|| odd(&arguments))?;
            contents.insert(name, Arc::from(bytes));
            rest = behind;
        }
        Ok(contents)
    }
}

impl Walk<'_> {
    /// Goes through a directory, whose name below the one that is read is `prefix`.
    fn enter(&mut self, directory: &[u8], prefix: &str) -> Result<(), Failure> {
        let index = self.index;
        for (path, node) in index.below(directory) {
            let mut parts = path.split(|byte| *byte == b'/');
            if node.kind == Kind::Directory || parts.any(|part| is_ignored(OsStr::from_bytes(part)))
            {
                continue;
            }
            self.files += 1;
            if self.files > MOST_FILES {
                self.too_many(&format!("{MOST_FILES} files"));
                break;
            }
            let Ok(name) = std::str::from_utf8(path) else {
                let name = String::from_utf8_lossy(path);
                self.problem(&below(prefix, &name), "the name is not valid UTF-8");
                continue;
            };
            self.visit(node, &below(prefix, name), &join(directory, path))?;
        }
        Ok(())
    }

    /// `path` is where it lies in the tree, `name` how it is called below the directory that is read.
    fn visit(&mut self, node: &Node, name: &str, path: &[u8]) -> Result<(), Failure> {
        match node.kind {
            Kind::Directory => {}
            Kind::File => self.add(name, &node.object),
            Kind::Submodule => self.problem(name, SUBMODULE),
            Kind::Link => {
                self.links += 1;
                if self.links > MOST_LINKS {
                    self.too_many(&format!("{MOST_LINKS} links"));
                } else {
                    self.follow(name, path)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &str, object: &str) {
        let shown = self.shown(name);
        if (self.wanted)(&shown) {
            self.found.insert(shown, object.to_owned());
        }
    }

    fn follow(&mut self, name: &str, path: &[u8]) -> Result<(), Failure> {
        match self.reading.target(self.index, path)? {
            Target::File { object } => self.add(name, &object),
            Target::Directory { path: to } => {
                let place = parent(path);
                let mut above = self.above.iter();
                if is_within(place, &to) || above.any(|place| is_within(place, &to)) {
                    self.problem(name, "this link leads back to a directory it lies in");
                } else {
                    self.above.push(place.to_vec());
                    self.enter(&to, name)?;
                    self.above.pop();
                }
            }
            Target::Submodule => self.problem(name, SUBMODULE),
            Target::Outside(to) => {
                let message = format!("this link leads to `{to}`, outside of the repository");
                let problem = Diagnostic::error(self.shown(name), message)
                    .with_help("a revision holds only what was committed: commit the file itself");
                self.problems.push(problem);
            }
            Target::Nothing => self.problem(name, "this link leads to nothing"),
            Target::Circle => self.problem(name, "this link leads in a circle"),
        }
        Ok(())
    }

    /// Once is enough, wherever the walk is.
    fn too_many(&mut self, bound: &str) {
        let message = format!("holds more than {bound}");
        let problem = Diagnostic::error(self.shown(""), message)
            .with_help("keep only what belongs together in this directory");
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn problem(&mut self, name: &str, message: &str) {
        let shown = self.shown(name);
        self.problems.push(Diagnostic::error(shown, message));
    }

    /// A name below the directory as the operator would write it.
    fn shown(&self, name: &str) -> String {
        let directory = self.reading.directory;
        if name.is_empty() {
            directory.display().to_string()
        } else {
            directory.join(name).display().to_string()
        }
    }
}

const SUBMODULE: &str = "is a submodule: its files are in another repository";

fn below(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}/{name}")
    }
}

fn parent(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|byte| *byte == b'/');
    slash.and_then(|at| path.get(..at)).unwrap_or_default()
}

/// Whether `place` is the directory, or lies in it.
fn is_within(place: &[u8], directory: &[u8]) -> bool {
    directory.is_empty()
        || place
            .strip_prefix(directory)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// The content of the object that an answer of `git cat-file --batch` begins with, and what comes behind.
fn content<'a>(answer: &'a [u8], object: &str) -> Option<(&'a [u8], &'a [u8])> {
    let line = answer.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(answer.get(..line)?).ok()?;
    let size = head.strip_prefix(object)?.strip_prefix(" blob ")?;
    let rest = answer.get(line + 1..)?;
    let (bytes, behind) = rest.split_at_checked(size.parse().ok()?)?;
    Some((bytes, behind.strip_prefix(b"\n")?))
}

fn odd(arguments: &[&str]) -> Failure {
    let command = arguments.first().copied().unwrap_or_default();
    Failure::new(format!(
        "the answer of `git {command}` cannot be understood"
    ))
    .with_help("the clone may lack objects: `git fsck` tells, and a full clone has all of them")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &str = "78981922613b2afb6025042ff6bd878ac1994e85";

    #[test]
    fn the_content_of_an_object_may_hold_anything() {
        let answer = format!("{OBJECT} blob 5\na\nb\0c\nrest");
        let (found, rest) = content(answer.as_bytes(), OBJECT).unwrap();
        assert_eq!(found, b"a\nb\0c");
        assert_eq!(rest, b"rest");
        assert_eq!(content(b"x missing\n", OBJECT), None);
        let short = format!("{OBJECT} blob 50\nabc\n");
        assert_eq!(content(short.as_bytes(), OBJECT), None);
    }

    #[test]
    fn a_place_is_within_itself_and_what_is_above_it() {
        assert!(is_within(b"a/b", b"a"));
        assert!(is_within(b"a", b"a"));
        assert!(is_within(b"a", b""));
        assert!(!is_within(b"ab", b"a"));
        assert!(!is_within(b"a", b"a/b"));
        assert_eq!(parent(b"a/b/c"), b"a/b");
        assert_eq!(parent(b"a"), b"");
    }
}
