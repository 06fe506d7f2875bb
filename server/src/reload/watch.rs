//! Hearing that files may have changed: which directories to listen at, and which events matter.
//! An event is only a hint; whether anything did change is found by reading.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::source::Watched;
use super::walk::{is_ignored, walk};

/// Directories and links listened at; what lies beyond is found by reading.
const MOST_PLACES: usize = 20_000;

/// Links followed from one path before it counts as a circle, as many as Linux follows.
const MOST_LINKS: usize = 40;

/// Listens at the files of one source.
///
/// Each time it listens anew, because what was listened at may have been moved away and replaced: a watch holds on to
/// the directory that had a name, not to the name.
#[derive(Debug)]
pub(super) struct Ears {
    name: &'static str,
    heard: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
    deaf: Vec<String>,
}

impl Ears {
    /// Listens at nothing yet; `heard` is told of each event that matters.
    pub(super) fn new(name: &'static str, heard: Arc<Notify>) -> Self {
        Self {
            name,
            heard,
            watcher: None,
            deaf: Vec::new(),
        }
    }

    /// Listens at `watched` as it lies now. What cannot be listened at is still read at each interval.
    pub(super) async fn listen(&mut self, watched: Watched) {
        let heard = Arc::clone(&self.heard);
        let deaf = match tokio::task::spawn_blocking(move || arm(&watched, heard)).await {
            Ok(Ok((watcher, deaf))) => {
                // The old watcher goes only now, so that there is no moment in which nobody listens.
                self.watcher = Some(watcher);
                deaf
            }
            Ok(Err(error)) => vec![error.to_string()],
            Err(error) => vec![error.to_string()],
        };
        if !deaf.is_empty() && deaf != self.deaf {
            tracing::warn!(
                source = self.name,
                reason = deaf.join("; "),
                "changes cannot be heard everywhere and are found at the next interval"
            );
        }
        self.deaf = deaf;
    }
}

fn arm(watched: &Watched, heard: Arc<Notify>) -> notify::Result<(RecommendedWatcher, Vec<String>)> {
    let places = Arc::new(Places::of(watched));
    let relevant = Arc::clone(&places);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if relevant.concern(&event) {
            heard.notify_one();
        }
    })?;
    let mut deaf = Vec::new();
    // Directories before what lies in them: what appears in between is seen by one or the other.
    for directory in places.directories() {
        match watcher.watch(directory, RecursiveMode::NonRecursive) {
            Ok(()) => {}
            Err(error) if has_vanished(&error) => {}
            Err(error) => {
                deaf.push(error.to_string());
                if matches!(error.kind, ErrorKind::MaxFilesWatch) {
                    break;
                }
            }
        }
    }
    Ok((watcher, deaf))
}

/// Directories that vanish while they are being listened at were reported by the directory they lay in.
fn has_vanished(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

/// Where something can happen that changes what would be read. All paths are without links.
#[derive(Debug, Default)]
struct Places {
    /// Directories in which every name counts that is not ignored.
    whole: BTreeSet<PathBuf>,
    /// Paths that count by themselves: watched files, and the directories and links that lead to them. What else
    /// happens in the directories around them is heard and passed over: some are as busy as `/tmp`.
    names: BTreeSet<PathBuf>,
}

impl Places {
    fn of(watched: &Watched) -> Self {
        let mut places = Self::default();
        match watched {
            Watched::Directory(root) => {
                places.add_path(root);
                let tree = walk(root, MOST_PLACES);
                places.whole.extend(tree.directories);
                for link in &tree.links {
                    places.add_path(link);
                }
            }
            Watched::Files(files) => {
                for file in files {
                    places.add_path(file);
                }
            }
        }
        places
    }

    /// Every step on the way to `path` that can be replaced to make it mean another file.
    fn add_path(&mut self, path: &Path) {
        self.names.extend(hops(path));
    }

    /// The directories to listen at: for each name the one in which it lies, so that their number is bounded by
    /// the lengths of the paths, however much lies beside them.
    fn directories(&self) -> BTreeSet<&Path> {
        let around = self.names.iter().filter_map(|name| name.parent());
        self.whole
            .iter()
            .map(PathBuf::as_path)
            .chain(around)
            .collect()
    }

    fn concern(&self, event: &notify::Result<Event>) -> bool {
        // Lost events may have been about anything.
        let Ok(event) = event else {
            return true;
        };
        // Our own reading must not be heard as a change.
        let is_reading = matches!(
            event.kind,
            EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write)
        );
        if is_reading {
            return false;
        }
        event.need_rescan()
            || event.paths.is_empty()
            || event.paths.iter().any(|path| self.concern_path(path))
    }

    fn concern_path(&self, path: &Path) -> bool {
        let in_whole = || {
            path.parent()
                .zip(path.file_name())
                .is_some_and(|(parent, name)| self.whole.contains(parent) && !is_ignored(name))
        };
        self.names.contains(path) || self.whole.contains(path) || in_whole()
    }
}

/// The directories and links on the way to `path`, and what they lead to in the end; or as far as the way exists.
///
/// Kubernetes mounts a `ConfigMap` as links to `..data/name`, where `..data` is a link that is swapped; others swap
/// the directory itself, or one far above it.
fn hops(path: &Path) -> Vec<PathBuf> {
    let Ok(absolute) = std::path::absolute(path) else {
        return Vec::new();
    };
    let mut hops = Vec::new();
    let mut links = 0;
    let mut here = PathBuf::new();
    let mut ahead = reversed(&absolute);
    while let Some(step) = ahead.pop() {
        if step == ".." {
            here.pop();
            continue;
        }
        if step == "." {
            continue;
        }
        let next = here.join(&step);
        let Ok(found) = fs::symlink_metadata(&next) else {
            hops.push(next);
            break;
        };
        if found.is_symlink() {
            links += 1;
            match fs::read_link(&next) {
                Ok(target) if links <= MOST_LINKS => ahead.extend(reversed(&target)),
                _ => break,
            }
            hops.push(next);
        } else {
            hops.push(next.clone());
            here = next;
        }
    }
    hops
}

