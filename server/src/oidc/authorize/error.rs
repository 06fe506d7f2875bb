//! Errors of the walk once the client is known: what goes back to the client, and what stays a page.

use crate::oidc::page_error::PageError;
use crate::storage::StorageError;
use crate::tokens::TokenError;

/// An error that goes to the client through the browser (RFC 6749, section 4.1.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RedirectError {
    pub(super) error: ErrorCode,
    pub(super) description: String,
}

/// Error codes of OAuth 2.0 and OpenID Connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorCode {
    InvalidRequest,
    InvalidScope,
    /// RFC 8707, section 2.
    InvalidTarget,
    UnsupportedResponseType,
    AccessDenied,
    /// OpenID Connect Core 1.0, section 3.1.2.6, and so the following.
    LoginRequired,
    InteractionRequired,
    RequestNotSupported,
    RequestUriNotSupported,
    RegistrationNotSupported,
    /// OpenID Connect Core Error Code `unmet_authentication_requirements` 1.0, section 2.
    UnmetAuthenticationRequirements,
}

impl ErrorCode {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::InteractionRequired => "interaction_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
        }
    }
}

impl ErrorCode {
    /// Whether a client that does not take the answer could send the browser back for the same: the request was right,
    /// and it was about somebody.
    pub(super) fn answers(self) -> bool {
        matches!(
            self,
            Self::AccessDenied
                | Self::LoginRequired
                | Self::InteractionRequired
                | Self::UnmetAuthenticationRequirements
        )
    }
}

impl RedirectError {
    pub(super) fn new(error: ErrorCode, description: impl Into<String>) -> Self {
        Self {
            error,
            description: description.into(),
        }
    }
}

/// Why a walk ended without an answer.
#[derive(Debug)]
pub(super) enum WalkError {
    /// The client's request is wrong: it is told.
    Client(RedirectError),
    /// The provider failed: the person is told, since a client could only send them here again.
    Page(PageError),
}

impl From<RedirectError> for WalkError {
    fn from(error: RedirectError) -> Self {
        Self::Client(error)
    }
}

impl From<PageError> for WalkError {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl From<StorageError> for WalkError {
    fn from(error: StorageError) -> Self {
        Self::Page(error.into())
    }
}

impl From<TokenError> for WalkError {
    fn from(error: TokenError) -> Self {
        Self::Page(error.into())
    }
}
