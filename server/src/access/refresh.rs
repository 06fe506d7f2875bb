//! Asking again when a client renews tokens: by the policies and facts of this moment, about a user who need not be
//! there. Who may present a refresh token, and what it is worth, is left to `oidc`.

use std::fmt;
use std::net::SocketAddr;

use axum::http::HeaderMap;
use doorward_engine::{Action, Fact, Offers};

use super::evidence::{SignalSources, Signals};
use super::{AccessControl, AccessPermit, Answer, Grounds, Question, application};
use crate::directory::clients::{ClientRecord, RefreshAddress};
use crate::directory::users::UserRecord;
use crate::domain::clock::Timestamp;
use crate::domain::grant::Grant;
use crate::domain::ids::{ApplicationId, ClientId, UserId};
use crate::signals::client_ip::{ClientAddress, client_address};

/// A request by which a client renews tokens.
#[derive(Clone, Copy)]
pub struct RefreshRequest<'a> {
    /// What the user once allowed.
    pub grant: &'a Grant,
    /// The End-User, as the directory knows them now.
    pub user: &'a UserRecord,
    /// The client, as it is registered now.
    pub client: &'a ClientRecord,
    /// Whose address counts.
    pub address: RefreshAddress,
    /// Where the connection comes from.
    pub peer: SocketAddr,
    /// The headers of the request.
    pub headers: &'a HeaderMap,
    /// The one clock reading of this request.
    pub now: Timestamp,
}

impl fmt::Debug for RefreshRequest<'_> {
    /// Without the headers: credentials stand in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshRequest")
            .field("grant", &self.grant.id)
            .field("address", &self.address)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// Whether the client gets new tokens.
#[derive(Debug)]
pub enum RefreshAnswer {
    /// It does.
    Permit(RefreshPermit, Box<Grounds>),
    /// It does not. Somebody who is there could perhaps do something about it, and signs in for that.
    Refuse(Box<Grounds>),
}

/// The permit of a refresh. It is worth new tokens and no code, and like every permit it is made by a decision only.
#[derive(Debug)]
pub struct RefreshPermit(AccessPermit);

impl RefreshPermit {
    /// Uses the permit up, for the user, client and application it was given for.
    #[must_use]
    pub fn spend(self) -> (UserId, ClientId, ApplicationId) {
        self.0.spend()
    }
}

impl SignalSources {
    /// Gathers what is known when a client renews tokens: the device by what it proved at the sign-in, checked by the
    /// authorities, revocation lists and inventory of now; the address of whoever the operator says it is.
    #[must_use]
    pub fn gather_for_refresh(&self, request: &RefreshRequest<'_>) -> Signals {
        let address = match request.address {
            RefreshAddress::Request => {
                client_address(&self.forwarding, request.peer, request.headers, request.now)
            }
            RefreshAddress::Unknown => ClientAddress {
                address: Fact::unknown(
                    "the request comes from the application's server",
                    "connection",
                ),
                trail: Vec::new(),
            },
            RefreshAddress::SignIn => ClientAddress {
                address: match request.grant.address {
                    Some(seen) => Fact::known(seen.address, "sign-in", seen.seen_at),
                    None => Fact::unknown("the address of the sign-in is not known", "sign-in"),
                },
                trail: Vec::new(),
            },
        };
        let proof = request.grant.device.as_ref();
        let proof = proof.ok_or("the device was not known at the sign-in");
        self.signals(
            address,
            proof,
            |sources| sources.refresh_proof_lifetime,
            request.now,
        )
    }
}

