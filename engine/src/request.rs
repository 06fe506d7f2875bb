//! The full question to the engine: who, to what, from where, with which device, authenticated how.
//! Plain data; `entities.rs` alone turns it into Cedar values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fact::Fact;

/// One question: may this user do this with this application, as things stand now?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRequest {
    /// What is asked for.
    pub action: Action,
    /// The End-User.
    pub user: User,
    /// The application that the client belongs to.
    pub application: Application,
    /// The client's network address, after trusted proxies.
    pub address: Fact<IpAddr>,
    /// The country that the address is in.
    pub country: Fact<CountryCode>,
    /// The device that proved itself with a certificate.
    pub device: Fact<Device>,
    /// How, and how long ago, the user authenticated.
    pub session: Session,
    /// The one clock reading of this request.
    pub now: DateTime<Utc>,
}

/// What is asked for; the actions of the schema.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Sign in to an application.
    SignIn,
    /// Renew tokens of an earlier sign-in.
    Refresh,
    /// Report the posture of the device to an identity provider.
    Posture,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::SignIn, Self::Refresh, Self::Posture];
}

/// The End-User as the directory knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The permanent identifier.
    pub id: String,
    /// The groups the user is directly in.
    pub groups: BTreeSet<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// Attributes that the organisation added to `User` in its schema.
    pub attributes: BTreeMap<String, AttributeValue>,
}

/// What the user wants to sign in to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// The identifier that policies name.
    pub id: String,
    /// Attributes that the organisation added to `Application` in its schema.
    pub attributes: BTreeMap<String, AttributeValue>,
}

/// A machine known by its certificate, with its posture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The inventory's identifier, or the certificate's identity where no record matched.
    pub id: String,
    /// Under management of the organisation.
    pub managed: Fact<bool>,
    /// State of the disk's encryption.
    pub disk_encryption: Fact<DiskEncryption>,
    /// Meets the requirements of the source that watches it.
    pub compliant: Fact<bool>,
    /// The operating system's family.
    pub platform: Fact<Platform>,
    /// The operating system's version.
    pub os_version: Fact<OsVersion>,
    /// Users the device is assigned to.
    pub assigned_to: BTreeSet<String>,
    /// When the device last proved that it holds its key.
    pub proved_at: DateTime<Utc>,
    /// Attributes that the organisation added to `Device` in its schema.
    pub attributes: BTreeMap<String, AttributeValue>,
}

/// State of a disk's encryption. Only `On` counts as encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DiskEncryption {
    /// Every fixed disk is encrypted.
    On,
    /// Encryption has begun and is not complete.
    Encrypting,
    /// A fixed disk is not encrypted.
    Off,
}

/// Family of an operating system; the identifiers of the schema's `Platform`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Apple macOS.
    Macos,
    /// Microsoft Windows.
    Windows,
    /// Any Linux distribution.
    Linux,
    /// Apple iOS or iPadOS.
    Ios,
    /// Android.
    Android,
    /// Google ChromeOS.
    Chromeos,
}

impl Platform {
    /// The family of an identifier of the schema.
    #[must_use]
    pub fn of(id: &str) -> Option<Self> {
        match id {
            "macos" => Some(Self::Macos),
            "windows" => Some(Self::Windows),
            "linux" => Some(Self::Linux),
            "ios" => Some(Self::Ios),
            "android" => Some(Self::Android),
            "chromeos" => Some(Self::Chromeos),
            _ => None,
        }
    }
}

/// Version of an operating system, comparable in policies as one number:
/// `major * 1_000_000_000 + minor * 1_000_000 + patch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OsVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

impl OsVersion {
    /// The version as the one number that policies compare.
    #[must_use]
    pub fn comparable(self) -> i64 {
        i64::from(self.major) * 1_000_000_000
            + i64::from(self.minor) * 1_000_000
            + i64::from(self.patch)
    }

    /// The version that is nearest to the number, for a number that need not be one's.
    #[must_use]
    pub fn nearest(number: i64) -> Self {
        Self::from_comparable(number).unwrap_or(Self {
            major: 999_999,
            minor: 999,
            patch: 999_999,
        })
    }

    /// The version of that number, if a version has it.
    pub(crate) fn from_comparable(number: i64) -> Option<Self> {
        let part = |divisor, limit| u32::try_from(number / divisor % limit).ok();
        Some(Self {
            major: u32::try_from(number / 1_000_000_000).ok()?,
            minor: part(1_000_000, 1_000)?,
            patch: part(1, 1_000_000)?,
        })
    }
}

impl FromStr for OsVersion {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidVersion(text.to_owned());
        let mut parts = text.split('.');
        let mut part = |limit: u32| match parts.next() {
            None => Ok(0),
            Some(part) => match part.parse::<u32>() {
                Ok(number) if number <= limit => Ok(number),
                _ => Err(invalid()),
            },
        };
        let (major, minor, patch) = (part(1_000_000)?, part(999)?, part(999_999)?);
        // A fourth number says which build it is, not which version.
        match parts.next().map(str::parse::<u64>) {
            None | Some(Ok(_)) => Ok(Self {
                major,
                minor,
                patch,
            }),
            Some(Err(_)) => Err(invalid()),
        }
    }
}

impl TryFrom<String> for OsVersion {
    type Error = InvalidVersion;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<OsVersion> for String {
    fn from(version: OsVersion) -> Self {
        version.to_string()
    }
}

impl fmt::Display for OsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A version that is not three numbers with dots between.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version: expected numbers such as `15.3.1` or `10.0.22631`")]
pub struct InvalidVersion(String);

/// How, and how long ago, the user authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// When the user last proved the password.
    pub password: Fact<DateTime<Utc>>,
    /// When the user last proved a second factor.
    pub second_factor: Fact<DateTime<Utc>>,
    /// Methods of authentication, as `amr` values of RFC 8176.
    pub methods: BTreeSet<String>,
}

/// A country's two letters of ISO 3166-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// The two letters, upper case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // INVARIANT: both bytes are ASCII letters, see `from_str`.
        std::str::from_utf8(&self.0).unwrap_or("??")
    }

    /// The country's name in English.
    #[must_use]
    pub fn name(&self) -> &'static str {
        rust_iso3166::from_alpha2(self.as_str()).map_or("unknown country", |country| country.name)
    }
}

impl FromStr for CountryCode {
    type Err = InvalidCountry;

    /// Upper-case codes that ISO 3166-1 assigns; codes of ours or of databases (`EU`, `XX`, `T1`) are none.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text.as_bytes(), rust_iso3166::from_alpha2(text)) {
            (&[a, b], Some(country)) if country.alpha2 == text => Ok(Self([a, b])),
            _ => Err(InvalidCountry(text.to_owned())),
        }
    }
}

impl TryFrom<String> for CountryCode {
    type Error = InvalidCountry;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CountryCode> for String {
    fn from(code: CountryCode) -> Self {
        code.as_str().to_owned()
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text that is no country of ISO 3166-1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a country: expected two upper-case letters of ISO 3166-1 such as `SG`")]
pub struct InvalidCountry(String);

/// A value of an attribute that the organisation added to the schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AttributeValue {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Long(i64),
    /// Text.
    String(String),
    /// A set of values of one type.
    Set(Vec<AttributeValue>),
}
