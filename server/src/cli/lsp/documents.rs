//! The files that are open in the editor, which count instead of those on disk; and names of files in the protocol.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use lsp_types::{
    DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, Uri,
};
use url::Url;

use crate::access::is_checked;
use crate::reload::is_ignored;

/// An open file.
#[derive(Debug)]
pub(super) struct Document {
    /// Its name, as the editor writes it.
    pub(super) uri: Uri,
    pub(super) text: String,
    pub(super) version: i32,
}

/// All files that are open and can matter for policies.
#[derive(Debug, Default)]
pub(super) struct Documents(BTreeMap<PathBuf, Document>);

impl Documents {
    pub(super) fn open(&mut self, params: DidOpenTextDocumentParams) {
        let opened = params.text_document;
        if let Some(path) = path_of(&opened.uri).filter(|path| matters(path)) {
            let document = Document {
                uri: opened.uri,
                text: opened.text,
                version: opened.version,
            };
            self.0.insert(path, document);
        }
    }

    pub(super) fn change(&mut self, params: DidChangeTextDocumentParams) {
        let path = path_of(&params.text_document.uri);
        let Some(document) = path.and_then(|path| self.0.get_mut(&path)) else {
            return;
        };
        document.version = params.text_document.version;
        // We ask for whole texts. A part, with its range, is none.
        let mut latest = params.content_changes.into_iter().rev();
        if let Some(change) = latest.find(|change| change.range.is_none()) {
            document.text = change.text;
        }
    }

    pub(super) fn close(&mut self, params: &DidCloseTextDocumentParams) {
        if let Some(path) = path_of(&params.text_document.uri) {
            self.0.remove(&path);
        }
    }

    /// The open file of this name, with its path.
    pub(super) fn find(&self, uri: &Uri) -> Option<(&Path, &Document)> {
        let (path, document) = self.0.get_key_value(&path_of(uri)?)?;
        Some((path.as_path(), document))
    }

    pub(super) fn get(&self, path: &Path) -> Option<&Document> {
        self.0.get(path)
    }

    /// Every open file with its path.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Path, &Document)> {
        let all = self.0.iter();
        all.map(|(path, document)| (path.as_path(), document))
    }
}

/// Whether a check would read the file.
fn matters(path: &Path) -> bool {
    let ignored = path.file_name().is_none_or(is_ignored);
    !ignored && is_checked(&path.to_string_lossy())
}

/// The path of a file; none for what is no file, such as a buffer without a name.
pub(super) fn path_of(uri: &Uri) -> Option<PathBuf> {
    Url::parse(uri.as_str()).ok()?.to_file_path().ok()
}

/// The name of a file.
pub(super) fn uri_of(path: &Path) -> Option<Uri> {
    let mut text = Url::from_file_path(path).ok()?.to_string();
    // Browsers leave these as they are, and RFC 3986 does not.
    for (symbol, escaped) in [('[', "%5B"), (']', "%5D"), ('|', "%7C"), ('^', "%5E")] {
        text = text.replace(symbol, escaped);
    }
    Uri::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_to_their_paths_and_back() {
        for path in ["/a/b.cedar", "/a b/ä [1]|^.cedar", "/100%/{x}.toml"] {
            let uri = uri_of(Path::new(path)).expect(path);
            assert_eq!(path_of(&uri).as_deref(), Some(Path::new(path)));
        }
        let other = Uri::from_str("untitled:Untitled-1").unwrap();
        assert_eq!(path_of(&other), None);
        assert!(uri_of(Path::new("relative.cedar")).is_none());
    }

    #[test]
    fn files_that_no_check_reads_do_not_matter() {
        for name in [
            "a.cedar",
            "x/entities.toml",
            "b.suite.toml",
            "own.cedarschema",
        ] {
            assert!(matters(Path::new(name)), "{name}");
        }
        for name in ["README.md", "Cargo.toml", ".a.cedar", "a.cedar~"] {
            assert!(!matters(Path::new(name)), "{name}");
        }
    }
}
