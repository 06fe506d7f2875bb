//! A snapshot: all watched files as they were at one moment, with a digest of all of them.
//! When it is taken, and what is built from it, is decided elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Take};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::digest::{Digest, Hashing, Listing, hash};
use super::reads::Reads;
use super::source::Watched;
use super::walk::{unreadable, walk};
use crate::domain::diagnostic::Diagnostic;

/// How much one snapshot may hold. More is a mistake in a path and would only fill the memory.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    files: usize,
    bytes: u64,
}

const BOUNDS: Bounds = Bounds {
    files: 20_000,
    bytes: 256 * 1024 * 1024,
};

/// All watched files as they were at one moment.
#[derive(Clone)]
pub struct Snapshot {
    /// Contents by path, as the operator wrote it; below a directory the parts are joined with `/`.
    pub files: BTreeMap<String, Arc<[u8]>>,
    /// The digest of all of it.
    pub digest: Digest,
}

impl Snapshot {
    /// Reads the files until two reads in a row agree, so that no half-written state is taken for a whole one.
    pub fn read(watched: &Watched) -> Result<Self, Vec<Diagnostic>> {
        let mut reads = Reads::after(fingerprint(watched));
        loop {
            if let Some(verdict) = reads.settle(watched, read_once(watched)) {
                return verdict;
            }
        }
    }

    /// A snapshot of texts that lie in no file: for tests and for commands that get their input elsewhere.
    #[must_use]
    pub fn of<'n>(files: impl IntoIterator<Item = (&'n str, &'n str)>) -> Self {
        let files: BTreeMap<String, Arc<[u8]>> = files
            .into_iter()
            .map(|(name, text)| (name.to_owned(), Arc::from(text.as_bytes())))
            .collect();
        let mut listing = Listing::new();
        for (name, bytes) in &files {
            listing.add(name, &hash(bytes));
        }
        Self {
            digest: listing.digest(),
            files,
        }
    }

    /// The content of `file`, given as the operator wrote it.
    pub fn bytes(&self, file: &Path) -> Result<&Arc<[u8]>, Vec<Diagnostic>> {
        let shown = file.display().to_string();
        self.files
            .get(&shown)
            .ok_or_else(|| vec![Diagnostic::error(shown, "does not exist")])
    }

    /// The content of `file` as a text.
    pub fn text(&self, file: &Path) -> Result<&str, Vec<Diagnostic>> {
        let bytes = self.bytes(file)?;
        std::str::from_utf8(bytes).map_err(|error| {
            let place = error.valid_up_to();
            let message = format!("is not a text in UTF-8: byte {place} cannot be read");
            vec![Diagnostic::error(file.display().to_string(), message)]
        })
    }
}

/// Names and sizes only: a snapshot can hold private keys.
impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: BTreeMap<_, _> = self
            .files
            .iter()
            .map(|(name, bytes)| (name, bytes.len()))
            .collect();
        f.debug_struct("Snapshot")
            .field("digest", &self.digest)
            .field("sizes", &sizes)
            .finish_non_exhaustive()
    }
}

/// Reads the files once, as they happen to be.
pub(super) fn read_once(watched: &Watched) -> Result<Snapshot, Vec<Diagnostic>> {
    read_within(watched, BOUNDS)
}

/// The digest that [`read_once`] would give, without keeping any content.
pub(super) fn fingerprint(watched: &Watched) -> Result<Digest, Vec<Diagnostic>> {
    visit(watched, BOUNDS, |_, file| {
        let mut hashing = Hashing::new();
        io::copy(file, &mut hashing)?;
        Ok(hashing.finish())
    })
}

fn read_within(watched: &Watched, bounds: Bounds) -> Result<Snapshot, Vec<Diagnostic>> {
    let mut files: BTreeMap<String, Arc<[u8]>> = BTreeMap::new();
    let digest = visit(watched, bounds, |shown, file| {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let content = hash(&bytes);
        files.insert(shown.to_owned(), Arc::from(bytes));
        Ok(content)
    })?;
    Ok(Snapshot { files, digest })
}

