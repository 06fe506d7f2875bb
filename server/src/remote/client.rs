//! The one HTTP client for other servers: https, no redirects, no cookies, a bounded answer in bounded time. Which
//! servers are asked, and what becomes of their answers, is decided by others.

use std::path::PathBuf;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, NoProxy, Proxy, Response, StatusCode};
use url::{Host, Url};

use super::authorities;
use super::error::{RemoteError, innermost};
use super::freshness;
use crate::domain::diagnostic::Diagnostic;

/// No document that we read comes near this many bytes.
pub const LARGEST_DOCUMENT: usize = 256 * 1024;

/// All that is ever asked for. What an answer claims to be is not looked at: it is parsed, or it is not.
const WANTED: &str = "application/json, application/jwk-set+json";

/// As which program Doorward asks.
const USER_AGENT: &str = concat!("doorward/", env!("CARGO_PKG_VERSION"));

/// Hosts that a proxy would look for on its own machine.
const OWN_MACHINE: &str = "localhost,127.0.0.0/8,::1";

/// How other servers are reached.
#[derive(Debug, Clone)]
pub struct RemoteSettings {
    /// Files in PEM with authorities to believe, besides those of the machine.
    pub authorities: Vec<PathBuf>,
    /// The proxy on the way out.
    pub proxy: Option<Url>,
    /// How long an answer may take, from the first packet to the last byte.
    pub timeout: Duration,
}

/// Reaches other servers; clones share connections.
#[derive(Debug, Clone)]
pub struct Remote {
    http: Client,
    timeout: Duration,
    believes_nobody: bool,
}

/// What a server has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The document.
    pub bytes: Bytes,
    /// How long it may be kept, if its server says so.
    pub max_age: Option<Duration>,
}

/// An answer as it came, for those who look at the answer itself.
#[derive(Debug, Clone)]
pub struct Looked {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub bytes: Bytes,
}

impl Remote {
    /// Reads the files of the settings, or says all that is wrong with them.
    pub fn new(settings: &RemoteSettings) -> Result<Self, Vec<Diagnostic>> {
        let authorities = authorities::read(&settings.authorities)?;
        let none_named = authorities.is_empty();
        let remote = |http, believes_nobody| Self {
            http,
            timeout: settings.timeout,
            believes_nobody,
        };
        match client(settings, Roots::AlsoOfTheMachine(authorities)) {
            Ok(http) => Ok(remote(http, false)),
            // A machine without authorities, as containers are, has to run a server that asks nobody.
            Err(_) if none_named => client(settings, Roots::None)
                .map(|http| remote(http, true))
                .map_err(|error| unusable(&error)),
            Err(error) => Err(unusable(&error)),
        }
    }

    /// Gets a document of at most `limit` bytes.
    pub async fn fetch(&self, url: &Url, limit: usize) -> Result<Fetched, RemoteError> {
        self.check(url)?;
        let request = self.http.get(url.clone()).header(ACCEPT, WANTED);
        let response = request.send().await.map_err(|error| self.failure(&error))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(RemoteError::Redirects(status.as_u16()));
        }
        if status != StatusCode::OK {
            return Err(RemoteError::Status(status.as_u16()));
        }
        let max_age = freshness::max_age(response.headers());
        let bytes = self.body(response, limit).await?;
        Ok(Fetched { bytes, max_age })
    }

    /// Asks for a document of at most `limit` bytes, and gives the answer as it is, whichever it is.
    pub async fn look(
        &self,
        method: Method,
        url: &Url,
        limit: usize,
    ) -> Result<Looked, RemoteError> {
        self.check(url)?;
        let request = self.http.request(method, url.clone());
        let request = request.header(ACCEPT, WANTED);
        let response = request.send().await.map_err(|error| self.failure(&error))?;
        Ok(Looked {
            status: response.status(),
            headers: response.headers().clone(),
            bytes: self.body(response, limit).await?,
        })
    }

    /// Posts a form, and gives the status of the answer, whichever it is. The rest of it is not read.
    pub async fn post_form(
        &self,
        url: &Url,
        fields: &[(&str, &str)],
    ) -> Result<StatusCode, RemoteError> {
        self.check(url)?;
        let request = self.http.post(url.clone()).form(fields);
        let response = request.send().await.map_err(|error| self.failure(&error))?;
        Ok(response.status())
    }

    async fn body(&self, mut response: Response, limit: usize) -> Result<Bytes, RemoteError> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.failure(&error))?
        {
            if chunk.len() > limit.saturating_sub(bytes.len()) {
                return Err(RemoteError::TooLarge(limit));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }

    /// Whether the URL may be asked at all, whoever wrote it down.
    fn check(&self, url: &Url) -> Result<(), RemoteError> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RemoteError::Credentials);
        }
        match url.scheme() {
            "https" if self.believes_nobody => Err(RemoteError::NoAuthorities),
            "https" => Ok(()),
            "http" if is_loopback(url) => Ok(()),
            _ => Err(RemoteError::Insecure),
        }
    }

    fn failure(&self, error: &reqwest::Error) -> RemoteError {
        RemoteError::of(error, self.timeout)
    }
}

/// Who is believed that a server is the one it says.
enum Roots {
    AlsoOfTheMachine(Vec<Certificate>),
    None,
}

fn client(settings: &RemoteSettings, roots: Roots) -> Result<Client, reqwest::Error> {
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(settings.timeout)
        .timeout(settings.timeout)
        // None of the environment: what counts stands in the configuration.
        .no_proxy();
    if let Some(proxy) = &settings.proxy {
        let own_machine = NoProxy::from_string(OWN_MACHINE);
        builder = builder.proxy(Proxy::all(proxy.as_str())?.no_proxy(own_machine));
    }
    match roots {
        Roots::AlsoOfTheMachine(authorities) => builder.tls_certs_merge(authorities),
        Roots::None => builder.tls_certs_only([]),
    }
    .build()
}

fn unusable(error: &reqwest::Error) -> Vec<Diagnostic> {
    let why = innermost(error);
    let message = format!("other servers cannot be reached with these settings: {why}");
    vec![Diagnostic::error("", message)]
}

/// The own machine, by the rule of redirect URIs: RFC 8252, section 7.3.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
