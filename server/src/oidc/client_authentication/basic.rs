//! `client_secret_basic`: the client's identifier and secret in the `Authorization` header (RFC 6749, section 2.3.1).
//! Whether they are right is left to `mod.rs`.

use axum::http::{HeaderMap, HeaderValue, header};
use data_encoding::BASE64;
use percent_encoding::percent_decode_str;

use crate::domain::secret::Secret;
use crate::oidc::endpoint::EndpointError;

/// The identifier and the secret in the header, if there is one.
pub(super) fn credentials(headers: &HeaderMap) -> Result<Option<(String, Secret)>, EndpointError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    // Which of two would count is a matter of taste, and whoever is in front of us may have another one.
    if values.next().is_some() {
        return Err(EndpointError::invalid_request(
            "the Authorization header is repeated",
        ));
    }
    read(value).map(Some)
}

fn read(value: &HeaderValue) -> Result<(String, Secret), EndpointError> {
    let broken = || EndpointError::invalid_client("the Authorization header cannot be read");
    let text = value.to_str().map_err(|_| broken())?;
    let (scheme, encoded) = text.split_once(' ').ok_or_else(broken)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(EndpointError::invalid_client(
            "the client must use Basic authentication",
        ));
    }
    let decoded = BASE64
        .decode(encoded.trim().as_bytes())
        .map_err(|_| broken())?;
    let decoded = String::from_utf8(decoded).map_err(|_| broken())?;
    let (id, secret) = decoded.split_once(':').ok_or_else(broken)?;
    let id = form_decoded(id).ok_or_else(broken)?;
    let secret = form_decoded(secret).ok_or_else(broken)?;
    Ok((id, Secret::from_untrusted(secret)))
}

/// One part, which was encoded like the value of a form before the two were joined (RFC 6749, section 2.3.1 and
/// appendix B).
///
/// Many clients leave that out. What means something only between values, `=` and `&`, is therefore kept; a broken
/// escape, and what is not UTF-8, is nothing that any client means, and is refused.
fn form_decoded(part: &str) -> Option<String> {
    let escaped = part.split('%').skip(1).all(|rest| {
        matches!(rest.as_bytes(), [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    });
    if !escaped {
        return None;
    }
    let spaced = part.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oidc::endpoint::EndpointErrorCode;

    fn header_of(credentials: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = format!("Basic {}", BASE64.encode(credentials));
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        headers
    }

    fn decoded(text: &[u8]) -> Option<(String, String)> {
        let (id, secret) = credentials(&header_of(text)).ok()??;
        Some((id, secret.expose().to_owned()))
    }

    fn pair(id: &str, secret: &str) -> (String, String) {
        (id.to_owned(), secret.to_owned())
    }

    #[test]
    fn both_parts_are_decoded() {
        assert_eq!(decoded(b"wiki:abc"), Some(pair("wiki", "abc")));
        assert_eq!(decoded(b"a%3Ab:c%25+d%2B"), Some(pair("a:b", "c% d+")));
        assert_eq!(decoded("wiki:%C3%A9".as_bytes()), Some(pair("wiki", "é")));
        assert_eq!(decoded("wiki:é".as_bytes()), Some(pair("wiki", "é")));
    }

    #[test]
    fn a_secret_that_was_not_encoded_is_whole() {
        assert_eq!(decoded(b"wiki:a=b&c=d"), Some(pair("wiki", "a=b&c=d")));
        assert_eq!(decoded(b"wiki:==&"), Some(pair("wiki", "==&")));
        assert_eq!(decoded(b"wiki:a:b"), Some(pair("wiki", "a:b")));
    }

    #[test]
    fn what_is_not_utf_8_is_refused_and_never_altered() {
        assert_eq!(decoded(b"wiki:%ff"), None);
        assert_eq!(decoded(b"wiki:\xff"), None);
        assert_eq!(decoded(b"%C3:abc"), None);
    }

    #[test]
    fn a_broken_escape_is_refused() {
        for text in ["wiki:%", "wiki:%4", "wiki:%zz", "wi%ki:abc", "wiki:%%41"] {
            assert_eq!(decoded(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_basic_is_no_proof() {
        for value in [
            "Bearer abc",
            "Basic",
            "Basic !",
            "Basic d2lraQ==",
            "Basic d2lraTphYmM",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            let error = credentials(&headers).unwrap_err();
            assert_eq!(error.code, EndpointErrorCode::InvalidClient, "{value}");
        }
        assert!(credentials(&HeaderMap::new()).unwrap().is_none());
    }

    #[test]
    fn a_second_header_does_not_hide_behind_the_first() {
        let mut headers = header_of(b"wiki:abc");
        headers.append(header::AUTHORIZATION, "Basic eDp5".parse().unwrap());
        let error = credentials(&headers).unwrap_err();
        assert_eq!(error.code, EndpointErrorCode::InvalidRequest);
    }

    proptest! {
        #[test]
        fn what_a_careful_client_encodes_comes_back(id in "\\PC{0,24}", secret in "\\PC{0,24}") {
            let encode = |text: &str| -> String {
                form_urlencoded::byte_serialize(text.as_bytes()).collect()
            };
            let joined = format!("{}:{}", encode(&id), encode(&secret));
            prop_assert_eq!(decoded(joined.as_bytes()), Some((id, secret)));
        }

        #[test]
        fn garbage_is_refused_and_never_a_crash(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decoded(&bytes);
        }
    }
}
