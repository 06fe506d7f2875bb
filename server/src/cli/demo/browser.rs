//! A browser without a window: it keeps cookies, follows redirects, fills in forms and presents the
//! certificate of its device. What to click on is decided by whoever drives it; the tour and the tests do.

use form_urlencoded::Serializer;
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, ORIGIN};
use reqwest::{Method, StatusCode, Url};

use super::html::{self, Form};
use super::jar::Jar;
use super::reach::{DeviceIdentity, Reach, with_causes};
use crate::domain::ids::Reference;

/// More redirects in a row than any sign-in needs.
const MOST_REDIRECTS: usize = 20;

/// A browser on one device.
#[derive(Debug)]
pub struct Browser {
    http: reqwest::Client,
    jar: Jar,
    homes: Vec<String>,
}

/// Where a navigation ended.
#[derive(Debug, Clone)]
pub enum Landing {
    /// A page was shown.
    Page(Page),
    /// The browser was sent back to a client; the URL carries the answer, and nothing was fetched.
    Returned(Url),
}

/// A page as a person sees it.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its URL.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its text.
    pub body: String,
}

/// Why a navigation failed.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// No response came.
    #[error("{}", with_causes(.0))]
    Http(#[from] reqwest::Error),
    /// Something on the way is no URL.
    #[error("`{0}` is no URL")]
    Url(String),
    /// The redirects do not end.
    #[error("redirected too often, at last to `{0}`")]
    Redirects(String),
    /// The page lacks what was to be used.
    #[error("the page at `{url}` ({status}) has no {what}")]
    Missing {
        /// The page.
        url: String,
        /// Its status.
        status: StatusCode,
        /// What it lacks.
        what: String,
    },
}

/// A request that is about to be sent.
#[derive(Debug)]
struct Outgoing {
    method: Method,
    url: Url,
    body: Option<String>,
    origin: Option<String>,
}

impl Browser {
    /// A browser that was never used before, on a device with this certificate.
    pub fn new(reach: &Reach, identity: Option<&DeviceIdentity>) -> Result<Self, BrowserError> {
        Ok(Self {
            http: reach.client(identity)?,
            jar: Jar::default(),
            homes: Vec::new(),
        })
    }

    /// URLs that begin with `prefix` belong to a client: the browser stops there and fetches nothing.
    #[must_use]
    pub fn returning_to(mut self, prefix: &str) -> Self {
        self.homes.push(prefix.to_owned());
        self
    }

    /// The cookies.
    #[must_use]
    pub fn jar(&self) -> &Jar {
        &self.jar
    }

    /// The cookies, to be changed as a person or another program could.
    pub fn jar_mut(&mut self) -> &mut Jar {
        &mut self.jar
    }

    /// Opens a URL, and follows wherever it leads.
    pub async fn open(&mut self, url: &str) -> Result<Landing, BrowserError> {
        let url = url.parse().map_err(|_| BrowserError::Url(url.to_owned()))?;
        self.travel(Outgoing::get(url)).await
    }

    /// Opens a URL without following redirects; a redirect is a page like any other then.
    pub async fn peek(&mut self, url: &str) -> Result<Page, BrowserError> {
        let url = url.parse().map_err(|_| BrowserError::Url(url.to_owned()))?;
        self.send(&Outgoing::get(url)).await
    }

    /// Follows the link with these words.
    pub async fn click(&mut self, page: &Page, text: &str) -> Result<Landing, BrowserError> {
        let url = page
            .link(text)
            .ok_or_else(|| page.lacks(format!("link `{text}`")))?;
        self.travel(Outgoing::get(url)).await
    }

    /// Sends the form that goes to `action`, with what a person typed into it.
    pub async fn submit(
        &mut self,
        page: &Page,
        action: &str,
        typed: &[(&str, &str)],
    ) -> Result<Landing, BrowserError> {
        let form = page
            .form(action)
            .ok_or_else(|| page.lacks(format!("form that goes to `{action}`")))?;
        self.post(page, action, &form.filled_in(typed)).await
    }

    /// Sends these fields as a form of the page would, whether or not it has such a form.
    pub async fn post(
        &mut self,
        page: &Page,
        action: &str,
        fields: &[(String, String)],
    ) -> Result<Landing, BrowserError> {
        let url = page.resolve(action)?;
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        self.travel(Outgoing {
            method: Method::POST,
            url,
            body: Some(body),
            origin: Some(page.url.origin().ascii_serialization()),
        })
        .await
    }

    async fn travel(&mut self, mut request: Outgoing) -> Result<Landing, BrowserError> {
        for _ in 0..MOST_REDIRECTS {
            if self.is_home(&request.url) {
                return Ok(Landing::Returned(request.url));
            }
            let page = self.send(&request).await?;
            let Some(next) = page.redirect()? else {
                return Ok(Landing::Page(page));
            };
            request = request.redirected(page.status, next);
        }
        Err(BrowserError::Redirects(request.url.into()))
    }

