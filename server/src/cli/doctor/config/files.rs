//! Checks that look at one file, or at one section of the configuration. What follows from several together is left
//! to `together`.

use chrono::TimeDelta;
use ipnet::IpNet;

use super::{
    CLIENT_TLS, CLIENT_TRUST, CLIENTS, DEVICE_TLS, DEVICE_TRUST, GEOIP, INVENTORY, OUTBOUND,
    POLICIES, PROXIES, Patient, TLS, USERS,
};
use crate::cli::doctor::check::{Check, Verdict};
use crate::cli::render::count;
use crate::domain::clock::Timestamp;
use crate::remote::{Remote, RemoteSettings};
use crate::signals::certificate::CertificateTrust;
use crate::signals::geo::GeoDatabases;
use crate::signals::tls_identity::TlsIdentity;

/// Without a device host there is nothing to look at.
pub(super) const NO_DEVICE_HOST: &str = "there is no `[device]` in the configuration";
/// Nor without a host for clients with certificates.
const NO_CLIENT_HOST: &str = "there is no `[client_tls]` in the configuration";
/// What stands in the way where a file is broken.
pub(super) const BROKEN: &str = "files that it takes are broken: see above";

/// Networks of proxies that are wider than this are hardly ever one's own.
const WIDEST_V4: u8 = 8;
const WIDEST_V6: u8 = 16;

impl Patient<'_> {
    pub(super) fn proxies(&self) -> Check {
        let trusted = &self.config.network.trusted_proxies;
        let behind_proxy =
            self.config.listen.certificate.is_none() && self.config.issuer.scheme() == "https";
        if trusted.is_empty() && behind_proxy {
            let finding = "a proxy terminates TLS and is not trusted: everybody has its address";
            return Check::doubtful(PROXIES, finding)
                .with_fix("name the proxy in `trusted_proxies` of `[network]`");
        }
        if trusted.is_empty() {
            return Check::good(PROXIES, "no proxy is trusted, and no header is read");
        }
        let wide: Vec<&IpNet> = trusted.iter().filter(|network| is_wide(network)).collect();
        if wide.is_empty() {
            let networks = count(trusted.len(), "network");
            return Check::good(PROXIES, format!("{networks} of proxies trusted"));
        }
        let finding = format!("trusted is the wide network {}", listed(&wide));
        Check::doubtful(PROXIES, finding).with_fix(
            "name only the networks of your own proxies: who is in them can claim any address",
        )
    }

    pub(super) fn tls(&self) -> Check {
        match &self.sources.tls {
            None => Check::not_checked(TLS, "a proxy terminates TLS of the main host"),
            Some(found) => Check::of(TLS, &found.said, until(found.value())),
        }
    }

    pub(super) fn policies(&self) -> Check {
        let found = &self.sources.policies;
        let good = found.value().map_or_else(String::new, |bundle| {
            let policies = count(bundle.policies().len(), "policy");
            format!("{policies}, revision {}", bundle.revision().short())
        });
        Check::of(POLICIES, &found.said, good)
    }

    pub(super) fn users(&self) -> Check {
        let found = &self.sources.users;
        let number = found.value().map_or(0, |users| users.all().count());
        Check::of(USERS, &found.said, count(number, "user"))
    }

    pub(super) fn clients(&self) -> Check {
        let found = &self.sources.clients;
        let number = found.value().map_or(0, |clients| clients.all().count());
        Check::of(CLIENTS, &found.said, count(number, "client"))
    }

    pub(super) fn geoip(&self) -> Check {
        let found = &self.sources.geo;
        let built = found.value().map(GeoDatabases::built_at);
        if found.said.is_empty() && built.as_ref().is_some_and(Vec::is_empty) {
            return self.without_countries();
        }
        let lines: Vec<String> = built
            .unwrap_or_default()
            .into_iter()
            .map(|(file, built)| {
                let age = span(self.now - built);
                format!("{file}: built {}, {age} ago", day(built))
            })
            .collect();
        let check = Check::of(GEOIP, &found.said, lines.join("\n"));
        if check.verdict != Verdict::Doubtful {
            return check;
        }
        check.with_fix("fetch a newer database, and have that done by itself every week")
    }

    fn without_countries(&self) -> Check {
        let policies = self.sources.policies.value();
        // The network is told by the address alone.
        let asked = policies.is_some_and(|bundle| bundle.reads_attribute("country"));
        if asked {
            let finding = "policies ask for the country, and there is no GeoIP database";
            return Check::doubtful(GEOIP, finding)
                .with_fix("name a country database in `databases` of `[geoip]`");
        }
        Check::not_checked(
            GEOIP,
            "no database is configured, and no policy asks for a country",
        )
    }

    pub(super) fn outbound(&self) -> Check {
        let outbound = &self.config.outbound;
        let settings = RemoteSettings {
            authorities: outbound.authorities.clone(),
            proxy: outbound.proxy.clone(),
            timeout: outbound.timeout,
        };
        let said = Remote::new(&settings).err().unwrap_or_default();
        let number = outbound.authorities.len();
        let good = if number == 0 {
            "other servers are believed as this machine believes them".to_owned()
        } else {
            format!(
                "{} of authorities, besides those of the machine",
                count(number, "file")
            )
        };
        Check::of(OUTBOUND, &said, good)
    }

    pub(super) fn device_trust(&self) -> Check {
        let Some(devices) = &self.sources.devices else {
            return Check::not_checked(DEVICE_TRUST, NO_DEVICE_HOST);
        };
        let good = believed(devices.trust.value());
        Check::of(DEVICE_TRUST, &devices.trust.said, good)
    }

    pub(super) fn device_tls(&self) -> Check {
        match &self.sources.devices {
            None => Check::not_checked(DEVICE_TLS, NO_DEVICE_HOST),
            Some(devices) => Check::of(DEVICE_TLS, &devices.tls.said, until(devices.tls.value())),
        }
    }

    pub(super) fn client_tls(&self) -> Check {
        match &self.sources.client_tls {
            None => Check::not_checked(CLIENT_TLS, NO_CLIENT_HOST),
            Some(host) => Check::of(CLIENT_TLS, &host.tls.said, until(host.tls.value())),
        }
    }

    pub(super) fn client_trust(&self) -> Check {
        let Some(host) = &self.sources.client_tls else {
            return Check::not_checked(CLIENT_TRUST, NO_CLIENT_HOST);
        };
        match &host.trust {
            None => Check::good(CLIENT_TRUST, "clients are known by their keys alone"),
            Some(found) => Check::of(CLIENT_TRUST, &found.said, believed(found.value())),
        }
    }

    pub(super) fn inventory(&self) -> Check {
        let Some(devices) = &self.sources.devices else {
            return Check::not_checked(INVENTORY, NO_DEVICE_HOST);
        };
        let found = &devices.inventory;
        let number = found.value().map_or(0, |inventory| inventory.all().count());
        if found.said.is_empty() && number == 0 {
            return Check::doubtful(INVENTORY, "no device is in the inventory")
                .with_fix("export the devices that your organisation manages into `inventory`");
        }
        Check::of(INVENTORY, &found.said, count(number, "device"))
    }
}

