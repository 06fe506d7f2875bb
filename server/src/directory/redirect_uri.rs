//! Which redirect URIs, and other addresses of a client, may be registered at all.
//! Leaves to others the comparison with what a request asks for (`oidc`).

use url::{Host, Url};

/// Whether a redirect URI may be registered, or what is wrong with it: RFC 6749 section 3.1.2,
/// RFC 9700 section 4.1.3, RFC 8252 section 7.3.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    if text.contains('*') {
        return Err("has a wildcard; every URI has to be written out");
    }
    let url = Url::parse(text).map_err(|_| "is not an absolute URL")?;
    // The parser repairs a lot silently, and the text itself is what requests are compared with. It adds
    // the slash of an empty path, which is harmless.
    if url.as_str() != text && url.as_str().strip_suffix('/') != Some(text) {
        return Err(
            "is not in its normal form: without blanks, `..`, default port or upper-case host",
        );
    }
    if url.fragment().is_some() {
        return Err("has a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user name or a password in it");
    }
    match (url.scheme(), url.host()) {
        (_, None) => Err("has no host"),
        ("https", Some(_)) => Ok(()),
        ("http", Some(host)) if is_loopback(&host) => Ok(()),
        ("http", Some(_)) => Err("is not `https`, and not on the user's own machine either"),
        (_, Some(_)) => Err("is not `https`"),
    }
}

/// Whether the host is the user's own machine.
pub(super) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_are_https_or_on_the_own_machine() {
        for uri in [
            "https://app.example/callback?a=b",
            "https://app.example:8443",
            "http://127.0.0.1:8080/",
            "http://[::1]/callback",
            "http://localhost:3000/callback",
        ] {
            assert_eq!(check(uri), Ok(()), "{uri}");
        }
    }

    #[test]
    fn other_redirect_uris_are_refused() {
        for uri in [
            "",
            "/callback",
            "app.example/callback",
            "http://app.example/callback",
            "http://localhost.example/callback",
            "https://app.example/callback#top",
            "https://*.app.example/callback",
            "https://user@app.example/callback",
            "https://app.example/call back",
            "https://app.example/\tcallback",
            "https:\\\\app.example\\callback",
            "javascript:alert(1)",
            "data:text/html,x",
            "com.example.app:/callback",
            "https://",
            "https:app.example",
            "https:///app.example",
            "https://APP.example/callback",
            "https://app.example:443/callback",
            "https://app.example/a/../callback",
        ] {
            assert!(check(uri).is_err(), "{uri}");
        }
    }
}