/// A file to read.
struct Entry {
    /// The path as the operator wrote it.
    shown: String,
    /// The part of it that does not depend on where the watched place lies.
    name: String,
    path: PathBuf,
}

/// Hands each file to `consume`, which answers with the hash of its content.
fn visit(
    watched: &Watched,
    bounds: Bounds,
    mut consume: impl FnMut(&str, &mut Take<File>) -> io::Result<[u8; 32]>,
) -> Result<Digest, Vec<Diagnostic>> {
    let (entries, mut problems) = entries(watched, bounds.files);
    let mut listing = Listing::new();
    let mut left = bounds.bytes;
    for entry in &entries {
        // One byte more than is left tells a file that fits exactly from one that does not.
        let outcome = File::open(&entry.path).and_then(|file| {
            let mut file = file.take(left + 1);
            let content = consume(&entry.shown, &mut file)?;
            Ok((content, file.limit()))
        });
        match outcome {
            Ok((_, 0)) => {
                problems.push(too_much(watched, bounds));
                break;
            }
            Ok((content, rest)) => {
                left = rest - 1;
                listing.add(&entry.name, &content);
            }
            Err(error) => problems.push(unreadable(&entry.shown, &error)),
        }
    }
    if problems.is_empty() {
        Ok(listing.digest())
    } else {
        Err(problems)
    }
}

fn too_much(watched: &Watched, bounds: Bounds) -> Diagnostic {
    let message = format!("holds more than {} MiB", bounds.bytes / (1024 * 1024));
    Diagnostic::error(watched.shown(), message)
        .with_help("keep only what belongs together in this place")
}

