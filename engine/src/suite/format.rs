//! Suites as they are written: which keys there are, of what kind, and where each value stands.
//! What the names in them mean is left to `resolve`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, schema_for};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use toml::{Spanned, Value};

use super::Expected;
use crate::error::Diagnostic;
use crate::request::{Action, AttributeValue, CountryCode, DiskEncryption, OsVersion, Platform};
use crate::source::SourceFile;

/// Longest age: a century ago is never.
const LONGEST: TimeDelta = TimeDelta::days(36_525);
/// How an age is written, where one cannot be read.
const AGES: &str = "write a number with its unit, as in `30m`, `12h` or `8d`";

/// A value and the bytes it stands at.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        Ok(Self {
            span: spanned.span(),
            value: spanned.into_inner(),
        })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A span of time, such as `30m`, `12h` or `8d`.
#[derive(Debug, Clone, Copy, JsonSchema)]
pub(super) struct Age(#[schemars(with = "String")] pub(super) TimeDelta);

impl<'de> Deserialize<'de> for Age {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        age(&text).map(Self).map_err(D::Error::custom)
    }
}

/// How long ago something was, such as `12h`, or `never`.
#[derive(Debug, Clone, Copy, JsonSchema)]
pub(super) struct Ago(#[schemars(with = "String")] pub(super) Option<TimeDelta>);

impl<'de> Deserialize<'de> for Ago {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "never" => Ok(Self(None)),
            text => age(text)
                .map(|age| Self(Some(age)))
                .map_err(|problem| D::Error::custom(format!("{problem}, or `never`"))),
        }
    }
}

fn age(text: &str) -> Result<TimeDelta, String> {
    humantime::parse_duration(text)
        .ok()
        .and_then(|span| TimeDelta::from_std(span).ok())
        .filter(|span| *span <= LONGEST)
        .ok_or_else(|| format!("`{text}` is not a span of time: {AGES}"))
}

/// A moment with its time zone, such as `2026-11-24T09:00:00Z`, as text or as a date of TOML.
#[derive(Debug, Clone, Copy, JsonSchema)]
pub(super) struct Moment(#[schemars(with = "String")] pub(super) DateTime<Utc>);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        DateTime::parse_from_rfc3339(&text)
            .map(|moment| Self(moment.to_utc()))
            .map_err(|_| {
                D::Error::custom(format!(
                    "`{text}` is not a moment: write date, time with seconds, and time zone, \
                     as in `2026-11-24T09:00:00Z`"
                ))
            })
    }
}

/// Tests of policies: requests, and what the policies are expected to say to each.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SuiteFile {
    /// The moment of every case that names none of its own.
    pub(super) now: Moment,
    /// How old an observation of the inventory may be and still count, as in the configuration; `1d`,
    /// where it is left out.
    pub(super) evidence_lifetime: Option<Age>,
    /// How long a presented certificate counts, as in the configuration; `15m`, where it is left out.
    pub(super) proof_lifetime: Option<Age>,
    /// Users, by their ids.
    #[serde(default)]
    pub(super) user: BTreeMap<String, At<UserEntry>>,
    /// Devices, by their ids.
    #[serde(default)]
    pub(super) device: BTreeMap<String, At<DeviceEntry>>,
    /// Places that requests come from, by names of your own.
    #[serde(default)]
    pub(super) place: BTreeMap<String, At<PlaceEntry>>,
    /// Applications with attributes, by their ids. One without needs no entry.
    #[serde(default)]
    pub(super) application: BTreeMap<String, At<ApplicationEntry>>,
    /// What a case does not say.
    pub(super) default: Option<CaseEntry>,
    /// One case each.
    #[serde(default)]
    pub(super) case: Vec<At<CaseEntry>>,
    /// Cases that differ in a few things, one a row.
    #[serde(default)]
    pub(super) table: Vec<At<TableEntry>>,
}

/// A user.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserEntry {
    /// The groups that the user is directly in.
    #[serde(default)]
    pub(super) groups: BTreeSet<String>,
    /// The e-mail address.
    pub(super) email: Option<String>,
    /// Attributes that the organisation added to `User` in its schema.
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, AttributeValue>,
}

/// A device. What is left out is unknown, which never counts as a yes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceEntry {
    /// Under management of the organisation.
    pub(super) managed: Option<bool>,
    /// State of the disk's encryption; only `on` counts as encrypted.
    pub(super) disk_encryption: Option<DiskEncryption>,
    /// Meets the requirements of the source that watches it.
    pub(super) compliant: Option<bool>,
    /// The operating system's family.
    pub(super) platform: Option<Platform>,
    /// The operating system's version: up to three numbers, such as `15.3.1`.
    #[schemars(with = "Option<String>")]
    pub(super) os_version: Option<OsVersion>,
    /// The users the device is assigned to.
    #[serde(default)]
    pub(super) assigned_to: Vec<At<String>>,
    /// How long ago the inventory observed all this; just now, where it is left out.
    pub(super) observed: Option<Age>,
    /// How long ago the device presented its certificate; just now, where it is left out.
    pub(super) proved: Option<Age>,
    /// Attributes that the organisation added to `Device` in its schema.
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, AttributeValue>,
}

/// A place that requests come from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceEntry {
    /// The network address; unknown, where it is left out.
    #[schemars(with = "Option<String>")]
    pub(super) address: Option<IpAddr>,
    /// The country's two letters; where it is left out, that of the address in the GeoIP databases, if
    /// there are any.
    #[schemars(with = "Option<String>")]
    pub(super) country: Option<CountryCode>,
}

/// An application with attributes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplicationEntry {
    /// Attributes that the organisation added to `Application` in its schema.
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, AttributeValue>,
}

