//! What a document shows, given to whatever reads it in earnest: policies to the engine, files to their parsers.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use doorward::config::Config;
use doorward::directory::clients::Clients;
use doorward::directory::devices::Inventory;
use doorward::directory::users::Users;
use doorward::domain::diagnostic::Diagnostic;
use doorward::reload::Built;
use doorward_engine::suite::{self, Suite};
use doorward_engine::{BUILT_IN_SCHEMA, Fact, PolicyBundle, SourceFile};

use super::page::{Block, root};

/// What the policies of a page are loaded with: the names of the starter bundle, and what the page adds.
pub(super) fn surroundings(blocks: &[Block]) -> io::Result<Vec<SourceFile>> {
    let starter = fs::read_to_string(root().join("policies/entities.toml"))?;
    let mut files = vec![SourceFile::new("policies/entities.toml", starter)];
    let added = blocks
        .iter()
        .filter(|block| block.is("toml") && block.file() == Some("entities.toml"))
        .filter(|block| !block.is_ignored());
    files.extend(added.map(|block| {
        SourceFile::new(
            format!("{}/entities.toml", block.place),
            block.text.as_str(),
        )
    }));
    let declared: Vec<&Block> = blocks
        .iter()
        .filter(|block| block.is("cedarschema") && !block.is_ignored())
        .collect();
    if !declared.is_empty() {
        let schema = declared
            .iter()
            .fold(BUILT_IN_SCHEMA.to_owned(), |schema, block| {
                with_declaration(&schema, &block.text)
            });
        files.push(SourceFile::new("own.cedarschema", schema));
    }
    Ok(files)
}

/// The schema with a declaration in the place of the one of the same name.
fn with_declaration(schema: &str, declaration: &str) -> String {
    let head: Vec<&str> = declaration.split_whitespace().take(2).collect();
    let Some((before, rest)) = schema.split_once(&format!("\n{} ", head.join(" "))) else {
        return format!("{schema}\n{declaration}");
    };
    let long = rest.lines().next().is_some_and(|line| line.ends_with('{'));
    let after = rest
        .split_once(if long { "\n};" } else { ";" })
        .map_or("", |(_, after)| after);
    format!("{before}\n{declaration}{after}")
}

/// What the engine finds in a bundle, warnings included.
pub(super) fn said_by_engine(files: &[SourceFile]) -> Vec<String> {
    let diagnostics = match PolicyBundle::load(files, None) {
        Ok(bundle) => bundle.warnings().to_vec(),
        Err(error) => error.diagnostics.to_vec(),
    };
    diagnostics
        .iter()
        .map(|finding| format!("{} {finding}", finding.origin()))
        .collect()
}

/// What the parser of the file that a block names finds in it, warnings included.
pub(super) fn said_by_parser(block: &Block) -> Vec<String> {
    let (text, place) = (block.text.as_str(), block.place.as_str());
    let diagnostics = match block.file() {
        Some("doorward.toml") => {
            // A block may show one section.
            let issuer = "issuer = \"https://id.example.com\"\n";
            let given = text.lines().any(|line| line.starts_with("issuer"));
            let whole = if given {
                text.to_owned()
            } else {
                format!("{issuer}{text}")
            };
            Config::parse(&whole, place, Path::new("/etc/doorward"))
                .err()
                .unwrap_or_default()
        }
        Some("users.toml") => said(Users::parse(text, place)),
        Some("clients.toml") => said(Clients::parse(text, place)),
        Some("devices.toml") => said(Inventory::parse(text, place)),
        Some(file) if suite::is_suite_file(file) => return said_by_suite(text, place),
        // Loaded together with the policies of the page.
        Some("entities.toml") => Vec::new(),
        _ => return vec![format!("{place}: the first line names no file of ours")],
    };
    diagnostics.iter().map(ToString::to_string).collect()
}

/// What is wrong with a suite, and where the starter bundle answers otherwise than it expects.
fn said_by_suite(text: &str, place: &str) -> Vec<String> {
    let starter = [
        SourceFile::new(
            "policies/access.cedar",
            include_str!("../../policies/access.cedar"),
        ),
        SourceFile::new(
            "policies/entities.toml",
            include_str!("../../policies/entities.toml"),
        ),
    ];
    let bundle = PolicyBundle::load(&starter, None).expect("the starter bundle");
    let suite = match Suite::parse(&SourceFile::new(place, text)) {
        Ok(suite) => suite,
        Err(findings) => {
            return findings
                .iter()
                .map(|finding| format!("{} {finding}", finding.origin()))
                .collect();
        }
    };
    let nowhere = |_: IpAddr| Fact::unknown("there is no database", "GeoIP");
    let results = suite::run(&bundle, &[suite], &nowhere, &|_: &str| true);
    results
        .iter()
        .flat_map(|case| {
            let failures = case.failures.iter();
            failures.map(|wrong| format!("{place}: {}: {wrong}", case.name))
        })
        .collect()
}

fn said<T>(parsed: Result<Built<T>, Vec<Diagnostic>>) -> Vec<Diagnostic> {
    match parsed {
        Ok(built) => built.warnings,
        Err(errors) => errors,
    }
}
