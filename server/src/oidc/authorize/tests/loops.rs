//! What becomes of a client that does not take its answer, as time passes.

use super::*;

/// A provider that Ana is signed in to.
async fn signed_in() -> Provider {
    let cx = provider(entered()).await;
    let cookie = Secret::from_untrusted(SESSION).digest();
    let mut work = cx.storage.begin().await.unwrap();
    work.sessions().insert(&session(), &cookie).await.unwrap();
    work.commit().await.unwrap();
    cx
}

/// Ana's browser is sent here, so long after the password. Says the status of the answer, and the ending in the record.
async fn sent(
    cx: &Provider,
    browser: &Browser,
    passed: TimeDelta,
    prompt: Option<&str>,
) -> (StatusCode, Ending) {
    let mut parameters = request(None).parameters;
    parameters.extend(prompt.map(|prompt| ("prompt".to_owned(), prompt.to_owned())));
    let mut records = cx.log.listen();
    let visit = Visit {
        cx,
        browser,
        parameters: Parameters::stored(parameters),
        arrived: Arrived::default(),
        transaction: None,
        another_account: false,
        now: entered() + passed,
    };
    let response = Box::pin(enter(visit)).await;
    let record = records.try_recv().unwrap();
    (response.status(), record.ending.clone())
}

fn permitted() -> (StatusCode, Ending) {
    (StatusCode::SEE_OTHER, Ending::Permitted)
}

fn stopped(status: StatusCode) -> (StatusCode, Ending) {
    let outcome = "permitted".to_owned();
    (status, Ending::LoopStopped { outcome })
}

#[tokio::test]
async fn the_same_answer_is_kept_back_until_its_window_has_passed() {
    let (cx, browser) = (signed_in().await, browser(BROWSER));
    let at = |millis: i64| sent(&cx, &browser, TimeDelta::milliseconds(millis), None);
    for millis in [0, 1, 2] {
        assert_eq!(at(millis).await, permitted(), "{millis}");
    }
    for millis in [3, 3999] {
        let expected = stopped(StatusCode::FORBIDDEN);
        assert_eq!(at(millis).await, expected, "{millis}");
    }
    assert_eq!(at(4000).await, permitted());
}

#[tokio::test]
async fn a_loop_of_a_client_that_wants_no_page_ends_at_the_client() {
    let (cx, browser) = (signed_in().await, browser(BROWSER));
    for _ in 0..3 {
        let answer = sent(&cx, &browser, TimeDelta::zero(), Some("none")).await;
        assert_eq!(answer, permitted());
    }
    let answer = sent(&cx, &browser, TimeDelta::zero(), Some("none")).await;
    assert_eq!(answer, stopped(StatusCode::SEE_OTHER));
}

#[tokio::test]
async fn a_session_is_one_browser_whatever_its_other_cookie_says() {
    let cx = signed_in().await;
    for identity in ["first", "second", "third"] {
        let answer = sent(&cx, &browser(identity), TimeDelta::zero(), None).await;
        assert_eq!(answer, permitted(), "{identity}");
    }
    let answer = sent(&cx, &browser("fourth"), TimeDelta::zero(), None).await;
    assert_eq!(answer, stopped(StatusCode::FORBIDDEN));
}
