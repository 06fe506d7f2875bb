//! The `id_token_hint` by which Microsoft Entra says whom it asks about: what it has to say to be believed. Its keys are
//! left to `entra_keys`; whether the account is known here, and what follows, to `entra_mfa`.

use chrono::TimeDelta;

use super::entra_keys::{self, OpenedHint, Unopened, of_tenant};
use crate::directory::guid::Guid;
use crate::directory::profile::EntraMfa;
use crate::domain::clock::Timestamp;
use crate::domain::secret::SecretHash;
use crate::jose::{Audience, JoseError};
use crate::oidc::provider::Provider;
use crate::remote::RemoteError;

/// How old a hint may be. Entra makes it when it sends the browser here, and gives up long before.
const OLDEST: TimeDelta = TimeDelta::minutes(10);

/// How far ahead the clock of Entra may be.
const AHEAD: TimeDelta = TimeDelta::seconds(60);

/// A hint that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::oidc::authorize) struct EntraHint {
    /// The tenant, `tid`.
    pub(in crate::oidc::authorize) tenant: Guid,
    /// The account in the tenant, `oid`.
    pub(in crate::oidc::authorize) object: Guid,
    /// What the answer has to call the account, `sub`.
    pub(in crate::oidc::authorize) subject: String,
    /// What is remembered of it, so that it counts once.
    pub(in crate::oidc::authorize) key: SecretHash,
    /// From then on it is too old anyway.
    pub(in crate::oidc::authorize) forgotten_at: Timestamp,
}

/// Why a hint does not count. It holds nothing of the token itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::oidc::authorize) enum HintRefused {
    /// There is none.
    Missing,
    /// It is no token, or not one of this kind.
    Malformed(JoseError),
    /// None of Entra's keys has signed it.
    Signature(JoseError),
    /// It comes from another issuer than its tenant's.
    Issuer,
    /// It is for another application.
    Audience,
    /// Its tenant is none of this client's.
    Tenant,
    /// It is too old, or comes from the future.
    Time,
    /// It does not say what it has to.
    Claim(&'static str),
    /// It was here before.
    Used,
    /// Nobody here has this account, or whoever has it may not sign in.
    Account(Box<EntraHint>),
    /// Entra's keys cannot be fetched.
    NoKeys(RemoteError),
}

/// The hint in this text, if it is one of Entra's for this client.
pub(super) async fn verify(
    cx: &Provider,
    entra: &EntraMfa,
    text: &str,
    now: Timestamp,
) -> Result<EntraHint, HintRefused> {
    let opened = entra_keys::open(cx, &entra.discovery, text, now).await?;
    check(&opened, entra, text, now)
}

/// What the claims have to say. `exp` has passed already when the hint is made, so that nobody takes it for a sign-in:
/// what bounds its life is `iat`.
fn check(
    opened: &OpenedHint,
    entra: &EntraMfa,
    text: &str,
    now: Timestamp,
) -> Result<EntraHint, HintRefused> {
    let claims = &opened.claims;
    let said = |name: &'static str| match claims.required(name) {
        Ok("") => Err(HintRefused::Claim(name)),
        other => other.map_err(|_| HintRefused::Claim(name)),
    };
    let guid = |name: &'static str| {
        let written = said(name)?;
        written
            .parse::<Guid>()
            .map_err(|_| HintRefused::Claim(name))
    };
    let (issuer, tenant) = (said("iss")?, said("tid")?);
    // The keys of Entra are for many tenants: only the two together say whose hint this is.
    let is_the_tenants = |template: &str| of_tenant(template, tenant) == issuer;
    let by_a_key_of_it = opened.key_issuer.as_deref().is_none_or(is_the_tenants);
    if !is_the_tenants(&opened.issuer) || !by_a_key_of_it {
        return Err(HintRefused::Issuer);
    }
    match claims.audience() {
        Ok(Audience::One(one)) if one.parse::<Guid>().is_ok_and(|it| it == entra.app_id) => {}
        Ok(_) => return Err(HintRefused::Audience),
        Err(_) => return Err(HintRefused::Claim("aud")),
    }
    let tenant = guid("tid")?;
    if !entra.tenants.contains(&tenant) {
        return Err(HintRefused::Tenant);
    }
    let instant = |name: &'static str| {
        let instant = claims.instant(name);
        instant.map_err(|_| HintRefused::Claim(name))
    };
    instant("exp")?;
    let issued = instant("iat")?.ok_or(HintRefused::Claim("iat"))?;
    if issued > now + AHEAD || issued < now - OLDEST {
        return Err(HintRefused::Time);
    }
    Ok(EntraHint {
        tenant,
        object: guid("oid")?,
        subject: said("sub")?.to_owned(),
        key: SecretHash::of(format!("entra-hint {text}").as_bytes()),
        // A second more: at the instant itself it still counts.
        forgotten_at: issued + OLDEST + TimeDelta::seconds(1),
    })
}

