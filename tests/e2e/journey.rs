//! Ways that many tests go. What is to be found at their end is left to the tests.

use doorward_tests::{
    Arrival, Attempt, Browser, Credentials, Installation, RelyingParty, TestProvider, Tokens,
};

use crate::BINARY;

/// A provider with the starter policies.
pub(crate) async fn provider() -> TestProvider {
    TestProvider::start(BINARY).await
}

/// A provider with these files.
pub(crate) async fn provider_in(installation: Installation) -> TestProvider {
    TestProvider::start_in(BINARY, installation).await
}

/// Goes as far as this person gets.
pub(crate) async fn arrive(
    client: &RelyingParty,
    browser: &mut Browser,
    person: Credentials,
) -> Arrival {
    browser.walk(client.begin().url.as_str(), person).await
}

/// Signs this person in, all the way to verified tokens.
pub(crate) async fn sign_in(
    client: &RelyingParty,
    browser: &mut Browser,
    person: Credentials,
) -> Tokens {
    let attempt = client.begin();
    let answer = browser.walk(attempt.url.as_str(), person).await.answer();
    client.redeem(&attempt, &answer).await
}

/// A code for a browser that is signed in, with the attempt it belongs to.
pub(crate) async fn code(client: &RelyingParty, browser: &mut Browser) -> (Attempt, String) {
    let attempt = client.begin();
    let answer = browser.visit(attempt.url.as_str()).await.answer();
    client.check(&attempt, &answer);
    let code = answer.code().to_owned();
    (attempt, code)
}
