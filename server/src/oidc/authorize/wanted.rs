//! How the client wants its user authenticated: `acr_values`, and the claim `acr` (OpenID Connect Core 1.0, sections
//! 3.1.2.1 and 5.5.1.1; RFC 9470, section 4). A wish is granted where it can be; a demand that is not met ends at the
//! client. What the policies want on their own account is left to `access`.

use axum::response::Response;
use serde_json::Value;

use super::Visit;
use super::client::RedirectTarget;
use super::error::{ErrorCode, RedirectError, WalkError};
use super::issue::{ACR_PASSWORD, ACR_PASSWORD_AND_DEVICE};
use super::record;
use super::request::{AuthorizationRequest, Prompt};
use super::respond;
use crate::access::{Grounds, Signals};
use crate::audit::Ending;
use crate::domain::claims_request::ClaimsRequest;
use crate::oidc::parameters::Parameters;
use crate::oidc::session::Subject;

/// The authentication context class that the client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// None in particular.
    Nothing,
    /// This one, where it can be had.
    Prefers(&'static str),
    /// One of these, the best first. Classes that are not known here are never reached.
    Requires(Vec<String>),
}

impl Wanted {
    /// What the parameters say. `acr_values` are a wish, unless the client is registered with `acr_required`. The claim
    /// `acr` is a demand where it is essential and names values (section 5.5.1.1), and then it alone counts: what the
    /// two mean together is not specified.
    pub(super) fn parse(
        parameters: &Parameters,
        claims: &ClaimsRequest,
        acr_required: bool,
    ) -> Self {
        let mut listed: Vec<String> = parameters
            .get("acr_values")
            .unwrap_or("")
            .split(' ')
            .filter(|class| !class.is_empty())
            .map(str::to_owned)
            .collect();
        if let Some(acr) = claims.id_token.get("acr") {
            let texts = acr.values.iter().filter_map(Value::as_str);
            let texts = texts.map(str::to_owned);
            if acr.essential && !acr.values.is_empty() {
                return Self::Requires(texts.collect());
            }
            if !acr_required {
                listed.extend(texts);
            }
        }
        if acr_required && !listed.is_empty() {
            return Self::Requires(listed);
        }
        first_known(&listed).map_or(Self::Nothing, Self::Prefers)
    }

    /// Whether the user's device is to be checked although the policies would do without: the first class that is
    /// known here counts.
    pub(super) fn prefers_device(&self) -> bool {
        let best = match self {
            Self::Nothing => None,
            Self::Prefers(class) => Some(*class),
            Self::Requires(classes) => first_known(classes),
        };
        best == Some(ACR_PASSWORD_AND_DEVICE)
    }

    /// The class to tell the client, where this one was reached; none, where it is not what the client demands. Who
    /// demands less than was reached is told what it demands: that was reached, too.
    pub(super) fn told<'a>(&'a self, reached: &'a str) -> Option<&'a str> {
        match self {
            Self::Nothing | Self::Prefers(_) => Some(reached),
            Self::Requires(classes) => classes
                .iter()
                .map(String::as_str)
                .find(|class| includes(reached, class)),
        }
    }
}

/// Whether the client demands what was not reached.
pub(super) fn unmet(wanted: &Wanted, reached: &str) -> bool {
    wanted.told(reached).is_none()
}

/// The first of these classes that can be reached here.
fn first_known(classes: &[String]) -> Option<&'static str> {
    classes.iter().find_map(|class| {
        [ACR_PASSWORD, ACR_PASSWORD_AND_DEVICE]
            .into_iter()
            .find(|known| known == class)
    })
}

/// Whether who reached the one class reached the other as well.
fn includes(reached: &str, class: &str) -> bool {
    reached == class || (reached == ACR_PASSWORD_AND_DEVICE && class == ACR_PASSWORD)
}

/// Tells the client that its demand is not met (RFC 9470, section 5; OpenID Connect Core Error Code
/// `unmet_authentication_requirements`), although the policies would let the user in: never a lesser token. There is no
/// page, because there is nothing left that the user could do.
pub(super) async fn refuse(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    request: &AuthorizationRequest,
    subject: &Subject,
    signals: &Signals,
    grounds: &Grounds,
) -> Result<Response, WalkError> {
    let (error, ending) = if could_ask(visit, request, signals) {
        let error = RedirectError::new(
            ErrorCode::InteractionRequired,
            "the user's device must be checked",
        );
        let ending = Ending::InteractionRequired {
            error: error.error.as_str().to_owned(),
        };
        (error, ending)
    } else {
        let error = RedirectError::new(
            ErrorCode::UnmetAuthenticationRequirements,
            "the user was not authenticated in a way that the client demands",
        );
        let ending = Ending::Refused {
            error: error.error.as_str().to_owned(),
            detail: error.description.clone(),
        };
        (error, ending)
    };
    let record = record::decided(visit, target, subject, signals, grounds, ending);
    respond::ended_at_client(visit, target, Some(subject), error, record).await
}

