//! `doorward fmt`: policy files in the one layout. How that looks is the engine's; here files are found, and
//! replaced as a whole or not at all.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use doorward_engine::{Diagnostic as PolicyDiagnostic, SourceFile};

use super::render::{self, Style, Tone, count, finding};
use super::{Exit, Failure};
use crate::domain::diagnostic::Diagnostic;
use crate::reload::{Snapshot, Watched};

const EXAMPLES: &str = "\
Examples:
  doorward fmt                                 lay out every policy file below ./policies
  doorward fmt access.cedar                    or one file
  doorward fmt --check                         change nothing, show what would change

Comments stay. A file that cannot be laid out without loss stays as it is.

Exit code: 0 every file is laid out, 1 some would change or have findings, 2 they cannot be read or written";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Directories with policies, and policy files
    #[arg(value_name = "PATH", default_value = "policies")]
    paths: Vec<PathBuf>,

    /// Changes nothing, and shows what would change
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut laid = Laid::default();
    for file in read(&args.paths)? {
        match doorward_engine::format(&file) {
            Ok(text) if *text == *file.text => laid.unchanged += 1,
            Ok(text) => laid.changed.push((file, text)),
            Err(findings) => laid.refused.push(findings),
        }
    }
    if !args.check {
        for (file, text) in &laid.changed {
            let path = Path::new(&*file.name);
            replace(path, text).map_err(|error| Failure::file(path, &error))?;
        }
    }
    render::print(&laid.text(args.check, Style::stdout()))?;
    Ok(laid.exit(args.check))
}

/// The policy files that the paths name, each once.
fn read(paths: &[PathBuf]) -> Result<Vec<SourceFile>, Failure> {
    let mut files: Vec<SourceFile> = Vec::new();
    for path in paths {
        let watched = if path.is_dir() {
            Watched::Directory(path.clone())
        } else {
            if path.is_file() && !is_policy_file(path) {
                let message = format!("`{}` is no policy file", path.display());
                let help = "name a directory, or files whose names end in `.cedar`";
                return Err(Failure::new(message).with_help(help));
            }
            Watched::Files(vec![path.clone()])
        };
        let snapshot = Snapshot::read(&watched).map_err(Failure::Files)?;
        for name in snapshot.files.keys() {
            let file = Path::new(name);
            if is_policy_file(file) && files.iter().all(|known| *known.name != **name) {
                let text = snapshot.text(file).map_err(Failure::Files)?;
                files.push(SourceFile::new(name.as_str(), text));
            }
        }
    }
    if files.is_empty() {
        let shown: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let nothing = Diagnostic::error(shown.join(", "), "holds no policy file")
            .with_help("the names of policy files end in `.cedar`");
        return Err(Failure::Files(vec![nothing]));
    }
    Ok(files)
}

fn is_policy_file(path: &Path) -> bool {
    path.extension().is_some_and(|found| found == "cedar")
}

/// Puts a text in the place of a file, at once: whoever reads it sees the old text or the new one. Of a link,
/// the file that it leads to is replaced.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let directory = path.parent().unwrap_or(Path::new("/"));
    // Hidden, so that a server that watches the directory does not take it for a policy file.
    let mut fresh = tempfile::Builder::new()
        .prefix(".")
        .tempfile_in(directory)?;
    fresh.write_all(text.as_bytes())?;
    fresh
        .as_file()
        .set_permissions(fs::metadata(&path)?.permissions())?;
    fresh.as_file().sync_all()?;
    fresh.persist(&path)?;
    Ok(())
}

/// What laying out came to.
#[derive(Debug, Default)]
struct Laid {
    changed: Vec<(SourceFile, String)>,
    unchanged: usize,
    refused: Vec<Vec<PolicyDiagnostic>>,
}

impl Laid {
    fn exit(&self, check: bool) -> Exit {
        if self.refused.is_empty() && (self.changed.is_empty() || !check) {
            Exit::Yes
        } else {
            Exit::No
        }
    }

