//! Proof that a submitted form is one we gave to this very browser. What the form does is left to `oidc`; the browser's
//! secret comes from `cookies`.

use aws_lc_rs::hmac;
use axum::http::HeaderMap;
use axum::http::header;
use data_encoding::BASE64URL_NOPAD;
use url::Url;

use crate::domain::ids::TransactionId;
use crate::domain::secret::Secret;

/// What a form is for. A token for one purpose is worth nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Username and password.
    SignIn,
    /// Going back to the client after a refusal.
    Return,
    /// Ending the session.
    SignOut,
}

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Return => "return",
            Self::SignOut => "sign-out",
        }
    }
}

/// The token for a form that is given to the browser with this secret.
#[must_use]
pub fn token(browser: &Secret, purpose: Purpose, transaction: Option<&TransactionId>) -> String {
    let tag = hmac::sign(&key(browser), &message(purpose, transaction));
    BASE64URL_NOPAD.encode(tag.as_ref())
}

/// Whether the presented token was made by [`token`] from the same three things. The comparison takes constant time.
#[must_use]
pub fn verify(
    browser: &Secret,
    purpose: Purpose,
    transaction: Option<&TransactionId>,
    presented: &str,
) -> bool {
    BASE64URL_NOPAD
        .decode(presented.as_bytes())
        .is_ok_and(|tag| hmac::verify(&key(browser), &message(purpose, transaction), &tag).is_ok())
}

/// Whether a form was submitted from one of our own pages, as far as the browser tells.
///
/// `Origin` must be the issuer's origin where it is present; `null`, which sandboxed frames and data URLs send, is refused.
/// `Sec-Fetch-Site` must be `same-origin`, or `none` for an act of the person, such as reloading. A browser that sends
/// neither is still held by the token.
#[must_use]
pub fn same_origin(headers: &HeaderMap, issuer: &Url) -> bool {
    let expected = issuer.origin().ascii_serialization();
    let origin_fits = headers
        .get_all(header::ORIGIN)
        .iter()
        .all(|origin| origin.as_bytes() == expected.as_bytes());
    let site_fits = headers
        .get_all("sec-fetch-site")
        .iter()
        .all(|site| matches!(site.as_bytes(), b"same-origin" | b"none"));
    origin_fits && site_fits
}

fn key(browser: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, browser.expose().as_bytes())
}

/// No part can contain the separator, so two different forms never share a message.
fn message(purpose: Purpose, transaction: Option<&TransactionId>) -> Vec<u8> {
    let transaction = transaction.map(TransactionId::as_str).unwrap_or_default();
    ["doorward form", purpose.label(), transaction]
        .join("\0")
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn browser() -> Secret {
        Secret::from_untrusted("browser-one")
    }

    fn transaction(id: &str) -> TransactionId {
        TransactionId::new(id)
    }

    fn request(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn issuer() -> Url {
        Url::parse("https://id.example.com/tenant").unwrap()
    }

    #[test]
    fn a_token_fits_the_form_it_was_made_for() {
        let token = token(&browser(), Purpose::SignIn, Some(&transaction("t1")));
        assert!(verify(
            &browser(),
            Purpose::SignIn,
            Some(&transaction("t1")),
            &token
        ));
    }

    #[test]
    fn a_token_fits_no_other_browser() {
        let token = token(&browser(), Purpose::SignIn, Some(&transaction("t1")));
        let other = Secret::from_untrusted("browser-two");
        assert!(!verify(
            &other,
            Purpose::SignIn,
            Some(&transaction("t1")),
            &token
        ));
    }

    #[test]
    fn a_token_fits_no_other_purpose() {
        let token = token(&browser(), Purpose::SignIn, Some(&transaction("t1")));
        assert!(!verify(
            &browser(),
            Purpose::Return,
            Some(&transaction("t1")),
            &token
        ));
    }

    #[test]
    fn a_token_fits_no_other_transaction() {
        let token = token(&browser(), Purpose::Return, Some(&transaction("t1")));
        assert!(!verify(
            &browser(),
            Purpose::Return,
            Some(&transaction("t2")),
            &token
        ));
        assert!(!verify(&browser(), Purpose::Return, None, &token));
    }

    #[test]
    fn what_is_no_token_at_all_is_refused() {
        for presented in ["", "x", "not base64url!", "AAAA"] {
            assert!(
                !verify(&browser(), Purpose::SignOut, None, presented),
                "{presented}"
            );
        }
    }

    #[test]
    fn our_own_origin_is_accepted_without_the_path_of_the_issuer() {
        let headers = request(&[
            ("origin", "https://id.example.com"),
            ("sec-fetch-site", "same-origin"),
        ]);
        assert!(same_origin(&headers, &issuer()));
    }

    #[test]
    fn a_browser_that_says_nothing_is_left_to_the_token() {
        assert!(same_origin(&HeaderMap::new(), &issuer()));
    }

    #[test]
    fn a_reload_by_the_person_is_accepted() {
        assert!(same_origin(
            &request(&[("sec-fetch-site", "none")]),
            &issuer()
        ));
    }

    #[test]
    fn any_other_origin_is_refused() {
        for origin in [
            "null",
            "http://id.example.com",
            "https://id.example.com:8443",
            "https://id.example.com.evil.test",
            "https://device.id.example.com",
        ] {
            assert!(
                !same_origin(&request(&[("origin", origin)]), &issuer()),
                "{origin}"
            );
        }
    }

    #[test]
    fn a_second_origin_does_not_hide_behind_a_good_one() {
        let headers = request(&[
            ("origin", "https://id.example.com"),
            ("origin", "https://evil.test"),
        ]);
        assert!(!same_origin(&headers, &issuer()));
    }

    #[test]
    fn other_sites_are_refused_even_when_they_share_our_domain() {
        for site in ["same-site", "cross-site"] {
            assert!(
                !same_origin(&request(&[("sec-fetch-site", site)]), &issuer()),
                "{site}"
            );
        }
    }
}
