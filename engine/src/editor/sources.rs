//! Where the value of each attribute comes from, for whoever writes policies.

use crate::vocabulary::{context, device, session, types, user};

/// The type of the context in the built-in schema.
pub(super) const REQUEST: &str = "Request";

/// Every attribute of the built-in schema with the source of its value.
const SOURCES: [(&str, &str, &str); 17] = [
    (
        types::USER,
        user::EMAIL,
        "the users file: `email` of the user",
    ),
    (
        REQUEST,
        context::NOW,
        "the clock of the server, read once for each request",
    ),
    (
        REQUEST,
        context::ADDRESS,
        "the connection, or the header of a trusted proxy: `[network]` in `doorward.toml`",
    ),
    (
        REQUEST,
        context::NETWORK,
        "the address, which the networks in the entity data have in their ranges",
    ),
    (
        REQUEST,
        context::COUNTRY,
        "the GeoIP databases, asked for the address",
    ),
    (
        REQUEST,
        context::DEVICE,
        "the client certificate that the browser showed to the device host, and the device inventory",
    ),
    (
        REQUEST,
        context::SESSION,
        "the session of the browser with the provider",
    ),
    (
        types::DEVICE,
        device::MANAGED,
        "the device inventory: `managed` of the record that the certificate belongs to",
    ),
    (
        types::DEVICE,
        device::DISK_ENCRYPTED,
        "the device inventory: `disk_encryption` of the record that the certificate belongs to",
    ),
    (
        types::DEVICE,
        device::COMPLIANT,
        "the device inventory: `compliant` of the record that the certificate belongs to",
    ),
    (
        types::DEVICE,
        device::PLATFORM,
        "the device inventory: `platform` of the record that the certificate belongs to",
    ),
    (
        types::DEVICE,
        device::OS_VERSION,
        "the device inventory: `os_version` of the record that the certificate belongs to",
    ),
    (
        types::DEVICE,
        device::ASSIGNED_TO,
        "the device inventory: `assigned_to` of the record that the certificate belongs to",
    ),
    (
        types::DEVICE,
        device::CERTIFICATE_AGE,
        "the device check: when the client certificate was last shown to the device host",
    ),
    (
        types::SESSION,
        session::PASSWORD_AGE,
        "the session: when the password was entered",
    ),
    (
        types::SESSION,
        session::SECOND_FACTOR_AGE,
        "the session; nothing proves a second factor today, so it is always missing",
    ),
    (
        types::SESSION,
        session::METHODS,
        "the session: `pwd` where the password was entered",
    ),
];

/// Where the value of an attribute comes from; of an organisation's own attribute, by its type.
pub(super) fn source(of: &str, attribute: &str) -> Option<&'static str> {
    built_in(of, attribute).or(match of {
        types::USER => Some("the users file: `attributes` of the user"),
        types::APPLICATION => Some("the clients file: `attributes` of the client"),
        types::DEVICE => {
            Some("the device inventory: `attributes` of the record that the certificate belongs to")
        }
        _ => None,
    })
}

pub(super) fn built_in(of: &str, attribute: &str) -> Option<&'static str> {
    let found = SOURCES
        .iter()
        .find(|(kind, name, _)| *kind == of && *name == attribute);
    found.map(|(_, _, source)| *source)
}
