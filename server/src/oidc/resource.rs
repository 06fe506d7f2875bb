//! `resource`: the API that an access token is to be for (RFC 8707), at the authorization endpoint and at the token
//! endpoint. What tokens for an API look like is left to `token/issue.rs`.

use serde_json::{Map, Value};

use super::claims::{self, Destination};
use super::endpoint::{EndpointError, EndpointErrorCode};
use super::parameters::Parameters;
use crate::directory::clients::{ClientRecord, Clients};
use crate::directory::users::UserRecord;
use crate::domain::claims_request::ClaimsRequest;
use crate::domain::grant::Grant;

/// A resource that no tokens are made for: `invalid_target` at either endpoint (RFC 8707, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidTarget {
    /// The client may not ask for it, whether there is such an API or not.
    #[error("this client may not ask for tokens for that resource")]
    NotAllowed,
    /// What was authorized was for something else (RFC 8707, section 2.2).
    #[error("the authorization request was for another resource")]
    NotGranted,
}

impl From<InvalidTarget> for EndpointError {
    fn from(refused: InvalidTarget) -> Self {
        Self::new(EndpointErrorCode::InvalidTarget, refused.to_string())
    }
}

/// The resource that an authorization request names. Where it names none, the token request may still do so.
///
/// A second `resource` is refused where any repeated parameter is: a token is for one API, so that none can use it at
/// another (RFC 8707, section 3).
pub(super) fn of_authorization_request(
    issuer: &str,
    client: &ClientRecord,
    parameters: &Parameters,
) -> Result<Option<String>, InvalidTarget> {
    parameters
        .get("resource")
        .map(|resource| allowed(issuer, client, resource))
        .transpose()
}

/// Whom a token is for: what the token request names, out of what was granted (RFC 8707, section 2.2). Without a word
/// in either request it is for the client's one API, or else for us.
pub(super) fn of_token_request(
    issuer: &str,
    client: &ClientRecord,
    granted: &[String],
    parameters: &Parameters,
) -> Result<Vec<String>, InvalidTarget> {
    if let Some(resource) = parameters.get("resource") {
        let resource = allowed(issuer, client, resource)?;
        if granted.is_empty() || granted.contains(&resource) {
            return Ok(vec![resource]);
        }
        return Err(InvalidTarget::NotGranted);
    }
    if granted.is_empty() {
        let mut own = client.audiences.iter();
        return Ok(match (own.next(), own.next()) {
            (Some(only), None) => vec![only.clone()],
            _ => Vec::new(),
        });
    }
    // What was granted may have been taken out of the clients file since.
    let granted = granted.iter();
    granted
        .map(|resource| allowed(issuer, client, resource))
        .collect()
}

/// The resource, if this client may ask for it. Every client may name us: it is given such tokens anyway.
fn allowed(issuer: &str, client: &ClientRecord, resource: &str) -> Result<String, InvalidTarget> {
    if resource == issuer || client.audiences.contains(resource) {
        Ok(resource.to_owned())
    } else {
        Err(InvalidTarget::NotAllowed)
    }
}