fn is_wide(network: &IpNet) -> bool {
    match network {
        IpNet::V4(v4) => v4.prefix_len() < WIDEST_V4,
        IpNet::V6(v6) => v6.prefix_len() < WIDEST_V6,
    }
}

fn listed(networks: &[&IpNet]) -> String {
    let shown: Vec<String> = networks.iter().map(|it| format!("`{it}`")).collect();
    shown.join(", ")
}

fn until(identity: Option<&TlsIdentity>) -> String {
    identity.map_or_else(String::new, |identity| {
        format!(
            "the certificate is valid until {}",
            day(identity.not_after())
        )
    })
}

fn believed(trust: Option<&CertificateTrust>) -> String {
    trust.map_or_else(String::new, |trust| {
        let authorities = count(trust.subjects().len(), "authority");
        let revocation = if trust.checks_revocation() {
            "revocation is checked"
        } else {
            "revocation is not checked"
        };
        format!("{authorities} trusted, {revocation}")
    })
}

/// The day of an instant.
pub(super) fn day(time: Timestamp) -> String {
    time.format("%Y-%m-%d").to_string()
}

/// A span of time in its largest unit; what lies ahead is no time at all.
pub(super) fn span(delta: TimeDelta) -> String {
    let whole = |number: i64| usize::try_from(number).unwrap_or_default();
    match (whole(delta.num_days()), whole(delta.num_hours())) {
        (0, 0) => count(whole(delta.num_minutes()), "minute"),
        (0, hours) => count(hours, "hour"),
        (days, _) => count(days, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        let told = [
            TimeDelta::minutes(1),
            TimeDelta::hours(3),
            TimeDelta::hours(49),
            TimeDelta::hours(-49),
        ];
        assert_eq!(
            told.map(span),
            ["1 minute", "3 hours", "2 days", "0 minutes"]
        );
    }

    #[test]
    fn a_network_of_most_addresses_is_wide() {
        let wide = |text: &str| is_wide(&text.parse().unwrap());
        assert!(wide("0.0.0.0/1"));
        assert!(wide("2000::/3"));
        assert!(!wide("10.0.0.0/8"));
        assert!(!wide("fd00::/16"));
    }
}
