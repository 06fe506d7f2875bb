//! Okta asks for the posture of a device: it gets an answer whatever the answer is, and refuses the person itself. Here is
//! whom an answer is about, and the way to it: past the device host, and past no other page where that is enough. What
//! is said of the device is left to `access`.

use std::sync::Arc;

use axum::response::Response;
use doorward_engine::{Action, Device};

use crate::access::Question;
use crate::directory::users::{UserRecord, Users};
use crate::domain::authentication::Authentication;
use crate::domain::ids::UserId;
use crate::domain::transaction::DeviceCheck;
use crate::oidc::authorize::client::RedirectTarget;
use crate::oidc::authorize::error::WalkError;
use crate::oidc::authorize::interaction::LoginPrompt;
use crate::oidc::authorize::request::AuthorizationRequest;
use crate::oidc::authorize::{Visit, could_check, issue, pending};
use crate::oidc::origin::Origin;
use crate::oidc::page_error::PageError;
use crate::oidc::session::{self, Hint, SignedIn, Standing, Subject};
use crate::oidc::subject;
use crate::reload::Digest;

/// The rest of the walk: the device first, since that costs no typing; then whom it is about; then the answer.
pub(in crate::oidc::authorize) async fn answer(
    visit: &Visit<'_>,
    target: &RedirectTarget,
    request: &AuthorizationRequest,
) -> Result<Response, WalkError> {
    let cx = visit.cx;
    let signed_in = session::current(cx, visit.browser, visit.now).await?;
    admit(visit, signed_in.as_ref())?;

    let stored = visit.transaction.as_ref();
    let proof = session::newest(
        stored.and_then(|transaction| transaction.device.clone()),
        signed_in
            .as_ref()
            .and_then(|signed_in| signed_in.session.device.clone()),
    );
    let check = stored.map_or(DeviceCheck::NotDone, |transaction| transaction.device_check);
    let signals = cx.signals.gather(
        visit.browser.peer.address,
        &visit.browser.headers,
        proof.as_ref(),
        check,
        visit.now,
    );
    if could_check(visit, request, &signals) {
        return pending::device_first(visit, target).await;
    }

    let users = cx.users.current();
    let asked = Asked {
        users: &users.value,
        digest: users.digest,
        hint: request.login_hint.as_deref(),
        device: signals.device.fact.value(),
        entered: stored.is_some_and(|transaction| transaction.reauthenticated_at.is_some()),
    };
    let stranger = signed_in.is_none();
    let found = asked.about(signed_in).filter(|about| {
        // Nobody else may be answered for (OpenID Connect Core 1.0, section 3.1.2.2).
        let name = subject::of(cx, target.client(), &about.subject.user);
        let expected = request.expected_user.as_ref();
        expected.is_none_or(|expected| expected.includes(&name))
    });
    let Some(about) = found else {
        let prompt = LoginPrompt {
            username: request.login_hint.clone().unwrap_or_default(),
            ..LoginPrompt::default()
        };
        return pending::sign_in(visit, target, request, prompt).await;
    };
    let standing = &about.subject.standing;
    let question = Question {
        action: Action::Posture,
        user: &about.subject.user,
        client: target.client(),
        application: target.application(),
        authentication: standing.authentication(),
        signals: &signals,
        now: visit.now,
    };
    let report = cx.access.report(&question, about.theirs);
    let response = issue::report(visit, target, request, &about.subject, &signals, report).await?;
    if stranger && !standing.is_strangers() {
        // An office in which all devices are checked is no flood.
        cx.intake.finish(Origin::of(cx, visit.browser, visit.now));
    }
    Ok(response)
}

/// Lets in a browser that nothing is known of, unless too many came from there. Each of them makes a record at least,
/// also where no page may be shown.
fn admit(visit: &Visit<'_>, signed_in: Option<&SignedIn>) -> Result<(), PageError> {
    if signed_in.is_some() || visit.transaction.is_some() {
        return Ok(());
    }
    let origin = Origin::of(visit.cx, visit.browser, visit.now);
    let begun = visit.cx.intake.begin(origin, visit.now);
    begun.map_err(|until| PageError::too_many(until, visit.now))
}

/// What there is to tell by whom an answer is about.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    users: &'a Users,
    digest: Digest,
    /// Whom Okta names.
    hint: Option<&'a str>,
    /// The device that proved itself.
    device: Option<&'a Device>,
    /// Whether a password was entered for this very request.
    entered: bool,
}

