//! Documents as a test sees them: prose, fenced blocks, links, anchors. What has to be true of them is said in
//! `docs.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Documents beside `docs/src`.
const BESIDE: [&str; 7] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "examples/policy-repo/README.md",
    "policies/README.md",
];

/// The repository.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A document, by its path in the repository.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// A fenced block of a document.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) place: String,
    info: String,
    /// The comment that stands right before it.
    pub(super) comment: Option<String>,
    /// How many lines of the document stand before its text.
    pub(super) before: usize,
    pub(super) text: String,
}

/// Every document.
pub(super) fn pages() -> io::Result<Vec<Page>> {
    let mut paths: Vec<PathBuf> = BESIDE.iter().map(PathBuf::from).collect();
    paths.extend(files_below(Path::new("docs/src"), "md")?);
    paths.into_iter().map(Page::read).collect()
}

/// Files of one kind, at any depth, by their paths in the repository.
pub(super) fn files_below(directory: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(root().join(&directory))? {
            let entry = entry?;
            let path = directory.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

impl Page {
    pub(super) fn read(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let text = fs::read_to_string(root().join(&path))?;
        Ok(Self { path, text })
    }

    /// What stands outside of fenced blocks, and the blocks.
    pub(super) fn split(&self) -> (String, Vec<Block>) {
        let (mut prose, mut blocks) = (String::new(), Vec::new());
        let mut open: Option<Block> = None;
        // Where the prose begins that stands after the last block.
        let mut since = 0;
        for (number, line) in (1_usize..).zip(self.text.lines()) {
            match (line.trim_start().strip_prefix("```"), open.take()) {
                (Some(info), None) => {
                    open = Some(Block {
                        place: format!("{}:{number}", self.path.display()),
                        info: info.trim().to_owned(),
                        comment: prose.get(since..).and_then(comment_at_end),
                        before: number,
                        text: String::new(),
                    });
                }
                (Some(_), Some(block)) => {
                    blocks.push(block);
                    since = prose.len();
                }
                (None, Some(mut block)) => {
                    block.text += line;
                    block.text.push('\n');
                    open = Some(block);
                }
                (None, None) => {
                    prose += line;
                    prose.push('\n');
                }
            }
        }
        blocks.extend(open);
        (prose, blocks)
    }

    pub(super) fn links(&self) -> Vec<String> {
        let (prose, _) = self.split();
        prose
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'))
            .filter_map(|(target, _)| target.split_whitespace().next())
            .map(ToOwned::to_owned)
            .collect()
    }

    /// The names under which headings can be linked to.
    fn anchors(&self) -> BTreeSet<String> {
        let (prose, _) = self.split();
        prose
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| {
                line.trim_start_matches('#')
                    .trim()
                    .to_lowercase()
                    .replace(' ', "-")
                    .chars()
                    .filter(|symbol| symbol.is_alphanumeric() || "-_".contains(*symbol))
                    .collect()
            })
            .collect()
    }
}

impl Block {
    pub(super) fn is(&self, language: &str) -> bool {
        self.info.split(',').next() == Some(language)
    }

    pub(super) fn is_ignored(&self) -> bool {
        self.info.split(',').any(|word| word == "ignore")
    }

    /// The file that the first line names.
    pub(super) fn file(&self) -> Option<&str> {
        self.text.lines().next()?.trim().strip_prefix("# ")
    }

    /// Calls of `doorward`, also within pipes and by way of cargo.
    pub(super) fn commands(&self) -> Vec<String> {
        let joined = self.text.replace("\\\n", " ");
        joined
            .lines()
            .flat_map(|line| line.split(" | "))
            .filter_map(|call| call.split(" > ").next())
            .map(|call| call.trim().replace("cargo run --release -- ", "doorward "))
            .filter(|call| call.starts_with("doorward "))
            .collect()
    }
}

/// The comment that ends a piece of prose, in one line.
fn comment_at_end(prose: &str) -> Option<String> {
    let (_, comment) = prose.trim_end().strip_suffix("-->")?.rsplit_once("<!--")?;
    Some(comment.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The words of a command line, quotes removed.
pub(super) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let mut quote: Option<char> = None;
    for symbol in line.chars() {
        match quote {
            Some(open) if symbol == open => quote = None,
            None if symbol == '"' || symbol == '\'' => quote = Some(symbol),
            None if symbol.is_whitespace() => words.push(std::mem::take(&mut word)),
            _ => word.push(symbol),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Whether the link's file is there, and its anchor in it. Links to other sites are not followed.
pub(super) fn leads_somewhere(page: &Page, link: &str) -> io::Result<bool> {
    if link.contains("://") {
        return Ok(true);
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match page.path.parent() {
        _ if file.is_empty() => page.path.clone(),
        Some(directory) => directory.join(file),
        None => PathBuf::from(file),
    };
    if !root().join(&target).exists() {
        return Ok(false);
    }
    Ok(anchor.is_empty() || Page::read(target)?.anchors().contains(anchor))
}
