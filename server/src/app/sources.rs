//! Every source that reloads, loaded once; all that is wrong with any of them is reported together.

use std::sync::Arc;

use doorward_engine::PolicyBundle;
use tokio_util::sync::CancellationToken;

use super::delta;
use crate::access::{DeviceSources, PolicySource, SignalSources};
use crate::config::{Config, ForwardedKind};
use crate::directory::clients::{ClientRecord, Clients, ClientsSource};
use crate::directory::devices::InventorySource;
use crate::directory::users::{Users, UsersSource};
use crate::domain::clock::Clock;
use crate::domain::diagnostic::Diagnostic;
use crate::reload::{Live, Reloader, Source, SourceStatus, Trigger, load};
use crate::signals::certificate::TrustSource;
use crate::signals::client_ip::{ForwardedHeader, ForwardingSettings};
use crate::signals::geo::{GeoDatabases, GeoSource};
use crate::signals::tls_identity::{TlsIdentity, TlsIdentitySource};

/// The sources, live.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) policies: Live<PolicyBundle>,
    pub(super) users: Live<Users>,
    pub(super) clients: Live<Clients>,
    pub(super) geo: Live<GeoDatabases>,
    pub(super) devices: Option<DeviceSources>,
    pub(super) main_tls: Option<Live<TlsIdentity>>,
    pub(super) device_tls: Option<Live<TlsIdentity>>,
    loading: Loading,
}

/// Asks a source how it fares.
pub(super) type StatusOf = Box<dyn Fn() -> SourceStatus + Send + Sync>;

/// What loading the sources leaves behind.
#[derive(Default)]
struct Loading {
    reloaders: Vec<Reloader>,
    statuses: Vec<StatusOf>,
    wrong: Vec<Diagnostic>,
}

impl Loading {
    fn load<S: Source>(&mut self, source: S, clock: &Arc<dyn Clock>) -> Option<Live<S::Value>> {
        match load(source, Arc::clone(clock)) {
            Ok((live, reloader)) => {
                self.reloaders.push(reloader);
                let status = live.clone();
                self.statuses.push(Box::new(move || status.status()));
                Some(live)
            }
            Err(wrong) => {
                self.wrong.extend(wrong);
                None
            }
        }
    }
}

impl Sources {
    pub(super) fn load(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, Vec<Diagnostic>> {
        let mut loading = Loading::default();
        let policies = loading.load(
            PolicySource {
                directory: config.policies.directory.clone(),
            },
            clock,
        );
        let users = loading.load(
            UsersSource {
                file: config.directory.users.clone(),
            },
            clock,
        );
        let clients = loading.load(
            ClientsSource {
                file: config.directory.clients.clone(),
            },
            clock,
        );
        let geo = loading.load(
            GeoSource {
                databases: config.geoip.databases.clone(),
                max_age: delta(config.geoip.max_age),
            },
            clock,
        );
        let main_tls = match (&config.listen.certificate, &config.listen.key) {
            (Some(certificate), Some(key)) => loading.load(
                TlsIdentitySource {
                    name: "tls",
                    certificate: certificate.clone(),
                    key: key.clone(),
                },
                clock,
            ),
            _ => None,
        };
        let (devices, device_tls) = load_devices(config, &mut loading, clock);
        match (policies, users, clients, geo) {
            (Some(policies), Some(users), Some(clients), Some(geo)) if loading.wrong.is_empty() => {
                Ok(Self {
                    policies,
                    users,
                    clients,
                    geo,
                    devices,
                    main_tls,
                    device_tls,
                    loading,
                })
            }
            _ => Err(loading.wrong),
        }
    }

    pub(super) fn signals(&self, config: &Config) -> SignalSources {
        SignalSources {
            forwarding: ForwardingSettings {
                trusted: config.network.trusted_proxies.clone(),
                header: match config.network.header {
                    ForwardedKind::XForwardedFor => ForwardedHeader::XForwardedFor,
                    ForwardedKind::Forwarded => ForwardedHeader::Forwarded,
                },
            },
            geo: self.geo.clone(),
            devices: self.devices.clone(),
        }
    }

    pub(super) fn triggers(&self) -> Vec<Trigger> {
        self.loading
            .reloaders
            .iter()
            .map(Reloader::trigger)
            .collect()
    }

    pub(super) fn statuses(&mut self) -> Vec<StatusOf> {
        std::mem::take(&mut self.loading.statuses)
    }

    pub(super) fn into_reloaders(self) -> Vec<Reloader> {
        self.loading.reloaders
    }

    /// Browsers join HTTP/2 connections of hosts that share a certificate, and then ask for no client
    /// certificate. The device host answers 421 to that; better that it never happens.
    pub(super) fn warn_about_shared_certificates(&self, config: &Config) {
        let device_host = config
            .device
            .as_ref()
            .and_then(|device| device.url.host_str());
        if let (Some(host), Some(main)) = (device_host, &self.main_tls)
            && main.current().value.covers(host)
        {
            tracing::warn!(
                host,
                "the main certificate also covers the device host: give the device host a certificate of its own"
            );
        }
    }
}

/// Says which clients belong to applications that the policies' entity data does not declare, at once and
/// whenever either side was replaced, until `shutdown`. It is no error: the two files need not change together.
pub(super) async fn warn_about_applications(
    policies: Live<PolicyBundle>,
    clients: Live<Clients>,
    shutdown: CancellationToken,
) {
    let (mut new_policies, mut new_clients) = (policies.changed(), clients.changed());
    let mut seen = None;
    loop {
        // A refused file wakes up as well, and changes nothing.
        let versions = Some((policies.current().digest, clients.current().digest));
        if versions != seen {
            seen = versions;
            for client in undeclared(&policies.current().value, &clients.current().value) {
                tracing::warn!(
                    client = %client.id,
                    application = %client.application,
                    "the policies' entity data does not declare the application of this client: declare it there, or correct `application` in the clients file"
                );
            }
        }
        let alive = tokio::select! {
            () = shutdown.cancelled() => return,
            changed = new_policies.changed() => changed,
            changed = new_clients.changed() => changed,
        };
        if alive.is_err() {
            return;
        }
    }
}

/// Clients whose application the bundle does not declare.
fn undeclared<'a>(
    policies: &'a PolicyBundle,
    clients: &'a Clients,
) -> impl Iterator<Item = &'a Arc<ClientRecord>> {
    clients
        .all()
        .filter(|client| !policies.knows_application(client.application.as_str()))
}

