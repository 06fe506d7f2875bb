//! The demo's GeoIP database: three documentation ranges, each in a country. How databases are read
//! is left to `signals::geo`.

use std::time::SystemTime;

use maxminddb::Reader;
use mmdb_writer::{Error, Value, Writer};

use super::edge::Place;
use crate::domain::clock::Timestamp;

/// The type in the database's metadata, by which the demo knows its own.
const DATABASE_TYPE: &str = "Doorward-Demo-Country";

/// The database, as if it had been built at this moment.
pub(super) fn database(built_at: Timestamp) -> Result<Vec<u8>, Error> {
    let mut writer = Writer::builder(DATABASE_TYPE)
        .build_epoch(SystemTime::from(built_at))
        .build();
    for (network, code) in Place::ALL.into_iter().filter_map(Place::network) {
        let country = Value::map([("iso_code", code)]);
        writer.insert_value(network, Value::map([("country", country)]))?;
    }
    writer.to_bytes()
}

/// Whether a file holds a database of the demo, and not one that the user put in its place.
#[must_use]
pub(super) fn is_ours(bytes: &[u8]) -> bool {
    Reader::from_source(bytes).is_ok_and(|reader| reader.metadata().database_type == DATABASE_TYPE)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use chrono::TimeDelta;
    use doorward_engine::Fact;

    use super::*;
    use crate::signals::geo::GeoDatabases;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn every_place_has_its_country_and_the_unknown_one_has_none() {
        let bytes: Arc<[u8]> = database(now()).unwrap().into();
        let files = [("geo.mmdb".to_owned(), bytes)];
        let databases = GeoDatabases::open(files, TimeDelta::days(60)).unwrap();
        for place in Place::ALL {
            let address: IpAddr = place.address().parse().unwrap();
            let address = Fact::known(address, "test", now());
            let country = databases.country(&address, now());
            assert_eq!(
                country.value().map(ToString::to_string),
                place.network().map(|(_, code)| code.to_owned()),
                "{place:?}"
            );
        }
    }

    #[test]
    fn the_demo_knows_its_own_database_again() {
        assert!(is_ours(&database(now()).unwrap()));
        assert!(!is_ours(&Writer::new("Other").to_bytes().unwrap()));
        assert!(!is_ours(b"not a database"));
    }
}
