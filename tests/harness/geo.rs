//! GeoIP databases in which documentation addresses have countries. How they are read belongs to
//! the server.

use std::time::{Duration, UNIX_EPOCH};

use chrono::TimeDelta;
use mmdb_writer::ipnet::IpNet;
use mmdb_writer::{IpVersion, Value, Writer};

/// A database that puts these networks into these countries, built an hour ago.
pub fn country_database(places: &[(&str, &str)]) -> Vec<u8> {
    aged_country_database(places, TimeDelta::hours(1))
}

/// A database that puts these networks into these countries, built this long ago.
pub fn aged_country_database(places: &[(&str, &str)], age: TimeDelta) -> Vec<u8> {
    let built = super::now() - age;
    let seconds = u64::try_from(built.timestamp()).expect("after 1970");
    let mut writer = Writer::builder("Test-Country")
        .ip_version(IpVersion::V6)
        .build_epoch(UNIX_EPOCH + Duration::from_secs(seconds))
        .build();
    for (network, country) in places {
        let network: IpNet = network.parse().expect("a network");
        let record = Value::map([("country", Value::map([("iso_code", *country)]))]);
        writer.insert_value(network, record).expect("inserted");
    }
    writer.to_bytes().expect("a database")
}