fn load_devices(
    config: &Config,
    loading: &mut Loading,
    clock: &Arc<dyn Clock>,
) -> (Option<DeviceSources>, Option<Live<TlsIdentity>>) {
    let Some(device) = &config.device else {
        return (None, None);
    };
    let trust = loading.load(
        TrustSource {
            authorities: device.authorities.clone(),
            revocation_lists: device.revocation_lists.clone(),
        },
        clock,
    );
    let inventory = loading.load(
        InventorySource {
            file: device.inventory.clone(),
        },
        clock,
    );
    let identity = loading.load(
        TlsIdentitySource {
            name: "device-tls",
            certificate: device.certificate.clone(),
            key: device.key.clone(),
        },
        clock,
    );
    let sources = trust
        .zip(inventory)
        .map(|(trust, inventory)| DeviceSources {
            trust,
            inventory,
            identity: device.identity.clone(),
            proof_lifetime: delta(device.proof_lifetime),
            evidence_lifetime: delta(device.evidence_lifetime),
        });
    (sources, identity)
}

impl std::fmt::Debug for Loading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loading")
            .field("sources", &self.statuses.len())
            .field("wrong", &self.wrong)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use doorward_engine::SourceFile;

    use super::*;

    #[test]
    fn clients_of_applications_that_the_policies_do_not_know_are_found() {
        let files = [
            SourceFile::new("entities.toml", "[application.wiki]\n"),
            SourceFile::new(
                "access.cedar",
                "@id(\"all\")\n@reason(\"Anybody reads the wiki.\")\n\
                 permit (principal, action, resource == Application::\"wiki\");\n",
            ),
        ];
        let bundle = PolicyBundle::load(&files, None).unwrap();
        let client = |id: &str, application: &str| {
            format!(
                "[[client]]\nid = '{id}'\napplication = '{application}'\npublic = true\n\
                 redirect_uris = ['https://{id}.example/callback']\n"
            )
        };
        let text = client("right", "wiki") + &client("wrong", "wikki");
        let clients = Clients::parse(&text, "clients.toml").unwrap().value;
        let found: Vec<&str> = undeclared(&bundle, &clients)
            .map(|client| client.id.as_str())
            .collect();
        assert_eq!(found, ["wrong"]);
    }
}