    fn text(&self, check: bool, style: Style) -> String {
        let mut text = String::new();
        for found in self.refused.iter().flatten() {
            text.push_str(&finding::policy(found, style));
            text.push('\n');
        }
        for (file, after) in &self.changed {
            if check {
                text.push_str(&render::diff(&file.name, &file.text, after, style));
                text.push('\n');
            } else {
                text.push_str("laid out ");
                text.push_str(&render::harmless_line(&file.name));
                text.push('\n');
            }
        }
        text.push_str(&self.summary(check, style));
        text.push('\n');
        text
    }

    fn summary(&self, check: bool, style: Style) -> String {
        let mut parts = Vec::new();
        if !self.changed.is_empty() {
            let done = if check { "would change" } else { "laid out" };
            parts.push(format!("{} {done}", count(self.changed.len(), "file")));
        }
        if !self.refused.is_empty() {
            parts.push(format!("{} refused", count(self.refused.len(), "file")));
        }
        if self.unchanged > 0 {
            parts.push(format!("{} as it should be", count(self.unchanged, "file")));
        }
        let (word, tone) = match self.exit(check) {
            Exit::Yes => ("done", Tone::Good),
            Exit::No | Exit::Unanswered => ("not laid out", Tone::Bad),
        };
        format!("{}: {}", style.paint(tone, word), parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRAMPED: &str = "// a\npermit(principal,action,resource);\n";
    const RIGHT: &str = "// a\npermit (principal, action, resource);\n";

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    fn done(paths: &[&Path], check: bool) -> Result<Exit, Failure> {
        let paths = paths.iter().map(|path| path.to_path_buf()).collect();
        run(&Args { paths, check })
    }

    fn laid() -> Laid {
        let file = |name: &str, text: &str| SourceFile::new(name, text);
        let broken = file("policies/c.cedar", "permit (principal, action, resource)");
        Laid {
            changed: vec![(file("policies/a.cedar", CRAMPED), RIGHT.to_owned())],
            unchanged: 1,
            refused: vec![doorward_engine::format(&broken).unwrap_err()],
        }
    }

    #[test]
    fn a_file_is_laid_out_once() {
        let place = directory(&[("a.cedar", CRAMPED), ("b.toml", "[group.a]")]);
        let file = place.path().join("a.cedar");
        assert_eq!(done(&[place.path()], true).unwrap(), Exit::No);
        assert_eq!(fs::read_to_string(&file).unwrap(), CRAMPED);
        assert_eq!(done(&[place.path()], false).unwrap(), Exit::Yes);
        assert_eq!(fs::read_to_string(&file).unwrap(), RIGHT);
        assert_eq!(done(&[&file], true).unwrap(), Exit::Yes);
    }

    #[test]
    fn a_broken_file_stays_and_the_others_are_laid_out() {
        let place = directory(&[("a.cedar", "permit"), ("b.cedar", CRAMPED)]);
        assert_eq!(done(&[place.path()], false).unwrap(), Exit::No);
        let text = |name: &str| fs::read_to_string(place.path().join(name)).unwrap();
        assert_eq!([text("a.cedar"), text("b.cedar")], ["permit", RIGHT]);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_permissions_and_a_link_stays_a_link() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let elsewhere = directory(&[("a.cedar", CRAMPED)]);
        let target = elsewhere.path().join("a.cedar");
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
        let place = directory(&[]);
        let link = place.path().join("a.cedar");
        symlink(&target, &link).unwrap();
        assert_eq!(done(&[place.path()], false).unwrap(), Exit::Yes);
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), RIGHT);
        let mode = fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn what_is_no_policy_file_or_is_not_there_is_no_answer() {
        let place = directory(&[("a.toml", "")]);
        let absent = place.path().join("absent.cedar");
        for path in [place.path(), &place.path().join("a.toml"), &absent] {
            let failure = done(&[path], false).unwrap_err();
            assert_eq!(failure.exit(), Exit::Unanswered, "{}", path.display());
        }
    }

    #[test]
    fn what_would_change_is_shown() {
        insta::assert_snapshot!(laid().text(true, Style::plain()));
    }

    #[test]
    fn what_was_changed_is_named() {
        let mut laid = laid();
        laid.refused.clear();
        insta::assert_snapshot!(laid.text(false, Style::plain()));
    }
}
