//! `doorward demo --tour`: the demo drives itself. Real sockets, real certificates, a real client, and
//! the policies edited on disk; each sign-in has an answer that is known before, and none may differ.

mod clock;
mod journey;
mod table;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use self::clock::TourClock;
use self::journey::{Arrival, DeviceStep, JourneyError, Verdict, Visit, sign_in};
use self::table::Row;
use super::browser::{Browser, BrowserError};
use super::cast::{ANA, ANAS_LAPTOP, BEN, LAB_MACHINE, Machine, OWN_MACHINE, PAYROLL, WIKI};
use super::edge::Place;
use super::layout::{ACCESS, ENTITIES, Layout, LayoutError, Ports};
use super::reach::{Reach, with_causes};
use super::stage::{self, Parties, Stage};
use crate::audit::{DecisionRecord, Ending};
use crate::cli::exit::{Exit, Failure};
use crate::cli::render::{self, Style};
use crate::domain::clock::Clock as _;
use crate::domain::entropy::SystemEntropy;
use crate::reload::SourceStatus;

/// How long a record, or the reload after an edit, is waited for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The region of the starter policies, before and after the edit.
const HOME: &str = "countries = [\"SG\"]";
const HOME_AND_JAPAN: &str = "countries = [\"SG\", \"JP\"]";

/// A policy without a name, which reads a device that may be missing.
const BROKEN: &str = "\npermit (principal, action, resource)\nwhen { context.device.managed };\n";

/// Everything that the tour moves between.
#[derive(Debug)]
struct Tour {
    layout: Layout,
    clock: TourClock,
    stage: Stage,
    reach: Reach,
    parties: Parties,
    redirect_uri: String,
    decisions: Receiver<Arc<DecisionRecord>>,
}

/// A change on disk, and how it is known to have arrived: by the status before and after.
#[derive(Debug, Clone, Copy)]
struct Edit {
    file: &'static str,
    change: fn(&str) -> String,
    arrived: fn(&SourceStatus, &SourceStatus) -> bool,
}

