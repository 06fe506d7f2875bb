//! The grant type `authorization_code` (RFC 6749, section 4.1.3): a code becomes tokens, once, for whoever asked for it.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::{issue, refresh, sender};
use crate::directory::clients::ClientRecord;
use crate::domain::code::{Redemption, StoredCode};
use crate::domain::grant::Grant;
use crate::domain::secret::Secret;
use crate::oidc::client_authentication::AuthenticatedClient;
use crate::oidc::endpoint::{EndpointError, EndpointRequest};
use crate::oidc::parameters::Parameters;
use crate::oidc::provider::Provider;
use crate::oidc::resource;

/// The tokens that the code in the form is worth.
pub(super) async fn redeem(
    cx: &Provider,
    request: &EndpointRequest,
    client: &AuthenticatedClient,
) -> Result<Value, EndpointError> {
    let (form, client) = (&request.form, &client.record);
    let code = form
        .get("code")
        .ok_or_else(|| EndpointError::invalid_request("code is missing"))?;
    let confirmation = sender::proven(cx, request, client).await?;
    let now = cx.now();
    let hash = Secret::from_untrusted(code).digest();
    let mut work = cx.storage.begin().await?;
    // The code is spent by being presented, right or wrong: whoever guesses at its conditions has one try.
    let stored = match work.codes().redeem(&hash, now).await? {
        Redemption::Redeemed(stored) => *stored,
        Redemption::Replayed(grant) => {
            // RFC 9700, section 4.5: what was issued for a code that is used twice is revoked.
            let revoked = work.refresh_tokens().revoke_grant(&grant).await?
                + work.access_tokens().revoke_grant(&grant).await?;
            work.commit().await?;
            tracing::warn!(client = %client.id, revoked, "authorization code was used twice");
            return Err(EndpointError::invalid_grant("the code was used already"));
        }
        Redemption::Unknown => {
            return Err(EndpointError::invalid_grant(
                "the code is unknown or too old",
            ));
        }
    };
    let checked = check(&stored, client, form);
    if let Err(error) = checked.and_then(|()| sender::redeems(stored.dpop_jkt, confirmation)) {
        work.commit().await?;
        return Err(error);
    }
    let users = cx.users.current();
    let Some(user) = users
        .value
        .by_id(&stored.grant.user)
        .filter(|user| !user.disabled)
    else {
        work.commit().await?;
        return Err(EndpointError::invalid_grant(
            "the user is not known any more",
        ));
    };
    // Who signed out meanwhile is not signed in by a code that was on its way: no logout would reach the client.
    if let Some(session) = &stored.grant.session
        && !work.sessions().lives(session, now).await?
    {
        work.commit().await?;
        return Err(EndpointError::invalid_grant("the session is over"));
    }
    let issuer = &cx.issuer_text;
    let audience = match resource::of_token_request(issuer, client, &stored.grant.audience, form) {
        Ok(audience) => audience,
        Err(refused) => {
            work.commit().await?;
            return Err(refused.into());
        }
    };
    let granted = Grant {
        confirmation,
        ..stored.grant
    };
    // What was granted stays as it is: a later token may be for another of its resources.
    let narrowed = Grant {
        audience,
        ..granted.clone()
    };
    let mut tokens = issue::tokens(cx, work.as_mut(), &narrowed, user, now).await?;
    if let Some((secret, token)) = refresh::first(cx, client, &granted, now) {
        work.refresh_tokens().insert(&token).await?;
        refresh::add(&mut tokens, &secret);
    }
    work.commit().await?;
    Ok(tokens)
}

/// Whether the code was issued to this client, for this redirect URI, to whoever has the verifier.
fn check(
    stored: &StoredCode,
    client: &ClientRecord,
    form: &Parameters,
) -> Result<(), EndpointError> {
    if stored.grant.client != client.id {
        return Err(EndpointError::invalid_grant(
            "the code was issued to another client",
        ));
    }
    if form.get("redirect_uri") != Some(stored.redirect_uri.as_str()) {
        return Err(EndpointError::invalid_grant(
            "redirect_uri differs from the one in the authorization request",
        ));
    }
    proof_of_key(stored.code_challenge.as_deref(), form.get("code_verifier"))
        .map_err(EndpointError::invalid_grant)
}

/// PKCE with S256 (RFC 7636, section 4.6).
fn proof_of_key(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), &'static str> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        // RFC 9700, section 2.1.1: a verifier without a challenge is a downgrade.
        (None, Some(_)) => Err("the authorization request had no code_challenge"),
        (Some(_), None) => Err("code_verifier is missing"),
        (Some(_), Some(verifier)) if !is_verifier(verifier) => {
            Err("code_verifier must have 43 to 128 letters, digits, or characters of `-._~`")
        }
        (Some(challenge), Some(verifier)) => {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
            let computed = BASE64URL_NOPAD.encode(digest.as_ref());
            if bool::from(computed.as_bytes().ct_eq(challenge.as_bytes())) {
                Ok(())
            } else {
                Err("code_verifier does not fit the code_challenge")
            }
        }
    }
}

/// A verifier is long enough that nobody guesses it (RFC 7636, section 4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Verifier and challenge of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge_of(verifier: &str) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
        BASE64URL_NOPAD.encode(digest.as_ref())
    }

    #[test]
    fn the_verifier_of_the_specification_fits_its_challenge() {
        assert_eq!(proof_of_key(Some(CHALLENGE), Some(VERIFIER)), Ok(()));
        let other = "x".repeat(43);
        assert!(proof_of_key(Some(CHALLENGE), Some(&other)).is_err());
        assert!(proof_of_key(Some(CHALLENGE), None).is_err());
    }

    #[test]
    fn a_verifier_without_a_challenge_is_a_downgrade() {
        assert!(proof_of_key(None, Some(VERIFIER)).is_err());
        assert_eq!(proof_of_key(None, None), Ok(()));
    }

    #[test]
    fn a_verifier_has_43_to_128_characters_of_its_alphabet() {
        for good in [
            "a".repeat(43),
            "~".repeat(128),
            "-._~".repeat(20),
            "Az09-._~".repeat(8),
        ] {
            let challenge = challenge_of(&good);
            assert_eq!(
                proof_of_key(Some(&challenge), Some(&good)),
                Ok(()),
                "{good}"
            );
        }
        for bad in [
            "a".repeat(42),
            "a".repeat(129),
            format!("{}+", "a".repeat(43)),
            format!("{} ", "a".repeat(43)),
            format!("{}=", "a".repeat(43)),
            "é".repeat(43),
        ] {
            let challenge = challenge_of(&bad);
            assert!(proof_of_key(Some(&challenge), Some(&bad)).is_err(), "{bad}");
        }
    }
}
