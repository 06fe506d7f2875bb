//! The composition root: builds a [`Provider`] from a [`Config`], binds the listeners, and runs until
//! told to stop. Everything that can be wrong is found before anything listens.

mod bind;
pub(crate) mod client_host;
mod declarations;
mod fallback;
pub(crate) mod keys;
mod lifecycle;
pub mod listener;
mod logout_worker;
mod origins;
mod pairwise;
mod router;
mod routes;
mod sources;
mod status;
pub mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chrono::TimeDelta;
use doorward_engine::{PolicyBundle, SelfTestFailed, self_test};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::bind::{listen, listen_if, local, local_if};
use self::sources::Sources;
use self::status::Status;
use self::tls::Tls;
use crate::access::AccessControl;
use crate::audit::{DecisionLog, LogError};
use crate::config::Config;
use crate::directory::password::{PasswordError, Passwords};
use crate::domain::clock::Clock;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::entropy::Entropy;
use crate::oidc::{
    Backchannel, ClientKeySets, Discovery, EntraKeys, Intake, Lifetimes, Loops, Parts, Provider,
    Throttling,
};
use crate::reload::{Live, ReloadSettings, Trigger};
use crate::remote::{Remote, RemoteSettings};
use crate::signals::asking_tls::AskingTls;
use crate::storage::StorageError;
use crate::storage::sqlite::SqliteStorage;
use crate::tokens::{KeyError, KeySet};

/// A provider that is ready to listen.
#[derive(Debug)]
pub struct App {
    provider: Provider,
    sources: Sources,
    addresses: Addresses,
    main: Router,
    main_tls: Option<Tls>,
    device_tls: Option<Tls>,
    client_tls: Option<Tls>,
    reload: ReloadSettings,
    keep_records: TimeDelta,
}

#[derive(Debug, Clone, Copy)]
struct Addresses {
    main: SocketAddr,
    device: Option<SocketAddr>,
    clients: Option<SocketAddr>,
    operations: SocketAddr,
}

/// A provider that listens; requests wait until it serves.
#[derive(Debug)]
pub struct Bound {
    /// Where the main host listens.
    pub main: SocketAddr,
    /// Where the device host listens.
    pub device: Option<SocketAddr>,
    /// Where clients with certificates are expected.
    pub clients: Option<SocketAddr>,
    /// Where operators look.
    pub operations: SocketAddr,
    app: App,
    main_listener: TcpListener,
    device_listener: Option<TcpListener>,
    client_listener: Option<TcpListener>,
    operations_listener: TcpListener,
}

/// The provider cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Files are wrong.
    #[error("what the configuration names cannot be used")]
    Invalid(Vec<Diagnostic>),
    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The policy engine does not decide as it must.
    #[error(transparent)]
    SelfTest(#[from] SelfTestFailed),
    /// Signing keys cannot be made or read.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The password verifier cannot be set up.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
    /// The decision log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl App {
    /// Checks the engine, loads every source and opens storage. Nothing listens yet.
    pub async fn build(
        config: &Config,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        self_test()?;
        let sources = Sources::load(config, &clock).map_err(StartError::Invalid)?;
        let remote = Remote::new(&outbound(config)).map_err(StartError::Invalid)?;
        let storage = Arc::new(open_storage(config).await?);
        let keys = KeySet::open(
            keys::settings(config),
            storage.as_ref(),
            &keys::needed(&sources.clients.current().value),
            entropy.as_ref(),
            clock.now(),
        )
        .await?;
        let provider = Provider::new(Parts {
            issuer: config.issuer.clone(),
            issuer_text: config.issuer_text().to_owned(),
            device_host: config.device.as_ref().map(|device| device.url.clone()),
            client_host: client_host::host(config, sources.client_host.as_ref()),
            lifetimes: Lifetimes {
                session: delta(config.sessions.lifetime),
                idle_session: delta(config.sessions.idle_within_lifetime()),
                transaction: delta(config.sessions.transaction_lifetime),
                pushed: delta(config.tokens.pushed_lifetime),
                code: delta(config.tokens.code_lifetime),
                id_token: delta(config.tokens.id_token_lifetime),
                access_token: delta(config.tokens.access_token_lifetime),
                refresh: delta(config.tokens.refresh_lifetime),
                idle_refresh: delta(config.tokens.refresh_idle),
            },
            throttling: Throttling {
                per_account: config.throttle.per_account,
                per_address: config.throttle.per_address,
                window: delta(config.throttle.window),
            },
            intake: Intake::new(
                config.throttle.unfinished_per_address,
                delta(config.throttle.window),
            ),
            loops: Loops {
                limit: config.loops.limit,
                window: delta(config.loops.window),
            },
            storage,
            access: AccessControl::new(sources.policies.clone()),
            signals: sources.signals(config),
            users: sources.users.clone(),
            clients: sources.clients.clone(),
            passwords: Passwords::new(entropy.as_ref())?,
            keys,
            pairwise: pairwise::key(config, entropy.as_ref()).map_err(StartError::Invalid)?,
            discovery: Discovery::default(),
            client_keys: ClientKeySets::new(remote.clone()),
            entra_keys: EntraKeys::new(remote.clone()),
            remote,
            backchannel: Backchannel::default(),
            log: open_log(config)?,
            clock,
            entropy,
        });
        let main_tls = match &sources.main_tls {
            Some(live) => Some(Tls::Main(Arc::new(tls::main_config(live.clone())?))),
            None => None,
        };
        let device_tls = match (&sources.device_tls, &sources.devices) {
            (Some(identity), Some(devices)) => Some(Tls::Asking(Arc::new(AskingTls::new(
                identity.clone(),
                devices.trust.clone(),
            )?))),
            _ => None,
        };
        let client_host = sources.client_host.as_ref();
        let client_tls = client_host
            .map(|host| client_host::tls(host, provider.now()))
            .transpose()?;
        sources.warn_about_shared_certificates(config);
        Ok(Self {
            main: router::main(provider.clone()),
            provider,
            addresses: Addresses {
                main: config.listen.address,
                device: config.device.as_ref().map(|device| device.address),
                clients: config.client_tls.as_ref().map(|host| host.address),
                operations: config.operations.address,
            },
            main_tls,
            device_tls,
            client_tls,
            reload: ReloadSettings {
                interval: config.reload.interval,
                quiet: config.reload.quiet,
                longest_wait: config.reload.longest_wait,
            },
            keep_records: delta(config.decisions.keep),
            sources,
        })
    }

    /// The decision log, to listen to.
    #[must_use]
    pub fn decisions(&self) -> &DecisionLog {
        &self.provider.log
    }

    /// The live policies.
    #[must_use]
    pub fn policies(&self) -> &Live<PolicyBundle> {
        &self.sources.policies
    }

    /// A trigger for each source, to reload it now.
    #[must_use]
    pub fn triggers(&self) -> Vec<Trigger> {
        self.sources.triggers()
    }

    /// Wraps the main host's router, for whoever embeds the provider.
    pub fn layer_main(&mut self, wrap: impl FnOnce(Router) -> Router) {
        let main = std::mem::take(&mut self.main);
        self.main = wrap(main);
    }

    /// Binds every listener.
    pub async fn bind(self) -> Result<Bound, StartError> {
        let main_listener = listen(self.addresses.main).await?;
        let device_listener = listen_if(self.addresses.device).await?;
        let client_listener = listen_if(self.addresses.clients).await?;
        let operations_listener = listen(self.addresses.operations).await?;
        Ok(Bound {
            main: local(&main_listener, self.addresses.main),
            device: local_if(device_listener.as_ref(), self.addresses.device),
            clients: local_if(client_listener.as_ref(), self.addresses.clients),
            operations: local(&operations_listener, self.addresses.operations),
            app: self,
            main_listener,
            device_listener,
            client_listener,
            operations_listener,
        })
    }
}