/// What a step-up asks for. What is left out is not checked.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StepUpEntry {
    /// Whether it asks for the password.
    pub(super) password: Option<bool>,
    /// The devices whose certificates it asks for: exactly these of the suite.
    pub(super) devices: Option<BTreeSet<String>>,
}

/// The keys of a case, which a table can have as well, as constants or as columns.
macro_rules! case_keys {
    ($($(#[$meta:meta])* $key:ident: $kind:ty,)*) => {
        /// A request, and what the policies are expected to say to it.
        #[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct CaseEntry {
            $($(#[$meta])* pub(super) $key: Option<At<$kind>>,)*
        }

        /// Cases that differ in a few things, one a row. Beside the columns, the keys of a case say what
        /// all rows have in common.
        #[derive(Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct TableEntry {
            /// The keys of a case that differ from row to row.
            pub(super) columns: Vec<At<String>>,
            /// One case each: a value for every column.
            #[schemars(with = "Vec<Vec<serde_json::Value>>")]
            pub(super) rows: Vec<At<Vec<At<Value>>>>,
            $($(#[$meta])* $key: Option<At<$kind>>,)*
        }

        impl CaseEntry {
            /// Every key.
            pub(super) const KEYS: &[&str] = &[$(stringify!($key)),*];

            /// Sets a key to the cell of a table.
            pub(super) fn set(&mut self, key: &str, cell: &At<Value>) -> Result<(), Problem> {
                match key {
                    $(stringify!($key) => self.$key = Some(cell.read()?),)*
                    _ => return Err(Problem::unknown("key", key, Self::KEYS)),
                }
                Ok(())
            }

            /// The case, with what it does not say taken from `base`.
            pub(super) fn or(self, base: &Self) -> Self {
                Self { $($key: self.$key.or_else(|| base.$key.clone()),)* }
            }
        }

        impl TableEntry {
            /// What all rows have in common.
            pub(super) fn constants(&self) -> CaseEntry {
                CaseEntry { $($key: self.$key.clone(),)* }
            }
        }
    };
}

case_keys! {
    /// What it shows, in words.
    name: String,
    /// The user: a name of `[user]`.
    user: String,
    /// The application, as policies name it.
    application: String,
    /// What is asked for; `signIn`, where it is left out.
    action: Action,
    /// The device that presented its certificate: a name of `[device]`, or `none`.
    device: String,
    /// Where the request comes from: a name of `[place]`, or `nowhere`.
    from: String,
    /// The moment.
    now: Moment,
    /// How long ago the password was entered; `never`, where it is left out.
    password: Ago,
    /// How long ago a second factor was proved; `never`, where it is left out.
    second_factor: Ago,
    /// How the user signed in, as `amr` values; `pwd`, where it is left out and a password was entered.
    methods: BTreeSet<String>,
    /// The devices that the user could still present. Where it is left out: every device of the suite,
    /// and one that the inventory does not know.
    offers: Vec<String>,
    /// The answer.
    expect: Expected,
    /// The policies that determine the answer, exactly: the permits, or the forbids.
    policies: BTreeSet<String>,
    /// What a step-up asks for.
    step_up: StepUpEntry,
    /// The report-only policies that match, exactly.
    report_only: BTreeSet<String>,
}

impl At<Value> {
    fn read<T: DeserializeOwned>(&self) -> Result<At<T>, Problem> {
        match self.value.clone().try_into() {
            Ok(value) => Ok(At {
                value,
                span: self.span.clone(),
            }),
            Err(error) => Err(Problem::of(error.message())),
        }
    }
}

/// The shape of the file, as a JSON schema for editors.
#[must_use]
pub fn schema() -> Schema {
    schema_for!(SuiteFile)
}

pub(super) fn read(file: &SourceFile) -> Result<SuiteFile, Box<Diagnostic>> {
    toml::from_str(&file.text).map_err(|error| {
        let at = error.span().unwrap_or(0..0);
        Box::new(Problem::of(error.message()).at(file, &at))
    })
}

/// What is wrong with a value, and how to mend it.
#[derive(Debug)]
pub(super) struct Problem {
    message: String,
    help: Option<String>,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A name that is none of the known ones.
    pub(super) fn unknown(what: &str, name: &str, known: &[&str]) -> Self {
        let problem = Self::new(format!("unknown {what} `{name}`"));
        match crate::words::nearest(name, known.iter().copied()) {
            Some(near) => problem.with_help(format!("did you mean `{near}`?")),
            None if known.is_empty() => problem,
            None => problem.with_help(format!("the {what}s known here: `{}`", known.join("`, `"))),
        }
    }

    /// The parser speaks of Rust types; an author should hear of keys and values.
    fn of(message: &str) -> Self {
        let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        match names.as_slice() {
            [name, known @ ..] if message.starts_with("unknown field ") => {
                Self::unknown("key", name, known)
            }
            [name, known @ ..] if message.starts_with("unknown variant ") => {
                Self::unknown("value", name, known)
            }
            [name] if message.starts_with("missing field ") => {
                Self::new(format!("missing key `{name}`"))
            }
            _ if message.contains("untagged enum AttributeValue") => Self::new(
                "an attribute is text, a whole number, true or false, or a list of one of these",
            ),
            _ => Self::new(message.trim().replace('\n', ", ")),
        }
    }

    pub(super) fn at(self, file: &SourceFile, span: &Range<usize>) -> Diagnostic {
        let found = Diagnostic::error(file, "suite", span.start, span.len(), self.message);
        match self.help {
            Some(help) => found.with_help(help),
            None => found,
        }
    }
}
