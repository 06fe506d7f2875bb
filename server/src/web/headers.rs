//! How a page leaves the server: its security headers, the one script it may run, and the stylesheet it may load. What
//! the page says is left to `pages`, its cookies to `cookies`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use askama::Template;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::{Html, IntoResponse as _, Response};
use data_encoding::{BASE64, HEXLOWER};
use url::{Host, Url};

/// The path of the stylesheet that every page loads. Each host that serves pages serves this path too.
pub const STYLESHEET_PATH: &str = "/assets/doorward.css";

/// What the page of the form post response mode runs, and nothing else may.
///
/// INVARIANT: no field of that form is called `submit`, which would hide the function.
pub(crate) const SUBMIT_SCRIPT: &str = "document.forms[0].submit()";

const STYLESHEET: &str = include_str!("../../templates/doorward.css");

/// The query that names this very stylesheet: `v=` and the beginning of its hash.
static STYLESHEET_QUERY: LazyLock<String> = LazyLock::new(|| {
    let hash = HEXLOWER.encode(sha256(STYLESHEET).as_ref());
    format!("v={}", hash.chars().take(16).collect::<String>())
});

static STYLESHEET_URL: LazyLock<String> =
    LazyLock::new(|| format!("{STYLESHEET_PATH}?{}", *STYLESHEET_QUERY));

static SUBMIT_SCRIPT_SOURCE: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", BASE64.encode(sha256(SUBMIT_SCRIPT).as_ref())));

/// Whether browsers are told to come back over TLS only (RFC 6797).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrictTransport {
    /// They are told so, for a year.
    Announced,
    /// They are not told: there is no TLS, or the name is that of the machine itself.
    Omitted,
}

impl StrictTransport {
    /// What fits an issuer with this URL.
    ///
    /// It is not announced for `localhost`, because it would hold for every port, and so for whatever else a developer
    /// runs there; browsers ignore it for addresses (RFC 6797, 8.1.1).
    #[must_use]
    pub fn for_issuer(issuer: &Url) -> Self {
        match (issuer.scheme(), issuer.host()) {
            ("https", Some(Host::Domain(name))) if !is_local(name) => Self::Announced,
            _ => Self::Omitted,
        }
    }
}

/// What sets the headers of one page apart from those of another.
#[derive(Debug, Clone)]
pub struct PageHeaders {
    strict_transport: StrictTransport,
    /// Where forms may lead besides our own origin, as source expressions of the content security policy.
    destinations: BTreeSet<String>,
    journey: Journey,
}

/// Where a page stands on the way between a client and us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Journey {
    /// A page of its own: nobody waits for its end.
    Apart,
    /// A page in the middle of an authorization request.
    Between,
    /// The page that posts the answer to the client.
    Returning,
}

impl PageHeaders {
    /// For a page whose forms, if it has any, stay with us.
    #[must_use]
    pub fn new(strict_transport: StrictTransport) -> Self {
        Self {
            strict_transport,
            destinations: BTreeSet::new(),
            journey: Journey::Apart,
        }
    }

    /// For a page of an authorization request that will end at this redirect URI.
    #[must_use]
    pub fn leading_to(self, redirect_uri: &str) -> Self {
        self.with_destination(redirect_uri, Journey::Between)
    }

    /// For the page that posts the answer to this redirect URI by itself (form post response mode).
    #[must_use]
    pub fn posting_to(self, redirect_uri: &str) -> Self {
        self.with_destination(redirect_uri, Journey::Returning)
    }

    /// The headers themselves.
    #[must_use]
    pub fn into_map(self) -> HeaderMap {
        let mut map = HeaderMap::new();
        // INVARIANT: the policy is ASCII, see `with_destination`; the strictest policy stands in all the same.
        let policy = HeaderValue::try_from(self.content_security_policy())
            .unwrap_or(HeaderValue::from_static("default-src 'none'"));
        map.insert(header::CONTENT_SECURITY_POLICY, policy);
        map.insert(header::CACHE_CONTROL, fixed("no-store"));
        map.insert(header::REFERRER_POLICY, fixed(self.referrer_policy()));
        map.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
        map.insert("cross-origin-opener-policy", fixed(self.opener_policy()));
        map.insert("cross-origin-resource-policy", fixed("same-origin"));
        map.insert(
            "permissions-policy",
            fixed(
                "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
            ),
        );
        if self.strict_transport == StrictTransport::Announced {
            map.insert(header::STRICT_TRANSPORT_SECURITY, fixed("max-age=31536000"));
        }
        map
    }

