//! The files of a bundle with their texts: read, written, loaded, and their policies found.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use doorward_engine::{PolicyBundle, SourceFile, is_bundle_file, is_guardrail_file};

/// The texts of a bundle, by their paths below its directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    texts: BTreeMap<String, String>,
}

impl Files {
    /// All files below the directory.
    pub(crate) fn read(root: &Path) -> Self {
        let mut texts = BTreeMap::new();
        let mut pending = vec![root.to_owned()];
        while let Some(directory) = pending.pop() {
            for entry in fs::read_dir(&directory).expect("a directory") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    pending.push(path);
                } else {
                    let name = path.strip_prefix(root).expect("below the root");
                    let text = fs::read_to_string(&path).expect("UTF-8");
                    texts.insert(name.to_string_lossy().into_owned(), text);
                }
            }
        }
        Self { texts }
    }

    pub(crate) fn write(&self, root: &Path) {
        for (name, text) in &self.texts {
            let path = root.join(name);
            let directory = path.parent().expect("a directory");
            fs::create_dir_all(directory).expect("a directory");
            fs::write(path, text).expect("written");
        }
    }

    /// The bundle, or what is wrong with it.
    pub(crate) fn load(&self) -> Result<PolicyBundle, String> {
        let wanted = self.texts.iter().filter(|(name, _)| is_bundle_file(name));
        let sources: Vec<SourceFile> = wanted
            .map(|(name, text)| SourceFile::new(name.as_str(), text.as_str()))
            .collect();
        PolicyBundle::load(&sources, None).map_err(|error| {
            let found = error.diagnostics.iter();
            let lines: Vec<String> = found
                .map(|found| format!("{}: {}", found.origin(), found.message))
                .collect();
            lines.join("\n")
        })
    }

    /// The names of the files with policies, guardrails aside.
    pub(crate) fn with_policies(&self) -> Vec<String> {
        let names = self.texts.keys();
        names
            .filter(|name| Path::new(name).extension().is_some_and(|it| it == "cedar"))
            .filter(|name| !is_guardrail_file(name))
            .cloned()
            .collect()
    }

    /// The text of a file, empty where there is none yet.
    pub(crate) fn text(&mut self, name: &str) -> &mut String {
        self.texts.entry(name.to_owned()).or_default()
    }

    pub(crate) fn remove(&mut self, name: &str) -> String {
        self.texts.remove(name).unwrap_or_default()
    }

    /// A file and the part of it that `file` or `file#policy` names. A policy begins with its `@id` and ends
    /// before the next empty line.
    pub(crate) fn part(&self, place: &str) -> Result<(String, Range<usize>), String> {
        let (name, policy) = match place.split_once('#') {
            Some((name, policy)) => (name, Some(policy)),
            None => (place, None),
        };
        let text = self.texts.get(name);
        let text = text.ok_or_else(|| format!("there is no file `{name}`"))?;
        let Some(policy) = policy else {
            return Ok((name.to_owned(), 0..text.len()));
        };
        let start = text.find(&format!("@id(\"{policy}\")"));
        let start = start.ok_or_else(|| format!("there is no policy `{policy}` in `{name}`"))?;
        let end = text[start..].find("\n\n").map(|length| start + length);
        Ok((name.to_owned(), start..end.unwrap_or(text.len())))
    }
}
