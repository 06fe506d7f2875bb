//! One database in the `MaxMind` format: opened, read through once, and asked for countries.
//! Leaves to others which of several databases is asked and how old one may be (`geo`).

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::DateTime;
use doorward_engine::{CountryCode, Fact};
use maxminddb::{LookupResult, MaxMindDbError, Reader, WithinOptions, path};

use crate::domain::clock::Timestamp;

/// A database whose every record was read once.
#[derive(Debug)]
pub(super) struct Database {
    file: String,
    reader: Reader<Arc<[u8]>>,
    built_at: Timestamp,
    source: String,
}

impl Database {
    /// Opens the content of a file.
    pub(super) fn open(file: String, bytes: Arc<[u8]>) -> Result<Self, DatabaseRefused> {
        let reader = Reader::from_source(bytes)?;
        let built_at = i64::try_from(reader.metadata().build_epoch)
            .ok()
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .ok_or(DatabaseRefused::Undated)?;
        survey(&reader)?;
        Ok(Self {
            file,
            reader,
            built_at,
            source: format!("GeoIP of {}", built_at.format("%Y-%m-%d")),
        })
    }

    /// The name of the file.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// When the database was built.
    pub(super) fn built_at(&self) -> Timestamp {
        self.built_at
    }

    /// The country of the address, where the database covers addresses of its family.
    pub(super) fn country(&self, address: IpAddr) -> Option<Fact<CountryCode>> {
        if address.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return None;
        }
        let code = self.reader.lookup(address).and_then(|record| code(&record));
        let reason = match code {
            Ok(Some(code)) => match code.parse::<CountryCode>() {
                Ok(country) => {
                    return Some(Fact::known(country, self.source.clone(), self.built_at));
                }
                // Codes of databases such as `EU`, `AP` or `T1` say that the place is not known.
                Err(_) => format!("the database says `{code}`, which is no country of ISO 3166"),
            },
            Ok(None) => "the database knows no country for the address".to_owned(),
            Err(error) => format!("the database is damaged: {error}"),
        };
        Some(Fact::unknown(reason, self.source.clone()))
    }
}

/// Why a file is not used as a database.
#[derive(Debug, thiserror::Error)]
pub(super) enum DatabaseRefused {
    /// Not in the format, or not whole.
    #[error("not a database in the MaxMind format, or a damaged one: {0}")]
    Damaged(#[from] MaxMindDbError),
    /// Without a date its age cannot be judged.
    #[error("the database does not say when it was built")]
    Undated,
    /// Its tree goes round in circles, or fans out without bound.
    #[error("the database's search tree has no end")]
    Endless,
    /// Of another kind: autonomous systems, say.
    #[error("no record of the database has a country; expected a country or city database")]
    NoCountries,
}

/// Reads every record once, so that damage is found when the file is loaded and not when somebody signs in.
fn survey(reader: &Reader<Arc<[u8]>>) -> Result<(), DatabaseRefused> {
    // A tree has one leaf more than it has nodes; shared branches make a few more of them. A forged one
    // can have as many leaves as there are addresses.
    let limit = u64::from(reader.metadata().node_count)
        .saturating_mul(3)
        .max(1 << 20);
    let options = WithinOptions::default().include_networks_without_data();
    let mut read = HashSet::new();
    let mut countries = false;
    for (count, network) in (0_u64..).zip(reader.networks(options)?) {
        if count > limit {
            return Err(DatabaseRefused::Endless);
        }
        let network = network?;
        if network.offset().is_some_and(|offset| read.insert(offset)) {
            countries |= code(&network)?.is_some();
        }
    }
    countries.then_some(()).ok_or(DatabaseRefused::NoCountries)
}

/// The code in a record of either layout: `country_code` beside other fields, or `country.iso_code`.
/// The country of registration is another field and says nothing about the place.
fn code<'a>(record: &LookupResult<'a, Arc<[u8]>>) -> Result<Option<&'a str>, MaxMindDbError> {
    let flat: Option<&str> = record.decode_path(&path!["country_code"])?;
    let code = match flat {
        Some(code) => Some(code),
        None => record.decode_path(&path!["country", "iso_code"])?,
    };
    Ok(code.filter(|code| !code.is_empty()))
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use ipnet::IpNet;
    use mmdb_writer::{IpVersion, Value, Writer};

    use super::*;

    /// 2026-11-20T00:00:00Z.
    const BUILT: u64 = 1_795_132_800;

    /// A database that was built on 2026-11-20.
    pub(in crate::signals) fn database(version: IpVersion, records: &[(&str, Value)]) -> Arc<[u8]> {
        let mut writer = Writer::builder("Test-Country")
            .ip_version(version)
            .build_epoch(UNIX_EPOCH + Duration::from_secs(BUILT))
            .build();
        for (network, value) in records {
            writer
                .insert_value(network.parse::<IpNet>().unwrap(), value.clone())
                .unwrap();
        }
        writer.to_bytes().unwrap().into()
    }

    pub(in crate::signals) fn nested(code: &str) -> Value {
        Value::map([("country", Value::map([("iso_code", code)]))])
    }

    pub(in crate::signals) fn flat(code: &str) -> Value {
        Value::map([("country_code", code), ("country", "Some Country")])
    }

    fn refused(bytes: &[u8]) -> String {
        match Database::open("geo.mmdb".to_owned(), bytes.into()) {
            Ok(_) => panic!("accepted"),
            Err(refused) => refused.to_string(),
        }
    }

    #[test]
    fn a_file_that_is_no_database_is_refused() {
        assert!(refused(b"not a database").starts_with("not a database in the MaxMind format"));
    }

    #[test]
    fn a_truncated_database_is_refused() {
        let whole = database(IpVersion::V6, &[("203.0.113.0/24", nested("SG"))]);
        let half = &whole[whole.len() / 2..];
        assert!(refused(half).contains("damaged"));
    }

    #[test]
    fn a_database_without_countries_is_refused() {
        let asn = Value::map([("autonomous_system_number", 64_512_u32)]);
        let bytes = database(IpVersion::V6, &[("203.0.113.0/24", asn)]);
        assert!(refused(&bytes).starts_with("no record of the database has a country"));
    }
}
