//! How long Microsoft Entra waits, and how long a browser may take that it has sent here.

use super::*;
use crate::domain::pushed::{PushedRequest, RequestOrigin};
use crate::oidc::authorize::begin;
use crate::oidc::authorize::carried::{Carried, EntraAccount};

const TENANT: &str = "0b5c7f1e-2222-4333-8444-555566667777";
const OBJECT: &str = "9d3a6c40-1111-4222-8333-444455556666";
const REDIRECT_URI: &str =
    "https://login.microsoftonline.com/common/federation/externalauthprovider";

fn entra() -> String {
    format!(
        "[[client]]\nid = 'entra'\napplication = 'wiki'\nprofile = 'entra-mfa'\n\
         redirect_uris = ['{REDIRECT_URI}']\n\
         entra = {{ app_id = '{OBJECT}', tenants = ['{TENANT}'] }}\n"
    )
}

/// Ana, with her account.
fn users() -> String {
    format!("{USERS}entra = [{{ tid = '{TENANT}', oid = '{OBJECT}' }}]\n")
}

/// A request that was posted at this moment, with a hint that counts.
async fn posted(cx: &Provider, secret: &Secret, at: Timestamp) {
    let parameters = [
        ("response_type", "id_token"),
        ("response_mode", "form_post"),
        ("client_id", "entra"),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "openid"),
    ];
    let account = EntraAccount::new(
        &TENANT.parse().unwrap(),
        &OBJECT.parse().unwrap(),
        "pairwise",
    );
    let carried = Carried {
        entra: Some(account),
        ..Carried::default()
    };
    let request = PushedRequest {
        parameters: parameters
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        client: ClientId::new("entra"),
        origin: RequestOrigin::Posted,
        carried: carried.to_stored(),
        expires_at: at + TimeDelta::seconds(30),
    };
    let mut work = cx.storage.begin().await.unwrap();
    work.pushed_requests()
        .insert(&secret.digest(), &request)
        .await
        .unwrap();
    work.commit().await.unwrap();
}

/// The status of the page that the browser comes to, and the identifier of the request that waits, if one does.
async fn arrived(cx: &Provider, secret: &Secret) -> (StatusCode, Option<TransactionId>) {
    let query = format!(
        "client_id=entra&request_uri=urn:doorward:arrival:{}",
        secret.expose()
    );
    let response = Box::pin(begin(cx, &browser(BROWSER), query.as_bytes())).await;
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await;
    let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
    let id = body
        .split_once("name=\"transaction\" value=\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(id, _)| TransactionId::new(id));
    (status, id)
}

#[tokio::test]
async fn a_sign_in_for_entra_ends_before_entra_gives_up() {
    let cx = provider_of(&users(), &entra(), entered()).await;
    let secret = Secret::from_untrusted("arrival");
    posted(&cx, &secret, entered()).await;
    // The policy wants a password, and nobody has a session for Entra.
    let (status, id) = arrived(&cx, &secret).await;
    assert_eq!(status, StatusCode::OK);
    let id = id.unwrap();
    let cookie = Secret::from_untrusted(BROWSER).digest();
    let mut work = cx.storage.read().await.unwrap();
    for (seconds, waits) in [(0, true), (269, true), (270, false), (600, false)] {
        let later = entered() + TimeDelta::seconds(seconds);
        let found = work.transactions().find(&id, &cookie, later).await;
        assert_eq!(found.unwrap().is_some(), waits, "{seconds}");
    }
}

#[tokio::test]
async fn a_browser_that_comes_too_late_finds_nothing() {
    let cx = provider_of(&users(), &entra(), entered()).await;
    let secret = Secret::from_untrusted("arrival");
    posted(&cx, &secret, entered() - TimeDelta::seconds(30)).await;
    let (status, id) = arrived(&cx, &secret).await;
    assert_eq!((status, id), (StatusCode::BAD_REQUEST, None));
}

#[tokio::test]
async fn whoever_has_lost_the_account_meanwhile_is_not_replaced_by_whoever_is_signed_in() {
    let cx = provider_of(USERS, &entra(), entered()).await;
    let cookie = Secret::from_untrusted(SESSION).digest();
    let mut work = cx.storage.begin().await.unwrap();
    work.sessions().insert(&session(), &cookie).await.unwrap();
    work.commit().await.unwrap();
    let secret = Secret::from_untrusted("arrival");
    posted(&cx, &secret, entered()).await;
    let mut records = cx.log.listen();
    let (status, id) = arrived(&cx, &secret).await;
    // The answer itself, in a form.
    assert_eq!((status, id), (StatusCode::OK, None));
    let record = records.try_recv().unwrap();
    let Ending::Refused { error, .. } = &record.ending else {
        panic!("{:?}", record.ending);
    };
    assert_eq!(error, "access_denied");
}
