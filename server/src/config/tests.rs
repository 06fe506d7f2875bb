//! The file as a whole: what holds beyond single sections.

use super::*;

const ISSUER: &str = "issuer = 'https://id.example.com'\n";

/// The configuration that `sections` make together with an issuer on line 1.
pub(super) fn accepted(sections: &str) -> Config {
    Config::parse(
        &format!("{ISSUER}{sections}"),
        "doorward.toml",
        Path::new(""),
    )
    .unwrap_or_else(|found| panic!("{found:#?}"))
}

/// What is found wrong with `sections` below an issuer on line 1.
pub(super) fn refused(sections: &str) -> Vec<Diagnostic> {
    Config::parse(
        &format!("{ISSUER}{sections}"),
        "doorward.toml",
        Path::new(""),
    )
    .unwrap_err()
}

fn issuer(text: &str) -> Result<Config, Vec<Diagnostic>> {
    Config::parse(
        &format!("issuer = '{text}'\n"),
        "doorward.toml",
        Path::new(""),
    )
}

#[test]
fn an_issuer_is_all_that_must_be_written() {
    let config = accepted("");
    assert_eq!(config.issuer_text(), "https://id.example.com");
    assert_eq!(config.state, PathBuf::from("state"));
    assert_eq!(config.device, None);
}

#[test]
fn an_issuer_with_a_path_is_refused() {
    let config = issuer("https://id.example.com/").unwrap();
    assert_eq!(config.issuer_text(), "https://id.example.com");
    let found = issuer("https://example.com/id").unwrap_err();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].message, "the issuer has the path `/id`");
    assert!(found[0].help.as_deref().unwrap().contains("host and port"));
}

#[test]
fn http_is_for_this_machine_only() {
    assert!(issuer("http://localhost:8080").is_ok());
    assert!(issuer("http://127.0.0.1:8080").is_ok());
    assert!(issuer("http://[::1]:8080").is_ok());
    let found = issuer("http://id.example.com").unwrap_err();
    assert!(found[0].message.contains("not an https URL"));
}

#[test]
fn an_issuer_with_query_fragment_or_user_is_refused() {
    for text in [
        "https://id.example.com?a=b",
        "https://id.example.com#a",
        "https://me@id.example.com",
    ] {
        assert_eq!(issuer(text).unwrap_err().len(), 1, "{text}");
    }
}

#[test]
fn an_issuer_that_is_no_url_is_answered_with_how_to_begin_it() {
    let found = issuer("id.example.com").unwrap_err();
    assert_eq!(found[0].message, "`id.example.com` is not a whole URL");
    assert_eq!(found[0].help.as_deref(), Some("begin it with `https://`"));
}

#[test]
fn relative_paths_start_at_the_directory_of_the_file() {
    let text = format!("{ISSUER}state = '/var/lib/doorward'\n[policies]\ndirectory = 'p'\n");
    let base = Path::new("/etc/doorward");
    let config = Config::parse(&text, "doorward.toml", base).unwrap();
    assert_eq!(config.policies.directory, base.join("p"));
    assert_eq!(config.directory.users, base.join("users.toml"));
    assert_eq!(config.state, PathBuf::from("/var/lib/doorward"));
}

#[test]
fn unknown_sections_and_keys_are_refused() {
    let found = refused("[polices]\n[listen]\nadress = '127.0.0.1:1'\n");
    let help: Vec<_> = found.iter().filter_map(|it| it.help.as_deref()).collect();
    assert!(help.contains(&"did you mean `policies`?"), "{found:?}");
    assert!(help.contains(&"did you mean `address`?"), "{found:?}");
}

#[test]
fn all_findings_are_reported_at_once() {
    let found = refused(
        "[listen]\naddress = '0.0.0.0:80'\n[network]\ntrusted_proxies = ['::/0']\n[tokens]\ncode_lifetime = '1h'\n",
    );
    let lines: Vec<_> = found.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [Some(3), Some(5), Some(7)]);
}

#[test]
fn two_listeners_on_one_address_are_refused() {
    let found = refused("[operations]\naddress = '127.0.0.1:8080'\n");
    assert_eq!(
        found[0].message,
        "`127.0.0.1:8080` is the address of `[listen]` already"
    );
}

#[test]
fn a_file_is_read_with_paths_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("doorward.toml");
    fs::write(&file, ISSUER).unwrap();
    let config = Config::load(&file).unwrap();
    assert_eq!(config.policies.directory, directory.path().join("policies"));
}

#[test]
fn a_missing_file_is_told() {
    let found = Config::load(Path::new("absent/doorward.toml")).unwrap_err();
    assert_eq!(
        found[0].to_string(),
        "absent/doorward.toml: error: does not exist"
    );
}

#[test]
fn what_is_written_out_reads_back_as_the_same_configuration() {
    let config =
        accepted("[sessions]\nidle = '12h'\n[network]\ntrusted_proxies = ['10.0.0.0/8']\n");
    let text = toml::to_string(&config).unwrap();
    let again = Config::parse(&text, "doorward.toml", Path::new("")).unwrap();
    assert_eq!(again, config);
}

#[test]
fn the_schema_knows_sections_and_defaults() {
    let schema = Config::json_schema().to_value();
    let text = schema.to_string();
    assert_eq!(schema["properties"]["issuer"]["format"], "uri");
    assert!(text.contains("\"400d\""), "{text}");
    assert!(text.contains("trusted_proxies"));
}