/// Why a stop of the tour cannot be judged.
#[derive(Debug, thiserror::Error)]
enum TourError {
    /// A file cannot be used.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// There is no browser.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// The sign-in came to no end.
    #[error(transparent)]
    Journey(#[from] JourneyError),
    /// The application is not one of the demo.
    #[error("there is no application `{0}`")]
    Application(&'static str),
    /// The decision was not announced.
    #[error("the decision was not recorded")]
    NoRecord,
    /// A source was refused.
    #[error("the source `{0}` was not reloaded")]
    Refused(&'static str),
    /// Nothing happened after an edit.
    #[error("the edit of `{0}` was not noticed")]
    Unnoticed(&'static str),
    /// The status page cannot be read.
    #[error("the status page cannot be read: {0}")]
    Status(String),
    /// The status page knows nothing of the broken policies.
    #[error("the status page does not say that the policies are refused")]
    Silent,
}

/// Goes everywhere, and shows the table.
pub(super) async fn run() -> Result<Exit, Failure> {
    render::print("The tour starts a provider on this machine and signs in to it…\n\n")?;
    let directory = tempfile::tempdir().map_err(|error| Failure::of(&error))?;
    let clock = TourClock::default();
    let ports = free_ports().map_err(|error| Failure::of(&error))?;
    let layout = Layout::create(directory.path(), ports, clock.now(), &SystemEntropy)
        .map_err(|error| Failure::of(&error))?;
    let config = layout.config().map_err(Failure::Files)?;
    let stage = Stage::open(&config, Arc::new(clock.clone())).await?;
    let decisions = stage.decisions.listen();
    let reach = stage::reach(&layout).map_err(|error| Failure::of(&error))?;
    let redirect_uri = ports.redirect_uri();
    let parties = stage
        .parties(&reach, &redirect_uri)
        .await
        .map_err(|error| Failure::of(&error))?;
    let mut tour = Tour {
        layout,
        clock,
        stage,
        reach,
        parties,
        redirect_uri,
        decisions,
    };
    let rows = tour.perform().await;
    tour.stage.close().await;
    let rows = rows.map_err(|error| Failure::of(&error))?;
    render::print(&table::text(&rows, Style::stdout()))?;
    if rows.iter().all(Row::is_right) {
        Ok(Exit::Yes)
    } else {
        Ok(Exit::No)
    }
}

impl Tour {
    async fn perform(&mut self) -> Result<Vec<Row>, TourError> {
        use Verdict::{Deny, Permit, PermitAfterPassword};

        let home = Visit {
            person: ANA,
            application: WIKI,
            place: Place::Singapore,
            device: DeviceStep::Check,
        };
        let abroad = Visit {
            place: Place::Japan,
            ..home
        };
        let unchecked = Visit {
            device: DeviceStep::Skip,
            ..home
        };
        let colleague = Visit {
            person: BEN,
            application: PAYROLL,
            ..home
        };
        let mut laptop = self.browser(Some(ANAS_LAPTOP))?;
        let mut own = self.browser(Some(OWN_MACHINE))?;
        let mut stranger = self.browser(None)?;
        let mut lab = self.browser(Some(LAB_MACHINE))?;
        let mut borrowed = self.browser(Some(ANAS_LAPTOP))?;

        let mut rows = vec![
            self.row(
                "ana, her managed laptop, in Singapore",
                Permit,
                &mut laptop,
                home,
            )
            .await
            .because("workplace"),
            self.row("ana, a laptop that nobody manages", Deny, &mut own, home)
                .await
                .because("device is managed (not managed"),
            self.row("ana, no certificate", Deny, &mut stranger, unchecked)
                .await
                .because("device is managed (no device certificate was presented"),
            self.row(
                "ana, her managed laptop, in Japan",
                Deny,
                &mut laptop,
                abroad,
            )
            .await
            .because("country is in region home (Japan"),
            self.row("ana, a disk that is not encrypted", Deny, &mut lab, home)
                .await
                .because("disk is encrypted (not encrypted"),
        ];
        self.eight_days_later().await?;
        let title = "ana, back in Singapore, eight days later";
        rows.push(
            self.row(title, PermitAfterPassword, &mut laptop, home)
                .await,
        );
        let title = "ben, payroll, on the laptop of ana";
        let row = self.row(title, Deny, &mut borrowed, colleague).await;
        rows.push(row.because("own-device-only: device is assigned to the user"));

        let allowed = Edit {
            file: ENTITIES,
            change: |text| text.replace(HOME, HOME_AND_JAPAN),
            arrived: |before, now| now.reloads > before.reloads && now.healthy,
        };
        let title = "ana, in Japan, which the policies allow now";
        let edited = self.edit(allowed).await;
        let row = self.row(title, Permit, &mut laptop, abroad).await;
        rows.push(judged(row, edited));

        let broken = Edit {
            file: ACCESS,
            change: |text| format!("{text}{BROKEN}"),
            arrived: |before, now| now.failures > before.failures && !now.healthy,
        };
        let title = "ana, in Japan, after a broken edit";
        let mut edited = self.edit(broken).await;
        if edited.is_ok() {
            edited = self.status_tells_of_the_refusal().await;
        }
        let row = self.row(title, Permit, &mut laptop, abroad).await;
        rows.push(judged(row, edited));
        Ok(rows)
    }

    /// A browser that was never used before, on this machine or on one without a certificate.
    fn browser(&self, machine: Option<Machine>) -> Result<Browser, TourError> {
        let identity = machine
            .map(|machine| self.layout.identity(machine.id))
            .transpose()?;
        let browser = Browser::new(&self.reach, identity.as_ref())?;
        Ok(browser.returning_to(&self.redirect_uri))
    }

    async fn row(
        &mut self,
        title: &'static str,
        expected: Verdict,
        browser: &mut Browser,
        visit: Visit,
    ) -> Row {
        match self.visited(browser, visit).await {
            Ok((verdict, record)) => Row::new(title, expected, verdict, &record),
            Err(error) => Row::failed(title, expected, &error),
        }
    }

    async fn visited(
        &mut self,
        browser: &mut Browser,
        visit: Visit,
    ) -> Result<(Verdict, Arc<DecisionRecord>), TourError> {
        let application = visit.application.id;
        let party = self
            .parties
            .get(application)
            .ok_or(TourError::Application(application))?;
        let arrival = sign_in(browser, party, visit).await?;
        let record = timeout(LONGEST_WAIT, self.record(arrival))
            .await
            .unwrap_or(Err(TourError::NoRecord))?;
        Ok((arrival.verdict, record))
    }

    /// The record of a sign-in. Records of others may come in between: of those that were given up.
    async fn record(&mut self, arrival: Arrival) -> Result<Arc<DecisionRecord>, TourError> {
        loop {
            match self.decisions.recv().await {
                Ok(record) => {
                    let wanted = match arrival.reference {
                        Some(reference) => record.reference == reference,
                        None => record.ending == Ending::Permitted,
                    };
                    if wanted {
                        return Ok(record);
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Err(TourError::NoRecord),
            }
        }
    }

    /// Time passes, and the inventory goes on looking at every machine meanwhile.
    async fn eight_days_later(&self) -> Result<(), TourError> {
        self.clock.advance(TimeDelta::days(8));
        self.layout.renew_inventory(self.clock.now())?;
        for trigger in &self.stage.triggers {
            let status = trigger.reload_now().await;
            if !status.healthy {
                return Err(TourError::Refused(status.name));
            }
        }
        Ok(())
    }

    /// Changes a file of the policies, and waits until the provider has noticed by itself.
    async fn edit(&self, edit: Edit) -> Result<(), TourError> {
        let before = self.stage.policies.status();
        let mut changes = self.stage.policies.changed();
        self.layout.edit(edit.file, edit.change)?;
        let arrived = changes.wait_for(|now| (edit.arrived)(&before, now));
        let noticed = timeout(LONGEST_WAIT, arrived).await;
        if noticed.is_ok_and(|status| status.is_ok()) {
            Ok(())
        } else {
            Err(TourError::Unnoticed(edit.file))
        }
    }

    async fn status_tells_of_the_refusal(&self) -> Result<(), TourError> {
        let unreadable = |error: reqwest::Error| TourError::Status(with_causes(&error));
        let url = format!("http://{}/status", self.stage.operations);
        let http = self.reach.client(None).map_err(unreadable)?;
        let response = http.get(url).send().await.map_err(unreadable)?;
        let status: Value = response.json().await.map_err(unreadable)?;
        let mut sources = status
            .get("sources")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let policies = sources.find(|source| source.get("name") == Some(&Value::from("policies")));
        match policies.and_then(|source| source.get("healthy")) {
            Some(Value::Bool(false)) => Ok(()),
            _ => Err(TourError::Silent),
        }
    }
}

/// The row, unless what was done before it went wrong.
fn judged(row: Row, before: Result<(), TourError>) -> Row {
    match before {
        Ok(()) => row,
        Err(error) => row.spoilt_by(&error),
    }
}

/// Four ports that nobody uses at this moment.
fn free_ports() -> Result<Ports, std::io::Error> {
    let listeners = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0"));
    let [main, device, portal, operations] =
        listeners.map(|listener| listener.and_then(|listener| Ok(listener.local_addr()?.port())));
    Ok(Ports {
        main: main?,
        device: device?,
        portal: portal?,
        operations: operations?,
    })
}

#[cfg(test)]
mod tests {
    use doorward_engine::{PolicyBundle, SourceFile};

    use super::super::texts::POLICIES;
    use super::*;

    fn bundle(change: impl Fn(&str, &str) -> String) -> Vec<SourceFile> {
        POLICIES
            .iter()
            .map(|(name, text)| SourceFile::new(*name, change(name, text)))
            .collect()
    }

    #[test]
    fn the_first_edit_is_one_and_the_policies_stay_good() {
        let edited = bundle(|name, text| match name {
            ENTITIES => text.replace(HOME, HOME_AND_JAPAN),
            _ => text.to_owned(),
        });
        assert!(edited.iter().any(|file| file.text.contains(HOME_AND_JAPAN)));
        assert!(PolicyBundle::load(&edited, None).is_ok());
    }

    #[test]
    fn the_second_edit_breaks_them() {
        let edited = bundle(|name, text| match name {
            ACCESS => format!("{text}{BROKEN}"),
            _ => text.to_owned(),
        });
        assert!(PolicyBundle::load(&edited, None).is_err());
    }

    #[test]
    fn free_ports_differ() {
        let ports = free_ports().unwrap();
        let mut all = [ports.main, ports.device, ports.portal, ports.operations];
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