/// What a token for an API says about its user: the claims of the scopes that mean something to the API (RFC 9068,
/// section 2.2.3.1). The grant is the token's own.
pub(super) fn about_user(
    clients: &Clients,
    grant: &Grant,
    user: &UserRecord,
) -> Map<String, Value> {
    let declared = |resource: &String| clients.audiences().contains_key(resource);
    if !grant.audience.iter().any(declared) {
        return Map::new();
    }
    let by_scope = Grant {
        // These were asked for from us.
        claims: ClaimsRequest::default(),
        extra: Map::new(),
        ..grant.clone()
    };
    claims::of(clients, &by_scope, user, Destination::Userinfo)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::users::Users;
    use crate::domain::ids::UserId;

    const ISSUER: &str = "https://id.example.com";
    const ORDERS: &str = "https://orders.example.com";
    const STOCK: &str = "https://stock.example.com";

    /// What a client of these audiences is answered, for a grant and a request of these resources.
    fn answered(
        audiences: &[&str],
        granted: &[&str],
        resource: Option<&str>,
    ) -> Result<Vec<String>, InvalidTarget> {
        let clients = clients(audiences);
        let granted: Vec<String> = granted.iter().copied().map(str::to_owned).collect();
        let client = clients.by_id("shop").unwrap();
        of_token_request(ISSUER, client, &granted, &parameters(resource))
    }

    fn clients(audiences: &[&str]) -> Clients {
        let text = format!(
            "[[audience]]\nid = '{ORDERS}'\n[[audience]]\nid = '{STOCK}'\n[[client]]\nid = 'shop'\n\
             public = true\nredirect_uris = ['https://shop.example.com/']\naudiences = {audiences:?}\n"
        );
        let built = Clients::parse_everything(&text, "clients.toml");
        built.unwrap().value
    }

    fn parameters(resource: Option<&str>) -> Parameters {
        let resource = resource.map(|value| ("resource".to_owned(), value.to_owned()));
        Parameters::stored(resource.into_iter().collect())
    }

    fn only(resource: &str) -> Vec<String> {
        vec![resource.to_owned()]
    }

    #[test]
    fn a_resource_that_is_named_counts() {
        assert_eq!(
            answered(&[ORDERS, STOCK], &[], Some(STOCK)),
            Ok(only(STOCK))
        );
        assert_eq!(
            answered(&[ORDERS, STOCK], &[STOCK], Some(STOCK)),
            Ok(only(STOCK))
        );
        assert_eq!(answered(&[ORDERS], &[], Some(ISSUER)), Ok(only(ISSUER)));
    }

    #[test]
    fn without_a_name_it_is_what_was_granted_or_the_only_one_there_is() {
        assert_eq!(answered(&[ORDERS, STOCK], &[STOCK], None), Ok(only(STOCK)));
        assert_eq!(answered(&[ORDERS], &[ISSUER], None), Ok(only(ISSUER)));
        assert_eq!(answered(&[ORDERS], &[], None), Ok(only(ORDERS)));
        assert_eq!(answered(&[ORDERS, STOCK], &[], None), Ok(Vec::new()));
        assert_eq!(answered(&[], &[], None), Ok(Vec::new()));
    }

    #[test]
    fn a_resource_of_others_or_of_nobody_is_refused() {
        for resource in [
            STOCK,
            "https://orders.example.com/",
            "https://ORDERS.example.com",
            "https://orders.example.com#a",
            "orders",
        ] {
            let refused = answered(&[ORDERS], &[], Some(resource));
            assert_eq!(refused, Err(InvalidTarget::NotAllowed), "{resource}");
        }
    }

    #[test]
    fn no_more_is_given_than_was_granted() {
        let refused = answered(&[ORDERS, STOCK], &[ORDERS], Some(STOCK));
        assert_eq!(refused, Err(InvalidTarget::NotGranted));
        let refused = answered(&[ORDERS], &[ORDERS], Some(ISSUER));
        assert_eq!(refused, Err(InvalidTarget::NotGranted));
    }

    #[test]
    fn what_the_client_may_not_have_any_more_is_not_given() {
        let refused = answered(&[ORDERS], &[STOCK], None);
        assert_eq!(refused, Err(InvalidTarget::NotAllowed));
    }

    #[test]
    fn an_authorization_request_names_one_of_the_client() {
        let clients = clients(&[ORDERS]);
        let client = clients.by_id("shop").unwrap();
        let named = |resource| of_authorization_request(ISSUER, client, &parameters(resource));
        assert_eq!(named(None), Ok(None));
        assert_eq!(named(Some(ORDERS)), Ok(Some(ORDERS.to_owned())));
        assert_eq!(named(Some(STOCK)), Err(InvalidTarget::NotAllowed));
    }

    #[test]
    fn an_api_is_told_the_claims_of_its_own_scopes() {
        let clients = Clients::parse_everything(
            "[[scope]]\nid = 'staff'\nclaims = { groups = 'groups' }\n\
             [[audience]]\nid = 'https://orders.example.com'\nscopes = ['staff', 'orders.read']\n",
            "clients.toml",
        );
        let users = Users::parse(
            "[[user]]\nid = 'u-ana'\nusername = 'ana'\nname = 'Ana'\ngroups = ['sales']\n\
             password = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$\
             AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n",
            "users.toml",
        );
        let (clients, users) = (clients.unwrap().value, users.unwrap().value);
        let user = users.by_id(&UserId::new("u-ana")).unwrap();
        let told = |scope: &str, audience: &[&str]| {
            let grant = json!({
                "id": "g1", "client": "shop", "user": "u-ana", "subject": "s-ana", "scope": scope,
                "reference": "7F3K-29QD", "application": "shop", "audience": audience,
                "claims": {"userinfo": {"groups": {}, "name": {}}}, "extra": {"app_name": "Shop"},
            });
            let grant: Grant = serde_json::from_value(grant).unwrap();
            Value::Object(about_user(&clients, &grant, user))
        };
        let sub = json!({"sub": "s-ana"});
        let groups = json!({"sub": "s-ana", "groups": ["sales"]});
        assert_eq!(told("staff orders.read", &[ORDERS]), groups);
        assert_eq!(told("orders.read", &[ORDERS]), sub);
        // A token for us opens userinfo, and says nothing itself.
        assert_eq!(told("openid profile staff", &[]), json!({}));
        assert_eq!(told("openid profile staff", &[ISSUER]), json!({}));
    }
}
