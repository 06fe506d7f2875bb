//! The provider of the demo, running: the very application that `doorward serve` runs, with the
//! network edge played in front of it. What is done on the stage is left to the demo and the tour.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::middleware::from_fn;
use doorward_engine::PolicyBundle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::cast::APPLICATIONS;
use super::certificates::HOSTS;
use super::edge;
use super::layout::{Layout, LayoutError};
use super::reach::{Reach, with_causes};
use super::relying_party::{Registration, RelyingParty, RelyingPartyError};
use crate::app::{App, StartError};
use crate::audit::DecisionLog;
use crate::config::Config;
use crate::domain::clock::Clock;
use crate::domain::entropy::SystemEntropy;
use crate::reload::{Live, Trigger};

/// A provider that runs in this process.
#[derive(Debug)]
pub(super) struct Stage {
    /// Where every decision is announced.
    pub(super) decisions: DecisionLog,
    /// The live policies.
    pub(super) policies: Live<PolicyBundle>,
    /// Asks for a reload of each source.
    pub(super) triggers: Vec<Trigger>,
    /// Where the status page is.
    pub(super) operations: SocketAddr,
    issuer: String,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

/// The applications by their identifiers, each with its provider found.
pub(super) type Parties = BTreeMap<&'static str, RelyingParty>;

/// Why the applications of the demo have no provider.
#[derive(Debug, thiserror::Error)]
pub(super) enum PartiesError {
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made: {}", with_causes(.0))]
    Http(#[from] reqwest::Error),
    /// The provider was not found.
    #[error(transparent)]
    Discovery(#[from] RelyingPartyError),
}

impl Stage {
    /// Builds the provider, takes its addresses, and serves in the background.
    pub(super) async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let mut app = App::build(config, Arc::clone(&clock), Arc::new(SystemEntropy)).await?;
        app.layer_main(|router| router.layer(from_fn(edge::play)));
        let (decisions, policies) = (app.decisions().clone(), app.policies().clone());
        let triggers = app.triggers();
        let bound = app.bind().await?;
        let operations = bound.operations;
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(bound.serve(shutdown.clone()));
        Ok(Self {
            decisions,
            policies,
            triggers,
            operations,
            issuer: config.issuer_text().to_owned(),
            clock,
            shutdown,
            serving,
        })
    }

    /// Lets each application of the demo find its provider.
    pub(super) async fn parties(
        &self,
        reach: &Reach,
        redirect_uri: &str,
    ) -> Result<Parties, PartiesError> {
        let http = reach.client(None)?;
        let mut parties = Parties::new();
        for application in APPLICATIONS {
            let registration = Registration {
                client_id: application.id.to_owned(),
                secret: None,
                redirect_uri: redirect_uri.to_owned(),
            };
            let party = RelyingParty::discover(
                &self.issuer,
                registration,
                http.clone(),
                Arc::clone(&self.clock),
                Arc::new(SystemEntropy),
            )
            .await?;
            parties.insert(application.id, party);
        }
        Ok(parties)
    }

    /// The issuer.
    #[must_use]
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Ends whatever else is to end together with the provider.
    #[must_use]
    pub(super) fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Finishes the requests at hand, and ends.
    pub(super) async fn close(self) {
        self.shutdown.cancel();
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the provider did not end in order");
        }
    }
}

/// How the clients of the demo reach the provider of this layout.
pub(super) fn reach(layout: &Layout) -> Result<Reach, LayoutError> {
    Ok(Reach {
        authorities_pem: layout.server_authority()?,
        hosts: HOSTS.map(str::to_owned).to_vec(),
    })
}
