//! Whom a stored request is for, and until when. What it says is tried over real sockets.

use crate::domain::pushed::{PushedRequest, RequestOrigin};
use crate::oidc::authorize::arrival::{Arrival, end, resolve};
use crate::oidc::authorize::carried::Carried;
use crate::oidc::authorize::client;
use crate::oidc::page_error::PageError;

use super::*;

/// When the stored request of the tests can be asked for no more.
fn expiry() -> Timestamp {
    entered() + TimeDelta::seconds(90)
}

/// The names of requests.
const PUSHED: &str = "urn:ietf:params:oauth:request_uri:";
const POSTED: &str = "urn:doorward:arrival:";

/// A provider with a request of the wiki that came this way, under the secret `name`.
async fn with_request(origin: RequestOrigin, carried: &Carried) -> Provider {
    let cx = provider(entered()).await;
    let stored = PushedRequest {
        parameters: request(None).parameters,
        client: ClientId::new("wiki-web"),
        origin,
        carried: carried.to_stored(),
        expires_at: expiry(),
    };
    let hash = Secret::from_untrusted("name").digest();
    let mut work = cx.storage.begin().await.unwrap();
    work.pushed_requests().insert(&hash, &stored).await.unwrap();
    work.commit().await.unwrap();
    cx
}

/// What becomes of a link with the name of a request.
async fn asked(
    cx: &Provider,
    browser: &Browser,
    prefix: &str,
    now: Timestamp,
) -> Result<Arrival, PageError> {
    let pairs = [
        ("client_id", "wiki-web".to_owned()),
        ("request_uri", format!("{prefix}name")),
        ("state", "beside".to_owned()),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value));
    resolve(cx, &Parameters::stored(pairs.into()), browser, now).await
}

/// A browser that nobody has seen yet.
fn unknown() -> Browser {
    Browser {
        headers: HeaderMap::new(),
        ..browser(BROWSER)
    }
}

#[tokio::test]
async fn a_stored_request_is_for_the_first_browser_until_it_is_over() {
    let cx = with_request(RequestOrigin::Pushed, &Carried::pushed(true, false)).await;
    let (first, second) = (browser("first"), browser("second"));
    let last = expiry() - TimeDelta::milliseconds(1);
    for now in [entered(), last] {
        let arrival = asked(&cx, &first, PUSHED, now).await.unwrap();
        assert!(arrival.newcomer.is_none());
        assert_eq!(arrival.parameters.get("scope"), Some("openid"));
        assert_eq!(arrival.parameters.get("state"), None);
        assert!(arrival.arrived.carried.pushed && arrival.arrived.carried.signed);
    }
    let over = PageError::no_request();
    let refused = asked(&cx, &second, PUSHED, entered()).await.unwrap_err();
    assert_eq!(refused, over);
    let refused = asked(&cx, &first, PUSHED, expiry()).await.unwrap_err();
    assert_eq!(refused, over);
}

#[tokio::test]
async fn a_request_is_found_by_the_name_of_the_way_it_came() {
    for (origin, right, wrong) in [
        (RequestOrigin::Pushed, PUSHED, POSTED),
        (RequestOrigin::Posted, POSTED, PUSHED),
    ] {
        let cx = with_request(origin, &Carried::default()).await;
        let mistaken = asked(&cx, &browser("first"), wrong, entered()).await;
        assert_eq!(mistaken.unwrap_err(), PageError::no_request());
        // And nobody owns it for having tried.
        let arrival = asked(&cx, &browser("second"), right, entered()).await;
        let pushed = arrival.unwrap().arrived.carried.pushed;
        assert_eq!(pushed, origin == RequestOrigin::Pushed);
    }
}

#[tokio::test]
async fn a_browser_without_a_cookie_owns_the_request_by_the_one_it_is_given() {
    let cx = with_request(RequestOrigin::Pushed, &Carried::default()).await;
    let arrival = asked(&cx, &unknown(), PUSHED, entered()).await.unwrap();
    let identity = arrival.newcomer.unwrap();
    let again = unknown().with_identity(&identity);
    assert_eq!(again.identity(), Some(identity));
    let arrival = asked(&cx, &again, PUSHED, entered()).await.unwrap();
    assert!(arrival.newcomer.is_none());
    assert!(asked(&cx, &unknown(), PUSHED, entered()).await.is_err());
}

#[tokio::test]
async fn a_stored_request_ends_once() {
    let cx = with_request(RequestOrigin::Pushed, &Carried::default()).await;
    let first = browser("first");
    let arrival = asked(&cx, &first, PUSHED, entered()).await.unwrap();
    let visit = Visit {
        cx: &cx,
        browser: &first,
        parameters: arrival.parameters,
        arrived: arrival.arrived,
        transaction: None,
        another_account: false,
        // The person took their time.
        now: expiry() + TimeDelta::minutes(5),
    };
    let target = client::resolve(&cx, &visit.parameters, false).unwrap();
    for expected in [true, false] {
        let mut work = cx.storage.begin().await.unwrap();
        let ended = end(&visit, &target, work.as_mut()).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(ended, expected);
    }
}
