//! `id_token_hint` (OpenID Connect Core 1.0, section 3.1.2.1): an ID token of ours that says whom the
//! client expects. What follows from that is left to `interaction`.

use super::client::RedirectTarget;
use super::error::{ErrorCode, RedirectError};
use crate::domain::ids::SessionId;
use crate::jose::{Algorithm, Audience, Claims, Expectation, JoseError, JsonWebKeys, verify};
use crate::oidc::parameters::Parameters;
use crate::oidc::provider::Provider;

/// An ID token of ours; never an access token or a logout token, which the same keys sign for the same
/// client (RFC 8725, section 3.11).
const TYPES: [Option<&str>; 2] = [None, Some("JWT")];

/// The `sub` of the user whom the hint names, where there is one. A hint that we did not issue to this client is
/// refused.
pub(super) fn subject(
    cx: &Provider,
    parameters: &Parameters,
    target: &RedirectTarget,
) -> Result<Option<String>, RedirectError> {
    let Some(hint) = parameters.get("id_token_hint") else {
        return Ok(None);
    };
    let keys = cx.keys.verification();
    let issued = Issued {
        keys: &keys,
        issuer: &cx.issuer_text,
        client: target.client().id.as_str(),
    };
    match issued.subject(hint) {
        Ok(subject) => Ok(Some(subject)),
        Err(error) => {
            tracing::debug!(code = error.code(), "id_token_hint is refused");
            Err(RedirectError::new(
                ErrorCode::InvalidRequest,
                "id_token_hint is not an ID token that this client was given here",
            ))
        }
    }
}

/// Where an ID token of ours comes from: the clients that it is for, and the session in which it was issued.
pub(in crate::oidc) struct HintOrigin {
    pub(in crate::oidc) clients: Audience,
    pub(in crate::oidc) session: Option<SessionId>,
}

/// Where the hint of a client comes from that wants to end a session (OpenID Connect RP-Initiated Logout 1.0, section
/// 2). What is no ID token of ours comes from nowhere.
pub(in crate::oidc) fn origin(cx: &Provider, hint: &str) -> Option<HintOrigin> {
    let origin = genuine(&cx.keys.verification(), &cx.issuer_text, hint).and_then(|claims| {
        Ok(HintOrigin {
            clients: claims.audience()?,
            session: claims.string("sid")?.map(SessionId::new),
        })
    });
    origin
        .inspect_err(|error| tracing::debug!(code = error.code(), "id_token_hint is ignored"))
        .ok()
}

/// The claims of an ID token of ours, whomever it is for. It may have expired long ago: it proves who was meant, and
/// no sign-in.
fn genuine(keys: &JsonWebKeys, issuer: &str, hint: &str) -> Result<Claims, JoseError> {
    let expected = Expectation {
        types: &TYPES,
        algorithms: &Algorithm::ALL,
        keys,
    };
    let claims = verify(hint, &expected)?.claims;
    if claims.required("iss")? != issuer {
        return Err(JoseError::ClaimValue("iss"));
    }
    Ok(claims)
}

/// What an ID token has to be to count as a hint.
struct Issued<'a> {
    keys: &'a JsonWebKeys,
    issuer: &'a str,
    client: &'a str,
}

impl Issued<'_> {
    /// Whom the ID token is about.
    fn subject(&self, hint: &str) -> Result<String, JoseError> {
        let claims = genuine(self.keys, self.issuer, hint)?;
        if !claims.audience()?.contains(self.client) {
            return Err(JoseError::ClaimValue("aud"));
        }
        claims.required("sub").map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::jose::Strictness;
    use crate::jose::fixtures::TestKey;

    const ISSUER: &str = "https://id.example.com";

    fn claims() -> Value {
        json!({"iss": ISSUER, "aud": ["wiki-web"], "sub": "u-ana", "exp": 1, "iat": 0})
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    fn subject(hint: &str) -> Result<String, JoseError> {
        let set = TestKey::p256().jwks("a");
        let issued = Issued {
            keys: &JsonWebKeys::parse(set.as_bytes(), Strictness::OwnClient).unwrap(),
            issuer: ISSUER,
            client: "wiki-web",
        };
        issued.subject(hint)
    }

    fn of_claims(claims: &Value) -> Result<String, JoseError> {
        subject(&TestKey::p256().token("a", claims))
    }

    fn of_type(typ: &str) -> Result<String, JoseError> {
        let header = json!({"alg": "ES256", "kid": "a", "typ": typ}).to_string();
        subject(&TestKey::p256().signed(Algorithm::Es256, &header, &claims().to_string()))
    }

    #[test]
    fn an_id_token_names_its_user_however_old_it_is() {
        assert_eq!(of_claims(&claims()).as_deref(), Ok("u-ana"));
        assert_eq!(of_type("JWT").as_deref(), Ok("u-ana"));
        let among_others = with("aud", json!(["payroll", "wiki-web"]));
        assert_eq!(of_claims(&among_others).as_deref(), Ok("u-ana"));
    }

    #[test]
    fn a_token_of_another_kind_is_no_hint() {
        for typ in ["at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt"] {
            assert_eq!(of_type(typ), Err(JoseError::Type), "{typ}");
        }
    }

    #[test]
    fn an_id_token_of_another_client_is_no_hint() {
        for audience in [json!("payroll"), json!(["payroll"]), json!([])] {
            let refused = of_claims(&with("aud", audience));
            assert_eq!(refused, Err(JoseError::ClaimValue("aud")));
        }
    }

    #[test]
    fn an_id_token_of_another_issuer_is_no_hint() {
        for issuer in ["https://id.example.com/", "https://other.example.com", ""] {
            let refused = of_claims(&with("iss", json!(issuer)));
            assert_eq!(refused, Err(JoseError::ClaimValue("iss")), "{issuer}");
        }
    }

    #[test]
    fn an_id_token_that_names_nobody_is_no_hint() {
        let refused = of_claims(&with("sub", json!(null)));
        assert_eq!(refused, Err(JoseError::ClaimType("sub")));
    }

    #[test]
    fn an_id_token_by_another_key_is_no_hint() {
        let refused = subject(&TestKey::new_p256().token("a", &claims()));
        assert_eq!(refused, Err(JoseError::Signature));
    }
}
