//! Single files are followed through every way in which files change: the users file, the revocation list, a
//! certificate with its key. What counts is seen from outside, never from the status alone.

use std::slice;

use doorward::cli::pki::IssuedCertificate;
use doorward_tests::{ANA, Credentials, Installation, TestProvider, WIKI, user_entry};

use crate::journey::{arrive, provider_in};
use crate::reload_tls::presented;
use crate::ways::{File, Way, has_git};

/// The directory in which the files of the source lie here, and nothing else.
const DIRECTORY: &str = "kept";

/// Somebody who is in the users file only after a change.
pub(crate) const DEE: Credentials = Credentials {
    id: "u-dee",
    username: "dee",
    ..ANA
};

/// Whether Dee can sign in.
pub(crate) async fn dee_gets_in(provider: &TestProvider) -> bool {
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    let page = browser.visit(wiki.begin().url.as_str()).await.page();
    let page = browser.sign_in(&page, DEE).await.page();
    if page.says("do not match") {
        return false;
    }
    let answer = browser.follow(&page, "Check this device").await.answer();
    !answer.code().is_empty()
}

/// Files that change, and by what anybody can tell which version counts.
trait Subject {
    /// What the status calls the source.
    const SOURCE: &'static str;
    /// The files, as they stand in the configuration of the tests.
    const FILES: &'static [&'static str];

    fn new(installation: &Installation) -> Self;

    /// A version of the files: the one to begin with, or the changed one.
    fn version(&mut self, installation: &Installation, changed: bool) -> Vec<File>;

    /// Fails unless the version that was made last is the one that counts.
    async fn assert_in_force(&self, provider: &TestProvider);
}

/// Changes the files there and back, and looks after each step at what counts.
async fn is_followed<S: Subject>(way: Way) {
    eprintln!("{}: {way:?}", S::SOURCE);
    let installation = Installation::new();
    for file in S::FILES {
        let kept = format!("\"{DIRECTORY}/{}\"", name_of(file));
        installation.edit("doorward.toml", &format!("\"{file}\""), &kept);
    }
    let directory = installation.path(DIRECTORY);
    let mut subject = S::new(&installation);
    way.lay_out(&directory, &subject.version(&installation, false));
    let provider = provider_in(installation).await;
    let operations = provider.operations();
    subject.assert_in_force(&provider).await;

    for changed in [true, false] {
        let digest = operations.digest(S::SOURCE).await;
        if way.delete(&directory) {
            let status = operations.refused(S::SOURCE).await;
            assert_eq!(status["digest"], digest.as_str());
            subject.assert_in_force(&provider).await;
        }
        way.change(&directory, &subject.version(provider.files(), changed));
        operations.reloaded(S::SOURCE, &digest).await;
        subject.assert_in_force(&provider).await;
    }
    if way == Way::ConfigMap {
        // There was no moment in which one file was of another version than the next one.
        assert_eq!(operations.source(S::SOURCE).await["failures"], 0);
    }
}

/// The name of a file without its directories.
fn name_of(file: &'static str) -> &'static str {
    file.rsplit('/').next().expect("a name")
}

/// A users file, with Dee and without her.
struct UsersFile {
    others: String,
    has_dee: bool,
}

impl Subject for UsersFile {
    const SOURCE: &'static str = "users";
    const FILES: &'static [&'static str] = &["users.toml"];

    fn new(installation: &Installation) -> Self {
        Self {
            others: installation.read("users.toml"),
            has_dee: false,
        }
    }

    fn version(&mut self, _: &Installation, changed: bool) -> Vec<File> {
        self.has_dee = changed;
        let mut text = self.others.clone();
        if changed {
            text += &user_entry(DEE, "employees");
        }
        vec![("users.toml", text)]
    }

    async fn assert_in_force(&self, provider: &TestProvider) {
        assert_eq!(dee_gets_in(provider).await, self.has_dee);
    }
}

/// A revocation list, with a certificate and without it.
struct RevocationList {
    certificate: IssuedCertificate,
    has_certificate: bool,
}

impl Subject for RevocationList {
    const SOURCE: &'static str = "device-trust";
    const FILES: &'static [&'static str] = &["pki/revoked.crl"];

    fn new(installation: &Installation) -> Self {
        Self {
            certificate: installation.pki.device("mbp-ana"),
            has_certificate: false,
        }
    }

    fn version(&mut self, installation: &Installation, changed: bool) -> Vec<File> {
        self.has_certificate = changed;
        let revoked: &[String] = if changed {
            slice::from_ref(&self.certificate.serial)
        } else {
            &[]
        };
        vec![("revoked.crl", installation.pki.revocation_list(revoked))]
    }

    async fn assert_in_force(&self, provider: &TestProvider) {
        let wiki = provider.relying_party(WIKI).await;
        let mut browser = provider.browser().with_certificate(&self.certificate);
        let arrival = arrive(&wiki, &mut browser, ANA).await;
        if self.has_certificate {
            let page = arrival.denied();
            assert!(page.says("the certificate was revoked"), "{page}");
        } else {
            assert!(!arrival.answer().code().is_empty());
        }
    }
}

/// The certificate of the main host and its key, another pair each time.
struct Identity {
    certificate: Vec<u8>,
}

impl Subject for Identity {
    const SOURCE: &'static str = "tls";
    const FILES: &'static [&'static str] = &["pki/main.pem", "pki/main-key.pem"];

    fn new(_: &Installation) -> Self {
        Self {
            certificate: Vec::new(),
        }
    }

    fn version(&mut self, installation: &Installation, _: bool) -> Vec<File> {
        // The server does not read the files that are written here.
        self.certificate = installation.pki.renew_main();
        let files = Self::FILES.iter();
        files
            .map(|file| (name_of(file), installation.read(file)))
            .collect()
    }

    async fn assert_in_force(&self, provider: &TestProvider) {
        let url = provider.url("/jwks");
        assert!(presented(provider, &url).await == self.certificate);
    }
}

#[tokio::test]
async fn the_users_file_is_followed_however_it_changes() {
    for way in Way::ALL {
        if way != Way::Checkout || has_git() {
            is_followed::<UsersFile>(way).await;
        }
    }
}

#[tokio::test]
async fn a_revocation_list_is_followed_however_it_changes() {
    for way in Way::ALL {
        if way != Way::Checkout || has_git() {
            is_followed::<RevocationList>(way).await;
        }
    }
}

#[tokio::test]
async fn a_certificate_and_its_key_are_followed_however_they_change() {
    // Nobody keeps a private key in a repository.
    let ways = Way::ALL.into_iter().filter(|way| *way != Way::Checkout);
    for way in ways {
        is_followed::<Identity>(way).await;
    }
}
