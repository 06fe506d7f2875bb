//! Every source that reloads, loaded once; all that is wrong with any of them is reported together.

use std::sync::Arc;

use doorward_analysis::Solver;
use doorward_engine::PolicyBundle;

use super::client_host::{self, ClientSources};
use super::declarations::Declarations;
use super::delta;
use crate::access::{DeviceSources, PolicySource, SignalSources};
use crate::config::{Config, ForwardedKind, Policies};
use crate::directory::clients::{Clients, ClientsSource};
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
    pub(super) client_host: Option<ClientSources>,
    pub(super) declarations: Declarations,
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

/// The solver that proves guardrails, if the operator wants them proved.
fn solver(policies: &Policies) -> Option<Solver> {
    policies.prove_guardrails.then(|| Solver {
        program: policies.solver.clone(),
        limit: policies.solver_limit,
    })
}

impl Sources {
    pub(super) fn load(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, Vec<Diagnostic>> {
        let mut loading = Loading::default();
        let policies = loading.load(
            PolicySource {
                directory: config.policies.directory.clone(),
                run_suites: config.policies.run_suites,
                solver: solver(&config.policies),
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
                pairwise: config.tokens.pairwise_key.is_some(),
                certificates: client_host::certificates(config),
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
        let client_host = load_client_host(config, &mut loading, clock);
        match (policies, users, clients, geo) {
            (Some(policies), Some(users), Some(clients), Some(geo)) if loading.wrong.is_empty() => {
                let declarations = Declarations {
                    policies: policies.clone(),
                    users: users.clone(),
                    users_file: config.directory.users.display().to_string(),
                    clients: clients.clone(),
                    clients_file: config.directory.clients.display().to_string(),
                };
                Ok(Self {
                    policies,
                    users,
                    clients,
                    geo,
                    devices,
                    main_tls,
                    device_tls,
                    client_host,
                    declarations,
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
            name: "device-trust",
            authorities: device.authority_files(),
            hardware: device.hardware_files(),
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
            refresh_proof_lifetime: delta(device.refresh_proof_lifetime),
            evidence_lifetime: delta(device.evidence_lifetime),
        });
    (sources, identity)
}

fn load_client_host(
    config: &Config,
    loading: &mut Loading,
    clock: &Arc<dyn Clock>,
) -> Option<ClientSources> {
    let host = config.client_tls.as_ref()?;
    let trust = client_host::trust_source(host).map(|source| loading.load(source, clock));
    let identity = loading.load(client_host::identity_source(host), clock);
    // What could not be loaded is reported, and nothing starts.
    Some(ClientSources {
        identity: identity?,
        trust: trust.flatten(),
    })
}

impl std::fmt::Debug for Loading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loading")
            .field("sources", &self.statuses.len())
            .field("wrong", &self.wrong)
            .finish_non_exhaustive()
    }
}