impl HintRefused {
    /// The category in one word, for records and help desks.
    pub(in crate::oidc::authorize) fn code(&self) -> &'static str {
        match self {
            Self::Missing => "hint_missing",
            Self::Malformed(_) => "hint_malformed",
            Self::Signature(_) => "hint_signature",
            Self::Issuer => "hint_issuer",
            Self::Audience => "hint_audience",
            Self::Tenant => "hint_tenant",
            Self::Time => "hint_time",
            Self::Claim(_) => "hint_claim",
            Self::Used => "hint_used",
            Self::Account(_) => "hint_account",
            Self::NoKeys(_) => "hint_keys",
        }
    }

    /// What is wrong, in a sentence for a person.
    pub(in crate::oidc::authorize) fn says(&self) -> String {
        match self {
            Self::Missing => "Microsoft Entra does not say whom it asks about.".to_owned(),
            Self::Malformed(_) => "What Microsoft Entra says about you cannot be read.".to_owned(),
            Self::Signature(_) => {
                "What is said about you was not signed by Microsoft Entra.".to_owned()
            }
            Self::Issuer => "What is said about you comes from elsewhere than it says.".to_owned(),
            Self::Audience => "Microsoft Entra asks another application about you.".to_owned(),
            Self::Tenant => "Your organisation at Microsoft Entra is not known here.".to_owned(),
            Self::Time => {
                "This question of Microsoft Entra is too old, or comes too early.".to_owned()
            }
            Self::Claim(name) => {
                format!(
                    "What Microsoft Entra says about you is not complete: `{name}` is missing or damaged."
                )
            }
            Self::Used => "This question of Microsoft Entra was here before.".to_owned(),
            Self::Account(_) => "Your account at Microsoft Entra is not known here.".to_owned(),
            Self::NoKeys(_) => {
                "The keys of Microsoft Entra cannot be fetched right now.".to_owned()
            }
        }
    }

    /// What the operator's log says beyond that.
    pub(in crate::oidc::authorize) fn cause(&self) -> String {
        match self {
            Self::Malformed(error) | Self::Signature(error) => error.to_string(),
            Self::NoKeys(error) => error.to_string(),
            _ => String::new(),
        }
    }
}

