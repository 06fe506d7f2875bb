//! The country of an address, from databases in the `MaxMind` format.
//! Leaves to others how the address was found (`client_ip`) and what a country permits (policies).

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::TimeDelta;
use doorward_engine::{CountryCode, Fact};

use super::address::{canonical, placeless};
use super::geo_database::Database;
use crate::domain::clock::Timestamp;
use crate::domain::diagnostic::Diagnostic;
use crate::reload::{Built, Snapshot, Source, Watched};

/// The source that is named where no database could be asked.
const GEOIP: &str = "GeoIP";

/// The database files that operators keep.
#[derive(Debug, Clone)]
pub struct GeoSource {
    /// The files, in the order in which they are asked.
    pub databases: Vec<PathBuf>,
    /// The age beyond which a database is not believed any more.
    pub max_age: TimeDelta,
}

impl Source for GeoSource {
    type Value = GeoDatabases;

    fn name(&self) -> &'static str {
        "geoip"
    }

    fn watched(&self) -> Watched {
        Watched::Files(self.databases.clone())
    }

    fn build(
        &self,
        snapshot: &Snapshot,
        _previous: Option<&GeoDatabases>,
        _now: Timestamp,
    ) -> Result<Built<GeoDatabases>, Vec<Diagnostic>> {
        let mut files: Vec<(String, Arc<[u8]>)> = snapshot
            .files
            .iter()
            .map(|(file, bytes)| (file.clone(), Arc::clone(bytes)))
            .collect();
        // A snapshot is sorted by name; the operator's order decides whom to ask first.
        files.sort_by_key(|(file, _)| {
            self.databases
                .iter()
                .position(|path| path.to_string_lossy() == file.as_str())
                .unwrap_or(usize::MAX)
        });
        GeoDatabases::open(files, self.max_age).map(Built::new)
    }

    fn warnings(&self, value: &GeoDatabases, now: Timestamp) -> Vec<Diagnostic> {
        let databases = value.databases.iter();
        databases
            .filter_map(|database| age_warning(database, self.max_age, now))
            .collect()
    }
}

/// Databases that were read and checked, in the order in which they are asked.
#[derive(Debug)]
pub struct GeoDatabases {
    databases: Vec<Database>,
    max_age: TimeDelta,
}

impl GeoDatabases {
    /// Opens databases from the content of their files, and reads every record of them once.
    pub fn open(
        files: impl IntoIterator<Item = (String, Arc<[u8]>)>,
        max_age: TimeDelta,
    ) -> Result<Self, Vec<Diagnostic>> {
        let (mut databases, mut errors) = (Vec::new(), Vec::new());
        for (file, bytes) in files {
            match Database::open(file.clone(), bytes) {
                Ok(database) => databases.push(database),
                Err(refused) => errors.push(Diagnostic::error(file, refused.to_string())),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self { databases, max_age })
    }

    /// The country of an address, or why it is not known. Databases are asked in their order, and the
    /// first one that is young enough and knows the address answers.
    #[must_use]
    pub fn country(&self, address: &Fact<IpAddr>, now: Timestamp) -> Fact<CountryCode> {
        let Some(address) = address.value().copied().map(canonical) else {
            return Fact::unknown("the address is not known", GEOIP);
        };
        if let Some(reason) = placeless(address) {
            return Fact::unknown(reason, GEOIP);
        }
        let mut unknown = None;
        for database in &self.databases {
            let Some(country) = database.country(address) else {
                continue;
            };
            match country.fresh_within(self.max_age, now) {
                known @ Fact::Known { .. } => return known,
                reason @ Fact::Unknown { .. } => unknown = unknown.or(Some(reason)),
            }
        }
        unknown.unwrap_or_else(|| {
            let reason = if self.databases.is_empty() {
                "no GeoIP database is configured"
            } else {
                "no GeoIP database covers IPv6"
            };
            Fact::unknown(reason, GEOIP)
        })
    }

    /// The file of each database, and when the database was built.
    #[must_use]
    pub fn built_at(&self) -> Vec<(String, Timestamp)> {
        self.databases
            .iter()
            .map(|database| (database.file().to_owned(), database.built_at()))
            .collect()
    }
}

fn age_warning(database: &Database, max_age: TimeDelta, now: Timestamp) -> Option<Diagnostic> {
    let built = Fact::known((), GEOIP, database.built_at()).fresh_within(max_age, now);
    let message = format!(
        "no country is taken from this database: {}",
        built.reason()?
    );
    Some(Diagnostic::warning(database.file(), message))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mmdb_writer::IpVersion;

    use super::super::geo_database::tests::{database, flat, nested};
    use super::*;
    use crate::reload::fixtures::diagnostics_at;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn open(files: &[Arc<[u8]>], max_age: TimeDelta) -> GeoDatabases {
        let files = files
            .iter()
            .cloned()
            .map(|bytes| ("geo.mmdb".to_owned(), bytes));
        match GeoDatabases::open(files, max_age) {
            Ok(databases) => databases,
            Err(diagnostics) => panic!("refused: {diagnostics:?}"),
        }
    }

    fn days(count: i64) -> TimeDelta {
        TimeDelta::days(count)
    }

    fn country(databases: &GeoDatabases, address: &str) -> Fact<CountryCode> {
        let address = Fact::known(address.parse().unwrap(), "connection", now());
        databases.country(&address, now())
    }

    fn code_of(databases: &GeoDatabases, address: &str) -> Option<String> {
        country(databases, address).value().map(ToString::to_string)
    }

    fn why_not(databases: &GeoDatabases, address: &str) -> String {
        country(databases, address).reason().unwrap().to_owned()
    }

    #[test]
    fn both_layouts_are_read() {
        let databases = open(
            &[database(
                IpVersion::V6,
                &[
                    ("203.0.113.0/24", nested("SG")),
                    ("198.51.100.0/24", flat("JP")),
                    ("2001:db8::/32", nested("DE")),
                ],
            )],
            days(60),
        );
        assert_eq!(code_of(&databases, "203.0.113.9").as_deref(), Some("SG"));
        assert_eq!(code_of(&databases, "198.51.100.9").as_deref(), Some("JP"));
        assert_eq!(code_of(&databases, "2001:db8::1").as_deref(), Some("DE"));
        assert_eq!(
            code_of(&databases, "::ffff:203.0.113.9").as_deref(),
            Some("SG")
        );
    }

    #[test]
    fn the_fact_names_the_day_the_database_was_built() {
        let databases = open(
            &[database(IpVersion::V6, &[("203.0.113.0/24", nested("SG"))])],
            days(60),
        );
        let fact = country(&databases, "203.0.113.9");
        assert_eq!(fact.source(), "GeoIP of 2026-11-20");
        assert_eq!(fact.observed_at(), "2026-11-20T00:00:00Z".parse().ok());
        assert_eq!(databases.built_at()[0].0, "geo.mmdb");
    }

    #[test]
    fn an_old_database_knows_no_country() {
        let databases = open(
            &[database(IpVersion::V6, &[("203.0.113.0/24", nested("SG"))])],
            days(2),
        );
        assert!(why_not(&databases, "203.0.113.9").starts_with("stale"));
    }

    /// The database of 2026-11-20 in a file, which may be a week old.
    fn in_file() -> (tempfile::TempDir, GeoSource) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("geo.mmdb");
        let bytes = database(IpVersion::V6, &[("203.0.113.0/24", nested("SG"))]);
        fs::write(&file, bytes).unwrap();
        let source = GeoSource {
            databases: vec![file],
            max_age: days(7),
        };
        (directory, source)
    }

