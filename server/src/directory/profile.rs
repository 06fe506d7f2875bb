//! The kinds of consumers there are, and what each rules: the protocol asks these rules and never compares names.
//! Leaves to others the checks of entries against them (`client_entry`) and obeying them (`oidc`).

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::client_record::Method;
use super::guid::Guid;
use crate::config::Algorithm;
use crate::domain::ids::ApplicationId;

/// The kind of a consumer, with what belongs to that kind alone.
#[derive(Debug, Clone)]
pub enum Profile {
    /// Any relying party of OpenID Connect.
    OidcRp,
    /// Okta, which asks for a factor.
    OktaFactor(OktaFactor),
    /// Okta, which asks for the posture of the device.
    OktaPosture,
    /// Microsoft Entra, which asks for the second of two factors.
    EntraMfa(EntraMfa),
}

impl Profile {
    /// What the profile rules.
    #[must_use]
    pub fn rules(&self) -> &'static Rules {
        self.name().rules()
    }

    /// The profile's name.
    #[must_use]
    pub fn name(&self) -> ProfileName {
        match self {
            Self::OidcRp => ProfileName::OidcRp,
            Self::OktaFactor(_) => ProfileName::OktaFactor,
            Self::OktaPosture => ProfileName::OktaPosture,
            Self::EntraMfa(_) => ProfileName::EntraMfa,
        }
    }
}

/// The name of a profile, as the clients file writes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileName {
    /// Any relying party of OpenID Connect.
    #[default]
    OidcRp,
    /// An identity provider of Okta that serves as a factor.
    OktaFactor,
    /// A device posture provider of Okta.
    OktaPosture,
    /// An external authentication method of Microsoft Entra.
    EntraMfa,
}

impl ProfileName {
    /// The name as text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OidcRp => "oidc-rp",
            Self::OktaFactor => "okta-factor",
            Self::OktaPosture => "okta-posture",
            Self::EntraMfa => "entra-mfa",
        }
    }

    /// What the profile rules.
    #[must_use]
    pub fn rules(self) -> &'static Rules {
        match self {
            Self::OidcRp => &OIDC_RP,
            Self::OktaFactor => &OKTA_FACTOR,
            Self::OktaPosture => &OKTA_POSTURE,
            Self::EntraMfa => &ENTRA_MFA,
        }
    }
}

/// What a profile rules.
#[derive(Debug, PartialEq, Eq)]
pub struct Rules {
    /// The response types that are answered.
    pub response_types: &'static [ResponseType],
    /// How the answer reaches the client that does not say how.
    pub default_mode: ResponseMode,
    /// How it may reach the client.
    pub modes: &'static [ResponseMode],
    /// Whether requests use PKCE, where the client's entry does not say.
    pub pkce: Pkce,
    /// What ID tokens are signed with, if the consumer knows no other.
    pub algorithm: Option<Algorithm>,
    /// By which methods clients may prove themselves.
    pub authentication: &'static [Method],
    /// What a refusal looks like.
    pub refusal: Refusal,
    /// The longest life of an unfinished sign-in, if it is bound by the consumer's own patience.
    pub transaction: Option<TimeDelta>,
    /// What becomes of the user's session here.
    pub session: SessionUse,
    /// Where answers may go.
    pub redirect_uris: RedirectUris,
    /// Whether answers name the issuer, RFC 9207.
    pub names_issuer: bool,
}

/// What an authorization request asks to be answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseType {
    /// An authorization code.
    Code,
    /// An ID token, OpenID Connect Core section 3.2.
    IdToken,
}

impl ResponseType {
    /// The word for it in requests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::IdToken => "id_token",
        }
    }
}

/// How an answer reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// In a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl ResponseMode {
    /// The word for it in requests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }
}

/// What holds for PKCE, RFC 7636.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pkce {
    /// Requests have to use it, unless the entry of a confidential client says otherwise.
    Required,
    /// Requests may use it, unless the entry says that they have to.
    Optional,
    /// There is no code that it could protect.
    Unused,
}

/// What a refusal looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A page, from which the user may go back to the client.
    Page,
    /// An answer like any other, in which the refusal is a claim.
    AnswerAnyway,
    /// A page, from which the error is posted before the consumer loses patience.
    PageThenPost,
}

/// What becomes of the user's session here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionUse {
    /// It tells who the user is, for as long as it lives.
    Normal,
    /// There is none: the request itself tells who the user is.
    None,
}

/// Where answers may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectUris {
    /// Wherever the operator says.
    Any,
    /// To one of [`ENTRA_REDIRECT_URIS`].
    EntraOnly,
}