    async fn send(&mut self, request: &Outgoing) -> Result<Page, BrowserError> {
        let mut builder = self
            .http
            .request(request.method.clone(), request.url.clone())
            .header(ACCEPT, "text/html,*/*;q=0.5");
        if let Some(cookies) = self.jar.header(&request.url) {
            builder = builder.header(COOKIE, cookies);
        }
        if let Some(origin) = &request.origin {
            builder = builder.header(ORIGIN, origin.as_str());
        }
        if let Some(body) = &request.body {
            builder = builder
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body.clone());
        }
        let response = builder.send().await?;
        self.jar.store(&request.url, response.headers());
        Ok(Page {
            url: request.url.clone(),
            status: response.status(),
            headers: response.headers().clone(),
            body: response.text().await?,
        })
    }

    fn is_home(&self, url: &Url) -> bool {
        self.homes
            .iter()
            .any(|prefix| url.as_str().starts_with(prefix))
    }
}

impl Outgoing {
    fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            body: None,
            origin: None,
        }
    }

    /// What a browser sends next: after 307 and 308 the same again, otherwise a plain GET
    /// (RFC 9110 section 15.4).
    fn redirected(self, status: StatusCode, next: Url) -> Self {
        match status {
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
                Self { url: next, ..self }
            }
            _ => Self::get(next),
        }
    }
}

impl Page {
    /// The form that goes to `action`.
    #[must_use]
    pub fn form(&self, action: &str) -> Option<Form> {
        html::forms(&self.body)
            .into_iter()
            .find(|form| form.action == action)
    }

    /// Where the link with these words leads.
    #[must_use]
    pub fn link(&self, text: &str) -> Option<Url> {
        html::links(&self.body)
            .into_iter()
            .find(|link| link.text == text)
            .and_then(|link| self.url.join(&link.href).ok())
    }

    /// The reference that the page shows.
    #[must_use]
    pub fn reference(&self) -> Option<Reference> {
        html::reference(&self.body)
    }

    /// Where the response sends the browser, if it does.
    pub fn redirect(&self) -> Result<Option<Url>, BrowserError> {
        if !self.status.is_redirection() {
            return Ok(None);
        }
        let Some(location) = self.headers.get(LOCATION) else {
            return Ok(None);
        };
        let location = String::from_utf8_lossy(location.as_bytes());
        self.resolve(&location).map(Some)
    }

    fn resolve(&self, reference: &str) -> Result<Url, BrowserError> {
        self.url
            .join(reference)
            .map_err(|_| BrowserError::Url(reference.to_owned()))
    }

    fn lacks(&self, what: String) -> BrowserError {
        BrowserError::Missing {
            url: self.url.to_string(),
            status: self.status,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::Request;
    use axum::http::header;
    use axum::response::{Html, IntoResponse as _, Redirect};
    use axum::routing::{get, post};

    use super::*;

    async fn server() -> (Reach, String) {
        let router = Router::new()
            .route(
                "/start",
                get(|| async {
                    let cookie = [(header::SET_COOKIE, "a=1; Path=/")];
                    (cookie, Redirect::to("/form")).into_response()
                }),
            )
            .route(
                "/form",
                get(|| async {
                    Html("<form action=\"/sent\"><input type=\"hidden\" name=\"x\" value=\"1\"></form>")
                }),
            )
            .route(
                "/sent",
                post(|request: Request| async move {
                    let sent = |name| request.headers().get(name).cloned().unwrap();
                    assert_eq!(sent(header::COOKIE), "a=1");
                    assert!(sent(header::ORIGIN).to_str().unwrap().starts_with("http://"));
                    Redirect::to("/home?code=7")
                }),
            )
            .route("/circle", get(|| async { Redirect::to("/circle") }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let reach = Reach {
            authorities_pem: String::new(),
            hosts: Vec::new(),
        };
        (reach, origin)
    }

    fn page(landing: Landing) -> Page {
        match landing {
            Landing::Page(page) => page,
            Landing::Returned(url) => panic!("returned to {url}"),
        }
    }

    #[tokio::test]
    async fn a_form_is_sent_with_its_fields_cookies_and_origin_and_leads_home() {
        let (reach, origin) = server().await;
        let home = format!("{origin}/home");
        let mut browser = Browser::new(&reach, None).unwrap().returning_to(&home);
        let form = page(browser.open(&format!("{origin}/start")).await.unwrap());
        assert_eq!(form.url.path(), "/form");
        let landing = browser.submit(&form, "/sent", &[]).await.unwrap();
        match landing {
            Landing::Returned(url) => assert_eq!(url.query(), Some("code=7")),
            Landing::Page(page) => panic!("stayed at {}", page.url),
        }
    }

    #[tokio::test]
    async fn a_page_without_the_form_or_link_is_told() {
        let (reach, origin) = server().await;
        let mut browser = Browser::new(&reach, None).unwrap();
        let form = page(browser.open(&format!("{origin}/form")).await.unwrap());
        let missing = browser.click(&form, "Check this device").await.unwrap_err();
        assert!(missing.to_string().contains("no link `Check this device`"));
        assert!(browser.submit(&form, "/sign-in", &[]).await.is_err());
    }

    #[tokio::test]
    async fn redirects_that_do_not_end_are_given_up() {
        let (reach, origin) = server().await;
        let mut browser = Browser::new(&reach, None).unwrap();
        let endless = browser.open(&format!("{origin}/circle")).await.unwrap_err();
        assert!(matches!(endless, BrowserError::Redirects(_)));
        let page = browser.peek(&format!("{origin}/circle")).await.unwrap();
        assert_eq!(page.status, StatusCode::SEE_OTHER);
    }
}
