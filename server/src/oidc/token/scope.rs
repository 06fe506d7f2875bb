//! What of a granted scope a refresh is good for (RFC 6749, section 6). What scopes mean is left to `tokens`.

use crate::directory::clients::ClientRecord;
use crate::oidc::endpoint::{EndpointError, EndpointErrorCode};

/// The scope of the new access token: what was asked for of what was granted, as far as the client may still have it.
pub(super) fn narrowed(
    granted: &str,
    asked: Option<&str>,
    client: &ClientRecord,
) -> Result<String, EndpointError> {
    let granted: Vec<&str> = words(granted).collect();
    let asked: Vec<&str> = match asked {
        Some(asked) => words(asked).collect(),
        None => Vec::new(),
    };
    if asked.iter().any(|scope| !granted.contains(scope)) {
        return Err(invalid("scope is more than was granted"));
    }
    let kept: Vec<&str> = granted
        .into_iter()
        // A parameter without a value counts as left out (RFC 6749, section 3.2).
        .filter(|scope| asked.is_empty() || asked.contains(scope))
        // The operator may have taken it from the client since.
        .filter(|scope| client.scopes.contains(*scope))
        .collect();
    if kept.is_empty() {
        return Err(invalid("the client may have none of the scopes any more"));
    }
    Ok(kept.join(" "))
}

fn words(scope: &str) -> impl Iterator<Item = &str> {
    scope.split(' ').filter(|word| !word.is_empty())
}

fn invalid(description: &str) -> EndpointError {
    EndpointError::new(EndpointErrorCode::InvalidScope, description)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::clients::Clients;

    fn narrow(granted: &str, asked: Option<&str>) -> Result<String, EndpointErrorCode> {
        let clients = "[[client]]\nid = 'wiki'\napplication = 'wiki'\npublic = true\n\
                       redirect_uris = ['https://app.example/callback']\n\
                       scopes = ['openid', 'email']\n";
        let clients = Clients::parse(clients, "clients.toml").unwrap().value;
        narrowed(granted, asked, clients.by_id("wiki").unwrap()).map_err(|error| error.code)
    }

    #[test]
    fn without_a_scope_everything_that_was_granted_is_meant() {
        for asked in [None, Some(""), Some(" ")] {
            assert_eq!(narrow("openid email", asked).unwrap(), "openid email");
        }
    }

    #[test]
    fn less_can_be_asked_for_and_its_order_does_not_matter() {
        assert_eq!(narrow("openid email", Some("openid")).unwrap(), "openid");
        let turned = narrow("openid email", Some("email openid"));
        assert_eq!(turned.unwrap(), "openid email");
    }

    #[test]
    fn more_than_was_granted_is_refused_although_the_client_could_have_it() {
        let wider = narrow("openid", Some("openid email"));
        assert_eq!(wider, Err(EndpointErrorCode::InvalidScope));
    }

    #[test]
    fn what_the_client_may_not_have_any_more_is_left_out() {
        assert_eq!(
            narrow("openid profile email", None).unwrap(),
            "openid email"
        );
        let nothing = narrow("profile", None);
        assert_eq!(nothing, Err(EndpointErrorCode::InvalidScope));
    }
}
