//! The applications of the demo, on one page: choose where you are, choose what to open, sign in, and
//! see what the application learns about you. They are relying parties like any other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;
use serde_json::Value;

use super::cast::{APPLICATIONS, Application, PASSWORD, PEOPLE};
use super::edge::{Place, cookie};
use super::relying_party::{Begun, RelyingPartyError, Returned, SignedIn};
use super::stage::Parties;
use crate::web::headers::{PageHeaders, STYLESHEET_PATH, StrictTransport, page, stylesheet};

/// The cookie that ties a sign-in to the browser that began it, so that nobody can be signed in with
/// somebody else's answer (RFC 6749 section 10.12).
const SIGN_IN_COOKIE: &str = "demo-sign-in";

/// Sign-ins that may wait for their answer; of more, the oldest are forgotten.
const MOST_WAITING: usize = 256;

/// The page from which everything starts.
#[derive(Debug, Template)]
#[template(path = "demo_portal.html")]
struct PortalPage {
    /// Where a browser can be.
    places: Vec<Choice>,
    /// What can be opened.
    applications: Vec<Choice>,
    /// The address that the provider is told.
    address: &'static str,
    /// The names to sign in with.
    people: Vec<&'static str>,
    /// The password of everybody.
    password: &'static str,
}

/// A button.
#[derive(Debug)]
struct Choice {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

/// What became of a sign-in.
#[derive(Debug, Template)]
#[template(path = "demo_result.html")]
struct ResultPage {
    /// The application.
    application: &'static str,
    /// What it learned, if the person got in.
    claims: Option<Vec<(String, String)>>,
    /// What it was told, if not.
    refusal: Option<Refusal>,
}

/// An error, as an application receives it.
#[derive(Debug)]
struct Refusal {
    error: String,
    description: String,
}

/// What the handlers share.
#[derive(Debug, Clone)]
struct Portal(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    parties: Parties,
    issuer: String,
    waiting: Mutex<VecDeque<Waiting>>,
}

/// A sign-in that waits for its answer.
#[derive(Debug)]
struct Waiting {
    application: Application,
    begun: Begun,
}

/// A form with a place.
#[derive(Debug, Deserialize)]
struct Move {
    place: String,
}

/// A form with an application.
#[derive(Debug, Deserialize)]
struct Opening {
    application: String,
}

/// The routes of the applications.
pub(super) fn router(parties: Parties, issuer: &str) -> Router {
    let portal = Portal(Arc::new(Shared {
        parties,
        issuer: issuer.to_owned(),
        waiting: Mutex::default(),
    }));
    Router::new()
        .route("/", get(start))
        .route("/place", post(choose_place))
        .route("/sign-in", post(sign_in))
        .route("/callback", get(callback))
        .route(
            STYLESHEET_PATH,
            get(|RawQuery(query): RawQuery| async move { stylesheet(query.as_deref()) }),
        )
        .with_state(portal)
}

async fn start(State(portal): State<Portal>, headers: HeaderMap) -> Response {
    let here = Place::of(&headers);
    portal.show(&PortalPage {
        places: Place::ALL
            .map(|place| Choice {
                value: place.name(),
                label: place.label(),
                chosen: place == here,
            })
            .into(),
        applications: APPLICATIONS
            .map(|application| Choice {
                value: application.id,
                label: application.name,
                chosen: true,
            })
            .into(),
        address: here.address(),
        people: PEOPLE.map(|person| person.id).into(),
        password: PASSWORD,
    })
}

async fn choose_place(Form(chosen): Form<Move>) -> Response {
    let place = Place::from_name(&chosen.place).unwrap_or_default();
    let cookie = [(header::SET_COOKIE, place.set_cookie())];
    (cookie, Redirect::to("/")).into_response()
}

async fn sign_in(State(portal): State<Portal>, Form(opening): Form<Opening>) -> Response {
    let party = portal.0.parties.get(opening.application.as_str());
    let Some((application, party)) = Application::by_id(&opening.application).zip(party) else {
        return Redirect::to("/").into_response();
    };
    let begun = party.begin();
    let target = Redirect::to(begun.url.as_str());
    let cookie = [(header::SET_COOKIE, sign_in_cookie(&begun.state))];
    portal.wait(Waiting { application, begun });
    (cookie, target).into_response()
}

async fn callback(
    State(portal): State<Portal>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let returned = Returned::from_query(query.as_deref().unwrap_or_default());
    let expected = cookie(&headers, SIGN_IN_COOKIE);
    let state = expected.filter(|state| returned.get("state") == Some(state.as_str()));
    let Some(Waiting { application, begun }) = state.and_then(|state| portal.take(&state)) else {
        // Somebody reloaded the page, or followed a link that belongs to another browser.
        return Redirect::to("/").into_response();
    };
    let outcome = match portal.0.parties.get(application.id) {
        Some(party) => party.finish(begun, &returned).await,
        None => Err(RelyingPartyError::Answer("there is no such application")),
    };
    portal.show(&ResultPage::new(application, outcome))
}

impl Portal {
    fn wait(&self, waiting: Waiting) {
        let mut all = self
            .0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_WAITING {
            all.pop_front();
        }
        all.push_back(waiting);
    }