impl From<Unopened> for HintRefused {
    fn from(unopened: Unopened) -> Self {
        match unopened {
            Unopened::NoKeys(error) => Self::NoKeys(error),
            Unopened::Refused(
                error @ (JoseError::Algorithm | JoseError::Signature | JoseError::UnknownKey),
            ) => Self::Signature(error),
            Unopened::Refused(error) => Self::Malformed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::jose::danger_unverified_claims;
    use crate::jose::fixtures::TestKey;

    const APP: &str = "6f0c1a52-3d57-4c1b-9a4e-0d2f5b7c8e91";
    const TENANT: &str = "0b5c7f1e-2222-4333-8444-555566667777";
    const OBJECT: &str = "11111111-2222-4333-8444-555566667777";
    const TEMPLATE: &str = "https://login.example/{tenantid}/v2.0";

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn entra() -> EntraMfa {
        EntraMfa {
            app_id: APP.parse().unwrap(),
            tenants: [TENANT.parse().unwrap()].into(),
            discovery: "https://login.example/".parse().unwrap(),
        }
    }

    fn claims() -> Value {
        let issued = now().timestamp();
        json!({
            "iss": format!("https://login.example/{TENANT}/v2.0"),
            "aud": APP,
            "tid": TENANT,
            "oid": OBJECT,
            "sub": "pairwise",
            "iat": issued,
            "exp": issued,
        })
    }

    fn checked(claims: &Value, key_issuer: Option<&str>) -> Result<EntraHint, HintRefused> {
        let hint = TestKey::rsa().token("a", claims);
        let opened = OpenedHint {
            claims: danger_unverified_claims(&hint).unwrap(),
            issuer: TEMPLATE.to_owned(),
            key_issuer: key_issuer.map(str::to_owned),
        };
        check(&opened, &entra(), &hint, now())
    }

    fn with(name: &str, value: Value) -> Result<EntraHint, HintRefused> {
        let mut claims = claims();
        claims[name] = value;
        checked(&claims, Some(TEMPLATE))
    }

    fn refused(name: &str, value: Value) -> HintRefused {
        with(name, value).unwrap_err()
    }

    #[test]
    fn a_hint_names_tenant_account_and_subject_although_it_has_expired() {
        let hint = with("exp", json!(now().timestamp() - 3600)).unwrap();
        assert_eq!(hint.tenant.as_str(), TENANT);
        assert_eq!(hint.object.as_str(), OBJECT);
        assert_eq!(hint.subject, "pairwise");
        let upper = with("oid", json!(OBJECT.to_uppercase())).unwrap();
        assert_eq!(upper.object, hint.object);
    }

    #[test]
    fn a_hint_counts_for_ten_minutes() {
        let aged = |seconds: i64| with("iat", json!(now().timestamp() - seconds));
        for age in [-60, 0, 599, 600] {
            let hint = aged(age).unwrap();
            assert!(hint.forgotten_at > now(), "{age}");
        }
        for age in [-61, 601] {
            assert_eq!(aged(age), Err(HintRefused::Time), "{age}");
        }
    }

    #[test]
    fn issuer_and_tenant_and_key_belong_together() {
        let other = "22222222-2222-4333-8444-555566667777";
        let issuer = json!(format!("https://login.example/{other}/v2.0"));
        assert_eq!(refused("iss", issuer), HintRefused::Issuer);
        assert_eq!(refused("tid", json!(other)), HintRefused::Issuer);
        let key_of_other = format!("https://login.example/{other}/v2.0");
        let foreign = checked(&claims(), Some(&key_of_other));
        assert_eq!(foreign, Err(HintRefused::Issuer));
        assert!(checked(&claims(), None).is_ok());
    }

    #[test]
    fn only_tenants_of_the_client_are_answered() {
        let other = "22222222-2222-4333-8444-555566667777";
        let mut claims = claims();
        claims["tid"] = json!(other);
        claims["iss"] = json!(format!("https://login.example/{other}/v2.0"));
        assert_eq!(checked(&claims, Some(TEMPLATE)), Err(HintRefused::Tenant));
    }

    #[test]
    fn a_hint_is_for_this_application_and_no_other() {
        for audience in [json!(OBJECT), json!([APP]), json!([APP, OBJECT]), json!("")] {
            assert_eq!(refused("aud", audience), HintRefused::Audience);
        }
        assert!(with("aud", json!(APP.to_uppercase())).is_ok());
    }

    #[test]
    fn what_a_hint_has_to_say_is_neither_missing_nor_damaged() {
        for name in ["iss", "tid", "oid", "sub"] {
            for value in [json!(null), json!(""), json!(7)] {
                assert_eq!(refused(name, value), HintRefused::Claim(name));
            }
        }
        assert_eq!(refused("oid", json!("ana")), HintRefused::Claim("oid"));
        assert_eq!(refused("iat", json!("now")), HintRefused::Claim("iat"));
        assert_eq!(refused("exp", json!("now")), HintRefused::Claim("exp"));
        assert_eq!(refused("aud", json!(7)), HintRefused::Claim("aud"));
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove("iat");
        let timeless = checked(&claims, None);
        assert_eq!(timeless, Err(HintRefused::Claim("iat")));
    }
}
