//! The cookies of a browser that has no window: kept by host and name, as browsers do with cookies of
//! one host. `SameSite` is left out: this browser never comes from another site.

use std::collections::BTreeMap;
use std::fmt;

use cookie::Cookie;
use reqwest::Url;
use reqwest::header::{HeaderMap, SET_COOKIE};

/// The prefix that ties a cookie to one host over TLS (RFC 6265bis section 4.1.3.2).
const HOST_PREFIX: &str = "__Host-";

/// The cookies of one browser.
#[derive(Debug, Clone, Default)]
pub struct Jar {
    cookies: BTreeMap<(String, String), Kept>,
}

#[derive(Clone)]
struct Kept {
    value: String,
    secure: bool,
}

impl Jar {
    /// Keeps a cookie that no server has set.
    pub fn set(&mut self, host: &str, name: &str, value: &str) {
        let kept = Kept {
            value: value.to_owned(),
            secure: false,
        };
        self.cookies
            .insert((host.to_owned(), name.to_owned()), kept);
    }

    /// The value of a cookie.
    #[must_use]
    pub fn get(&self, host: &str, name: &str) -> Option<&str> {
        self.cookies
            .get(&(host.to_owned(), name.to_owned()))
            .map(|kept| kept.value.as_str())
    }

    /// Forgets a cookie, and says whether there was one.
    pub fn remove(&mut self, host: &str, name: &str) -> bool {
        self.cookies
            .remove(&(host.to_owned(), name.to_owned()))
            .is_some()
    }

    /// Keeps or forgets what a response from `url` says. A cookie that no browser would take is left.
    pub(super) fn store(&mut self, url: &Url, headers: &HeaderMap) {
        let Some(host) = url.host_str() else {
            return;
        };
        for line in headers.get_all(SET_COOKIE) {
            let Some(cookie) = line.to_str().ok().and_then(|text| Cookie::parse(text).ok()) else {
                continue;
            };
            if !acceptable(&cookie, url) {
                continue;
            }
            let key = (host.to_owned(), cookie.name().to_owned());
            if cookie.max_age().is_some_and(|age| !age.is_positive()) {
                self.cookies.remove(&key);
            } else {
                let kept = Kept {
                    value: cookie.value().to_owned(),
                    secure: cookie.secure() == Some(true),
                };
                self.cookies.insert(key, kept);
            }
        }
    }

    /// The `Cookie` header for a request to `url`, where there is anything to send.
    #[must_use]
    pub(super) fn header(&self, url: &Url) -> Option<String> {
        let host = url.host_str()?;
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .filter(|((owner, _), kept)| owner == host && (!kept.secure || is_safe(url)))
            .map(|((_, name), kept)| format!("{name}={}", kept.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

/// Whether a browser would take the cookie from `url`.
fn acceptable(cookie: &Cookie<'_>, url: &Url) -> bool {
    let secure = cookie.secure() == Some(true);
    if secure && !is_safe(url) {
        return false;
    }
    let host_only = secure && cookie.path() == Some("/") && cookie.domain().is_none();
    host_only || !cookie.name().starts_with(HOST_PREFIX)
}

fn is_safe(url: &Url) -> bool {
    url.scheme() == "https"
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("value", &"••••••••")
            .field("secure", &self.secure)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn stored(from: &str, line: &'static str) -> Jar {
        let mut jar = Jar::default();
        jar.store(&url(from), &setting(line));
        jar
    }

    fn setting(line: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(SET_COOKIE, line.parse().unwrap());
        headers
    }

    #[test]
    fn a_cookie_goes_back_to_its_host_whatever_the_port() {
        let jar = stored("https://localhost:8443/", "a=1; Path=/");
        let header = |text| jar.header(&url(text));
        assert_eq!(header("https://localhost:9999/x").as_deref(), Some("a=1"));
        assert_eq!(header("https://device.localhost:8443/"), None);
    }

    #[test]
    fn a_secure_cookie_stays_within_tls() {
        let jar = stored("https://localhost:8443/", "a=1; Secure; Path=/");
        assert_eq!(jar.header(&url("http://localhost:8445/")), None);
        let refused = stored("http://localhost:8445/", "a=1; Secure; Path=/");
        assert_eq!(refused.get("localhost", "a"), None);
    }

    #[test]
    fn a_cookie_with_the_host_prefix_has_to_deserve_it() {
        let from = "https://localhost:8443/";
        let good = stored(from, "__Host-a=1; Secure; Path=/");
        assert_eq!(good.get("localhost", "__Host-a"), Some("1"));
        for line in [
            "__Host-a=1; Path=/",
            "__Host-a=1; Secure; Path=/x",
            "__Host-a=1; Secure; Path=/; Domain=localhost",
        ] {
            assert_eq!(
                stored(from, line).get("localhost", "__Host-a"),
                None,
                "{line}"
            );
        }
    }

    #[test]
    fn a_server_can_make_the_browser_forget() {
        let from = url("https://localhost:8443/");
        let mut jar = stored(from.as_str(), "a=1; Path=/; Max-Age=60");
        assert_eq!(jar.get("localhost", "a"), Some("1"));
        jar.store(&from, &setting("a=; Path=/; Max-Age=0"));
        assert_eq!(jar.get("localhost", "a"), None);
    }

    #[test]
    fn values_are_not_printed() {
        let jar = stored("https://localhost:8443/", "a=hunter2; Path=/");
        assert!(!format!("{jar:?}").contains("hunter2"));
    }
}