    const EIGHT_DAYS: &str =
        "no country is taken from this database: stale: observed 8 d ago, older than 7 d";

    #[tokio::test]
    async fn an_old_database_is_a_warning_when_it_is_loaded() {
        let (_directory, source) = in_file();
        let said = diagnostics_at(source, &[now() + days(4)]).await;
        assert_eq!(said, [[EIGHT_DAYS]]);
    }

    #[tokio::test]
    async fn a_database_that_becomes_old_while_it_is_live_is_a_warning() {
        let (_directory, source) = in_file();
        let said = diagnostics_at(source, &[now(), now() + days(4), now()]).await;
        assert_eq!(said, [Vec::new(), vec![EIGHT_DAYS], Vec::new()]);
    }

    #[test]
    fn the_first_database_that_knows_answers() {
        let databases = open(
            &[
                database(IpVersion::V4, &[("203.0.113.0/25", nested("SG"))]),
                database(
                    IpVersion::V6,
                    &[
                        ("203.0.113.0/24", nested("JP")),
                        ("2001:db8::/32", nested("DE")),
                    ],
                ),
            ],
            days(60),
        );
        assert_eq!(code_of(&databases, "203.0.113.9").as_deref(), Some("SG"));
        assert_eq!(code_of(&databases, "203.0.113.200").as_deref(), Some("JP"));
        assert_eq!(code_of(&databases, "2001:db8::1").as_deref(), Some("DE"));
    }

    #[test]
    fn an_unknown_country_has_its_reason() {
        let databases = open(
            &[database(
                IpVersion::V4,
                &[
                    ("203.0.113.0/24", nested("EU")),
                    ("198.51.100.0/24", flat("JP")),
                ],
            )],
            days(60),
        );
        assert_eq!(why_not(&databases, "10.0.0.1"), "the address is private");
        assert_eq!(
            why_not(&databases, "192.0.2.1"),
            "the database knows no country for the address"
        );
        assert_eq!(
            why_not(&databases, "203.0.113.9"),
            "the database says `EU`, which is no country of ISO 3166"
        );
        assert_eq!(
            why_not(&databases, "2001:db8::1"),
            "no GeoIP database covers IPv6"
        );
        let unknown = databases.country(&Fact::unknown("hidden", "Forwarded"), now());
        assert_eq!(unknown.reason(), Some("the address is not known"));
    }

    #[test]
    fn without_a_database_no_country_is_known() {
        let databases = open(&[], days(60));
        assert_eq!(
            why_not(&databases, "203.0.113.9"),
            "no GeoIP database is configured"
        );
    }
}