/// Whom an answer is about.
#[derive(Debug)]
struct About {
    subject: Subject,
    /// Whether the device is the user's: assigned to them, or to nobody and in the hands of who entered their password.
    theirs: bool,
}

impl Asked<'_> {
    /// Whom the answer is about; nobody, where only a password can tell.
    fn about(&self, signed_in: Option<SignedIn>) -> Option<About> {
        match (self.hint, self.hint.and_then(|hint| self.named(hint))) {
            (_, Some(user)) if self.owns(&user.id) => Some(self.owner(user)),
            (_, Some(user)) => {
                let signed_in = signed_in.filter(|signed_in| signed_in.user.id == user.id);
                Some(match signed_in {
                    Some(signed_in) => self.proven(signed_in),
                    None => About {
                        subject: self.hinted(user, Hint::Claimed),
                        theirs: false,
                    },
                })
            }
            // Okta knows the person by another name than we do: an older session need not be theirs.
            (Some(_), None) => signed_in
                .filter(|_| self.entered)
                .map(|signed_in| self.proven(signed_in)),
            (None, None) => match self.sole_owner() {
                Some(owner) => Some(self.owner(owner)),
                None => signed_in.map(|signed_in| self.proven(signed_in)),
            },
        }
    }

    /// The user that a hint names, by whichever of their names.
    fn named(&self, hint: &str) -> Option<&Arc<UserRecord>> {
        self.users
            .by_username(hint)
            .or_else(|| self.users.by_id(&UserId::new(hint)))
            .filter(|user| !user.disabled)
    }

    /// The one user that the device is assigned to.
    fn sole_owner(&self) -> Option<&Arc<UserRecord>> {
        let mut owners = self.device?.assigned_to.iter();
        let (Some(owner), None) = (owners.next(), owners.next()) else {
            return None;
        };
        let owner = self.users.by_id(&UserId::new(owner.as_str()));
        owner.filter(|user| !user.disabled)
    }

    fn owns(&self, user: &UserId) -> bool {
        self.device
            .is_some_and(|device| device.assigned_to.contains(user.as_str()))
    }

    fn owner(&self, user: &Arc<UserRecord>) -> About {
        About {
            subject: self.hinted(user, Hint::Device),
            theirs: true,
        }
    }

    fn hinted(&self, user: &Arc<UserRecord>, by: Hint) -> Subject {
        Subject {
            user: Arc::clone(user),
            users: self.digest,
            standing: Standing::Hinted {
                authentication: Authentication::default(),
                by,
            },
        }
    }

    /// Who has entered the password in this browser.
    fn proven(&self, signed_in: SignedIn) -> About {
        let nobodys = self
            .device
            .is_some_and(|device| device.assigned_to.is_empty());
        About {
            theirs: nobodys || self.owns(&signed_in.user.id),
            subject: signed_in.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use doorward_engine::Fact;

    use super::*;
    use crate::domain::clock::Timestamp;
    use crate::domain::ids::SessionId;
    use crate::domain::session::Session;
    use crate::reload::Live;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn users() -> Live<Users> {
        let text: String = [("ana", ""), ("bo", ""), ("cy", "disabled = true\n")]
            .iter()
            .map(|(name, more)| {
                format!(
                    "[[user]]\nid = 'u-{name}'\nusername = '{name}'\nemail = '{name}@example.com'\n{more}\
                     password = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$\
                     AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n"
                )
            })
            .collect();
        Live::fixed(
            "users",
            Users::parse(&text, "users.toml").unwrap().value,
            now(),
        )
    }

    fn device(owners: &[&str]) -> Device {
        Device {
            id: "mbp".to_owned(),
            managed: Fact::known(true, "fleet", now()),
            disk_encryption: Fact::unknown("not said", "fleet"),
            compliant: Fact::unknown("not said", "fleet"),
            platform: Fact::unknown("not said", "fleet"),
            os_version: Fact::unknown("not said", "fleet"),
            assigned_to: owners
                .iter()
                .map(|&owner| owner.to_owned())
                .collect::<BTreeSet<_>>(),
            proved_at: now(),
            attributes: BTreeMap::new(),
        }
    }

    /// Whom an answer is about, how that is known, and whether the device is theirs. `session` is whose session the
    /// browser has, and whether the password was entered for this request.
    fn about(
        hint: Option<&str>,
        owners: Option<&[&str]>,
        session: Option<(&str, bool)>,
    ) -> Option<(String, &'static str, bool)> {
        let users = users().current();
        let device = owners.map(device);
        let asked = Asked {
            users: &users.value,
            digest: users.digest,
            hint,
            device: device.as_ref(),
            entered: session.is_some_and(|(_, entered)| entered),
        };
        let signed_in = session.map(|(user, _)| SignedIn {
            session: Session {
                id: SessionId::new("s"),
                user: UserId::new(user),
                authentication: Authentication::default(),
                device: None,
                created_at: now(),
                last_seen_at: now(),
                expires_at: now(),
            },
            user: Arc::clone(users.value.by_id(&UserId::new(user)).unwrap()),
            users: users.digest,
        });
        let found = asked.about(signed_in)?;
        let standing = match found.subject.standing {
            Standing::Session(_) => "session",
            Standing::Hinted {
                by: Hint::Device, ..
            } => "device",
            Standing::Hinted {
                by: Hint::Claimed, ..
            } => "claimed",
            Standing::Hinted {
                by: Hint::Signed, ..
            } => "signed",
        };
        Some((found.subject.user.id.to_string(), standing, found.theirs))
    }

    #[test]
    fn a_hint_and_the_device_of_that_user_are_enough() {
        let owners = Some(&["u-ana", "u-bo"][..]);
        for hint in ["ana", "ANA@example.com", "u-ana"] {
            assert_eq!(
                about(Some(hint), owners, None),
                Some(("u-ana".to_owned(), "device", true))
            );
        }
    }

    #[test]
    fn somebody_else_s_device_is_not_theirs_even_with_their_password() {
        let owners = Some(&["u-bo"][..]);
        assert_eq!(
            about(Some("ana"), owners, None),
            Some(("u-ana".to_owned(), "claimed", false))
        );
        let signed_in = Some(("u-ana", true));
        assert_eq!(
            about(Some("ana"), owners, signed_in),
            Some(("u-ana".to_owned(), "session", false))
        );
    }

    #[test]
    fn nobody_s_device_is_theirs_who_has_entered_the_password() {
        let nobodys = Some(&[][..]);
        assert_eq!(
            about(Some("ana"), nobodys, None),
            Some(("u-ana".to_owned(), "claimed", false))
        );
        let (ana, bo) = (Some(("u-ana", false)), Some(("u-bo", false)));
        assert_eq!(
            about(Some("ana"), nobodys, ana),
            Some(("u-ana".to_owned(), "session", true))
        );
        assert_eq!(
            about(Some("ana"), nobodys, bo),
            Some(("u-ana".to_owned(), "claimed", false))
        );
    }

    #[test]
    fn without_a_device_a_hint_is_answered_and_claims_nothing() {
        assert_eq!(
            about(Some("ana"), None, None),
            Some(("u-ana".to_owned(), "claimed", false))
        );
        assert_eq!(
            about(Some("ana"), None, Some(("u-ana", true))),
            Some(("u-ana".to_owned(), "session", false))
        );
    }

    #[test]
    fn without_a_hint_the_one_owner_of_the_device_is_meant() {
        assert_eq!(
            about(None, Some(&["u-bo"]), None),
            Some(("u-bo".to_owned(), "device", true))
        );
        let session = Some(("u-ana", false));
        assert_eq!(
            about(None, Some(&["u-bo"]), session),
            Some(("u-bo".to_owned(), "device", true))
        );
        for owners in [&["u-ana", "u-bo"][..], &[], &["u-cy"], &["u-gone"]] {
            assert_eq!(about(None, Some(owners), None), None, "{owners:?}");
        }
        assert_eq!(about(None, None, None), None);
        assert_eq!(
            about(None, None, session),
            Some(("u-ana".to_owned(), "session", false))
        );
        let both = Some(&["u-ana", "u-bo"][..]);
        assert_eq!(
            about(None, both, session),
            Some(("u-ana".to_owned(), "session", true))
        );
    }

    #[test]
    fn a_name_that_nobody_has_is_asked_for_with_a_password() {
        for hint in ["somebody", "cy", "u-cy"] {
            let owners = Some(&["u-ana"][..]);
            assert_eq!(about(Some(hint), owners, None), None, "{hint}");
            assert_eq!(about(Some(hint), owners, Some(("u-ana", false))), None);
            let entered = Some(("u-ana", true));
            assert_eq!(
                about(Some(hint), owners, entered),
                Some(("u-ana".to_owned(), "session", true))
            );
        }
    }
}
