//! The versions of files that the signals of a request were gathered from. Whatever else is decided about
//! the request is taken from the same ones, and so is what its record says: a reload in between is not
//! what decided.

use std::sync::Arc;

use super::evidence::{DeviceSources, SignalSources};
use crate::directory::devices::Inventory;
use crate::reload::Loaded;
use crate::signals::certificate::CertificateTrust;
use crate::signals::geo::GeoDatabases;

/// One version of each source of signals.
#[derive(Debug, Clone)]
pub struct Versions {
    /// Databases of countries.
    pub geo: Arc<Loaded<GeoDatabases>>,
    /// What device facts come from; none where no device host is configured.
    pub devices: Option<DeviceVersions>,
}

/// One version of each source of device facts.
#[derive(Debug, Clone)]
pub struct DeviceVersions {
    /// Authorities whose certificates count.
    pub trust: Arc<Loaded<CertificateTrust>>,
    /// What is known of each device.
    pub inventory: Arc<Loaded<Inventory>>,
}

impl Versions {
    /// The versions that are live at this moment.
    pub(super) fn current(sources: &SignalSources) -> Self {
        Self {
            geo: sources.geo.current(),
            devices: sources.devices.as_ref().map(DeviceVersions::current),
        }
    }
}

impl DeviceVersions {
    fn current(sources: &DeviceSources) -> Self {
        Self {
            trust: sources.trust.current(),
            inventory: sources.inventory.current(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::Duration;

    use axum::http::HeaderMap;
    use chrono::TimeDelta;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::directory::devices::InventorySource;
    use crate::domain::clock::{ManualClock, Timestamp};
    use crate::domain::ids::UserId;
    use crate::domain::transaction::DeviceCheck;
    use crate::reload::{Live, ReloadSettings, load};
    use crate::signals::asking_tls::fixtures::live_trust;
    use crate::signals::certificate::fixtures::Authority;
    use crate::signals::client_ip::{ForwardedHeader, ForwardingSettings};

    const SETTINGS: ReloadSettings = ReloadSettings {
        interval: Duration::from_hours(1),
        quiet: Duration::from_millis(1),
        longest_wait: Duration::from_secs(1),
    };

    fn sources(inventory: Live<Inventory>, now: Timestamp) -> SignalSources {
        let databases = GeoDatabases::open([], TimeDelta::days(60)).unwrap();
        SignalSources {
            forwarding: ForwardingSettings {
                trusted: Vec::new(),
                header: ForwardedHeader::XForwardedFor,
            },
            geo: Live::fixed("geoip", databases, now),
            devices: Some(DeviceSources {
                trust: live_trust(&Authority::root("CA")),
                inventory,
                identity: Vec::new(),
                proof_lifetime: TimeDelta::minutes(15),
                refresh_proof_lifetime: TimeDelta::hours(12),
                evidence_lifetime: TimeDelta::days(1),
            }),
        }
    }

    #[tokio::test]
    async fn a_reload_changes_nothing_of_what_was_gathered_before() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("devices.toml");
        let device = |id: &str| format!("[[device]]\nid = '{id}'\nidentities = ['urn:x']\n");
        fs::write(&file, device("old")).unwrap();
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let source = InventorySource { file: file.clone() };
        let (live, reloader) = load(source, Arc::new(ManualClock::new(now))).unwrap();
        let sources = sources(live.clone(), now);
        let decided_by = live.current().digest;

        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000));
        let check = DeviceCheck::NotDone;
        let signals = sources.gather(peer, &HeaderMap::new(), None, check, now);
        fs::write(&file, device("new")).unwrap();
        let trigger = reloader.trigger();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(reloader.run(SETTINGS, shutdown.clone()));
        trigger.reload_now().await;
        shutdown.cancel();
        task.await.unwrap();

        assert_ne!(live.current().digest, decided_by);
        let versions = signals.versions.devices.as_ref().unwrap();
        assert_eq!(versions.inventory.digest, decided_by);
        let candidates = sources.candidates(&signals, &UserId::new("u-ana"), now);
        let ids: Vec<&str> = candidates.iter().map(|device| device.id.as_str()).collect();
        assert!(ids.contains(&"old"), "{ids:?}");
        assert!(!ids.contains(&"new"), "{ids:?}");
    }
}