    /// Browsers hold every redirect that follows a form to `form-action`, also those beyond the client: a broker passes
    /// the End-User on to an application whose host we cannot know. Hence the scheme, and not the origin, of the client.
    fn with_destination(mut self, redirect_uri: &str, journey: Journey) -> Self {
        self.journey = journey;
        self.destinations.insert("https:".to_owned());
        if let Ok(url) = Url::parse(redirect_uri) {
            // A scheme that was parsed has letters, digits, `+`, `-` and `.` only: nothing that could end a directive.
            self.destinations.insert(format!("{}:", url.scheme()));
        }
        self
    }

    fn content_security_policy(&self) -> String {
        let mut directives = vec![
            "default-src 'none'".to_owned(),
            "style-src 'self'".to_owned(),
            "img-src 'self' data:".to_owned(),
            "frame-ancestors 'none'".to_owned(),
            "base-uri 'none'".to_owned(),
        ];
        let mut targets = String::from("form-action 'self'");
        for destination in &self.destinations {
            targets.push(' ');
            targets.push_str(destination);
        }
        directives.push(targets);
        if self.journey == Journey::Returning {
            directives.push(format!("script-src {}", *SUBMIT_SCRIPT_SOURCE));
        }
        directives.join("; ")
    }

    /// With `same-origin`, our own forms say their `Origin`, and other sites learn nothing. The form that goes to the
    /// client must say it too: under `same-origin` it would say `null`, which careful clients refuse.
    fn referrer_policy(&self) -> &'static str {
        match self.journey {
            Journey::Apart | Journey::Between => "same-origin",
            Journey::Returning => "strict-origin",
        }
    }

    /// A client may have opened us in a window of its own and wait for that window to come back: to sever the two would
    /// break its sign-in.
    fn opener_policy(&self) -> &'static str {
        match self.journey {
            Journey::Apart => "same-origin",
            Journey::Between | Journey::Returning => "unsafe-none",
        }
    }
}

/// The response that shows a page.
#[must_use]
pub fn page<T: Template>(status: StatusCode, template: &T, headers: PageHeaders) -> Response {
    match template.render() {
        Ok(body) => (status, headers.into_map(), Html(body)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            let apology = "Something went wrong on our side. Please go back and try again.";
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                headers.into_map(),
                apology,
            )
                .into_response()
        }
    }
}

/// The URL of the stylesheet, which changes whenever the stylesheet does.
#[must_use]
pub fn stylesheet_url() -> &'static str {
    &STYLESHEET_URL
}

/// The response to a request for [`STYLESHEET_PATH`] with this query.
///
/// Only the URL of this very stylesheet may be kept for good: while replicas of two versions run side by side, one can be
/// asked for the stylesheet of the other.
#[must_use]
pub fn stylesheet(query: Option<&str>) -> Response {
    let caching = if query == Some(STYLESHEET_QUERY.as_str()) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, caching),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, STYLESHEET).into_response()
}

fn sha256(text: &str) -> Digest {
    digest(&SHA256, text.as_bytes())
}

fn fixed(value: &'static str) -> HeaderValue {
    HeaderValue::from_static(value)
}

