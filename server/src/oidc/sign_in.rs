//! `POST /sign-in`: the password. Attempts are counted before anything is verified, unknown users cost
//! as much as known ones, and the session's cookie is new afterwards. An attempt that succeeds is given back.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use zeroize::Zeroizing;

use super::authorize::{self, Carried, SignInPage, find_transaction, no_store};
use super::browser::Browser;
use super::origin::Origin;
use super::page_error::PageError;
use super::parameters::Parameters;
use super::provider::Provider;
use super::session;
use crate::directory::users::Users;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{Reference, UserId};
use crate::domain::secret::SecretHash;
use crate::domain::transaction::{Stage, Transaction};
use crate::storage::{Attempt, StorageError, UnitOfWork};
use crate::web::csrf::{self, Purpose};
use crate::web::pages::SignInError;

/// `POST /sign-in`.
pub async fn post(State(cx): State<Provider>, browser: Browser, body: Bytes) -> Response {
    match sign_in(&cx, &browser, &body).await {
        Ok(response) => response,
        Err(error) => error.respond(&cx, &browser).await,
    }
}

async fn sign_in(cx: &Provider, browser: &Browser, body: &[u8]) -> Result<Response, PageError> {
    let form = Parameters::parse(body)?;
    let now = cx.now();
    let transaction = find_transaction(cx, browser, form.get("transaction"), now).await?;
    let cookie = browser.identity().ok_or_else(PageError::foreign_form)?;
    let token = form.get("csrf").unwrap_or("");
    if !csrf::same_origin(&browser.headers, &cx.issuer)
        || !csrf::verify(&cookie, Purpose::SignIn, Some(&transaction.id), token)
    {
        return Err(PageError::foreign_form());
    }
    let username = form.get("username").unwrap_or("").trim().to_owned();
    let password = Zeroizing::new(form.get("password").unwrap_or("").to_owned());

    let users = cx.users.current();
    let origin = Origin::of(cx, browser, now);
    let counted = Counted {
        address: SecretHash::of(format!("address {origin}").as_bytes()),
        account: account_key(&users.value, &username),
    };
    if let Some(until) = counted.blocked(cx, now).await? {
        let error = SignInError::throttled(until, now);
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut response = again(cx, &transaction, &cookie, username, error, status);
        let seconds = (until - now).num_seconds().max(1);
        if let Ok(value) = HeaderValue::try_from(seconds.to_string()) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        return Ok(response);
    }
    let hinted = hinted(cx, &transaction);
    // Where the consumer says whom it is about, nobody else's password will do.
    let user = users
        .value
        .by_username(&username)
        .filter(|user| !user.disabled)
        .filter(|user| hinted.as_ref().is_none_or(|hinted| hinted.user == user.id));
    if !cx
        .passwords
        .verify(user.map(|user| &user.password), password)
        .await
    {
        tracing::info!(transaction = %transaction.id, "password refused");
        let (error, status) = (SignInError::WrongCredentials, StatusCode::FORBIDDEN);
        return Ok(again(cx, &transaction, &cookie, username, error, status));
    }
    // INVARIANT: without a user the verification above fails.
    let user = user.ok_or_else(PageError::unavailable)?;

    let old = session::current(cx, browser, now)
        .await?
        .map(|subject| subject.session);
    let mut work = cx.storage.begin().await?;
    counted.succeeded(work.as_mut()).await?;
    let device = transaction.device.clone();
    // However often the password of one sign-in is sent, it was begun once.
    let finishes = transaction.reauthenticated_at.is_none();
    // Whoever the consumer vouches for gets no session, unless its profile has a use for one.
    let begun = if hinted.is_none_or(|hinted| hinted.keeps_session) {
        Some(session::after_password(cx, work.as_mut(), user, old, device, now).await?)
    } else {
        None
    };
    let (session, set_cookie) = begun.unzip();
    let authenticated = Transaction {
        session: session.or_else(|| transaction.session.clone()),
        reauthenticated_at: Some(now),
        stage: Stage::Started,
        // A denial keeps its reference to itself: what becomes of the request now is another story.
        reference: match transaction.stage {
            Stage::Denied => Reference::generate(cx.entropy.as_ref()),
            _ => transaction.reference,
        },
        ..transaction
    };
    if !work.transactions().update(&authenticated).await? {
        return Err(PageError::no_transaction());
    }
    work.commit().await?;
    // Somebody else's session may have ended with it.
    cx.backchannel.wake();
    if finishes {
        cx.intake.finish(origin);
    }
    // 303: the next request carries no password (RFC 9700, section 4.12).
    let next = cx.endpoint(&format!(
        "/authorize/resume?transaction={}",
        authenticated.id
    ));
    let mut response = no_store(Redirect::to(&next).into_response());
    if let Some(set_cookie) = set_cookie {
        response
            .headers_mut()
            .append(header::SET_COOKIE, set_cookie);
    }
    Ok(response)
}

