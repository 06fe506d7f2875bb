//! A browser: cookies by host, redirects, forms, and one client certificate at most. It believes
//! nothing about the pages beyond what every browser does.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use doorward::cli::pki::IssuedCertificate;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, Identity, Method, Url, redirect};

use super::answer::Answer;
use super::fixtures::Credentials;
use super::page::Page;
use super::pki::{DEVICE_HOST, MAIN_HOST, TestPki};

/// The cookie that stands for a session.
pub const SESSION_COOKIE: &str = "__Host-doorward-session";

/// More redirects than this are a loop.
const MOST_REDIRECTS: usize = 15;
/// More pages than this between a client and its answer are a loop as well.
const MOST_PAGES: usize = 6;

/// Where a walk through redirects ended.
#[derive(Debug, Clone)]
pub enum Arrival {
    /// At a page of the provider.
    Page(Page),
    /// At the client.
    Client(Answer),
}

/// A browser with cookies of its own.
#[derive(Debug)]
pub struct Browser {
    http: Client,
    root: Certificate,
    jar: BTreeMap<String, BTreeMap<String, String>>,
    address: String,
}

impl Browser {
    pub(crate) fn new(pki: &TestPki, address: &str) -> Self {
        let root = pki.root();
        Self {
            http: http_client(&root, None),
            root,
            jar: BTreeMap::new(),
            address: address.to_owned(),
        }
    }

    /// The same browser, quit and opened again with this certificate: cookies stay.
    pub fn with_certificate(mut self, certificate: &IssuedCertificate) -> Self {
        self.http = http_client(&self.root, Some(TestPki::identity(certificate)));
        self
    }

    /// The same with a certificate and its key from PEM files.
    pub fn with_certificate_in(mut self, pem: &str) -> Self {
        let identity = Identity::from_pem(pem.as_bytes()).expect("an identity");
        self.http = http_client(&self.root, Some(identity));
        self
    }

    /// From now on the proxy says that requests come from here.
    pub fn travel(&mut self, address: &str) {
        address.clone_into(&mut self.address);
    }

    /// The value of a cookie of the main host.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.jar.get(MAIN_HOST)?.get(name).map(String::as_str)
    }

    /// Puts a cookie of the main host into the jar, as a thief would.
    pub fn plant_cookie(&mut self, name: &str, value: &str) {
        let cookies = self.jar.entry(MAIN_HOST.to_owned()).or_default();
        cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Opens a URL, and follows redirects to a page or to a client.
    pub async fn visit(&mut self, url: &str) -> Arrival {
        let first = self.get(url).await;
        self.arrive(first).await
    }

    /// Opens a URL, and follows no redirect.
    pub async fn get(&mut self, url: &str) -> Page {
        let url = Url::parse(url).expect("a URL");
        self.request(Method::GET, url, &HeaderMap::new(), None)
            .await
    }

    /// Follows the link with this text.
    pub async fn follow(&mut self, page: &Page, text: &str) -> Arrival {
        let link = page
            .link(text)
            .unwrap_or_else(|| panic!("no link `{text}` on {page}"));
        self.visit(link.as_str()).await
    }

    /// Fills in and submits the page's form that leads to this path, and follows redirects.
    pub async fn submit(&mut self, page: &Page, path: &str, fields: &[(&str, &str)]) -> Arrival {
        let answer = self.post_form(page, path, fields, &[]).await;
        self.arrive(answer).await
    }

    /// Submits a form with these headers on top of the usual ones, and follows no redirect.
    pub async fn post_form(
        &mut self,
        page: &Page,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&'static str, &str)],
    ) -> Page {
        let forms = page.forms();
        let form = forms
            .into_iter()
            .find(|form| form.action.path() == path)
            .unwrap_or_else(|| panic!("no form to {path} on {page}"));
        let mut sent = form.fields;
        for (name, value) in fields {
            sent.insert((*name).to_owned(), (*value).to_owned());
        }
        let mut all = HeaderMap::new();
        let origin = page.url.origin().ascii_serialization();
        all.insert("origin", HeaderValue::from_str(&origin).expect("ASCII"));
        all.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        for (name, value) in headers {
            all.insert(*name, HeaderValue::from_str(value).expect("ASCII"));
        }
        let sent: Vec<_> = sent.into_iter().collect();
        self.request(Method::POST, form.action, &all, Some(&sent))
            .await
    }

    /// Posts parameters that come from another site, as a client's own page does. Cookies stay at home
    /// for that, since ours are `SameSite=Lax`; those of the answer are kept.
    pub async fn post(&mut self, url: &str, parameters: &[(String, String)]) -> Arrival {
        let url = Url::parse(url).expect("a URL");
        let mut headers = HeaderMap::new();
        headers.insert(
            "origin",
            HeaderValue::from_static("https://wiki.example.com"),
        );
        headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
        let at_home = std::mem::take(&mut self.jar);
        let first = self
            .request(Method::POST, url, &headers, Some(parameters))
            .await;
        for (host, set) in std::mem::replace(&mut self.jar, at_home) {
            self.jar.entry(host).or_default().extend(set);
        }
        self.arrive(first).await
    }

    /// Goes from an authorization URL to its end as this person: signs in and has the device
    /// checked where a page asks for it.
    pub async fn walk(&mut self, url: &str, person: Credentials) -> Arrival {
        let mut arrival = self.visit(url).await;
        for _ in 0..MOST_PAGES {
            arrival = match &arrival {
                Arrival::Page(page) if page.has_form("/sign-in") => {
                    assert_eq!(page.status, 200, "{page}");
                    self.sign_in(page, person).await
                }
                Arrival::Page(page) if page.link(CHECK_DEVICE).is_some() => {
                    assert_eq!(page.status, 200, "{page}");
                    self.follow(page, CHECK_DEVICE).await
                }
                _ => return arrival,
            };
        }
        panic!("after {MOST_PAGES} pages still on the way: {arrival:?}");
    }

    /// Enters username and password of this person.
    pub async fn sign_in(&mut self, page: &Page, person: Credentials) -> Arrival {
        let fields = [("username", person.username), ("password", person.password)];
        self.submit(page, "/sign-in", &fields).await
    }

    async fn arrive(&mut self, first: Page) -> Arrival {
        let mut page = first;
        for _ in 0..MOST_REDIRECTS {
            let Some(location) = page.header("location") else {
                let leaving = page.forms().into_iter().find(|form| !is_ours(&form.action));
                return match leaving {
                    Some(form) => Arrival::Client(Answer::in_form(&form)),
                    None => Arrival::Page(page),
                };
            };
            // 307 and 308 would post the password to wherever the redirect leads.
            assert!(matches!(page.status, 302 | 303), "{page}");
            let next = page.url.join(location).expect("a location");
            if !is_ours(&next) {
                return Arrival::Client(Answer::in_redirect(&next));
            }
            page = self
                .request(Method::GET, next, &HeaderMap::new(), None)
                .await;
        }
        panic!("more than {MOST_REDIRECTS} redirects, the last one by {page}");
    }

    async fn request(
        &mut self,
        method: Method,
        url: Url,
        headers: &HeaderMap,
        form: Option<&[(String, String)]>,
    ) -> Page {
        let host = url.host_str().expect("a host").to_owned();
        let mut request = self
            .http
            .request(method, url)
            .header("x-forwarded-for", &self.address)
            .headers(headers.clone());
        let cookies = self.jar.entry(host).or_default();
        if !cookies.is_empty() {
            let pairs: Vec<String> = cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            request = request.header("cookie", pairs.join("; "));
        }
        if let Some(form) = form {
            request = request.form(form);
        }
        let page = Page::read(request.send().await.expect("an answer")).await;
        for line in page.set_cookies() {
            keep(cookies, line);
        }
        page
    }
}

