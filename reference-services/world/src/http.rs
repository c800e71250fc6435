//! HTTP between services: requests go by service name, answers are whole.

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};

use crate::Boxed;

/// Calls other services and serves this one.
pub trait Http: Send + Sync {
    /// Sends a request to a service by name; the URI holds path and query only.
    ///
    /// # Errors
    /// When the service is away, resets the connection, or does not answer in time. A reset or a time-out does not say
    /// whether the request was carried out.
    fn call<'a>(&'a self, service: &'a str, request: Request<Bytes>) -> Boxed<'a, Result<Response<Bytes>, HttpError>>;

    /// Begins to serve this node's router; returns when it is reachable.
    ///
    /// # Errors
    /// When the address is taken.
    fn serve(&self, router: Router) -> Boxed<'_, Result<(), HttpError>>;

    /// Takes no more requests; returns when the last one that was taken is answered.
    fn stop(&self) -> Boxed<'_, ()>;
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// Nobody listens.
    #[error("connection refused by {0}")]
    Refused(String),
    /// The callee died or hung up before it had answered.
    #[error("connection reset by {0}")]
    Reset(String),
    /// No answer in time.
    #[error("no answer from {0} in time")]
    Timeout(String),
}

impl HttpError {
    /// The value of `error.type`.
    #[must_use]
    pub const fn error_type(&self) -> &'static str {
        match self {
            Self::Refused(_) => "connection_refused",
            Self::Reset(_) => "connection_reset",
            Self::Timeout(_) => "timeout",
        }
    }
}
