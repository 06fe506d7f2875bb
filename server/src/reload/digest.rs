//! Digests: one number that tells whether two sets of files are the same.
//! Which files are hashed is decided in `snapshot.rs`.

use std::fmt;
use std::io::{self, Write};

use aws_lc_rs::digest::{Context, SHA256, digest};
use data_encoding::HEXLOWER;

/// The SHA-256 of a snapshot: of the names below the watched place, and of the contents.
///
/// Two servers with the same files have the same digest, wherever the files lie.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The first twelve hexadecimal digits: enough to compare by eye.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

/// The hash of `bytes`.
pub(super) fn hash(bytes: &[u8]) -> [u8; 32] {
    to_array(digest(&SHA256, bytes).as_ref())
}

/// Hashes a content as it is written into it.
pub(super) struct Hashing(Context);

impl Hashing {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(super) fn finish(self) -> [u8; 32] {
        to_array(self.0.finish().as_ref())
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hashes a list of files.
pub(super) struct Listing(Context);

impl Listing {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Adds a file by its name and the hash of its content.
    pub(super) fn add(&mut self, name: &str, content: &[u8; 32]) {
        // Both parts are hashes, hence of one length: no two lists are framed as the same bytes.
        self.0.update(&hash(name.as_bytes()));
        self.0.update(content);
    }

    pub(super) fn digest(self) -> Digest {
        Digest(to_array(self.0.finish().as_ref()))
    }
}

/// INVARIANT: a SHA-256 has 32 bytes, so that the zip ends for both at once.
fn to_array(bytes: &[u8]) -> [u8; 32] {
    let mut array = [0; 32];
    for (to, from) in array.iter_mut().zip(bytes) {
        *to = *from;
    }
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(files: &[(&str, &str)]) -> Digest {
        let mut listing = Listing::new();
        for (name, content) in files {
            listing.add(name, &hash(content.as_bytes()));
        }
        listing.digest()
    }

    #[test]
    fn a_hash_is_a_sha_256() {
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest(hash(b"abc")).to_string(), known);
        assert_eq!(Digest(hash(b"abc")).short(), known[..12]);
    }

    #[test]
    fn content_written_in_pieces_has_the_hash_of_the_whole() {
        let mut hashing = Hashing::new();
        for piece in [b"a".as_slice(), b"", b"bc"] {
            hashing.write_all(piece).unwrap();
        }
        assert_eq!(hashing.finish(), hash(b"abc"));
    }

    #[test]
    fn names_and_contents_cannot_flow_into_each_other() {
        assert_ne!(listed(&[("a", "bc")]), listed(&[("ab", "c")]));
        assert_ne!(listed(&[("a", ""), ("b", "")]), listed(&[("a", "b")]));
        assert_ne!(listed(&[]), listed(&[("", "")]));
    }
}
