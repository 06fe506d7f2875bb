//! Waiting for another process: the one place in the tests that lets time pass. What is waited for
//! is asked again and again, and not having come about in time is a failure.

use std::time::Duration;

use tokio::time::{sleep, timeout};

/// How long a change of files, or another process, may take before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks until there is an answer.
pub async fn eventually<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, ask).await
}

/// Asks until there is an answer, this long at most.
pub async fn eventually_within<T>(
    patience: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> T {
    let answer = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            sleep(PAUSE).await;
        }
    };
    timeout(patience, answer)
        .await
        .unwrap_or_else(|_| panic!("after {patience:?}: still no {what}"))
}
