//! Claims about the End-User, by scope (OpenID Connect Core 1.0, section 5.4): the same for the ID
//! token and the userinfo endpoint.

use openidconnect::core::CoreGenderClaim;
use openidconnect::{
    EndUserEmail, EndUserName, EndUserUsername, LocalizedClaim, StandardClaims, SubjectIdentifier,
};

/// What claims say about an End-User.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The permanent identifier.
    pub subject: String,
    /// The name for signing in, in the case in which it is stored.
    pub username: String,
    /// The full name.
    pub name: Option<String>,
    /// The e-mail address, in the case in which it is stored.
    pub email: Option<String>,
    /// Whether the organisation vouches for the e-mail address.
    pub email_verified: bool,
}

/// The claims that `scope` asks for.
#[must_use]
pub fn user_claims(profile: &Profile, scope: &str) -> StandardClaims<CoreGenderClaim> {
    let asks_for = |name: &str| scope.split(' ').any(|asked| asked == name);
    let mut claims = StandardClaims::new(SubjectIdentifier::new(profile.subject.clone()));
    if asks_for("profile") {
        let name = profile.name.clone().map(|name| {
            let mut localized = LocalizedClaim::new();
            localized.insert(None, EndUserName::new(name));
            localized
        });
        claims = claims
            .set_preferred_username(Some(EndUserUsername::new(profile.username.clone())))
            .set_name(name);
    }
    if let Some(email) = profile.email.clone().filter(|_| asks_for("email")) {
        claims = claims
            .set_email(Some(EndUserEmail::new(email)))
            .set_email_verified(Some(profile.email_verified));
    }
    claims
}
