//! The application behind a request of Okta: Okta asks for one factor, and says which of its applications the person
//! wants to open. What the policies make of that is left to `access`; the parameters themselves to `parameters`.

use std::sync::Arc;

use doorward_engine::Application;
use serde_json::{Map, Value};

use crate::access;
use crate::directory::clients::ClientRecord;
use crate::directory::profile::{ApplicationContext, OktaFactor, TwoApplications};
use crate::domain::authentication::Authentication;
use crate::oidc::page_error::PageError;
use crate::oidc::parameters::Parameters;
use crate::oidc::provider::Provider;
use crate::oidc::session::{Hint, Standing, Subject};

/// The parameter with the name of the application, and the claim that answers it.
const NAME: &str = "app_name";
/// The parameter with the identifier of the application's instance, and the claim that answers it.
const INSTANCE: &str = "app_instance_id";

/// Longest name or identifier, in characters. Both come back in the ID token.
const LONGEST: usize = 255;

/// What Okta says about the application.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::oidc::authorize) struct Context<'p> {
    pub(in crate::oidc::authorize) name: Option<&'p str>,
    pub(in crate::oidc::authorize) instance: Option<&'p str>,
}

/// The parameter in question says two things, or too much.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contradiction;

impl<'p> Context<'p> {
    /// As the parameters say first, for the record: it is decided on nothing that contradicts itself.
    pub(in crate::oidc::authorize) fn first(parameters: &'p Parameters) -> Self {
        Self {
            name: stated(parameters, NAME).next(),
            instance: stated(parameters, INSTANCE).next(),
        }
    }

    /// As the parameters say it. Okta's documents spell their names in two ways; where a request has both, they have
    /// to agree.
    fn of(parameters: &'p Parameters) -> Result<Self, Contradiction> {
        Ok(Self {
            name: agreed(parameters, NAME)?,
            instance: agreed(parameters, INSTANCE)?,
        })
    }

    /// The claims that tell Okta which application was decided on: what is said here is what was asked, word for word.
    /// The parameters pass through the hands of the person, and Okta compares.
    fn claims(&self) -> Map<String, Value> {
        [(NAME, self.name), (INSTANCE, self.instance)]
            .into_iter()
            .filter_map(|(claim, value)| Some((claim.to_owned(), Value::from(value?))))
            .collect()
    }
}

/// The application that the request is for, and the claims that say so. `signed` tells whether the parameters are those
/// of a request that the client has signed.
pub(super) fn application(
    client: &ClientRecord,
    okta: &OktaFactor,
    parameters: &Parameters,
    signed: bool,
) -> Result<(Application, Map<String, Value>), PageError> {
    let unclear = || {
        PageError::bad_parameter(
            "OktaAppName",
            "The link does not say clearly which application it is for.",
        )
    };
    let context = match okta.context {
        // Anybody could have written it: as if it were not there.
        ApplicationContext::Signed if !signed => Context::default(),
        ApplicationContext::Signed | ApplicationContext::Unsigned => {
            Context::of(parameters).map_err(|Contradiction| unclear())?
        }
    };
    let behind = okta
        .application(context.instance, context.name)
        .map_err(|TwoApplications| unclear())?;
    let application = access::application(client, behind.unwrap_or(&client.application));
    Ok((application, context.claims()))
}

/// Whom Okta asks about, where it has signed that: it has seen to the first factor, so that only the policies can bring
/// the password.
pub(super) fn hinted(cx: &Provider, parameters: &Parameters, signed: bool) -> Option<Subject> {
    let hint = parameters.get("login_hint").filter(|_| signed)?;
    let users = cx.users.current();
    let user = users.value.by_username(hint)?;
    (!user.disabled).then(|| Subject {
        user: Arc::clone(user),
        users: users.digest,
        standing: Standing::Hinted {
            authentication: Authentication::default(),
            by: Hint::Signed,
        },
    })
}

/// The one value of a parameter, in whichever spelling.
fn agreed<'p>(parameters: &'p Parameters, claim: &str) -> Result<Option<&'p str>, Contradiction> {
    let mut values = stated(parameters, claim);
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.any(|other| other != first) || first.chars().count() > LONGEST {
        return Err(Contradiction);
    }
    Ok(Some(first))
}

/// What the parameters say that answer to this claim: `OktaAppName`, `oktaappname` or `okta_app_name` to `app_name`.
fn stated<'p>(parameters: &'p Parameters, claim: &str) -> impl Iterator<Item = &'p str> {
    let wanted = format!("okta{}", plain(claim));
    parameters.all(move |name| plain(name) == wanted)
}

