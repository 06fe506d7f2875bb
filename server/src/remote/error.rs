//! Why another server could not be asked, or its answer not be used, in words for operators. What the server
//! answered is never repeated.

use std::error::Error;
use std::time::Duration;

/// Why there is no answer, or none to use. The words go on after the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// Anybody on the way could answer.
    #[error("is no `https` URL")]
    Insecure,
    /// A password in a URL ends in logs.
    #[error("has a user name or a password in it")]
    Credentials,
    /// There is nobody to believe.
    #[error(
        "cannot be believed: this machine knows no certificate authorities, and `authorities` in `[outbound]` names none"
    )]
    NoAuthorities,
    /// There is no connection to the server.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The connection ended before the answer did.
    #[error("broke off: {0}")]
    BrokeOff(String),
    /// The server takes too long.
    #[error("did not answer within {}", humantime::format_duration(*.0))]
    TimedOut(Duration),
    /// The server names another place.
    #[error("answers with status {0} and another place, and redirects are not followed")]
    Redirects(u16),
    /// The server has no such document.
    #[error("answers with status {0}")]
    Status(u16),
    /// The document is larger than this many bytes.
    #[error("holds more than {0} bytes")]
    TooLarge(usize),
    /// The document is not what it should be.
    #[error("cannot be used: {0}")]
    Unusable(String),
    /// The fetch was ended from outside, as at a shutdown.
    #[error("has not been fetched")]
    NotFetched,
}

impl RemoteError {
    /// What the HTTP client could not do within `limit`. The client wraps causes into each other; the innermost is
    /// what a person wants to know.
    pub(super) fn of(error: &reqwest::Error, limit: Duration) -> Self {
        if error.is_timeout() {
            Self::TimedOut(limit)
        } else if error.is_connect() {
            Self::Unreachable(innermost(error))
        } else {
            Self::BrokeOff(innermost(error))
        }
    }
}

/// The last words of a chain of causes.
pub(super) fn innermost(error: &dyn Error) -> String {
    let mut inner = error;
    while let Some(cause) = inner.source() {
        inner = cause;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_go_on_after_a_url() {
        let slow = RemoteError::TimedOut(Duration::from_secs(5));
        assert_eq!(slow.to_string(), "did not answer within 5s");
        let gone = RemoteError::Status(404);
        assert_eq!(gone.to_string(), "answers with status 404");
    }
}