/// Whether a page, which the client forbade, might bring what it demands.
fn could_ask(visit: &Visit<'_>, request: &AuthorizationRequest, signals: &Signals) -> bool {
    request.prompt == Prompt::None
        && request.wanted.prefers_device()
        && visit.cx.device_host.is_some()
        && signals.device.fact.value().is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const UNKNOWN: &str = "urn:example:gold";

    /// What is wanted with these `acr_values` and this request for `acr`.
    fn wanted(acr_values: &[&str], acr: &Value, acr_required: bool) -> Wanted {
        let mut parameters = Vec::new();
        if !acr_values.is_empty() {
            parameters.push(("acr_values".to_owned(), acr_values.join(" ")));
        }
        let claims = match acr {
            Value::Null => ClaimsRequest::default(),
            acr => serde_json::from_value(json!({"id_token": {"acr": acr}})).unwrap(),
        };
        Wanted::parse(&Parameters::stored(parameters), &claims, acr_required)
    }

    fn wish(acr_values: &[&str]) -> Wanted {
        wanted(acr_values, &Value::Null, false)
    }

    fn demand(acr_values: &[&str]) -> Wanted {
        wanted(acr_values, &Value::Null, true)
    }

    fn requires(classes: &[&str]) -> Wanted {
        Wanted::Requires(classes.iter().map(|&class| class.to_owned()).collect())
    }

    #[test]
    fn acr_values_are_a_wish_for_the_first_that_is_known() {
        assert_eq!(wish(&[]), Wanted::Nothing);
        assert_eq!(wish(&[UNKNOWN]), Wanted::Nothing);
        let both = [UNKNOWN, ACR_PASSWORD, ACR_PASSWORD_AND_DEVICE];
        assert_eq!(wish(&both), Wanted::Prefers(ACR_PASSWORD));
        let device = wish(&[ACR_PASSWORD_AND_DEVICE, ACR_PASSWORD]);
        assert_eq!(device, Wanted::Prefers(ACR_PASSWORD_AND_DEVICE));
        assert!(device.prefers_device() && !wish(&both).prefers_device());
        assert!(!unmet(&device, ACR_PASSWORD));
    }

    #[test]
    fn acr_values_of_a_client_that_is_registered_so_are_a_demand() {
        let classes = [UNKNOWN, ACR_PASSWORD_AND_DEVICE];
        assert_eq!(demand(&classes), requires(&classes));
        assert!(demand(&classes).prefers_device());
        assert!(unmet(&demand(&classes), ACR_PASSWORD));
        assert!(!unmet(&demand(&classes), ACR_PASSWORD_AND_DEVICE));
        assert_eq!(demand(&[]), Wanted::Nothing);
    }

    #[test]
    fn an_essential_acr_with_values_is_a_demand_of_any_client() {
        let acr = json!({"essential": true, "values": [ACR_PASSWORD_AND_DEVICE]});
        let expected = requires(&[ACR_PASSWORD_AND_DEVICE]);
        assert_eq!(wanted(&[], &acr, false), expected);
        assert_eq!(wanted(&[ACR_PASSWORD], &acr, false), expected);
        assert_eq!(wanted(&[ACR_PASSWORD], &acr, true), expected);
    }

    #[test]
    fn an_acr_that_is_only_asked_for_is_no_demand() {
        let any = json!({"essential": true});
        assert_eq!(wanted(&[], &any, false), Wanted::Nothing);
        let voluntary = json!({"values": [ACR_PASSWORD_AND_DEVICE]});
        let expected = Wanted::Prefers(ACR_PASSWORD_AND_DEVICE);
        assert_eq!(wanted(&[], &voluntary, false), expected);
        assert_eq!(wanted(&[], &voluntary, true), Wanted::Nothing);
    }

    #[test]
    fn what_is_not_known_is_never_reached() {
        for reached in [ACR_PASSWORD, ACR_PASSWORD_AND_DEVICE] {
            assert!(unmet(&demand(&[UNKNOWN]), reached));
            let number = json!({"essential": true, "values": [7]});
            assert!(unmet(&wanted(&[], &number, false), reached));
        }
    }

    #[test]
    fn whoever_demands_less_is_told_what_it_demands() {
        let less = demand(&[ACR_PASSWORD]);
        assert_eq!(less.told(ACR_PASSWORD_AND_DEVICE), Some(ACR_PASSWORD));
        let either = demand(&[ACR_PASSWORD_AND_DEVICE, ACR_PASSWORD]);
        assert_eq!(
            either.told(ACR_PASSWORD_AND_DEVICE),
            Some(ACR_PASSWORD_AND_DEVICE)
        );
        assert_eq!(either.told(ACR_PASSWORD), Some(ACR_PASSWORD));
        assert_eq!(Wanted::Nothing.told(ACR_PASSWORD), Some(ACR_PASSWORD));
    }
}
