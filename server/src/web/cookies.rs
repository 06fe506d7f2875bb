//! The two cookies of Doorward: which session a browser has, and which browser it is. What the secrets in them stand for
//! is kept, hashed, by `storage`; when they are set and cleared is decided in `oidc`.

use axum::http::HeaderMap;
use axum::http::header::{self, HeaderValue};
use chrono::TimeDelta;
use cookie::{Cookie, SameSite};

use crate::domain::secret::Secret;

/// A cookie that belongs to exactly one host: the `__Host-` prefix makes browsers insist on `Secure`, `Path=/` and no
/// `Domain`, so that no neighbouring subdomain can plant one (RFC 6265bis, 4.1.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostCookie {
    /// The session of a signed-in End-User.
    Session,
    /// The browser that started an authorization request; forms and pending requests are bound to it.
    Browser,
}

/// How long the browser keeps a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// Until the browser is closed.
    UntilBrowserCloses,
    /// For this long, through restarts of the browser.
    For(TimeDelta),
}

impl HostCookie {
    /// The name of the cookie.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "__Host-doorward-session",
            Self::Browser => "__Host-doorward-browser",
        }
    }

    /// The secret that the browser sent in this cookie.
    ///
    /// A cookie that comes more than once counts as absent: one of them was not set by us, and there is no telling which.
    #[must_use]
    pub fn read(self, headers: &HeaderMap) -> Option<Secret> {
        let mut found = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .filter(|cookie| cookie.name() == self.name());
        let first = found.next()?;
        if found.next().is_some() {
            return None;
        }
        let value = first.value();
        is_secret_text(value).then(|| Secret::from_untrusted(value))
    }

    /// The `Set-Cookie` value that gives the browser this secret.
    ///
    /// `SameSite=Lax` lets the cookie come along when a client sends the End-User here with a link or a redirect, and
    /// keeps it away from forms that other sites submit.
    #[must_use]
    pub fn set(self, secret: &Secret, persistence: Persistence) -> HeaderValue {
        if !is_secret_text(secret.expose()) {
            return self.clear();
        }
        let mut builder = Cookie::build((self.name(), secret.expose()))
            .path("/")
            .secure(true)
            .http_only(true)
            .same_site(SameSite::Lax);
        if let Persistence::For(lifetime) = persistence {
            let seconds = lifetime.num_seconds().max(0);
            builder = builder.max_age(cookie::time::Duration::seconds(seconds));
        }
        let Ok(mut value) = HeaderValue::try_from(builder.build().to_string()) else {
            return self.clear();
        };
        value.set_sensitive(true);
        value
    }

    /// The `Set-Cookie` value that makes the browser forget this cookie.
    #[must_use]
    pub fn clear(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Session => {
                "__Host-doorward-session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
            }
            Self::Browser => {
                "__Host-doorward-browser=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
            }
        })
    }
}

/// Whether the text could be one of our secrets: base64url, and not absurdly long. Nothing in it can end a cookie value.
fn is_secret_text(text: &str) -> bool {
    const LONGEST: usize = 128;
    (1..=LONGEST).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entropy::SeededEntropy;

    fn request(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    #[test]
    fn a_cookie_that_was_set_reads_back_as_the_same_secret() {
        let secret = Secret::generate(&SeededEntropy::new(1));
        let set = HostCookie::Session.set(&secret, Persistence::UntilBrowserCloses);
        let (pair, _) = set.to_str().unwrap().split_once(';').unwrap();
        assert_eq!(HostCookie::Session.read(&request(&[pair])), Some(secret));
    }

    #[test]
    fn a_cookie_is_secure_hidden_from_scripts_lax_and_bound_to_the_host() {
        let secret = Secret::from_untrusted("abc");
        let set = HostCookie::Browser.set(&secret, Persistence::UntilBrowserCloses);
        assert_eq!(
            set.to_str().unwrap(),
            "__Host-doorward-browser=abc; HttpOnly; SameSite=Lax; Secure; Path=/"
        );
    }

    #[test]
    fn a_lasting_cookie_says_its_age_in_seconds() {
        let secret = Secret::from_untrusted("abc");
        let set = HostCookie::Session.set(&secret, Persistence::For(TimeDelta::minutes(10)));
        assert!(set.to_str().unwrap().ends_with("; Max-Age=600"));
    }

    #[test]
    fn a_set_cookie_value_does_not_show_in_debug_output() {
        let secret = Secret::from_untrusted("abc");
        let set = HostCookie::Session.set(&secret, Persistence::UntilBrowserCloses);
        assert!(!format!("{set:?}").contains("abc"));
    }

    #[test]
    fn clearing_names_the_same_cookie() {
        for cookie in [HostCookie::Session, HostCookie::Browser] {
            let text = cookie.clear();
            let (name, rest) = text.to_str().unwrap().split_once('=').unwrap();
            assert_eq!(name, cookie.name());
            assert!(rest.ends_with("Max-Age=0"));
        }
    }

    #[test]
    fn the_cookie_is_found_among_others_on_any_line() {
        let headers = request(&["a=1; b=2", "c=3; __Host-doorward-session=xyz; d=4"]);
        assert_eq!(
            HostCookie::Session.read(&headers),
            Some(Secret::from_untrusted("xyz"))
        );
        assert_eq!(HostCookie::Browser.read(&headers), None);
    }

    #[test]
    fn a_cookie_that_comes_twice_counts_as_absent() {
        let headers = request(&["__Host-doorward-session=one; __Host-doorward-session=two"]);
        assert_eq!(HostCookie::Session.read(&headers), None);
    }

    #[test]
    fn a_value_that_is_no_base64url_counts_as_absent() {
        for value in ["", "\"abc\"", "a b", "a=b"] {
            let headers = request(&[&format!("__Host-doorward-session={value}")]);
            assert_eq!(HostCookie::Session.read(&headers), None, "{value}");
        }
    }

    #[test]
    fn a_secret_that_could_break_out_of_the_cookie_clears_it_instead() {
        let secret = Secret::from_untrusted("abc; Domain=example.com");
        assert_eq!(
            HostCookie::Session.set(&secret, Persistence::UntilBrowserCloses),
            HostCookie::Session.clear()
        );
    }
}