fn entries(watched: &Watched, most: usize) -> (Vec<Entry>, Vec<Diagnostic>) {
    match watched {
        Watched::Directory(root) => {
            let tree = walk(root, most);
            let entries = tree
                .files
                .into_iter()
                .map(|(name, path)| Entry {
                    shown: root.join(&name).display().to_string(),
                    name,
                    path,
                })
                .collect();
            (entries, tree.problems)
        }
        Watched::Files(files) => {
            let (mut entries, mut problems) = (Vec::new(), Vec::new());
            for path in files {
                let shown = path.display().to_string();
                // To open a pipe would wait for somebody to write into it.
                match fs::metadata(path) {
                    Ok(found) if found.is_file() => entries.push(Entry {
                        shown,
                        name: path
                            .file_name()
                            .map(|name| name.to_string_lossy().into_owned())
                            .unwrap_or_default(),
                        path: path.clone(),
                    }),
                    Ok(_) => problems.push(Diagnostic::error(shown, "is not a file")),
                    Err(error) => problems.push(unreadable(&shown, &error)),
                }
            }
            (entries, problems)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    fn watched(root: &tempfile::TempDir) -> Watched {
        Watched::Directory(root.path().to_path_buf())
    }

    fn digest_of(files: &[(&str, &str)]) -> Digest {
        Snapshot::read(&watched(&directory(files))).unwrap().digest
    }

    #[test]
    fn files_are_named_as_the_operator_wrote_their_directory() {
        let root = directory(&[("a.cedar", "1"), ("sub/b.cedar", "2")]);
        let snapshot = Snapshot::read(&watched(&root)).unwrap();
        let expected =
            ["a.cedar", "sub/b.cedar"].map(|name| format!("{}/{name}", root.path().display()));
        assert!(snapshot.files.keys().eq(expected.iter()));
        let text = snapshot.text(&root.path().join("sub/b.cedar")).unwrap();
        assert_eq!(text, "2");
    }

    #[test]
    fn ignored_files_do_not_change_the_digest() {
        assert_eq!(
            digest_of(&[("a", "1")]),
            digest_of(&[("a", "1"), (".git/HEAD", "x"), ("a~", "x"), (".a.swp", "x")])
        );
    }

    #[test]
    fn the_digest_depends_on_names_and_contents_and_not_on_the_order_of_writing() {
        let digest = digest_of(&[("a", "1"), ("b", "2")]);
        assert_eq!(digest, digest_of(&[("b", "2"), ("a", "1")]));
        assert_ne!(digest, digest_of(&[("a", "2"), ("b", "1")]));
        assert_ne!(digest, digest_of(&[("a", "1"), ("c", "2")]));
        assert_ne!(digest, digest_of(&[("a", "1")]));
    }

    #[test]
    fn the_fingerprint_is_the_digest_of_a_read() {
        let root = directory(&[("a", "1"), ("b/c", "2")]);
        let snapshot = read_once(&watched(&root)).unwrap();
        assert_eq!(fingerprint(&watched(&root)).unwrap(), snapshot.digest);
    }

    #[test]
    fn a_snapshot_of_texts_has_the_digest_of_the_same_files() {
        let digest = digest_of(&[("a", "1"), ("b/c", "2")]);
        assert_eq!(Snapshot::of([("b/c", "2"), ("a", "1")]).digest, digest);
    }

    #[test]
    fn all_missing_files_are_told_at_once() {
        let files = ["absent/a", "absent/b"].map(PathBuf::from);
        let problems = Snapshot::read(&Watched::Files(files.to_vec())).unwrap_err();
        let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "absent/a: error: does not exist",
                "absent/b: error: does not exist"
            ]
        );
    }

    #[test]
    fn a_directory_in_place_of_a_file_is_told() {
        let root = directory(&[]);
        let files = Watched::Files(vec![root.path().to_path_buf()]);
        let problems = Snapshot::read(&files).unwrap_err();
        assert_eq!(problems[0].message, "is not a file");
    }

    #[test]
    fn as_many_bytes_as_allowed_are_read_and_not_one_more() {
        let root = directory(&[("a", "123"), ("b", "45"), ("c", "")]);
        let within = |bytes| read_within(&watched(&root), Bounds { files: 9, bytes });
        assert!(within(5).is_ok());
        let problems = within(4).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.starts_with("holds more than"));
    }

    #[test]
    fn more_files_than_allowed_are_refused() {
        let root = directory(&[("a", ""), ("b", "")]);
        let within = |files| read_within(&watched(&root), Bounds { files, bytes: 9 });
        assert!(within(2).is_ok());
        assert_eq!(within(1).unwrap_err().len(), 1);
    }

    #[test]
    fn a_text_that_is_not_utf_8_is_told() {
        let root = directory(&[]);
        let file = root.path().join("a");
        fs::write(&file, [b'a', 0xff]).unwrap();
        let snapshot = Snapshot::read(&watched(&root)).unwrap();
        let problems = snapshot.text(&file).unwrap_err();
        assert!(problems[0].message.contains("byte 1"));
    }

    #[test]
    fn contents_are_not_printed() {
        let snapshot = Snapshot::of([("key.pem", "PRIVATE")]);
        assert!(!format!("{snapshot:?}").contains("PRIVATE"));
        assert_eq!(snapshot.digest.short().len(), 12);
        assert_eq!(snapshot.digest.to_string().len(), 64);
    }

    #[cfg(unix)]
    #[test]
    fn a_swapped_link_gives_the_other_files_under_the_same_names() {
        use std::os::unix::fs::symlink;
        let versions = directory(&[("1/a", "one"), ("2/a", "two")]);
        let link = versions.path().join("current");
        symlink("1", &link).unwrap();
        let place = Watched::Directory(link.clone());
        let before = Snapshot::read(&place).unwrap();

        symlink("2", versions.path().join("next")).unwrap();
        fs::rename(versions.path().join("next"), &link).unwrap();
        let after = Snapshot::read(&place).unwrap();

        assert!(before.files.keys().eq(after.files.keys()));
        assert_eq!(after.text(&link.join("a")).unwrap(), "two");
    }
}
