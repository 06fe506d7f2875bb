//! The fingerprint of a bundle: the same files give the same one, wherever they lie.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::bundle::is_bundle_file;
use crate::source::SourceFile;

/// The fingerprint of a bundle: SHA-256 over the names and texts of its files.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Revision([u8; 32]);

impl Revision {
    pub(crate) fn of(files: &[SourceFile]) -> Self {
        let files: Vec<&SourceFile> = files
            .iter()
            .filter(|file| is_bundle_file(&file.name))
            .collect();
        let shared = shared_directory(&files);
        let mut hash = Sha256::new();
        for file in files {
            let name = file.name.get(shared..).unwrap_or(&file.name);
            // Lengths before texts: no two different lists of files give the same bytes.
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name.as_bytes());
            hash.update(file.digest());
        }
        Self(hash.finalize().into())
    }

    /// The first twelve hexadecimal digits, enough for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

/// How many bytes of their names the files share, up to a `/`: where they lie, which says nothing of what they are.
fn shared_directory(files: &[&SourceFile]) -> usize {
    let Some((first, rest)) = files.split_first() else {
        return 0;
    };
    let end_of_directory = |name: &str| name.rfind('/').map_or(0, |slash| slash + 1);
    let mut shared = first
        .name
        .get(..end_of_directory(&first.name))
        .unwrap_or_default();
    for file in rest {
        while !file.name.starts_with(shared) {
            let above = end_of_directory(shared.trim_end_matches('/'));
            shared = shared.get(..above).unwrap_or_default();
        }
    }
    shared.len()
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Revision({})", self.short())
    }
}

impl From<Revision> for String {
    fn from(revision: Revision) -> Self {
        revision.to_string()
    }
}

impl TryFrom<String> for Revision {
    type Error = InvalidRevision;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let invalid = || InvalidRevision(text.clone());
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(invalid());
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * at..2 * at + 2).ok_or_else(invalid)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

/// Text that is no fingerprint of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a revision: expected 64 hexadecimal digits")]
pub struct InvalidRevision(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(files: &[(&str, &str)]) -> Revision {
        let files: Vec<SourceFile> = files
            .iter()
            .map(|(name, text)| SourceFile::new(*name, *text))
            .collect();
        Revision::of(&files)
    }

    #[test]
    fn where_the_files_lie_makes_no_difference() {
        let here = revision(&[("a.cedar", "1"), ("b/c.cedar", "2")]);
        for place in ["policies/", "/etc/doorward/policies/", "b/", "//"] {
            let (a, c) = (format!("{place}a.cedar"), format!("{place}b/c.cedar"));
            assert_eq!(
                revision(&[(a.as_str(), "1"), (c.as_str(), "2")]),
                here,
                "{place}"
            );
        }
    }

    #[test]
    fn how_the_files_lie_to_each_other_makes_one() {
        let one = revision(&[("p/a.cedar", "1"), ("p/b/c.cedar", "2")]);
        let other = revision(&[("p/a.cedar", "1"), ("p/c.cedar", "2")]);
        let parts = revision(&[("pa/a.cedar", "1"), ("pb/c.cedar", "2")]);
        assert!(one != other && one != parts && other != parts);
    }
}
