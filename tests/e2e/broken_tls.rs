//! Files of certificates and keys that cannot be used, in all ways in which they break: a server that runs goes on
//! with what it has and names the file, one that starts refuses to.

use doorward_tests::{Installation, Operations};

use crate::journey::provider;
use crate::reload_tls::presented;
use crate::start::complaint;

/// One way in which a file is broken.
struct Breakage {
    what: &'static str,
    /// The file, below the directory of the installation.
    file: String,
    /// What it holds instead.
    text: String,
    /// What is said of it.
    words: &'static str,
}

/// What can be wrong with the certificate and the key of a host, `main` or `device`.
fn breakages(files: &Installation, host: &str) -> [Breakage; 9] {
    let (certificate, key) = (format!("pki/{host}.pem"), format!("pki/{host}-key.pem"));
    let other = if host == "main" { "device" } else { "main" };
    let other_key = files.read(&format!("pki/{other}-key.pem"));
    let (chain, pem) = (files.read(&certificate), files.read(&key));
    let of_key = |what, text, words| Breakage {
        what,
        file: key.clone(),
        text,
        words,
    };
    let of_certificate = |what, text, words| Breakage {
        what,
        file: certificate.clone(),
        text,
        words,
    };
    let no_key = "there is no private key in this file";
    [
        of_key(
            "the key of another certificate",
            other_key,
            "the private key does not belong to the certificate",
        ),
        of_key("an empty key", String::new(), no_key),
        of_key("a key that is no PEM", "not a key\n".to_owned(), no_key),
        of_key("a certificate for a key", chain.clone(), no_key),
        of_key("a key cut off", cut_off(&pem), "the PEM is broken"),
        of_certificate(
            "an empty certificate",
            String::new(),
            "there is no certificate in this file",
        ),
        of_certificate(
            "a key for a certificate",
            pem,
            "there is no certificate in this file",
        ),
        of_certificate(
            "a certificate cut off",
            cut_off(&chain),
            "the PEM is broken",
        ),
        of_certificate(
            "a certificate without its end",
            hollowed(&chain),
            "this is not a certificate",
        ),
    ]
}

/// The first half of the first thing in a PEM file.
fn cut_off(pem: &str) -> String {
    let end = pem.find("-----END").expect("an end");
    pem[..end / 2].to_owned()
}

/// A certificate of which only the beginning is there: the PEM is in order, what it holds is not.
fn hollowed(chain: &str) -> String {
    let begin: Vec<&str> = chain.lines().take(4).collect();
    format!("{}\n-----END CERTIFICATE-----\n", begin.join("\n"))
}

/// Fails if a line of the key's own text is repeated.
fn assert_keeps_the_key(key: &str, said: &str) {
    let inside = key.lines().filter(|line| !line.starts_with("-----"));
    for line in inside.filter(|line| !line.is_empty()) {
        assert!(!said.contains(line), "{said}");
    }
}

/// A server that runs goes on with the certificate that it has.
async fn goes_on(source: &str, host: &str) {
    let provider = provider().await;
    let (operations, files) = (provider.operations(), provider.files());
    let url = match host {
        "main" => provider.url("/jwks"),
        _ => provider.device_url("/assets/doorward.css"),
    };
    let before = presented(&provider, &url).await;
    let digest = operations.digest(source).await;
    let key = files.read(&format!("pki/{host}-key.pem"));
    for broken in breakages(files, host) {
        let (what, file, words) = (broken.what, broken.file, broken.words);
        let good = files.read(&file);
        files.replace(&file, broken.text);
        let status = operations.refused(source).await;
        let findings = Operations::findings(&status);
        let place = format!("{file}:");
        assert!(findings.contains(&place), "{what}: {findings}");
        assert!(findings.contains(words), "{what}: {findings}");
        assert_keeps_the_key(&key, &status.to_string());
        assert_eq!(status["digest"], digest.as_str(), "{what}");
        assert!(presented(&provider, &url).await == before, "{what}");
        let ready = operations.get("/health/ready").await;
        assert_eq!(ready.status, 200, "{what}: {ready}");
        let named = format!("ready, on the last good state of: {source}");
        assert_eq!(ready.body.trim(), named, "{what}");

        files.replace(&file, good);
        operations.healthy(source).await;
    }
    assert_keeps_the_key(&key, &provider.log());
}

/// A server that starts says what is wrong with which file, and ends.
async fn does_not_start(host: &str) {
    let installation = Installation::new();
    let key = installation.read(&format!("pki/{host}-key.pem"));
    for broken in breakages(&installation, host) {
        let (what, file, words) = (broken.what, broken.file, broken.words);
        let good = installation.read(&file);
        installation.replace(&file, broken.text);
        let complaint = complaint(&installation).await;
        assert!(
            complaint.contains(&format!("{file}: {words}")),
            "{what}: {complaint}"
        );
        assert_keeps_the_key(&key, &complaint);
        installation.replace(&file, good);
    }
}

#[tokio::test]
async fn the_main_host_goes_on_however_its_files_break() {
    goes_on("tls", "main").await;
}

#[tokio::test]
async fn the_device_host_goes_on_however_its_files_break() {
    goes_on("device-tls", "device").await;
}

#[tokio::test]
async fn with_broken_files_of_the_main_host_there_is_no_start() {
    does_not_start("main").await;
}

#[tokio::test]
async fn with_broken_files_of_the_device_host_there_is_no_start() {
    does_not_start("device").await;
}
