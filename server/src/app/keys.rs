//! Keeps the signing keys up to date beside the requests: those of the configuration, of clients and of audiences. When
//! something is due is left to `tokens`.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::delta;
use crate::config::{Algorithm, Config};
use crate::directory::clients::{Clients, TokenFormat};
use crate::oidc::Provider;
use crate::tokens::{KeySchedule, KeySettings};

/// How often storage is looked at: what an operator or another replica has changed is known that soon.
const INTERVAL: Duration = Duration::from_secs(2);

/// What the configuration says of keys.
pub(crate) fn settings(config: &Config) -> KeySettings {
    KeySettings {
        algorithm: config.tokens.algorithm,
        schedule: KeySchedule {
            rotate: config.keys.rotate.after().map(delta),
            announce: delta(config.keys.announce),
            keep: delta(config.keys.keep),
        },
        // INVARIANT: the configuration accepts only issuers that have a host.
        host: config.issuer.host_str().unwrap_or_default().to_owned(),
    }
}

/// The algorithms that clients and audiences want tokens to be signed with.
pub(super) fn needed(clients: &Clients) -> Vec<Algorithm> {
    let of_clients = clients.all().filter_map(|client| client.id_token_algorithm);
    let of_audiences = clients
        .audiences()
        .values()
        .filter_map(|api| match api.format {
            TokenFormat::Jwt(algorithm) => Some(algorithm),
            TokenFormat::Opaque => None,
        });
    of_clients.chain(of_audiences).collect()
}

/// Looks after the keys at an interval, and whenever the clients are others, until `shutdown`.
pub(super) async fn keep(cx: Provider, shutdown: CancellationToken) {
    let mut clients = cx.clients.changed();
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = interval.tick() => {}
            changed = clients.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
        let needed = needed(&cx.clients.current().value);
        let storage = cx.storage.as_ref();
        let refreshed = cx
            .keys
            .refresh(storage, &needed, cx.entropy.as_ref(), cx.now());
        let problem = refreshed.await.err().map(|error| error.to_string());
        // Once for each kind of trouble, and not every two seconds.
        if let Some(error) = problem.as_deref().filter(|_| problem != told) {
            tracing::error!(%error, "signing keys cannot be kept up to date");
        }
        told = problem;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn clients_and_audiences_say_which_keys_are_needed() {
        let text = "[[client]]\nid = 'a'\npublic = true\nredirect_uris = ['https://a.example/']\n\
                    id_token_algorithm = 'eddsa'\n\
                    [[client]]\nid = 'b'\npublic = true\nredirect_uris = ['https://b.example/']\n\
                    [[audience]]\nid = 'https://api.example.com'\n\
                    [[audience]]\nid = 'https://old.example.com'\nformat = 'opaque'\n";
        let clients = Clients::parse_everything(text, "clients.toml").unwrap();
        assert_eq!(needed(&clients.value), [Algorithm::EdDsa, Algorithm::Rs256]);
    }

    #[test]
    fn the_configuration_says_how_long_keys_stay() {
        let text =
            "issuer = 'https://id.example.com:8443'\n[keys]\nrotate = 'never'\nkeep = '3d'\n";
        let config = Config::parse(text, "doorward.toml", Path::new("")).unwrap();
        let settings = settings(&config);
        assert_eq!(settings.host, "id.example.com");
        assert_eq!(settings.schedule.rotate, None);
        assert_eq!(settings.schedule.keep.num_days(), 3);
    }
}
