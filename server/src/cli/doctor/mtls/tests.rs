//! Judgements of what was seen, and a look at a device host over the loopback interface.

use std::net::{IpAddr, Ipv4Addr};

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use chrono::TimeDelta;
use rustls_pki_types::CertificateDer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::probe::{Answers, Seen};
use super::*;
use crate::app::listener::{refuse_misdirected, serve};
use crate::app::tls::{Tls, main_config};
use crate::cli::doctor::check::Verdict;
use crate::signals::asking_tls::AskingTls;
use crate::signals::asking_tls::fixtures::{HOST, live_identity, live_trust};
use crate::signals::certificate::fixtures::{Authority, now};

fn host(name: &str) -> Host {
    Host {
        name: name.to_owned(),
        port: 443,
        at: None,
    }
}

/// What is seen of a host that is as it should be, with a certificate for this name.
fn healthy(authority: &Authority, name: &str, hints: Option<Vec<Vec<u8>>>) -> Seen {
    let protocol = if hints.is_some() { "http/1.1" } else { "h2" };
    Seen {
        chain: vec![CertificateDer::from(authority.server(name).der)],
        protocol: Some(protocol.to_owned()),
        hints,
        resumed: Vec::new(),
        answers: Ok(Answers {
            date: Some(now()),
            at: now(),
            misdirected: 421,
        }),
    }
}

fn reached(name: &str, seen: Seen) -> Side {
    Side::Reached {
        host: host(name),
        seen: Box::new(seen),
    }
}

fn roots(authority: &Authority) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.der())).unwrap();
    Arc::new(roots)
}

/// The subject of an authority, as a device host sends it.
fn subject(authority: &Authority) -> Vec<u8> {
    let trust = live_trust(authority).current();
    let subjects = trust.value.subjects();
    subjects
        .iter()
        .flat_map(|it| it.as_ref().to_vec())
        .collect()
}

/// Both hosts as they should be, after `change` had its way with what was seen of them.
fn patient(change: impl FnOnce(&mut Seen, &mut Seen)) -> Patient {
    let (servers, devices) = (Authority::root("Servers"), Authority::root("Devices"));
    let hint = subject(&devices);
    let mut main = healthy(&servers, "id.example", None);
    let mut device = healthy(&servers, HOST, Some(vec![hint.clone()]));
    change(&mut main, &mut device);
    Patient {
        main: reached("id.example", main),
        device: reached(HOST, device),
        expected: Some(vec![hint]),
        behind_proxy: Some(false),
        roots: roots(&servers),
        now: now(),
    }
}

/// What is not good, by its name.
fn wrong(patient: &Patient) -> Vec<(&'static str, Verdict)> {
    let checks = patient.checks().into_iter();
    checks
        .filter(|check| check.verdict != Verdict::Good)
        .map(|check| (check.id, check.verdict))
        .collect()
}

fn answer(change: impl FnOnce(&mut Answers)) -> Answers {
    let mut answers = Answers {
        date: Some(now()),
        at: now(),
        misdirected: 421,
    };
    change(&mut answers);
    answers
}

