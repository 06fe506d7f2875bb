//! Origins whose pages may call the endpoints for clients: those that the live clients have. What such a page may read
//! is left to `web::cors`.

use crate::directory::clients::Clients;
use crate::reload::Live;
use crate::web::cors::Origins;

/// The origins of the clients that are live.
#[derive(Debug)]
pub(super) struct ClientOrigins {
    clients: Live<Clients>,
}

impl ClientOrigins {
    pub(super) fn new(clients: Live<Clients>) -> Self {
        Self { clients }
    }
}

impl Origins for ClientOrigins {
    fn contain(&self, origin: &str) -> bool {
        // Every sandboxed frame is called `null`, whoever filled it.
        origin != "null" && self.clients.current().value.origins().contains(origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENTS: &str = "[[client]]\nid = 'notes'\npublic = true\n\
        redirect_uris = ['https://notes.example.com/a', 'https://notes.example.com/b', \
        'http://127.0.0.1:7777/callback', 'https://other.example.com:8443/callback']\n\
        [[client]]\nid = 'payroll'\nredirect_uris = ['https://payroll.example.com/callback']\n\
        secret = 'sha256:85567e0108933d5b2877f3e252a4d76c679a0bc8241ade3743aa059872885692'\n";

    #[test]
    fn only_public_clients_run_in_a_browser() {
        let clients = Clients::parse(CLIENTS, "clients.toml").unwrap().value;
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let origins = ClientOrigins::new(Live::fixed("clients", clients, now));
        for known in [
            "https://notes.example.com",
            "http://127.0.0.1:7777",
            "https://other.example.com:8443",
        ] {
            assert!(origins.contain(known), "{known}");
        }
        for unknown in [
            "null",
            "https://payroll.example.com",
            "https://other.example.com",
            "https://notes.example.com/a",
            "http://127.0.0.1",
        ] {
            assert!(!origins.contain(unknown), "{unknown}");
        }
    }
}