/// Whom a stored request is about, where its profile knows without a session.
#[derive(Debug)]
struct Hinted {
    user: UserId,
    keeps_session: bool,
}

fn hinted(cx: &Provider, transaction: &Transaction) -> Option<Hinted> {
    let clients = cx.clients.current();
    let client = clients.value.by_id(transaction.client.as_str())?;
    let carried = Carried::read(transaction.carried.as_deref());
    let parameters = Parameters::stored(transaction.parameters.clone());
    let subject = authorize::hinted(cx, client, &parameters, &carried)?;
    Some(Hinted {
        user: subject.user.id.clone(),
        keeps_session: authorize::keeps_session(client),
    })
}

/// What the attempts of a sign-in are counted under.
#[derive(Debug)]
struct Counted {
    address: SecretHash,
    account: SecretHash,
}

impl Counted {
    /// Counts this attempt; until when there were too many already, if so. The address comes first, and
    /// one that is blocked counts for no account: else a single address could keep everybody out.
    async fn blocked(
        &self,
        cx: &Provider,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StorageError> {
        let limits = cx.throttling;
        let mut work = cx.storage.begin().await?;
        let mut attempt = work
            .throttle()
            .attempt(&self.address, now, limits.window, limits.per_address)
            .await?;
        if matches!(attempt, Attempt::Allowed { .. }) {
            attempt = work
                .throttle()
                .attempt(&self.account, now, limits.window, limits.per_account)
                .await?;
        }
        work.commit().await?;
        Ok(match attempt {
            Attempt::Blocked { until } => Some(until),
            Attempt::Allowed { .. } => None,
        })
    }

    /// The right password clears its account. The address gets just this attempt back: whoever knows
    /// one password must not be able to guess others without end by entering it in between.
    async fn succeeded(&self, work: &mut dyn UnitOfWork) -> Result<(), StorageError> {
        work.throttle().clear(&self.account).await?;
        work.throttle().give_back(&self.address).await
    }
}

/// The account, by whichever of its names; a name that nobody has is counted as if somebody had it.
fn account_key(users: &Users, username: &str) -> SecretHash {
    let account = users.by_username(username).map_or_else(
        || format!("name {}", username.to_lowercase()),
        |user| format!("user {}", user.id),
    );
    SecretHash::of(account.as_bytes())
}

/// The page again, with what was wrong.
fn again(
    cx: &Provider,
    transaction: &Transaction,
    cookie: &crate::domain::secret::Secret,
    username: String,
    error: SignInError,
    status: StatusCode,
) -> Response {
    let clients = cx.clients.current();
    let client = clients.value.by_id(transaction.client.as_str());
    let parameters = Parameters::stored(transaction.parameters.clone());
    let shown = SignInPage {
        application_name: client.map_or_else(
            || transaction.client.to_string(),
            |client| client.name.clone(),
        ),
        redirect_uri: parameters.get("redirect_uri").unwrap_or(""),
        username,
        username_fixed: false,
        why: None,
        error: Some(error),
    };
    shown.respond(cx, status, &transaction.id, cookie)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Users {
        let text = "[[user]]\nid = 'u-1'\nusername = 'ana'\nemail = 'ana@example.com'\n\
                    password = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$\
                    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'\n";
        Users::parse(text, "users.toml").unwrap().value
    }

    #[test]
    fn all_names_of_an_account_are_one_account() {
        let users = users();
        let account = account_key(&users, "ana");
        assert_eq!(account_key(&users, "ANA"), account);
        assert_eq!(account_key(&users, "ana@example.com"), account);
        assert_ne!(account_key(&users, "bo"), account);
    }

    #[test]
    fn a_name_that_nobody_has_is_an_account_of_its_own_whatever_its_case() {
        let users = users();
        assert_eq!(account_key(&users, "Nobody"), account_key(&users, "nobody"));
        // Nor can a name be chosen that counts against somebody else.
        assert_ne!(account_key(&users, "u-1"), account_key(&users, "ana"));
    }
}