#[test]
fn hosts_as_they_should_be_are_good_in_every_check() {
    let checks = patient(|_, _| {}).checks();
    let ids: Vec<&str> = checks.iter().map(|check| check.id).collect();
    assert_eq!(ids, CHECKS);
    let told: Vec<String> = checks
        .iter()
        .map(|it| format!("{:?} {}: {}", it.verdict, it.id, it.finding))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_certificate_of_a_stranger_is_bad() {
    let stranger = Authority::root("Stranger");
    let found = patient(|main, _| {
        main.chain = vec![CertificateDer::from(stranger.server("id.example").der)];
    });
    assert_eq!(wrong(&found), [(MAIN.chain, Verdict::Bad)]);
    let told = found.chain(&found.main, &MAIN).finding;
    assert!(
        told.ends_with("no authority that is believed has issued it"),
        "{told}"
    );
}

#[test]
fn an_expired_certificate_is_bad() {
    let mut found = patient(|_, _| {});
    found.now = now() + TimeDelta::days(400);
    assert_eq!(
        wrong(&found),
        [(MAIN.chain, Verdict::Bad), (DEVICE.chain, Verdict::Bad)]
    );
    assert!(
        found
            .chain(&found.main, &MAIN)
            .finding
            .ends_with("it has expired")
    );
}

#[test]
fn a_machine_that_believes_nobody_can_tell_nothing() {
    let mut found = patient(|_, _| {});
    found.roots = Arc::new(RootCertStore::empty());
    assert_eq!(
        wrong(&found),
        [
            (MAIN.chain, Verdict::Doubtful),
            (DEVICE.chain, Verdict::Doubtful)
        ]
    );
}

#[test]
fn the_certificate_has_to_be_for_the_name() {
    let mut found = patient(|_, _| {});
    if let Side::Reached { host, .. } = &mut found.main {
        host.name = "login.example".to_owned();
    }
    assert_eq!(wrong(&found), [(MAIN.name, Verdict::Bad)]);
}

#[test]
fn a_certificate_for_both_hosts_is_doubtful() {
    let servers = Authority::root("Servers");
    let mut found = patient(|main, device| {
        main.chain = vec![CertificateDer::from(servers.server("*.id.example").der)];
        device.chain.clone_from(&main.chain);
    });
    found.roots = roots(&servers);
    if let Side::Reached { host, .. } = &mut found.main {
        host.name = "login.id.example".to_owned();
    }
    assert_eq!(wrong(&found), [(APART, Verdict::Doubtful)]);
}

#[test]
fn a_device_host_behind_something_that_terminates_tls_is_bad() {
    let found = patient(|_, device| {
        device.hints = None;
        device.protocol = Some("h2".to_owned());
        device.resumed = vec!["TLS 1.3"];
        device.answers = Ok(answer(|it| it.misdirected = 200));
    });
    let bad = [DEVICE_ASKS, HTTP_1, NO_RESUMPTION, DEVICE.wrong_host];
    assert_eq!(wrong(&found), bad.map(|id| (id, Verdict::Bad)));
}

#[test]
fn the_authorities_have_to_be_those_of_the_configuration() {
    let other = subject(&Authority::root("Others"));
    let found = patient(|_, device| device.hints = Some(vec![other]));
    assert_eq!(wrong(&found), [(DEVICE_ASKS, Verdict::Bad)]);
    let told = found.device_asks().finding;
    assert_eq!(
        told,
        "a certificate of `CN=Others` is asked for, and `CN=Devices` configured"
    );
    let found = patient(|_, device| device.hints = Some(Vec::new()));
    assert_eq!(wrong(&found), [(DEVICE_ASKS, Verdict::Doubtful)]);
}

#[test]
fn a_main_host_that_asks_for_certificates_is_doubtful() {
    let found = patient(|main, _| main.hints = Some(Vec::new()));
    assert_eq!(wrong(&found), [(MAIN_SILENT, Verdict::Doubtful)]);
}

#[test]
fn a_proxy_of_the_main_host_serves_what_it_likes() {
    let serves_all =
        |main: &mut Seen, _: &mut Seen| main.answers = Ok(answer(|it| it.misdirected = 200));
    let mut found = patient(serves_all);
    assert_eq!(wrong(&found), [(MAIN.wrong_host, Verdict::Bad)]);
    found.behind_proxy = Some(true);
    assert_eq!(wrong(&found), [(MAIN.wrong_host, Verdict::NotChecked)]);
    found.behind_proxy = None;
    assert_eq!(wrong(&found), [(MAIN.wrong_host, Verdict::Doubtful)]);
}

#[test]
fn clocks_may_differ_by_seconds() {
    for (seconds, verdict) in [
        (5, None),
        (-20, Some(Verdict::Doubtful)),
        (40, Some(Verdict::Bad)),
    ] {
        let date = now() + TimeDelta::seconds(seconds);
        let found = patient(|main, _| main.answers = Ok(answer(|it| it.date = Some(date))));
        let expected: Vec<_> = verdict.map(|it| (CLOCK, it)).into_iter().collect();
        assert_eq!(wrong(&found), expected, "{seconds}");
    }
}

#[test]
fn of_a_host_that_is_not_reached_nothing_else_is_told() {
    let mut found = patient(|_, _| {});
    found.device = Side::Unreached {
        host: host(HOST),
        why: "cannot connect".to_owned(),
    };
    let told = wrong(&found);
    assert_eq!(told[0], (DEVICE.reached, Verdict::Bad));
    assert!(
        told[1..]
            .iter()
            .all(|(_, verdict)| *verdict == Verdict::NotChecked)
    );
    found.device = Side::Absent("there is no device host");
    assert!(
        wrong(&found)
            .iter()
            .all(|(_, verdict)| *verdict == Verdict::NotChecked)
    );
}

/// Looks at a listener with these settings, under the name of the device host.
async fn looked_at(tls: Tls) -> Seen {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shutdown = CancellationToken::new();
    let router = Router::new()
        .route("/", get(|| async { "" }))
        .layer(from_fn(refuse_misdirected));
    let ended = tokio::spawn(serve(listener, Some(tls), router, shutdown.clone()));
    let host = Host {
        name: HOST.to_owned(),
        port,
        at: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    };
    let limit = Duration::from_secs(20);
    let seen = probe::look(&host, "id.example", limit, &SystemClock).await;
    shutdown.cancel();
    ended.await.unwrap();
    seen.unwrap()
}

#[tokio::test]
async fn a_device_host_is_seen_as_it_is() {
    let ca = Authority::root("CA");
    let identity = live_identity(&ca.server(HOST));
    let tls = AskingTls::new(identity, live_trust(&ca)).unwrap();
    let seen = looked_at(Tls::Asking(Arc::new(tls))).await;
    assert_eq!(seen.protocol.as_deref(), Some("http/1.1"));
    assert_eq!(seen.hints, Some(vec![subject(&ca)]));
    assert!(seen.resumed.is_empty(), "{:?}", seen.resumed);
    let answers = seen.answers.unwrap();
    assert_eq!(answers.misdirected, 421);
    assert!(answers.date.is_some());
}

#[tokio::test]
async fn a_main_host_is_seen_as_it_is() {
    let ca = Authority::root("CA");
    let config = main_config(live_identity(&ca.server(HOST))).unwrap();
    let seen = looked_at(Tls::Main(Arc::new(config))).await;
    assert_eq!(seen.protocol.as_deref(), Some("h2"));
    assert_eq!(seen.hints, None);
    // The main host knows nobody by the handshake, and may go on with a session.
    assert_eq!(seen.resumed, ["TLS 1.3", "TLS 1.2"]);
    assert!(judge::covers(&seen, HOST));
}

#[tokio::test]
async fn where_nobody_listens_it_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let host = Host {
        name: HOST.to_owned(),
        port,
        at: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    };
    let why = probe::look(&host, NOBODY, Duration::from_secs(20), &SystemClock).await;
    assert!(why.unwrap_err().starts_with("cannot connect"));
}