impl AccessControl {
    /// Answers whether the client gets new tokens. Nobody is there who could do anything about a denial.
    #[must_use]
    pub fn decide_refresh(&self, request: &RefreshRequest<'_>, signals: &Signals) -> RefreshAnswer {
        let application = application(request.client, &request.grant.application);
        let question = Question {
            action: Action::Refresh,
            user: request.user,
            client: request.client,
            application: &application,
            authentication: &request.grant.authentication,
            signals,
            now: request.now,
        };
        match self.decide(&question, Offers::none) {
            Answer::Permit(permit, grounds) => {
                RefreshAnswer::Permit(RefreshPermit(permit), grounds)
            }
            Answer::StepUp(step_up) => RefreshAnswer::Refuse(step_up.grounds),
            Answer::Deny(denial) => RefreshAnswer::Refuse(denial.grounds),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::http::HeaderValue;
    use chrono::TimeDelta;
    use doorward_engine::Device;
    use serde_json::json;

    use super::*;
    use crate::access::DeviceSources;
    use crate::directory::clients::Clients;
    use crate::directory::devices::Inventory;
    use crate::directory::users::Users;
    use crate::domain::authentication::DeviceProof;
    use crate::domain::grant::SeenAddress;
    use crate::reload::Live;
    use crate::signals::asking_tls::fixtures::live_trust;
    use crate::signals::certificate::fixtures::Authority;
    use crate::signals::client_ip::{ForwardedHeader, ForwardingSettings};
    use crate::signals::geo::GeoDatabases;

    const USERS: &str = "[[user]]\nid = 'u-ana'\nusername = 'ana'\nemail = 'ana@example.com'\n\
                         password = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$\
                         AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n";
    const CLIENTS: &str = "[[client]]\nid = 'wiki'\npublic = true\n\
                           redirect_uris = ['https://wiki.example.com/callback']\n";

    fn signed_in() -> Timestamp {
        "2026-11-24T08:00:00Z".parse().unwrap()
    }

    fn sources() -> SignalSources {
        let now = signed_in();
        let geo = GeoDatabases::open([], TimeDelta::days(60)).unwrap();
        let inventory = Inventory::parse("", "devices.toml").unwrap().value;
        SignalSources {
            forwarding: ForwardingSettings {
                trusted: vec!["127.0.0.1/32".parse().unwrap()],
                header: ForwardedHeader::XForwardedFor,
            },
            geo: Live::fixed("geoip", geo, now),
            devices: Some(DeviceSources {
                trust: live_trust(&Authority::root("CA")),
                inventory: Live::fixed("inventory", inventory, now),
                identity: Vec::new(),
                proof_lifetime: TimeDelta::minutes(15),
                refresh_proof_lifetime: TimeDelta::hours(12),
                evidence_lifetime: TimeDelta::days(1),
            }),
        }
    }

    /// A grant of a sign-in from 203.0.113.9, with a device whose certificate nobody has issued.
    fn grant() -> Grant {
        let bare = json!({
            "id": "g1", "client": "wiki", "user": "u-ana", "subject": "u-ana",
            "scope": "openid", "reference": "7F3K-29QD", "application": "wiki",
        });
        Grant {
            device: Some(DeviceProof {
                chain: vec![vec![0x30, 0x00]],
                proved_at: signed_in(),
                address: Ipv4Addr::LOCALHOST.into(),
            }),
            address: Some(SeenAddress {
                address: "203.0.113.9".parse().unwrap(),
                seen_at: signed_in(),
            }),
            ..serde_json::from_value(bare).unwrap()
        }
    }

    /// What is known so long after the sign-in, of a request from 198.51.100.7.
    fn gathered(grant: &Grant, address: RefreshAddress, later: TimeDelta) -> Signals {
        let users = Users::parse(USERS, "users.toml").unwrap().value;
        let clients = Clients::parse(CLIENTS, "clients.toml").unwrap().value;
        let mut headers = HeaderMap::new();
        let forwarded = HeaderValue::from_static("198.51.100.7");
        headers.insert("x-forwarded-for", forwarded);
        sources().gather_for_refresh(&RefreshRequest {
            grant,
            user: users.by_id(&UserId::new("u-ana")).unwrap(),
            client: clients.by_id("wiki").unwrap(),
            address,
            peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000)),
            headers: &headers,
            now: signed_in() + later,
        })
    }

    fn device(grant: &Grant, later: TimeDelta) -> Fact<Device> {
        gathered(grant, RefreshAddress::Request, later).device.fact
    }

    #[test]
    fn the_address_is_that_of_whoever_the_operator_says() {
        let later = TimeDelta::hours(1);
        let address = |whose| gathered(&grant(), whose, later).address.address;
        let request = address(RefreshAddress::Request);
        assert_eq!(request.value(), Some(&"198.51.100.7".parse().unwrap()));
        assert_eq!(request.observed_at(), Some(signed_in() + later));
        let unknown = address(RefreshAddress::Unknown);
        assert_eq!(
            unknown.reason(),
            Some("the request comes from the application's server")
        );
        let sign_in = address(RefreshAddress::SignIn);
        assert_eq!(sign_in.value(), Some(&"203.0.113.9".parse().unwrap()));
        assert_eq!(sign_in.observed_at(), Some(signed_in()));
        assert_eq!(sign_in.source(), "sign-in");
    }

    #[test]
    fn an_address_that_was_not_kept_is_not_known() {
        let grant = Grant {
            address: None,
            ..grant()
        };
        let signals = gathered(&grant, RefreshAddress::SignIn, TimeDelta::zero());
        assert_eq!(signals.address.address.value(), None);
    }

    #[test]
    fn the_proof_of_the_sign_in_is_verified_again_until_it_is_too_old() {
        let verified = device(&grant(), TimeDelta::hours(12));
        let reason = verified.reason().unwrap();
        assert!(reason.contains("does not count"), "{reason}");
        let old = device(&grant(), TimeDelta::hours(12) + TimeDelta::seconds(1));
        let reason = old.reason().unwrap();
        assert!(reason.contains("that counts for 12"), "{reason}");
    }

    #[test]
    fn a_device_that_was_not_known_at_the_sign_in_is_not_known_later() {
        let grant = Grant {
            device: None,
            ..grant()
        };
        let device = device(&grant, TimeDelta::zero());
        assert_eq!(
            device.reason(),
            Some("the device was not known at the sign-in")
        );
    }
}
