//! What is still offered to whoever the policies refuse, at moments that the tests choose.

mod arrivals;
mod entra;
mod loops;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use chrono::TimeDelta;
use data_encoding::BASE64URL_NOPAD;
use doorward_engine::{PolicyBundle, SourceFile};

use super::arrival::Arrived;
use super::{Visit, enter};
use crate::access::{AccessControl, SignalSources};
use crate::audit::{DecisionLog, Ending};
use crate::config::Algorithm;
use crate::directory::clients::Clients;
use crate::directory::password::Passwords;
use crate::directory::users::Users;
use crate::domain::authentication::Authentication;
use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::entropy::SeededEntropy;
use crate::domain::ids::{ClientId, SessionId, TransactionId, UserId};
use crate::domain::peer::Peer;
use crate::domain::secret::Secret;
use crate::domain::session::Session;
use crate::domain::transaction::{DeviceCheck, Stage, Transaction};
use crate::oidc::parameters::Parameters;
use crate::oidc::{
    Backchannel, Browser, ClientKeySets, Discovery, EntraKeys, Intake, Lifetimes, Loops,
    PairwiseKey, Parts, Provider, Throttling,
};
use crate::reload::Live;
use crate::remote::{Remote, RemoteSettings};
use crate::signals::client_ip::{ForwardedHeader, ForwardingSettings};
use crate::signals::geo::GeoDatabases;
use crate::storage::sqlite::SqliteStorage;
use crate::tokens::KeySet;

const ISSUER: &str = "https://id.example.com";
const REDIRECT_URI: &str = "https://wiki.example.com/callback";

/// Ten seconds after the password is entered, it has to be entered again.
const POLICY: &str = r#"
@id("fresh-password")
@reason("The wiki opens within ten seconds of the password.")
permit (principal, action, resource == Application::"wiki")
when { context.session has passwordAge && context.session.passwordAge <= duration("10s") };
"#;

const USERS: &str = "[[user]]\nid = 'u-ana'\nusername = 'ana'\nemail = 'ana@example.com'\n\
                     password = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$\
                     AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n";

/// The secrets in the cookies of Ana's browser.
const SESSION: &str = "session";
const BROWSER: &str = "browser";

/// When Ana entered the password.
fn entered() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// A provider at this moment, without devices and without databases of countries.
async fn provider(now: Timestamp) -> Provider {
    let clients = format!(
        "[[client]]\nid = 'wiki-web'\napplication = 'wiki'\npublic = true\n\
         redirect_uris = ['{REDIRECT_URI}']\n"
    );
    provider_of(USERS, &clients, now).await
}

/// The same with these users and clients.
async fn provider_of(users: &str, clients: &str, now: Timestamp) -> Provider {
    let (storage, entropy) = (
        SqliteStorage::in_memory().await.unwrap(),
        SeededEntropy::new(1),
    );
    let policies = PolicyBundle::load(
        &[
            SourceFile::new("entities.toml", "[application.wiki]\n"),
            SourceFile::new("access.cedar", POLICY),
        ],
        None,
    );
    let geo = GeoDatabases::open([], TimeDelta::days(60)).unwrap();
    let users = Users::parse(users, "users.toml").unwrap();
    let clients = Clients::parse(clients, "clients.toml").unwrap();
    let policies = Live::fixed("policies", policies.unwrap(), now);
    let window = TimeDelta::minutes(15);
    Provider::new(Parts {
        issuer: ISSUER.parse().unwrap(),
        issuer_text: ISSUER.to_owned(),
        device_host: None,
        client_host: None,
        lifetimes: Lifetimes {
            session: TimeDelta::days(1),
            idle_session: TimeDelta::days(1),
            transaction: TimeDelta::minutes(10),
            pushed: TimeDelta::seconds(90),
            code: TimeDelta::minutes(1),
            id_token: TimeDelta::minutes(5),
            access_token: TimeDelta::minutes(10),
            refresh: TimeDelta::days(30),
            idle_refresh: TimeDelta::days(14),
        },
        throttling: Throttling {
            per_account: 10,
            per_address: 50,
            window,
        },
        intake: Intake::new(50, window),
        loops: Loops {
            limit: 3,
            window: TimeDelta::seconds(4),
        },
        access: AccessControl::new(policies),
        signals: SignalSources {
            forwarding: ForwardingSettings {
                trusted: Vec::new(),
                header: ForwardedHeader::XForwardedFor,
            },
            geo: Live::fixed("geoip", geo, now),
            devices: None,
        },
        users: Live::fixed("users", users.value, now),
        clients: Live::fixed("clients", clients.value, now),
        passwords: Passwords::new(&entropy).unwrap(),
        keys: KeySet::load(&storage, Algorithm::Es256, &entropy, now)
            .await
            .unwrap(),
        pairwise: PairwiseKey::passing(&entropy),
        discovery: Discovery::default(),
        client_keys: ClientKeySets::new(remote()),
        entra_keys: EntraKeys::new(remote()),
        remote: remote(),
        backchannel: Backchannel::default(),
        log: DecisionLog::nowhere(),
        clock: Arc::new(ManualClock::new(now)),
        storage: Arc::new(storage),
        entropy: Arc::new(entropy),
    })
}

