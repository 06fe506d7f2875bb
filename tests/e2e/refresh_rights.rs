//! Who may use a refresh token, and for what. What comes of a use that is right is left to `refresh`.

use doorward_tests::{JAPAN, SINGAPORE, WIKI};
use serde_json::Value;

use crate::refresh::{
    MAIL, NOTES, OFFLINE, assert_error, change, form, provider, record_of, refresh, refreshed,
    send, tokens,
};

#[tokio::test]
async fn less_can_be_asked_for_and_more_cannot() {
    let provider = provider().await;
    let mut browser = provider.browser_on("mbp-ana");
    let first = tokens(&provider, NOTES, &mut browser, "openid email").await;
    let asked = |tokens: &Value, scope: &str| {
        let mut form = form(NOTES, tokens);
        form.insert("scope".to_owned(), scope.to_owned());
        form
    };
    let wider = send(&provider, &asked(&first, "openid profile"), SINGAPORE).await;
    assert_error(&wider, "invalid_scope");

    let page = send(&provider, &asked(&first, "openid"), SINGAPORE).await;
    assert_eq!(page.status, 200, "{page}");
    let second = page.json();
    assert_eq!(second["scope"], "openid");
    // The next one can have all that was granted (RFC 6749, section 6).
    let third = refreshed(&provider, NOTES, &second).await;
    assert_eq!(third["scope"], "openid email");
}

#[tokio::test]
async fn a_token_is_for_its_client_and_for_a_user_who_is_still_one() {
    let provider = provider().await;
    let mut browser = provider.browser_on("mbp-ana");
    let notes = tokens(&provider, NOTES, &mut browser, "openid").await;
    let mail = tokens(&provider, MAIL, &mut browser, OFFLINE).await;

    let mut theirs = form(MAIL, &mail);
    theirs.extend([(
        "refresh_token".to_owned(),
        form(NOTES, &notes)["refresh_token"].clone(),
    )]);
    assert_error(&send(&provider, &theirs, SINGAPORE).await, "invalid_grant");
    let mut without = form(MAIL, &mail);
    without.remove("client_secret");
    let page = send(&provider, &without, SINGAPORE).await;
    assert_eq!(page.status, 401, "{page}");
    // Neither has used anything up.
    let notes = refreshed(&provider, NOTES, &notes).await;
    let mail = refreshed(&provider, MAIL, &mail).await;

    let disabled = "id = 'u-ana'\ndisabled = true\n";
    change(&provider, "users", "users.toml", "id = 'u-ana'\n", disabled).await;
    for (client, held) in [(NOTES, &notes), (MAIL, &mail)] {
        let page = refresh(&provider, client, held).await;
        assert_error(&page, "invalid_grant");
        let record = record_of(&provider, &page).await;
        assert_eq!(record["ending"], "refused", "{record}");
    }
}

#[tokio::test]
async fn only_who_may_refresh_is_given_a_token() {
    let provider = provider().await;
    let mut browser = provider.browser_on("mbp-ana");
    let wiki = tokens(&provider, WIKI, &mut browser, "openid email").await;
    assert!(wiki.get("refresh_token").is_none(), "{wiki}");
    let mail = tokens(&provider, MAIL, &mut browser, "openid email").await;
    assert!(mail.get("refresh_token").is_none(), "{mail}");

    let notes = tokens(&provider, NOTES, &mut browser, "openid").await;
    let page = refresh(&provider, WIKI, &notes).await;
    assert_error(&page, "unauthorized_client");

    let url = provider.url("/.well-known/openid-configuration");
    let document = provider.get(&url).await.json();
    let contains = |name: &str, value: &str| {
        let values = document[name].as_array().expect("a list");
        values.iter().any(|known| known == value)
    };
    assert!(contains("grant_types_supported", "refresh_token"));
    assert!(contains("scopes_supported", "offline_access"));
}

#[tokio::test]
async fn a_refresh_can_be_explained_and_replayed() {
    let provider = provider().await;
    let mut browser = provider.browser_on("mbp-ana");
    let notes = tokens(&provider, NOTES, &mut browser, "openid").await;
    let abroad = send(&provider, &form(NOTES, &notes), JAPAN).await;
    let record = record_of(&provider, &abroad).await;
    refreshed(&provider, NOTES, &notes).await;

    let reference = record["reference"].as_str().expect("a reference");
    let explained = provider
        .command(&["explain", reference, "--config", "doorward.toml"])
        .await;
    for part in ["The client was given no new tokens.", "refresh", "JP"] {
        assert!(explained.stdout.contains(part), "{explained:?}");
    }
    let replayed = provider.command(&["replay", "decisions.jsonl"]).await;
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
}