impl Bound {
    /// Serves until `shutdown`, then lets requests in flight end.
    pub async fn serve(self, shutdown: CancellationToken) {
        let Self {
            mut app,
            main_listener,
            device_listener,
            client_listener,
            operations_listener,
            ..
        } = self;
        let tasks = TaskTracker::new();
        let status = Arc::new(Status::new(
            &app.provider,
            app.sources.statuses(),
            app.sources.declarations.clone(),
            shutdown.clone(),
        ));
        let triggers = app.sources.triggers();
        let declarations = app.sources.declarations.clone();
        let log = app.provider.log.clone();
        for reloader in app.sources.into_reloaders() {
            tasks.spawn(reloader.run(app.reload, shutdown.clone()));
        }
        tasks.spawn(lifecycle::purge(
            app.provider.clone(),
            app.keep_records,
            shutdown.clone(),
        ));
        tasks.spawn(logout_worker::run(app.provider.clone(), shutdown.clone()));
        tasks.spawn(keys::keep(app.provider.clone(), shutdown.clone()));
        tasks.spawn(lifecycle::reload_on_hangup(
            triggers,
            log.clone(),
            shutdown.clone(),
        ));
        tasks.spawn(listener::serve(
            main_listener,
            app.main_tls,
            app.main,
            shutdown.clone(),
        ));
        if let Some(device_listener) = device_listener {
            let router = router::device(app.provider.clone());
            tasks.spawn(listener::serve(
                device_listener,
                app.device_tls,
                router,
                shutdown.clone(),
            ));
        }
        if let Some(client_listener) = client_listener {
            let router = router::clients(app.provider.clone());
            tasks.spawn(listener::serve(
                client_listener,
                app.client_tls,
                router,
                shutdown.clone(),
            ));
        }
        tasks.spawn(listener::serve(
            operations_listener,
            None,
            router::operations(status),
            shutdown.clone(),
        ));
        tasks.spawn(declarations.watch(shutdown));
        tasks.close();
        tasks.wait().await;
        log.flush().await;
    }
}

fn outbound(config: &Config) -> RemoteSettings {
    RemoteSettings {
        authorities: config.outbound.authorities.clone(),
        proxy: config.outbound.proxy.clone(),
        timeout: config.outbound.timeout,
    }
}

async fn open_storage(config: &Config) -> Result<SqliteStorage, StartError> {
    tokio::fs::create_dir_all(&config.state)
        .await
        .map_err(|source| StartError::Io {
            what: format!(
                "the state directory `{}` cannot be made",
                config.state.display()
            ),
            source,
        })?;
    Ok(SqliteStorage::open(&config.state.join("doorward.db")).await?)
}

fn open_log(config: &Config) -> Result<DecisionLog, StartError> {
    match &config.decisions.log {
        None => Ok(DecisionLog::nowhere()),
        Some(_) if config.decisions.logs_to_standard_output() => {
            Ok(DecisionLog::standard_output()?)
        }
        Some(path) => Ok(DecisionLog::file(path)?),
    }
}

/// INVARIANT: the configuration bounds every duration far below what overflows.
pub(crate) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
