//! Directories read at revisions of real repositories, and what is told where that cannot be done.

use std::fs;

use doorward_engine::is_bundle_file;

use super::fixtures::{Repository, run};
use super::*;

/// Names below the directory and texts of the bundle's files there.
fn read(repository: &Repository, directory: &str, revision: &str) -> Vec<(String, String)> {
    let place = Place::new(repository.path(directory), Some(revision.to_owned()));
    listed(repository, directory, &place)
}

fn listed(repository: &Repository, directory: &str, place: &Place) -> Vec<(String, String)> {
    let base = repository.path(directory);
    let files = match place.read(is_bundle_file) {
        Ok(files) => files,
        Err(failure) => panic!("{failure:?}"),
    };
    let texts = files.texts.iter().map(|file| {
        let name = Path::new(&*file.name).strip_prefix(&base).unwrap();
        (name.display().to_string(), file.text.to_string())
    });
    texts.collect()
}

fn names(files: &[(String, String)]) -> Vec<&str> {
    files.iter().map(|(name, _)| name.as_str()).collect()
}

fn refused(repository: &Repository, directory: &str, revision: &str) -> Failure {
    let place = Place::new(repository.path(directory), Some(revision.to_owned()));
    place.read(is_bundle_file).unwrap_err()
}

/// The message and the help of a failure in words.
fn told(failure: Failure) -> (String, String) {
    match failure {
        Failure::Other { message, help } => (message, help.unwrap_or_default()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_directory_is_read_as_it_was_at_each_revision() {
    let repository = Repository::new();
    repository.write("policies/a.cedar", "one");
    let first = repository.commit("first");
    repository.git(&["tag", "v1"]);
    repository.write("policies/a.cedar", "two");
    repository.write("policies/sub/b.cedar", "b");
    repository.commit("second");
    repository.write("policies/a.cedar", "not committed");

    for revision in ["v1", "HEAD~1", "main^", first.as_str(), &first[..8]] {
        let files = read(&repository, "policies", revision);
        assert_eq!(
            files,
            [("a.cedar".to_owned(), "one".to_owned())],
            "{revision}"
        );
    }
    let now = read(&repository, "policies", "main");
    assert_eq!(names(&now), ["a.cedar", "sub/b.cedar"]);
    assert_eq!(now[0].1, "two");
    let place = Place::new(repository.path("policies"), Some("v1".to_owned()));
    let files = place.read(is_bundle_file).unwrap();
    assert_eq!(files.commit, Some(first));
}

#[test]
fn a_revision_is_read_under_the_very_names_of_the_checkout() {
    let repository = Repository::new();
    repository.write("policies/a.cedar", "a");
    repository.write("policies/deep/er/entities.toml", "");
    repository.write("policies/own.cedarschema", "");
    repository.write("policies/README.md", "no file of the bundle");
    repository.write("policies/.hidden.cedar", "");
    repository.write("policies/.hidden/x.cedar", "");
    repository.write("policies/a.cedar~", "");
    repository.write("policies/#b.cedar#", "");
    repository.link("policies/linked.cedar", "./a.cedar");
    repository.link("policies/shared", "../shared");
    repository.link("policies/again", "shared/nested");
    repository.write("shared/s.cedar", "s");
    repository.write("shared/nested/n.cedar", "n");
    repository.link("shared/nested/up.cedar", "../s.cedar");
    repository.commit("all of it");

    let as_it_is = Place::new(repository.path("policies"), None);
    let expected = listed(&repository, "policies", &as_it_is);
    assert_eq!(read(&repository, "policies", "HEAD"), expected);
    assert!(
        names(&expected).contains(&"shared/nested/up.cedar"),
        "{expected:?}"
    );
    assert_eq!(read(&repository, "shared", "HEAD").len(), 3);
}

#[test]
fn the_top_of_the_repository_can_be_the_directory() {
    let repository = Repository::new();
    repository.write("a.cedar", "a");
    repository.commit("first");
    assert_eq!(names(&read(&repository, "", "HEAD")), ["a.cedar"]);
}

#[test]
fn a_directory_that_has_gone_is_read_where_it_lay() {
    let repository = Repository::new();
    repository.write("old/policies/a.cedar", "a");
    repository.commit("first");
    fs::remove_dir_all(repository.path("old")).unwrap();
    repository.commit("second");
    assert_eq!(
        names(&read(&repository, "old/policies", "HEAD^")),
        ["a.cedar"]
    );
    let (message, help) = told(refused(&repository, "old/policies", "HEAD"));
    assert!(message.ends_with("does not exist at `HEAD`"), "{message}");
    assert!(help.contains("`--policies`"), "{help}");
}

#[test]
fn a_directory_without_files_of_a_bundle_is_empty_and_no_failure() {
    let repository = Repository::new();
    repository.write("policies/README.md", "nothing yet");
    repository.commit("first");
    assert!(read(&repository, "policies", "HEAD").is_empty());
}

#[test]
fn a_file_in_place_of_the_directory_is_told() {
    let repository = Repository::new();
    repository.write("policies", "a file");
    repository.commit("first");
    let (message, _) = told(refused(&repository, "policies", "HEAD"));
    assert!(message.ends_with("is no directory at `HEAD`"), "{message}");
}

#[test]
fn an_unknown_revision_is_told_with_where_to_look() {
    let repository = Repository::new();
    repository.write("policies/a.cedar", "a");
    repository.commit("first");
    for revision in [
        "mian",
        "",
        "--all",
        "^main",
        "HEAD..main",
        "HEAD:policies",
        "a b",
    ] {
        let (message, help) = told(refused(&repository, "policies", revision));
        let expected = format!("there is no revision `{revision}`");
        assert!(message.starts_with(&expected), "{message}");
        assert!(help.contains("`git tag`"), "{help}");
    }
}

#[test]
fn a_shallow_clone_says_how_to_get_the_rest() {
    let origin = Repository::new();
    origin.write("policies/a.cedar", "a");
    let first = origin.commit("first");
    origin.commit("second");
    let directory = tempfile::tempdir().unwrap();
    let url = format!("file://{}", origin.path("").display());
    run(
        directory.path(),
        &["clone", "--quiet", "--depth", "1", &url, "clone"],
    );
    let policies = directory.path().join("clone/policies");
    let place = Place::new(policies, Some(first));
    let (_, help) = told(place.read(is_bundle_file).unwrap_err());
    assert!(help.contains("--unshallow"), "{help}");
}

#[test]
fn a_directory_in_no_repository_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path(), Some("HEAD".to_owned()));
    let (message, help) = told(place.read(is_bundle_file).unwrap_err());
    assert!(message.ends_with("is in no git repository"), "{message}");
    assert!(help.contains("`--rev`"), "{help}");
}

#[test]
fn links_that_cannot_be_followed_are_told_one_by_one() {
    let repository = Repository::new();
    repository.write("policies/a.cedar", "a");
    repository.link("policies/1.cedar", "/etc/hosts");
    repository.link("policies/2.cedar", "../../elsewhere.cedar");
    repository.link("policies/3.cedar", "nowhere.cedar");
    repository.link("policies/4.cedar", "4.cedar");
    repository.link("policies/5", ".");
    repository.commit("first");
    let base = format!("{}/", repository.path("policies").display());
    let told = refused(&repository, "policies", "HEAD").to_string();
    let told = told.replace(&base, "");
    insta::assert_snapshot!(told, @r"
    1.cedar: error: this link leads to `/etc/hosts`, outside of the repository
    2.cedar: error: this link leads to `../../elsewhere.cedar`, outside of the repository
    3.cedar: error: this link leads to nothing
    4.cedar: error: this link leads in a circle
    5: error: this link leads back to a directory it lies in
    ");
}

#[test]
fn a_submodule_is_told() {
    let repository = Repository::new();
    let other = Repository::new();
    other.write("a.cedar", "a");
    other.commit("first");
    let url = other.path("").display().to_string();
    repository.git(&["submodule", "--quiet", "add", &url, "policies/vendor"]);
    repository.commit("first");
    let told = refused(&repository, "policies", "HEAD").to_string();
    assert!(
        told.contains("policies/vendor: error: is a submodule"),
        "{told}"
    );
}

#[test]
fn a_text_that_is_not_utf_8_is_told_by_its_name() {
    let repository = Repository::new();
    repository.write("policies/a.cedar", "");
    fs::write(repository.path("policies/a.cedar"), [b'a', 0xff]).unwrap();
    repository.commit("first");
    let told = refused(&repository, "policies", "HEAD").to_string();
    assert!(
        told.contains("a.cedar: error: is not a text in UTF-8"),
        "{told}"
    );
}

#[test]
fn a_place_is_shown_with_its_revision() {
    assert_eq!(Place::new("policies", None).shown(), "policies");
    let at = Place::new("policies", Some("v1.2".to_owned()));
    assert_eq!(at.shown(), "policies at v1.2");
}