/// Nobody else is asked here.
fn remote() -> Remote {
    let settings = RemoteSettings {
        authorities: Vec::new(),
        proxy: None,
        timeout: Duration::from_secs(1),
    };
    Remote::new(&settings).unwrap()
}

/// A stored request of Ana's browser, in which the password was entered at this moment, if it was.
fn request(reauthenticated_at: Option<Timestamp>) -> Transaction {
    let challenge = BASE64URL_NOPAD.encode(&[7; 32]);
    let parameters = [
        ("response_type", "code"),
        ("client_id", "wiki-web"),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "openid"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    Transaction {
        id: TransactionId::new("waiting"),
        reference: "7F3K-29QD".parse().unwrap(),
        parameters: parameters
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        pushed: None,
        carried: None,
        client: ClientId::new("wiki-web"),
        session: None,
        device_check: DeviceCheck::NotDone,
        device: None,
        reauthenticated_at,
        stage: Stage::Started,
        created_at: entered(),
        expires_at: entered() + TimeDelta::minutes(10),
    }
}

/// Ana's session, which knows of the password since it was entered.
fn session() -> Session {
    Session {
        id: SessionId::new("of-ana"),
        user: UserId::new("u-ana"),
        authentication: Authentication {
            password_at: Some(entered()),
            ..Authentication::default()
        },
        device: None,
        created_at: entered(),
        last_seen_at: entered(),
        expires_at: entered() + TimeDelta::days(1),
    }
}

/// What becomes of the request at this moment: the status of the page, and the ending in the record.
async fn answer(request: Transaction, now: Timestamp) -> (StatusCode, Ending) {
    let cx = provider(now).await;
    let (session_cookie, browser_cookie) = (
        Secret::from_untrusted(SESSION),
        Secret::from_untrusted(BROWSER),
    );
    let mut work = cx.storage.begin().await.unwrap();
    work.sessions()
        .insert(&session(), &session_cookie.digest())
        .await
        .unwrap();
    work.transactions()
        .insert(&request, &browser_cookie.digest())
        .await
        .unwrap();
    work.commit().await.unwrap();

    let browser = browser(BROWSER);
    let mut records = cx.log.listen();
    let visit = Visit {
        cx: &cx,
        browser: &browser,
        parameters: Parameters::stored(request.parameters.clone()),
        arrived: Arrived::default(),
        transaction: Some(request),
        another_account: false,
        now,
    };
    let response = Box::pin(enter(visit)).await;
    let record = records.try_recv().unwrap();
    (response.status(), record.ending.clone())
}

/// A browser in which Ana is signed in.
fn browser(identity: &str) -> Browser {
    let cookies = format!("__Host-doorward-session={SESSION}; __Host-doorward-browser={identity}");
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, HeaderValue::try_from(cookies).unwrap());
    Browser {
        peer: Peer::plain(SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000))),
        headers,
    }
}

fn asked_for_the_password() -> (StatusCode, Ending) {
    let ending = Ending::StepUpAsked {
        password: true,
        device: false,
    };
    (StatusCode::OK, ending)
}

#[tokio::test]
async fn a_password_that_was_just_entered_is_asked_for_again_only_after_a_minute() {
    let after = |passed: TimeDelta| answer(request(Some(entered())), entered() + passed);
    let refused = (StatusCode::FORBIDDEN, Ending::Denied);
    let minute = TimeDelta::minutes(1);
    assert_eq!(after(TimeDelta::seconds(11)).await, refused);
    assert_eq!(after(minute).await, refused);
    let later = after(minute + TimeDelta::milliseconds(1)).await;
    assert_eq!(later, asked_for_the_password());
}

#[tokio::test]
async fn a_password_of_an_earlier_request_is_asked_for_again_at_once() {
    let now = entered() + TimeDelta::seconds(11);
    assert_eq!(answer(request(None), now).await, asked_for_the_password());
}
