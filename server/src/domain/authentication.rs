//! How an End-User authenticated, and what a device proved, as sessions and pending sign-ins remember it.
//! Whether that is recent enough is asked of the policies, never here.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::domain::clock::Timestamp;

/// How, and when, a user proved who they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// When the user last proved the password.
    pub password_at: Option<Timestamp>,
    /// When the user last proved a second factor.
    pub second_factor_at: Option<Timestamp>,
    /// The methods used, as `amr` values of RFC 8176.
    pub methods: BTreeSet<String>,
}

impl Authentication {
    /// When the user last authenticated actively: the `auth_time` of OpenID Connect Core 1.0, section 2.
    #[must_use]
    pub fn auth_time(&self) -> Option<Timestamp> {
        // An absent time orders before every present one.
        self.password_at.max(self.second_factor_at)
    }
}

/// A certificate whose key a device proved to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceProof {
    /// The certificates as DER, the device's own first, as the device sent them: not yet checked against any authority.
    #[serde(with = "certificates")]
    pub chain: Vec<Vec<u8>>,
    /// When the device proved that it holds the key.
    pub proved_at: Timestamp,
    /// The address that the device host saw.
    pub address: IpAddr,
}

/// Certificates as base64 text, the way RFC 7517, section 4.7 writes them (`x5c`).
mod certificates {
    use data_encoding::BASE64;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        chain: &[Vec<u8>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(chain.iter().map(|der| BASE64.encode(der)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Vec<u8>>, D::Error> {
        Vec::<String>::deserialize(deserializer)?
            .iter()
            .map(|text| BASE64.decode(text.as_bytes()).map_err(D::Error::custom))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Authentication, DeviceProof};
    use chrono::{DateTime, TimeDelta};

    #[test]
    fn auth_time_is_the_latest_of_the_factors() {
        let password_at = DateTime::UNIX_EPOCH;
        let second_factor_at = password_at + TimeDelta::minutes(1);
        let authentication = Authentication {
            password_at: Some(password_at),
            second_factor_at: Some(second_factor_at),
            ..Authentication::default()
        };
        assert_eq!(authentication.auth_time(), Some(second_factor_at));
    }

    #[test]
    fn one_factor_is_enough_for_an_auth_time() {
        let authentication = Authentication {
            password_at: Some(DateTime::UNIX_EPOCH),
            ..Authentication::default()
        };
        assert_eq!(authentication.auth_time(), Some(DateTime::UNIX_EPOCH));
    }

    #[test]
    fn without_a_factor_there_is_no_auth_time() {
        assert_eq!(Authentication::default().auth_time(), None);
    }

    #[test]
    fn certificates_are_written_as_base64() {
        let proof = DeviceProof {
            chain: vec![vec![0xfb, 0xff], vec![]],
            proved_at: DateTime::UNIX_EPOCH,
            address: "2001:db8::1".parse().unwrap(),
        };
        let json = serde_json::to_value(&proof).unwrap();
        assert_eq!(json["chain"], serde_json::json!(["+/8=", ""]));
        assert_eq!(serde_json::from_value::<DeviceProof>(json).unwrap(), proof);
    }

    #[test]
    fn a_certificate_that_is_not_base64_is_refused() {
        let json = r#"{"chain":["*"],"proved_at":"1970-01-01T00:00:00Z","address":"192.0.2.1"}"#;
        assert!(serde_json::from_str::<DeviceProof>(json).is_err());
    }
}