/// The addresses that Microsoft Entra wants answers at, one for each of its clouds.
pub const ENTRA_REDIRECT_URIS: [&str; 3] = [
    "https://login.microsoftonline.com/common/federation/externalauthprovider",
    "https://login.microsoftonline.us/common/federation/externalauthprovider",
    "https://login.partner.microsoftonline.cn/common/federation/externalauthprovider",
];

static OIDC_RP: Rules = Rules {
    response_types: &[ResponseType::Code],
    default_mode: ResponseMode::Query,
    modes: &[ResponseMode::Query, ResponseMode::FormPost],
    pkce: Pkce::Required,
    algorithm: None,
    authentication: &[
        Method::None,
        Method::Secret,
        Method::PrivateKeyJwt,
        Method::Tls,
        Method::SelfSignedTls,
    ],
    refusal: Refusal::Page,
    transaction: None,
    session: SessionUse::Normal,
    redirect_uris: RedirectUris::Any,
    names_issuer: true,
};

static OKTA_FACTOR: Rules = Rules {
    response_types: &[ResponseType::Code],
    default_mode: ResponseMode::Query,
    modes: &[ResponseMode::Query],
    pkce: Pkce::Optional,
    algorithm: Some(Algorithm::Rs256),
    authentication: &[Method::Secret, Method::PrivateKeyJwt],
    refusal: Refusal::Page,
    transaction: None,
    session: SessionUse::Normal,
    redirect_uris: RedirectUris::Any,
    names_issuer: true,
};

static OKTA_POSTURE: Rules = Rules {
    response_types: &[ResponseType::Code],
    default_mode: ResponseMode::Query,
    modes: &[ResponseMode::Query],
    pkce: Pkce::Optional,
    algorithm: Some(Algorithm::Rs256),
    authentication: &[Method::Secret, Method::PrivateKeyJwt],
    refusal: Refusal::AnswerAnyway,
    transaction: None,
    session: SessionUse::None,
    redirect_uris: RedirectUris::Any,
    names_issuer: true,
};

static ENTRA_MFA: Rules = Rules {
    response_types: &[ResponseType::IdToken],
    default_mode: ResponseMode::FormPost,
    modes: &[ResponseMode::FormPost],
    pkce: Pkce::Unused,
    algorithm: Some(Algorithm::Rs256),
    // Entra never comes to the token endpoint.
    authentication: &[Method::None],
    refusal: Refusal::PageThenPost,
    // Entra gives up about five minutes after it sent the browser here.
    transaction: Some(TimeDelta::seconds(270)),
    session: SessionUse::None,
    redirect_uris: RedirectUris::EntraOnly,
    names_issuer: false,
};

/// What an Okta factor knows of the applications behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OktaFactor {
    /// The application that policies decide about, by the id of its instance at Okta or by its name there.
    pub applications: BTreeMap<String, ApplicationId>,
    /// Which statements about the application are believed.
    pub context: ApplicationContext,
}

impl OktaFactor {
    /// The application of an instance at Okta: by its id, which is sure, or else by its name.
    ///
    /// # Errors
    /// They name two different applications.
    pub fn application(
        &self,
        instance: Option<&str>,
        name: Option<&str>,
    ) -> Result<Option<&ApplicationId>, TwoApplications> {
        let of = |key: Option<&str>| key.and_then(|key| self.applications.get(key));
        match (of(instance), of(name)) {
            (Some(instance), Some(name)) if instance != name => Err(TwoApplications),
            (instance, name) => Ok(instance.or(name)),
        }
    }
}

/// The id of an instance is that of one application, and its name that of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoApplications;

/// Which statements about the application behind a request are believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApplicationContext {
    /// Those of any request. A user can change them in the address bar.
    #[default]
    Unsigned,
    /// Those of signed requests.
    Signed,
}

/// What an external authentication method of Entra knows of its consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraMfa {
    /// The application that stands for this provider at Entra: the audience of its hints.
    pub app_id: Guid,
    /// The tenants whose users are answered for.
    pub tenants: BTreeSet<Guid>,
    /// Where the keys that sign the hints are found.
    pub discovery: Url,
}

/// One of the clouds of Microsoft Entra.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EntraCloud {
    /// The one for everybody.
    #[default]
    Global,
    /// The one of the government of the United States.
    UsGovernment,
    /// The one in China.
    China,
}

impl EntraCloud {
    /// The discovery document for all tenants of the cloud.
    #[must_use]
    pub fn discovery(self) -> &'static str {
        match self {
            Self::Global => {
                "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"
            }
            Self::UsGovernment => {
                "https://login.microsoftonline.us/common/v2.0/.well-known/openid-configuration"
            }
            Self::China => {
                "https://login.partner.microsoftonline.cn/common/v2.0/.well-known/openid-configuration"
            }
        }
    }
}

#[cfg(test)]
mod tests;