/// The parts of a path from the last to the first, to be taken from the end.
fn reversed(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, ModifyKind, RenameMode};
    use std::os::unix::fs::symlink;

    /// A temporary directory whose path has no links in it.
    fn directory() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().canonicalize().unwrap();
        (root, path)
    }

    /// The directories above a path, from the root down.
    fn above(path: &Path) -> Vec<&Path> {
        let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
        above.reverse();
        above
    }

    /// The hops to a name in this directory, without what lies above the directory.
    fn hops_below(root: &Path, name: &str) -> Vec<String> {
        hops(&root.join(name))
            .iter()
            .filter_map(|hop| hop.strip_prefix(root).ok())
            .map(|below| below.display().to_string())
            .filter(|below| !below.is_empty())
            .collect()
    }

    #[expect(clippy::unnecessary_wraps, reason = "the watcher hands over results")]
    fn event(kind: EventKind, path: &Path) -> notify::Result<Event> {
        Ok(Event::new(kind).add_path(path.to_path_buf()))
    }

    fn replaced(path: &Path) -> notify::Result<Event> {
        event(EventKind::Modify(ModifyKind::Name(RenameMode::To)), path)
    }

    #[test]
    fn every_visible_name_in_a_watched_directory_concerns() {
        let (_guard, root) = directory();
        fs::create_dir(root.join("sub")).unwrap();
        let places = Places::of(&Watched::Directory(root.clone()));
        assert!(places.concern(&replaced(&root.join("a.cedar"))));
        assert!(places.concern(&replaced(&root.join("sub/a.cedar"))));
        assert!(places.concern(&replaced(&root)));
        assert!(!places.concern(&replaced(&root.join(".git"))));
        assert!(!places.concern(&replaced(&root.join("a.cedar~"))));
    }

    #[test]
    fn a_neighbour_of_a_watched_file_does_not_concern() {
        let (_guard, root) = directory();
        fs::write(root.join("users.toml"), "").unwrap();
        let places = Places::of(&Watched::Files(vec![root.join("users.toml")]));
        assert!(places.concern(&replaced(&root.join("users.toml"))));
        assert!(!places.concern(&replaced(&root.join("state.db"))));
    }

    #[test]
    fn every_directory_above_a_file_concerns_and_none_beside_it() {
        let (_guard, root) = directory();
        let file = root.join("site/current/conf/users.toml");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "").unwrap();
        let places = Places::of(&Watched::Files(vec![file.clone()]));
        assert!(places.directories().into_iter().eq(above(&file)));
        for path in file.ancestors() {
            assert!(places.concern(&replaced(path)), "{}", path.display());
        }
        for beside in ["site/next", "site/current/logs", "other"] {
            assert!(!places.concern(&replaced(&root.join(beside))), "{beside}");
        }
        let beside = root.with_file_name("other");
        assert!(!places.concern(&replaced(&beside)));
        assert!(!places.concern(&replaced(&beside.join("users.toml"))));
    }

    #[test]
    fn reading_does_not_concern_and_the_end_of_writing_does() {
        let (_guard, root) = directory();
        let places = Places::of(&Watched::Directory(root.clone()));
        let file = root.join("a.cedar");
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        assert!(!places.concern(&event(opened, &file)));
        assert!(places.concern(&event(written, &file)));
    }

    #[test]
    fn lost_events_concern() {
        let places = Places::default();
        let overflow = Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
        assert!(places.concern(&Ok(overflow)));
        assert!(places.concern(&Err(notify::Error::generic("lost"))));
    }

    #[test]
    fn the_links_of_a_config_map_are_hops() {
        let (_guard, root) = directory();
        fs::create_dir(root.join("..v1")).unwrap();
        fs::write(root.join("..v1/a.cedar"), "").unwrap();
        symlink("..v1", root.join("..data")).unwrap();
        symlink("..data/a.cedar", root.join("a.cedar")).unwrap();
        assert_eq!(
            hops_below(&root, "a.cedar"),
            ["a.cedar", "..data", "..v1", "..v1/a.cedar"]
        );
        let places = Places::of(&Watched::Directory(root.clone()));
        assert!(places.concern(&replaced(&root.join("..data"))));
        assert!(!places.concern(&replaced(&root.join("..data_tmp"))));
    }

    #[test]
    fn a_path_that_is_not_there_is_awaited_at_the_last_directory_that_is() {
        let (_guard, root) = directory();
        let places = Places::of(&Watched::Directory(root.join("absent/policies")));
        let created = event(EventKind::Create(CreateKind::Folder), &root.join("absent"));
        assert!(places.concern(&created));
        assert_eq!(places.directories().last(), Some(&root.as_path()));
    }

    #[test]
    fn links_to_parents_and_to_absolute_paths_are_followed() {
        let (_guard, root) = directory();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("c"), "").unwrap();
        symlink("../../c", root.join("a/b/up")).unwrap();
        symlink(root.join("a/b/up"), root.join("d")).unwrap();
        assert_eq!(hops_below(&root, "d"), ["d", "a", "a/b", "a/b/up", "c"]);
    }

    #[test]
    fn links_in_a_circle_end() {
        let (_guard, root) = directory();
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        assert!(hops_below(&root, "a").len() <= MOST_LINKS + 1);
    }
}
