//! Checks of the clients that are Okta's, and of what the configuration and the policies have for them. What the
//! profiles fix is refused in the clients file already, and not looked at again.

use doorward_engine::Action;

use super::{AMR, APPLICATIONS, AUTHENTICATION, CALLBACKS, CLIENTS, POSTURE, Patient, REQUESTS};
use crate::cli::doctor::check::Check;
use crate::cli::doctor::door::judged;
use crate::directory::clients::{ClientAuthentication, ClientKeys, ClientRecord, RequestObjects};
use crate::directory::profile::{OktaFactor, Profile};

/// Where answers go, at each host of an org.
const CALLBACK: &str = "/oauth2/v1/authorize/callback";

/// What stands in the way where there is no client.
const NO_CLIENT: &str = "no client has a profile of Okta";
const NO_FACTOR: &str = "no client has the profile `okta-factor`";
const NO_POSTURE: &str = "no client has the profile `okta-posture`";
const NO_POLICIES: &str = "the policies cannot be used: see `doorward doctor config`";

impl Patient<'_> {
    pub(super) fn registered(&self) -> Check {
        if self.clients.is_empty() {
            return Check::bad(CLIENTS, NO_CLIENT)
                .with_fix("register one with `profile = \"okta-factor\"` or `\"okta-posture\"`");
        }
        let lines: Vec<String> = self
            .clients
            .iter()
            .map(|client| format!("`{}` is an `{}`", client.id, client.profile.name().as_str()))
            .collect();
        let lines = lines.join("\n");
        if self.posture_clients().count() > 1 {
            return Check::doubtful(
                CLIENTS,
                format!("{lines}\nan org has one posture provider at most"),
            )
            .with_fix(
                "name the clients of this org with `--client ID`, or remove what is too many",
            );
        }
        Check::good(CLIENTS, lines)
    }

    /// Okta comes back to the host that the person came by.
    pub(super) fn callbacks(&self) -> Check {
        if self.clients.is_empty() {
            return Check::not_checked(CALLBACKS, NO_CLIENT);
        }
        let expected: Vec<String> = self
            .hosts
            .iter()
            .map(|host| format!("https://{host}{CALLBACK}"))
            .collect();
        let lines = self
            .clients
            .iter()
            .flat_map(|client| expected.iter().map(move |uri| (client, uri)))
            .filter(|(client, uri)| !client.redirect_uris.contains(*uri))
            .map(|(client, uri)| format!("client `{}` has no redirect URI `{uri}`", client.id))
            .collect();
        judged(
            CALLBACKS,
            lines,
            format!("answers may go to {}", expected.join(" and ")),
            (
                Check::bad,
                "add it to `redirect_uris` of the client, letter by letter",
            ),
        )
    }

    /// What Okta has to be told besides, because it does not do so by itself.
    pub(super) fn requests(&self) -> Check {
        if self.clients.is_empty() {
            return Check::not_checked(REQUESTS, NO_CLIENT);
        }
        let mut lines = Vec::new();
        for client in &self.clients {
            let id = &client.id;
            if client.pkce_required {
                lines.push(format!("client `{id}` has to use PKCE with `S256`"));
            }
            if matches!(client.request_objects, RequestObjects::Required(_)) {
                lines.push(format!("client `{id}` has to sign its requests"));
            }
        }
        judged(
            REQUESTS,
            lines,
            "a code in the query, with PKCE or without",
            (
                Check::doubtful,
                "see whether the identity provider at Okta is set so, or leave out `pkce_required` and `request_object = \"required\"`",
            ),
        )
    }

    pub(super) fn authentication(&self) -> Check {
        if self.clients.is_empty() {
            return Check::not_checked(AUTHENTICATION, NO_CLIENT);
        }
        let foreign = |client: &&&ClientRecord| self.has_foreign_keys(client);
        let lines = self
            .clients
            .iter()
            .filter(foreign)
            .map(|client| {
                let id = &client.id;
                format!("the keys of client `{id}` are fetched from another host than Okta's")
            })
            .collect();
        let methods: Vec<String> = self
            .clients
            .iter()
            .map(|client| {
                let method = match client.authentication {
                    ClientAuthentication::PrivateKeyJwt(_) => "public key / private key",
                    _ => "client secret",
                };
                format!("`{}` proves itself by {method}", client.id)
            })
            .collect();
        judged(
            AUTHENTICATION,
            lines,
            methods.join("\n"),
            (
                Check::doubtful,
                "see whether `jwks_uri` is where Okta publishes its keys",
            ),
        )
    }

    fn has_foreign_keys(&self, client: &ClientRecord) -> bool {
        let Some(ClientKeys::Remote(url)) = client.keys() else {
            return false;
        };
        url.host_str()
            .is_none_or(|host| !self.hosts.contains(&host))
    }

    /// Okta takes `hwk` and `swk` for factors. A password, which is all there is without devices, it does not.
    pub(super) fn amr(&self) -> Check {
        if self.factors().next().is_none() {
            return Check::not_checked(AMR, NO_FACTOR);
        }
        let Some(device) = &self.place.config.device else {
            return Check::doubtful(
                AMR,
                "without `[device]` no device is ever known, and `amr` says `pwd` at most",
            )
            .with_fix("set up the device host: for Okta a password adds nothing to a factor");
        };
        let lines: Vec<String> = device
            .authorities
            .iter()
            .map(|file| format!("nothing is said of the keys of `{}`", file.display()))
            .collect();
        let hardware = device.hardware_files().len();
        let good = match (hardware, device.authority.len() - hardware) {
            (0, _) => "`amr` says `swk` of every device",
            (_, 0) => "`amr` says `hwk` of every device",
            _ => "`amr` says `hwk` or `swk`, by the authority of the device",
        };
        judged(
            AMR,
            lines,
            good,
            (
                Check::doubtful,
                "they count as `swk`: declare the authority in `[[device.authority]]`, with `keys = \"hardware\"` or `\"software\"`",
            ),
        )
    }

    pub(super) fn applications(&self) -> Check {
        if self.clients.is_empty() {
            return Check::not_checked(APPLICATIONS, NO_CLIENT);
        }
        let Some(policies) = self.place.policies() else {
            return Check::not_checked(APPLICATIONS, NO_POLICIES);
        };
        let behind = self.factors().flat_map(|(client, okta)| {
            okta.applications
                .iter()
                .map(move |(key, application)| (client, Some(key), application))
        });
        let own = self
            .clients
            .iter()
            .map(|client| (*client, None, &client.application));
        let lines = own
            .chain(behind)
            .filter(|(_, _, application)| !policies.knows_application(application.as_str()))
            .map(|(client, key, application)| {
                let id = &client.id;
                match key {
                    Some(key) => format!(
                        "`{key}` of client `{id}` is `{application}`, which the policies do not declare"
                    ),
                    None => format!(
                        "client `{id}` is for `{application}`, which the policies do not declare"
                    ),
                }
            })
            .collect();
        judged(
            APPLICATIONS,
            lines,
            "the policies know every application",
            (
                Check::bad,
                "declare it in `entities.toml` beside the policies, or correct its name",
            ),
        )
    }

    pub(super) fn posture(&self) -> Check {
        if self.posture_clients().next().is_none() {
            return Check::not_checked(POSTURE, NO_POSTURE);
        }
        let Some(policies) = self.place.policies() else {
            return Check::not_checked(POSTURE, NO_POLICIES);
        };
        let mut lines = Vec::new();
        if !policies.can_permit(Action::Posture) {
            lines.push("no policy permits `posture`: no device is ever compliant".to_owned());
        }
        if self.place.config.device.is_none() {
            lines.push("without `[device]` no device is ever known, and none managed".to_owned());
        }
        judged(
            POSTURE,
            lines,
            "a policy says what is compliant, and devices are known",
            (
                Check::bad,
                "write a policy for `Action::\"posture\"`, and set up the device host",
            ),
        )
    }

    fn factors(&self) -> impl Iterator<Item = (&ClientRecord, &OktaFactor)> {
        self.clients
            .iter()
            .filter_map(|client| match &client.profile {
                Profile::OktaFactor(okta) => Some((*client, okta)),
                _ => None,
            })
    }

    fn posture_clients(&self) -> impl Iterator<Item = &ClientRecord> {
        let clients = self.clients.iter().copied();
        clients.filter(|client| matches!(client.profile, Profile::OktaPosture))
    }
}
