//! All names of one tree of git, and where the links among them lead. `git` itself can follow links, but stumbles
//! over a `.` in one. Contents are read by others.

use std::collections::{BTreeMap, VecDeque};

use crate::cli::Failure;

/// Links on one way. An operating system follows about as many.
const MOST_HOPS: usize = 40;

/// Every path of a tree, from its top.
#[derive(Debug, Default)]
pub(super) struct Index {
    nodes: BTreeMap<Vec<u8>, Node>,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// The name of the object.
    pub(super) object: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Link,
    /// A commit of another repository.
    Submodule,
}

/// What a path leads to, links followed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    File { object: String },
    Directory { path: Vec<u8> },
    Submodule,
    Outside(String),
    Nothing,
    Circle,
}

impl Index {
    /// Reads the answer of `git ls-tree -r -t -z`.
    pub(super) fn parse(listing: &[u8]) -> Option<Self> {
        listing
            .split(|byte| *byte == 0)
            .filter(|line| !line.is_empty())
            .map(node)
            .collect::<Option<BTreeMap<_, _>>>()
            .map(|nodes| Self { nodes })
    }

    /// Everything below a directory, at any depth: the path below it, and what is there.
    pub(super) fn below(&self, directory: &[u8]) -> impl Iterator<Item = (&[u8], &Node)> {
        let start = join(directory, b"");
        let length = start.len();
        self.nodes
            .range(start.clone()..)
            .take_while(move |(path, _)| path.starts_with(&start))
            .map(move |(path, node)| (path.get(length..).unwrap_or_default(), node))
    }

    /// Follows a path from the top. `read` gives the text of a link by the name of its object.
    pub(super) fn resolve(
        &self,
        path: &[u8],
        mut read: impl FnMut(&str) -> Result<Vec<u8>, Failure>,
    ) -> Result<Target, Failure> {
        let mut here: Vec<Vec<u8>> = Vec::new();
        let mut ahead: VecDeque<Vec<u8>> = parts(path).collect();
        let mut hops = 0;
        while let Some(part) = ahead.pop_front() {
            if part == b".." {
                if here.pop().is_none() {
                    return Ok(Target::Outside(String::from_utf8_lossy(path).into_owned()));
                }
                continue;
            }
            here.push(part);
            let Some(node) = self.nodes.get(&here.join(&b'/')) else {
                return Ok(Target::Nothing);
            };
            match node.kind {
                Kind::Directory => {}
                Kind::Submodule => return Ok(Target::Submodule),
                Kind::File if ahead.is_empty() => {
                    let object = node.object.clone();
                    return Ok(Target::File { object });
                }
                Kind::File => return Ok(Target::Nothing),
                Kind::Link => {
                    hops += 1;
                    if hops > MOST_HOPS {
                        return Ok(Target::Circle);
                    }
                    let text = read(&node.object)?;
                    here.pop();
                    let climbs = parts(&text).take_while(|part| part == b"..").count();
                    if text.starts_with(b"/") || climbs > here.len() {
                        return Ok(Target::Outside(String::from_utf8_lossy(&text).into_owned()));
                    }
                    for part in parts(&text).collect::<Vec<_>>().into_iter().rev() {
                        ahead.push_front(part);
                    }
                }
            }
        }
        let path = here.join(&b'/');
        Ok(Target::Directory { path })
    }
}

/// The parts of a path that lead somewhere.
fn parts(path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !matches!(*part, b"" | b"."))
        .map(<[u8]>::to_vec)
}

/// A name below a directory; the top has no name of its own.
pub(super) fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() {
        name.to_vec()
    } else {
        [directory, name].join(&b'/')
    }
}

/// A line of the listing: mode, type and object, and the path behind a tab.
fn node(line: &[u8]) -> Option<(Vec<u8>, Node)> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let head = std::str::from_utf8(line.get(..tab)?).ok()?;
    let mut words = head.split(' ');
    let (mode, _, object) = (words.next()?, words.next()?, words.next()?);
    let kind = match mode {
        "040000" => Kind::Directory,
        "120000" => Kind::Link,
        "160000" => Kind::Submodule,
        _ => Kind::File,
    };
    let object = object.to_owned();
    Some((line.get(tab + 1..)?.to_vec(), Node { kind, object }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Objects are named by what is in them.
    const LISTING: &[u8] = b"040000 tree p\tp\x00100644 blob a\tp/a b\tc\x00\
        120000 blob ./q\tp/dot\x00120000 blob ../q\tp/q\x00120000 blob ../../x\tp/out\x00\
        120000 blob /etc/hosts\tp/abs\x00120000 blob loop\tp/loop\x00120000 blob nowhere\tp/gone\x00\
        120000 blob .\tp/self\x00160000 commit s\tp/sub\x00040000 tree p.q\tp.q\x00\
        040000 tree q\tq\x00100644 blob n\tq/n\x00120000 blob ../p/q/n\tq/far\x00";

    fn index() -> Index {
        Index::parse(LISTING).unwrap()
    }

    fn target(path: &str) -> Target {
        let read = |object: &str| Ok(object.as_bytes().to_vec());
        index().resolve(path.as_bytes(), read).unwrap()
    }

    fn file(object: &str) -> Target {
        Target::File {
            object: object.to_owned(),
        }
    }

    #[test]
    fn a_listing_names_files_directories_links_and_submodules() {
        let index = index();
        let below: Vec<&[u8]> = index.below(b"q").map(|(path, _)| path).collect();
        assert_eq!(below, [b"far".as_slice(), b"n"]);
        assert_eq!(index.below(b"").count(), 14);
        assert_eq!(index.below(b"absent").count(), 0);
        assert!(Index::parse(b"nonsense\0").is_none());
        assert!(Index::parse(b"").is_some());
    }

    #[test]
    fn links_are_followed_through_directories() {
        assert_eq!(target("q/n"), file("n"));
        assert_eq!(target("p/q/n"), file("n"));
        assert_eq!(target("q/far"), file("n"));
        let path = b"q".to_vec();
        assert_eq!(target("p/q"), Target::Directory { path });
        let path = b"q".to_vec();
        assert_eq!(target("p/dot"), Target::Directory { path });
        let path = b"p".to_vec();
        assert_eq!(target("p/self"), Target::Directory { path });
        assert_eq!(target(""), Target::Directory { path: Vec::new() });
    }

    #[test]
    fn links_that_lead_nowhere_are_told_apart() {
        assert_eq!(target("p/out"), Target::Outside("../../x".to_owned()));
        assert_eq!(target("p/abs"), Target::Outside("/etc/hosts".to_owned()));
        assert_eq!(target("p/loop"), Target::Circle);
        assert_eq!(target("p/gone"), Target::Nothing);
        assert_eq!(target("q/n/below"), Target::Nothing);
        assert_eq!(target("p/sub"), Target::Submodule);
    }
}
