//! The network edge that the demo plays. In production a proxy of the company tells Doorward the
//! address it sees; on one machine there is none, so a cookie chooses the address that is told.
//! Nothing outside of the demo ever believes this cookie.

use std::net::Ipv4Addr;

use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use cookie::Cookie;
use ipnet::Ipv4Net;

/// The cookie that says where the browser is. Cookies take no notice of ports, so the demo's
/// application can set it for the provider.
pub(super) const COOKIE: &str = "demo-location";

/// The header in which the address is told.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// A place to which the demo can move a browser.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// Where the starter policies expect people to be.
    #[default]
    Singapore,
    /// Another country.
    Japan,
    /// Yet another country.
    UnitedStates,
    /// An address that the demo's database does not know.
    Nowhere,
}

impl Place {
    /// Every place.
    pub(super) const ALL: [Self; 4] = [
        Self::Singapore,
        Self::Japan,
        Self::UnitedStates,
        Self::Nowhere,
    ];

    /// The name in the cookie and in forms.
    #[must_use]
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Singapore => "singapore",
            Self::Japan => "japan",
            Self::UnitedStates => "united-states",
            Self::Nowhere => "unknown",
        }
    }

    /// The place with this name.
    #[must_use]
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.name() == name)
    }

    /// The name for people.
    #[must_use]
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Singapore => "Singapore",
            Self::Japan => "Japan",
            Self::UnitedStates => "United States",
            Self::Nowhere => "Somewhere unknown",
        }
    }

    /// The address of a browser there: from ranges that are kept for documentation (RFC 5737).
    #[must_use]
    pub(super) fn address(self) -> &'static str {
        match self {
            Self::Singapore => "203.0.113.9",
            Self::Japan => "198.51.100.9",
            Self::UnitedStates => "192.0.2.9",
            Self::Nowhere => "192.0.2.200",
        }
    }

    /// The network of the place and its country's code, where the demo's database is to know it.
    #[must_use]
    pub(super) fn network(self) -> Option<(Ipv4Net, &'static str)> {
        const SINGAPORE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24);
        const JAPAN: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24);
        const UNITED_STATES: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 2, 0), 25);
        match self {
            Self::Singapore => Some((SINGAPORE, "SG")),
            Self::Japan => Some((JAPAN, "JP")),
            Self::UnitedStates => Some((UNITED_STATES, "US")),
            Self::Nowhere => None,
        }
    }

    /// Where the browser that sent these headers is.
    #[must_use]
    pub(super) fn of(headers: &HeaderMap) -> Self {
        cookie(headers, COOKIE)
            .and_then(|name| Self::from_name(&name))
            .unwrap_or_default()
    }

    /// The `Set-Cookie` value that moves a browser there.
    #[must_use]
    pub(super) fn set_cookie(self) -> HeaderValue {
        let text = format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Lax", self.name());
        // INVARIANT: every name is visible ASCII.
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    }
}

/// The value of a cookie that the browser sent.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}

/// Middleware in front of the provider: tells it the address of the place where the browser is.
/// What the client says itself is overwritten, as a proxy at a real edge would do.
pub(super) async fn play(mut request: Request, next: Next) -> Response {
    let place = Place::of(request.headers());
    let told = HeaderValue::from_static(place.address());
    request.headers_mut().insert(FORWARDED_FOR, told);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(line: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(line).unwrap());
        headers
    }

    #[test]
    fn a_browser_is_in_singapore_until_it_is_moved() {
        assert_eq!(Place::of(&HeaderMap::new()), Place::Singapore);
        assert_eq!(
            Place::of(&headers("demo-location=atlantis")),
            Place::Singapore
        );
    }

    #[test]
    fn the_cookie_moves_a_browser_to_every_place() {
        for place in Place::ALL {
            let line = format!("a=b; {COOKIE}={}", place.name());
            assert_eq!(Place::of(&headers(&line)), place);
        }
    }

    #[test]
    fn the_cookie_is_sent_to_every_port_of_the_host() {
        let value = Place::Japan.set_cookie();
        assert_eq!(
            value.to_str().unwrap(),
            "demo-location=japan; Path=/; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn each_known_place_lies_in_its_own_network_and_the_unknown_one_in_none() {
        for place in Place::ALL {
            let address: Ipv4Addr = place.address().parse().unwrap();
            for other in Place::ALL {
                let inside = other
                    .network()
                    .is_some_and(|(network, _)| network.contains(&address));
                assert_eq!(inside, place == other && place != Place::Nowhere);
            }
        }
    }
}