    fn take(&self, state: &str) -> Option<Waiting> {
        let mut all = self
            .0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let position = all
            .iter()
            .position(|waiting| waiting.begun.state == state)?;
        all.remove(position)
    }

    /// Browsers hold the redirects after a form to the page's policy, so it has to name the provider.
    fn show(&self, template: &impl Template) -> Response {
        let headers = PageHeaders::new(StrictTransport::Omitted).leading_to(&self.0.issuer);
        page(StatusCode::OK, template, headers)
    }
}

impl ResultPage {
    fn new(application: Application, outcome: Result<SignedIn, RelyingPartyError>) -> Self {
        let (claims, refusal) = match outcome {
            Ok(person) => {
                let claims = person.claims.iter();
                (Some(claims.map(claim).collect()), None)
            }
            Err(RelyingPartyError::Refused { error, description }) => {
                (None, Some(Refusal { error, description }))
            }
            Err(other) => {
                let refusal = Refusal {
                    error: "sign-in failed".to_owned(),
                    description: other.to_string(),
                };
                (None, Some(refusal))
            }
        };
        Self {
            application: application.name,
            claims,
            refusal,
        }
    }
}

/// A claim for people: moments as such, texts without their quotation marks.
fn claim((name, value): (&String, &Value)) -> (String, String) {
    let moment = matches!(name.as_str(), "auth_time" | "exp" | "iat");
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if moment => number
            .as_i64()
            .and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0))
            .map_or_else(|| number.to_string(), |at| at.to_string()),
        other => other.to_string(),
    };
    (name.clone(), text)
}

fn sign_in_cookie(state: &str) -> HeaderValue {
    let text = format!("{SIGN_IN_COOKIE}={state}; Path=/; HttpOnly; SameSite=Lax");
    // INVARIANT: a state is base64url.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    async fn answer(request: Request<Body>) -> (StatusCode, HeaderMap, String) {
        let router = router(Parties::new(), "https://localhost:8443");
        let response = router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        (parts.status, parts.headers, body)
    }

    fn form(path: &str, body: &'static str) -> Request<Body> {
        Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap()
    }

    #[tokio::test]
    async fn the_page_says_where_you_are_and_who_told_it() {
        let request = Request::get("/")
            .header(header::COOKIE, "demo-location=japan")
            .body(Body::empty())
            .unwrap();
        let (status, headers, body) = answer(request).await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains("198.51.100.9"), "{body}");
        assert!(
            body.contains("value=\"japan\" aria-current=\"true\""),
            "{body}"
        );
        assert!(body.contains("X-Forwarded-For"));
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("form-action 'self' https:"), "{policy}");
    }

    #[tokio::test]
    async fn moving_sets_the_cookie_and_goes_back() {
        let (status, headers, _) = answer(form("/place", "place=japan")).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        assert_eq!(headers[header::LOCATION], "/");
        assert_eq!(headers[header::SET_COOKIE], Place::Japan.set_cookie());
    }

    #[tokio::test]
    async fn an_answer_that_this_browser_does_not_wait_for_leads_back_to_the_start() {
        let request = Request::get("/callback?code=1&state=x")
            .header(header::COOKIE, "demo-sign-in=x")
            .body(Body::empty())
            .unwrap();
        let (status, headers, _) = answer(request).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        assert_eq!(headers[header::LOCATION], "/");
    }

    #[test]
    fn claims_are_shown_for_people() {
        let shown = |name: &str, value: Value| claim((&name.to_owned(), &value)).1;
        assert_eq!(shown("sub", "ana".into()), "ana");
        assert_eq!(
            shown("iat", 1_795_132_800.into()),
            "2026-11-20 00:00:00 UTC"
        );
        assert_eq!(shown("amr", serde_json::json!(["pwd"])), "[\"pwd\"]");
        assert_eq!(shown("email_verified", true.into()), "true");
    }

    #[test]
    fn a_refusal_is_shown_as_the_application_received_it() {
        let refused = RelyingPartyError::Refused {
            error: "access_denied".to_owned(),
            description: "not from Japan (reference 7F3K-29QD)".to_owned(),
        };
        let application = Application::by_id("wiki").unwrap();
        let html = ResultPage::new(application, Err(refused)).render().unwrap();
        assert!(html.contains("access_denied"));
        assert!(html.contains("(reference 7F3K-29QD)"));
    }
}
