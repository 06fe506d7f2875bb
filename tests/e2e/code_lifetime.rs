//! The end of a code that nobody redeems: from then on it is good for nothing, and whoever comes with it
//! is late and no thief.

use chrono::TimeDelta;
use doorward_tests::{ANA, Installation, WIKI, eventually, now};

use crate::journey::{arrive, code, provider_in};

/// The shortest life that the configuration gives to a code.
const LIFETIME: TimeDelta = TimeDelta::seconds(1);

#[tokio::test]
async fn a_code_that_is_too_old_is_refused_and_counts_as_no_replay() {
    let installation = Installation::new();
    installation.append("doorward.toml", "\n[tokens]\ncode_lifetime = \"1s\"\n");
    let provider = provider_in(installation).await;
    let wiki = provider.relying_party(WIKI).await;
    let mut browser = provider.browser_on("mbp-ana");
    arrive(&wiki, &mut browser, ANA).await.answer();

    // A busy machine may be too late once, but not each time.
    eventually("code that is redeemed in time", async || {
        let (attempt, code) = code(&wiki, &mut browser).await;
        let form = wiki.redemption(&attempt, &code);
        (wiki.token_page(&form).await.status == 200).then_some(())
    })
    .await;

    let (attempt, code) = code(&wiki, &mut browser).await;
    let received = now();
    eventually("end of the code", async || {
        (now() - received >= LIFETIME).then_some(())
    })
    .await;
    let form = wiki.redemption(&attempt, &code);
    // The second time as well: a code that was never redeemed cannot be redeemed twice.
    for _ in 0..2 {
        let page = wiki.token_page(&form).await;
        assert_eq!(page.status, 400, "{page}");
        let answer = page.json();
        assert_eq!(answer["error"], "invalid_grant", "{page}");
        let description = answer["error_description"].as_str().unwrap_or_default();
        assert!(description.contains("too old"), "{page}");
        assert!(answer.get("access_token").is_none(), "{page}");
    }
}
