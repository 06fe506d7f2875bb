//! Which directory is the bundle of a file. A bundle is read whole, so the wrong directory gives wrong findings:
//! the rules are few, and the manual has them.

use std::path::{Path, PathBuf};

use lsp_types::InitializeParams;

use super::documents::path_of;

/// The name that a directory of policies has, where nobody says another one.
const POLICIES: &str = "policies";

/// Files that lie at the top of a bundle.
const MARKS: [&str; 2] = ["entities.toml", "entities.json"];

/// What is known about where bundles are.
#[derive(Debug, Default)]
pub(super) struct Roots {
    /// The directory that was named.
    named: Option<PathBuf>,
    /// The folders that are open in the editor.
    folders: Vec<PathBuf>,
}

impl Roots {
    /// What the editor says, and the command line, whose word counts more.
    #[expect(deprecated, reason = "older editors name their folder in this way")]
    pub(super) fn of(params: &InitializeParams, policies: Option<PathBuf>) -> Self {
        let listed = params.workspace_folders.iter().flatten();
        let mut folders: Vec<PathBuf> = listed.filter_map(|folder| path_of(&folder.uri)).collect();
        if folders.is_empty() {
            folders.extend(params.root_uri.as_ref().and_then(path_of));
        }
        let options = params.initialization_options.as_ref();
        let wished = options
            .and_then(|options| options.get(POLICIES)?.as_str())
            .map(|directory| {
                let base = folders.first().cloned().unwrap_or_default();
                base.join(directory)
            });
        Self {
            named: policies.or(wished),
            folders,
        }
    }

    /// The directory of the bundle that a file belongs to.
    pub(super) fn bundle_of(&self, file: &Path) -> Option<PathBuf> {
        if let Some(named) = self.named.as_ref().filter(|named| file.starts_with(named)) {
            return Some(named.clone());
        }
        let own = file.parent()?;
        let folder = self.folders.iter().find(|folder| own.starts_with(folder));
        let above = move || {
            let above = own.ancestors();
            above.take_while(move |it| folder.is_none_or(|folder| it.starts_with(folder)))
        };
        let called = above().find(|it| it.file_name().is_some_and(|name| name == POLICIES));
        let marked = || above().find(|it| MARKS.iter().any(|mark| it.join(mark).is_file()));
        Some(called.or_else(marked).unwrap_or(own).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn roots(named: Option<&str>, folder: &Path) -> Roots {
        Roots {
            named: named.map(|name| folder.join(name)),
            folders: vec![folder.to_owned()],
        }
    }

    #[test]
    fn a_directory_that_was_named_is_taken_for_what_is_in_it() {
        let folder = Path::new("/work");
        let roots = roots(Some("rules"), folder);
        let bundle = |file: &str| roots.bundle_of(&folder.join(file));
        assert_eq!(bundle("rules/sub/a.cedar"), Some(folder.join("rules")));
        assert_eq!(bundle("other/a.cedar"), Some(folder.join("other")));
    }

    #[test]
    fn a_directory_called_policies_is_taken() {
        let folder = Path::new("/work");
        let roots = roots(None, folder);
        let bundle = |file: &str| roots.bundle_of(&folder.join(file));
        assert_eq!(
            bundle("policies/sub/a.cedar"),
            Some(folder.join("policies"))
        );
        let deep = "examples/repo/policies";
        assert_eq!(bundle(&format!("{deep}/a.cedar")), Some(folder.join(deep)));
    }

    #[test]
    fn entity_data_marks_a_bundle_and_otherwise_the_directory_is_one() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("rules/sub")).unwrap();
        fs::write(place.path().join("rules/entities.toml"), "").unwrap();
        let roots = roots(None, place.path());
        let bundle = |file: &str| roots.bundle_of(&place.path().join(file));
        let rules = Some(place.path().join("rules"));
        assert_eq!(bundle("rules/sub/a.cedar"), rules);
        assert_eq!(bundle("b/a.cedar"), Some(place.path().join("b")));
    }

    #[test]
    fn a_folder_of_the_editor_is_not_left() {
        let roots = roots(None, Path::new("/policies/access"));
        let bundle = roots.bundle_of(Path::new("/policies/access/a/b.cedar"));
        assert_eq!(bundle, Some(PathBuf::from("/policies/access/a")));
    }

    #[test]
    fn the_editor_may_name_the_directory() {
        let params = serde_json::json!({
            "capabilities": {},
            "workspaceFolders": [{ "uri": "file:///srv", "name": "srv" }],
            "initializationOptions": { "policies": "access" },
        });
        let params: InitializeParams = serde_json::from_value(params).unwrap();
        let roots = Roots::of(&params, None);
        assert_eq!(roots.named, Some(PathBuf::from("/srv/access")));
        let named = Some(PathBuf::from("/other"));
        assert_eq!(Roots::of(&params, named.clone()).named, named);
    }
}
