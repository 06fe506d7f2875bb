//! Every source of a configuration, loaded once, each for itself: one that is broken leaves the others to be looked
//! at. What a source thinks of its files is its own business.

use std::sync::Arc;

use doorward_analysis::Solver;
use doorward_engine::PolicyBundle;

use crate::access::PolicySource;
use crate::app::{client_host, delta};
use crate::config::Config;
use crate::directory::clients::{Clients, ClientsSource};
use crate::directory::devices::{Inventory, InventorySource};
use crate::directory::users::{Users, UsersSource};
use crate::domain::clock::Clock;
use crate::domain::diagnostic::Diagnostic;
use crate::reload::{Loaded, Source, load};
use crate::signals::certificate::{CertificateTrust, TrustSource};
use crate::signals::geo::{GeoDatabases, GeoSource};
use crate::signals::tls_identity::{TlsIdentity, TlsIdentitySource};

/// What became of one source.
#[derive(Debug)]
pub(super) struct Found<T> {
    loaded: Option<Arc<Loaded<T>>>,
    /// Why it cannot be used, or else its warnings.
    pub(super) said: Vec<Diagnostic>,
}

impl<T> Found<T> {
    fn of<S: Source<Value = T>>(source: S, clock: &Arc<dyn Clock>) -> Self {
        match load(source, Arc::clone(clock)) {
            Ok((live, _)) => Self {
                loaded: Some(live.current()),
                said: live.status().diagnostics,
            },
            Err(said) => Self { loaded: None, said },
        }
    }

    /// What was built, if it could be.
    pub(super) fn value(&self) -> Option<&T> {
        self.loaded.as_deref().map(|loaded| &loaded.value)
    }
}

/// All sources.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) policies: Found<PolicyBundle>,
    pub(super) users: Found<Users>,
    pub(super) clients: Found<Clients>,
    pub(super) geo: Found<GeoDatabases>,
    /// None where a proxy terminates TLS.
    pub(super) tls: Option<Found<TlsIdentity>>,
    /// None without a device host.
    pub(super) devices: Option<Devices>,
    /// None without a host for clients with certificates.
    pub(super) client_tls: Option<ClientTls>,
}

/// The sources of the host for clients with certificates.
#[derive(Debug)]
pub(super) struct ClientTls {
    /// None where clients are known by their keys alone.
    pub(super) trust: Option<Found<CertificateTrust>>,
    pub(super) tls: Found<TlsIdentity>,
}

/// The sources of the device host.
#[derive(Debug)]
pub(super) struct Devices {
    pub(super) trust: Found<CertificateTrust>,
    pub(super) inventory: Found<Inventory>,
    pub(super) tls: Found<TlsIdentity>,
}

impl Sources {
    /// Reads everything, as the start of a server does.
    pub(super) fn load(config: &Config, clock: &Arc<dyn Clock>) -> Self {
        Self {
            policies: Found::of(policies(config), clock),
            users: Found::of(
                UsersSource {
                    file: config.directory.users.clone(),
                },
                clock,
            ),
            clients: Found::of(
                ClientsSource {
                    file: config.directory.clients.clone(),
                    pairwise: config.tokens.pairwise_key.is_some(),
                    certificates: client_host::certificates(config),
                },
                clock,
            ),
            geo: Found::of(
                GeoSource {
                    databases: config.geoip.databases.clone(),
                    max_age: delta(config.geoip.max_age),
                },
                clock,
            ),
            tls: tls(config).map(|source| Found::of(source, clock)),
            devices: devices(config, clock),
            client_tls: client_tls(config, clock),
        }
    }
}

fn policies(config: &Config) -> PolicySource {
    let policies = &config.policies;
    PolicySource {
        directory: policies.directory.clone(),
        run_suites: policies.run_suites,
        solver: policies.prove_guardrails.then(|| Solver {
            program: policies.solver.clone(),
            limit: policies.solver_limit,
        }),
    }
}

fn tls(config: &Config) -> Option<TlsIdentitySource> {
    let listen = &config.listen;
    let (certificate, key) = listen.certificate.as_ref().zip(listen.key.as_ref())?;
    Some(TlsIdentitySource {
        name: "tls",
        certificate: certificate.clone(),
        key: key.clone(),
    })
}

fn devices(config: &Config, clock: &Arc<dyn Clock>) -> Option<Devices> {
    let device = config.device.as_ref()?;
    let trust = TrustSource {
        name: "device-trust",
        authorities: device.authority_files(),
        hardware: device.hardware_files(),
        revocation_lists: device.revocation_lists.clone(),
    };
    let inventory = InventorySource {
        file: device.inventory.clone(),
    };
    let tls = TlsIdentitySource {
        name: "device-tls",
        certificate: device.certificate.clone(),
        key: device.key.clone(),
    };
    Some(Devices {
        trust: Found::of(trust, clock),
        inventory: Found::of(inventory, clock),
        tls: Found::of(tls, clock),
    })
}

fn client_tls(config: &Config, clock: &Arc<dyn Clock>) -> Option<ClientTls> {
    let host = config.client_tls.as_ref()?;
    Some(ClientTls {
        trust: client_host::trust_source(host).map(|source| Found::of(source, clock)),
        tls: Found::of(client_host::identity_source(host), clock),
    })
}