impl Arrival {
    /// The page, where the walk ended at one.
    pub fn page(self) -> Page {
        match self {
            Self::Page(page) => page,
            Self::Client(answer) => panic!("the client was answered instead: {answer:?}"),
        }
    }

    /// The client's answer, where there is one.
    pub fn answer(self) -> Answer {
        match self {
            Self::Client(answer) => answer,
            Self::Page(page) => panic!("no answer for the client, but a page: {page}"),
        }
    }

    /// The page of a refusal.
    pub fn denied(self) -> Page {
        let page = self.page();
        assert_eq!(page.status, 403, "{page}");
        assert!(page.has_form("/authorize/return"), "{page}");
        page
    }
}

/// The text of the link that leads to the device host.
const CHECK_DEVICE: &str = "Check this device";

fn is_ours(url: &Url) -> bool {
    matches!(url.host_str(), Some(MAIN_HOST | DEVICE_HOST))
}

/// Keeps or forgets a cookie. One that breaks the rules of its prefix is not kept, as RFC 6265bis
/// section 4.1.3.2 has it.
fn keep(cookies: &mut BTreeMap<String, String>, line: &str) {
    let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
    let (name, value) = pair.split_once('=').expect("a cookie has a name");
    let attributes: Vec<String> = attributes
        .split(';')
        .map(|attribute| attribute.trim().to_ascii_lowercase())
        .collect();
    let has = |wanted: &str| attributes.iter().any(|attribute| attribute == wanted);
    let domain = attributes.iter().any(|a| a.starts_with("domain"));
    if name.starts_with("__Host-") && (!has("secure") || !has("path=/") || domain) {
        return;
    }
    if has("max-age=0") || value.is_empty() {
        cookies.remove(name);
    } else {
        cookies.insert(name.to_owned(), value.to_owned());
    }
}

/// A client that knows the servers' root and their names, and follows no redirect.
pub(crate) fn http_client(root: &Certificate, identity: Option<Identity>) -> Client {
    // The ports stand in the URLs.
    let here = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut builder = Client::builder()
        .tls_certs_only([root.clone()])
        .redirect(redirect::Policy::none())
        .resolve(MAIN_HOST, here)
        .resolve(DEVICE_HOST, here)
        .tls_info(true);
    if let Some(identity) = identity {
        builder = builder.identity(identity);
    }
    builder.build().expect("a client")
}