fn is_local(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> PageHeaders {
        PageHeaders::new(StrictTransport::Omitted)
    }

    fn value(headers: PageHeaders, name: &str) -> String {
        let map = headers.into_map();
        map.get(name)
            .map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    }

    fn form_action(headers: PageHeaders) -> String {
        let policy = value(headers, "content-security-policy");
        policy
            .split("; ")
            .find_map(|directive| directive.strip_prefix("form-action "))
            .unwrap()
            .to_owned()
    }

    fn announced(issuer: &str) -> StrictTransport {
        StrictTransport::for_issuer(&Url::parse(issuer).unwrap())
    }

    #[test]
    fn a_page_may_load_our_stylesheet_and_nothing_else() {
        let policy = value(headers(), "content-security-policy");
        assert_eq!(
            policy,
            "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
        );
    }

    #[test]
    fn a_page_is_never_stored_and_never_sniffed() {
        assert_eq!(value(headers(), "cache-control"), "no-store");
        assert_eq!(value(headers(), "x-content-type-options"), "nosniff");
    }

    #[test]
    fn a_form_may_lead_to_the_client_and_on_from_there() {
        let headers = headers().leading_to("https://app.example.com/callback");
        assert_eq!(form_action(headers), "'self' https:");
    }

    #[test]
    fn a_form_may_lead_to_a_client_on_the_machine_itself() {
        let headers = headers().leading_to("http://127.0.0.1:3000/callback");
        assert_eq!(form_action(headers), "'self' http: https:");
    }

    #[test]
    fn a_form_may_lead_to_an_application_with_a_scheme_of_its_own() {
        let headers = headers().leading_to("com.example.app:/callback");
        assert_eq!(form_action(headers), "'self' com.example.app: https:");
    }

    #[test]
    fn a_redirect_uri_cannot_add_to_the_policy() {
        let headers = headers().leading_to("x; script-src *:/callback");
        assert_eq!(form_action(headers), "'self' https:");
    }

    #[test]
    fn only_the_page_that_posts_to_the_client_may_run_its_script() {
        let before = value(
            headers().leading_to("https://a.test/"),
            "content-security-policy",
        );
        assert!(!before.contains("script-src"));
        let posting = value(
            headers().posting_to("https://a.test/"),
            "content-security-policy",
        );
        assert!(posting.ends_with(&format!("; script-src {}", *SUBMIT_SCRIPT_SOURCE)));
    }

    #[test]
    fn our_own_forms_and_the_one_for_the_client_say_their_origin() {
        assert_eq!(value(headers(), "referrer-policy"), "same-origin");
        // Under `no-referrer` a browser would say `null`, and our own check of forms would refuse them.
        let between = headers().leading_to("https://a.test/");
        assert_eq!(value(between, "referrer-policy"), "same-origin");
        let posting = headers().posting_to("https://a.test/");
        assert_eq!(value(posting, "referrer-policy"), "strict-origin");
    }

    #[test]
    fn a_window_that_a_client_opened_stays_with_the_client() {
        assert_eq!(
            value(headers(), "cross-origin-opener-policy"),
            "same-origin"
        );
        let between = headers().leading_to("https://a.test/");
        assert_eq!(value(between, "cross-origin-opener-policy"), "unsafe-none");
    }

    #[test]
    fn strict_transport_is_announced_for_names_on_the_network_only() {
        assert_eq!(
            announced("https://id.example.com"),
            StrictTransport::Announced
        );
        for issuer in [
            "http://id.example.com",
            "https://localhost:8443",
            "https://id.localhost:8443",
            "https://127.0.0.1:8443",
            "https://[::1]:8443",
        ] {
            assert_eq!(announced(issuer), StrictTransport::Omitted, "{issuer}");
        }
    }

    #[test]
    fn the_stylesheet_is_kept_for_good_under_its_own_url_only() {
        let (path, query) = stylesheet_url().split_once('?').unwrap();
        assert_eq!(path, STYLESHEET_PATH);
        let caching = |query| {
            let response = stylesheet(query);
            assert_eq!(
                response.headers()["content-type"],
                "text/css; charset=utf-8"
            );
            response.headers()["cache-control"]
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert!(caching(Some(query)).contains("immutable"));
        assert_eq!(caching(Some("v=0123456789abcdef")), "no-cache");
        assert_eq!(caching(None), "no-cache");
    }

    #[test]
    fn a_page_comes_as_html_with_its_status() {
        let home = crate::web::pages::Home::sample();
        let response = page(StatusCode::NOT_FOUND, &home, headers());
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(
            response.headers()["content-type"],
            "text/html; charset=utf-8"
        );
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}