/// A name without what its spellings differ in.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| *letter != '_');
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::client_secret;
    use crate::directory::clients::Clients;
    use crate::directory::profile::Profile;
    use crate::domain::entropy::SeededEntropy;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        let pairs = pairs.iter();
        let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Parameters::stored(pairs.collect())
    }

    fn clients(more: &str) -> Clients {
        let (_, secret) = client_secret::generate(&SeededEntropy::new(1));
        let text = format!(
            "[[client]]\nid = 'okta'\nprofile = 'okta-factor'\napplication = 'others'\nsecret = '{secret}'\n\
             redirect_uris = ['https://example.okta.com/oauth2/v1/authorize/callback']\n\
             applications = {{ '0oa1' = 'payroll', 'Wiki' = 'wiki' }}\n{more}\n"
        );
        let clients = Clients::parse_everything(&text, "clients.toml").unwrap();
        clients.value
    }

    /// The application that is decided on, and what Okta is told; nothing where the request is refused.
    fn asked(more: &str, pairs: &[(&str, &str)], signed: bool) -> Option<(String, Value)> {
        let clients = clients(more);
        let client = clients.by_id("okta").unwrap();
        let Profile::OktaFactor(okta) = &client.profile else {
            panic!("another profile");
        };
        let (application, claims) = application(client, okta, &parameters(pairs), signed).ok()?;
        Some((application.id, Value::Object(claims)))
    }

    fn plainly(pairs: &[(&str, &str)]) -> Option<(String, Value)> {
        asked("", pairs, false)
    }

    #[test]
    fn the_instance_decides_and_then_the_name_and_then_the_client() {
        for (pairs, id) in [
            (
                vec![("OktaAppName", "Pay roll"), ("OktaAppInstanceId", "0oa1")],
                "payroll",
            ),
            (
                vec![("OktaAppName", "Wiki"), ("OktaAppInstanceId", "0oa9")],
                "wiki",
            ),
            (vec![("OktaAppName", "Wiki")], "wiki"),
            (vec![("OktaAppName", "wiki")], "others"),
            (Vec::new(), "others"),
        ] {
            assert_eq!(plainly(&pairs).unwrap().0, id, "{pairs:?}");
        }
        // One of the two has been changed on the way.
        let two = [("OktaAppName", "Wiki"), ("OktaAppInstanceId", "0oa1")];
        assert_eq!(plainly(&two), None);
    }

    #[test]
    fn both_spellings_count_and_are_told_as_they_were_asked() {
        for (name, instance) in [
            ("OktaAppName", "OktaAppInstanceId"),
            ("oktaappname", "oktaappinstanceid"),
            ("okta_app_name", "okta_app_instance_id"),
        ] {
            let found = plainly(&[(name, "Pay roll"), (instance, "0oa1")]).unwrap();
            let told = json!({"app_name": "Pay roll", "app_instance_id": "0oa1"});
            assert_eq!(found, ("payroll".to_owned(), told), "{name}");
        }
        let unknown = plainly(&[("OktaAppInstanceId", "0oa9")]).unwrap();
        let told = json!({"app_instance_id": "0oa9"});
        assert_eq!(unknown, ("others".to_owned(), told));
        assert_eq!(plainly(&[]).unwrap().1, json!({}));
    }

    #[test]
    fn spellings_that_disagree_are_refused() {
        let agreeing = [("OktaAppInstanceId", "0oa1"), ("oktaappinstanceid", "0oa1")];
        assert_eq!(plainly(&agreeing).unwrap().0, "payroll");
        let disagreeing = [("OktaAppInstanceId", "0oa1"), ("oktaappinstanceid", "0oa2")];
        assert_eq!(plainly(&disagreeing), None);
        let names = [("OktaAppName", "Wiki"), ("okta_app_name", "wiki")];
        assert_eq!(plainly(&names), None);
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(plainly(&[("OktaAppName", &long)]), None);
    }

    #[test]
    fn a_client_that_signs_is_believed_only_what_it_has_signed() {
        let signs = "application_context = 'signed'\njwks_uri = 'https://example.okta.com/keys'\n\
                     request_object = 'optional'";
        let pairs = [("OktaAppInstanceId", "0oa1")];
        let plain = asked(signs, &pairs, false).unwrap();
        assert_eq!(plain, ("others".to_owned(), json!({})));
        let signed = asked(signs, &pairs, true).unwrap();
        assert_eq!(signed.0, "payroll");
        assert_eq!(signed.1, json!({"app_instance_id": "0oa1"}));
    }
}
