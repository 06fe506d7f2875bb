//! What a permit is worth to the client: a file for each kind of answer, and here what all of them say of the way in
//! which the user has signed in. Nothing is issued without an `AccessPermit`.

mod code;

pub(super) use self::code::code;

use crate::access::Signals;
use crate::domain::authentication::Authentication;

/// `acr` of a sign-in by password.
pub(in crate::oidc) const ACR_PASSWORD: &str = "urn:doorward:acr:password";
/// `acr` of a sign-in by password on a device that proved itself.
pub(in crate::oidc) const ACR_PASSWORD_AND_DEVICE: &str = "urn:doorward:acr:password-and-device";

/// What was proved: the methods for `amr`, and the class for `acr`.
fn proven(authentication: &Authentication, signals: &Signals) -> (Vec<String>, &'static str) {
    let mut methods: Vec<String> = authentication.methods.iter().cloned().collect();
    if signals.device.fact.value().is_none() {
        return (methods, ACR_PASSWORD);
    }
    // Proof of possession of a key in software (RFC 8176, section 2): nothing says hardware.
    methods.push("swk".to_owned());
    (methods, ACR_PASSWORD_AND_DEVICE)
}
