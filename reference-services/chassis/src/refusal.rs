//! Why a service did not do what it was asked, and how it says so: as a problem document, as an error on a span.

use std::{borrow::Cow, sync::Arc};

use axum::response::Response;
use bytes::Bytes;
use contracts::{
    Status,
    request::{PROBLEM, Problem},
};
use http::{HeaderValue, StatusCode, header};
use world::{files::FilesError, http::HttpError, store::StoreError};

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body or the query cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// The body is larger than the service takes.
    #[error("the {what} is larger than {limit} bytes")]
    TooLarge {
        /// The body, or a part of it.
        what: &'static str,
        /// What the service takes, bytes.
        limit: usize,
    },
    /// There is no such resource.
    #[error("no route to {0}")]
    NoRoute(String),
    /// The resource knows no such method.
    #[error("{0} is not a method of this resource")]
    NoMethod(String),
    /// There is no such order.
    #[error("no order {0}")]
    UnknownOrder(Arc<str>),
    /// Somebody else has an order with this reference.
    #[error("the reference {0} is taken")]
    Taken(Arc<str>),
    /// The order is not in the state that the step starts from.
    #[error("order {order_id} is {is} and cannot become {asked}")]
    Illegal {
        /// The order.
        order_id: Arc<str>,
        /// The state it is in.
        is: Arc<str>,
        /// The state it was to enter.
        asked: Status,
    },
    /// An event came before the ones it builds on.
    #[error("order {order_id} is at version {is}, the event announces version {announced}")]
    OutOfOrder {
        /// The order.
        order_id: Arc<str>,
        /// Its version here.
        is: i64,
        /// The version the event announces.
        announced: i64,
    },
    /// It can be read and makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The database failed.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The object store failed.
    #[error("{0}")]
    Files(#[from] FilesError),
    /// A service behind this one gave no answer.
    #[error("{0}")]
    Upstream(#[from] HttpError),
    /// A service behind this one answered with an error.
    #[error("{service} answered {status}")]
    Answered {
        /// The service.
        service: &'static str,
        /// Its HTTP status.
        status: u16,
    },
    /// The service tried, and it went wrong.
    #[error("{0}")]
    Failed(String),
    /// The service is to end, and this could not be finished before.
    #[error("the service is stopping")]
    Stopping,
}

impl Refusal {
    /// The HTTP status that says it.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::NoRoute(_) | Self::UnknownOrder(_) => StatusCode::NOT_FOUND,
            Self::NoMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Illegal { .. } | Self::OutOfOrder { .. } | Self::Taken(_) => StatusCode::CONFLICT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid(_) | Self::Files(FilesError::Missing(_)) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Store(_) | Self::Files(_) | Self::Upstream(HttpError::Refused(_)) | Self::Stopping => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Upstream(HttpError::Timeout(_)) => StatusCode::GATEWAY_TIMEOUT,
            Self::Upstream(HttpError::Reset(_)) | Self::Answered { .. } => StatusCode::BAD_GATEWAY,
        }
    }

    /// The last part of the problem's `type`, and its title.
    const fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::Malformed(_) => ("malformed", "The request cannot be read"),
            Self::TooLarge { .. } => ("too-large", "The request is too large"),
            Self::NoRoute(_) => ("no-route", "No such resource"),
            Self::NoMethod(_) => ("no-method", "No such method"),
            Self::UnknownOrder(_) => ("unknown-order", "No such order"),
            Self::Taken(_) => ("taken", "The reference is taken"),
            Self::Illegal { .. } => ("illegal-transition", "The order is in another state"),
            Self::OutOfOrder { .. } => ("out-of-order", "The event came too early"),
            Self::Invalid(_) => ("invalid", "The request makes no sense"),
            Self::Store(_) => ("database-unavailable", "The database does not answer"),
            Self::Files(FilesError::Missing(_)) => ("model-missing", "There is no such model"),
            Self::Files(_) => ("files-unavailable", "The object store does not answer"),
            Self::Upstream(_) | Self::Answered { .. } => ("upstream", "A service behind this one failed"),
            Self::Failed(_) => ("failed", "It went wrong"),
            Self::Stopping => ("stopping", "The service is being stopped"),
        }
    }

    /// The value of `error.type`; `None` for a fault of the caller that is no error of this service.
    #[must_use]
    pub fn error_type(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Illegal { .. } => Some("illegal_transition".into()),
            Self::OutOfOrder { .. } => Some("out_of_order".into()),
            Self::Store(cause) => Some(cause.error_type().into()),
            Self::Files(cause) => Some(cause.error_type().into()),
            Self::Upstream(cause) => Some(cause.error_type().into()),
            Self::Answered { status, .. } => Some(status.to_string().into()),
            Self::Failed(_) => Some("failed".into()),
            Self::Stopping => Some("stopping".into()),
            _ => None,
        }
    }

    /// The value of `error.type` where a refusal is an error, whosever fault it is.
    #[must_use]
    pub fn cause(&self) -> Cow<'static, str> {
        self.error_type().unwrap_or(match self {
            Self::TooLarge { .. } => Cow::Borrowed("too_large"),
            Self::UnknownOrder(_) => Cow::Borrowed("unknown_order"),
            _ => self.kind().0.into(),
        })
    }

    /// Whether the same thing may succeed later, without anybody changing it.
    #[must_use]
    pub const fn passes(&self) -> bool {
        match self {
            Self::Store(_) | Self::Upstream(_) | Self::Failed(_) | Self::Stopping => true,
            Self::Files(cause) => !matches!(cause, FilesError::Missing(_)),
            Self::Answered { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// Whether somebody else was quicker: reading the row anew tells what to do.
    #[must_use]
    pub const fn overtaken(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Conflict | StoreError::Serialization | StoreError::Deadlock | StoreError::Duplicate(_))
        )
    }

    /// The answer that says it: problem details (RFC 9457).
    #[must_use]
    pub fn answer(&self) -> Response {
        let status = self.status();
        let (kind, title) = self.kind();
        let problem = Problem {
            r#type: format!("/problems/{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.to_string(),
        };
        let body = serde_json::to_vec(&problem).map(Bytes::from).unwrap_or_default();
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_never_the_callers_fault() {
        let down = StoreError::Unavailable("down".to_owned());
        let illegal = Refusal::Illegal { order_id: "o".into(), is: "CLOSED".into(), asked: Status::Packaging };
        for (refusal, status, passes) in [
            (Refusal::Malformed(String::new()), 400, false),
            (Refusal::UnknownOrder("o".into()), 404, false),
            (illegal, 409, false),
            (Refusal::Invalid(String::new()), 422, false),
            (Refusal::Files(FilesError::Missing(String::new())), 422, false),
            (Refusal::Files(FilesError::Unavailable(String::new())), 503, true),
            (Refusal::Files(FilesError::Incomplete { key: String::new(), got: 1, of: 2 }), 503, true),
            (Refusal::Store(down), 503, true),
            (Refusal::Upstream(HttpError::Reset(String::new())), 502, true),
            (Refusal::Answered { service: "mes", status: 422 }, 502, false),
        ] {
            assert_eq!((refusal.status().as_u16(), refusal.passes()), (status, passes), "{refusal:?}");
        }
    }
}
