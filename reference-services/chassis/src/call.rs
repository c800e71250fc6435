//! A request as it comes in, the span it is handled in, and the answer.

use std::sync::Arc;

use axum::{
    body,
    extract::{FromRequest, RawPathParams, Request, rejection::RawPathParamsRejection},
    response::Response,
};
use bytes::Bytes;
use contracts::{
    attributes as name, logs,
    request::{API_PARTNER, Step},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use opentelemetry::{
    KeyValue,
    trace::{SpanContext, SpanKind},
};
use serde::{Serialize, de::DeserializeOwned};
use world::{
    Span, Telemetry,
    telemetry::{Origin, TRACEPARENT},
};

use crate::{
    Refusal, Service,
    log::{self, Failure},
};

/// No body is larger: 3D models are the largest, and a partner's comes in an envelope.
pub const BODY_LIMIT: usize = (64 << 20) + (64 << 10);

/// A request, whole.
#[derive(Debug)]
pub struct Call {
    /// The order that the path names; empty where it names none.
    pub order_id: Arc<str>,
    /// Path and query.
    pub uri: Uri,
    /// Headers.
    pub headers: HeaderMap,
    /// Body; [`Refusal::TooLarge`] where there is more of it than anybody takes.
    pub body: Result<Bytes, Refusal>,
}

/// A method and a path template, as spans name them.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// `{METHOD} {template}`.
    pub name: &'static str,
    /// The method.
    pub method: &'static str,
    /// The path template.
    pub template: &'static str,
}

/// Declares a [`Route`] from its method and its path template.
#[macro_export]
macro_rules! route {
    ($method:literal, $template:literal) => {
        $crate::Route { name: concat!($method, " ", $template), method: $method, template: $template }
    };
}

/// The handling of one request: its SERVER span, until the answer.
pub struct Entry {
    /// The span.
    pub span: Span,
    telemetry: Telemetry,
    method: &'static str,
    order_id: Arc<str>,
    /// A caller's fault is an error of this span too.
    strict: bool,
}

impl Entry {
    /// Begins it: under the caller's span where there is one.
    #[must_use]
    pub fn begin(service: &Service, route: Route, call: &Call) -> Self {
        let telemetry = &service.world.telemetry;
        let caller = telemetry.parse(call.headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()));
        let mut attributes = Vec::new();
        if telemetry.enabled() {
            attributes.reserve_exact(10);
            attributes.push(KeyValue::new(name::HTTP_METHOD, route.method));
            attributes.push(KeyValue::new(name::HTTP_ROUTE, route.template));
            if !call.order_id.is_empty() {
                attributes.push(KeyValue::new(name::ORDER_ID, call.order_id.clone()));
            }
        }
        let span = telemetry.start(route.name, SpanKind::Server, Origin::child_of(&caller), attributes);
        Self { span, telemetry: telemetry.clone(), method: route.method, order_id: call.order_id.clone(), strict: false }
    }

    /// It is a partner's: whatever we turn away, they will ask us why, so the trace says it.
    #[must_use]
    pub fn of_partner(mut self) -> Self {
        self.span.set(KeyValue::new(name::CLIENT_TYPE, API_PARTNER));
        self.strict = true;
        self
    }

    /// Says which order it is about, where the path does not.
    pub fn about(&mut self, order_id: &Arc<str>) {
        self.span.set(KeyValue::new(name::ORDER_ID, order_id.clone()));
        self.order_id = order_id.clone();
    }

    /// Says that the service cannot do what was asked, on the span and in the log.
    pub fn fail(&mut self, refusal: &Refusal) {
        self.span.fail(refusal.cause(), refusal.to_string());
        self.log(refusal);
    }

    fn log(&self, refusal: &Refusal) {
        let failure = Failure::of(refusal, logs::REQUEST_FAILED, &self.order_id);
        log::failed(&self.telemetry, self.span.context(), failure);
    }

    /// Ends it with an answer. What the caller did wrong is no error of the service, except a step that its order's state
    /// does not allow. Whoever wants to change an order that is not there shows that two databases disagree: the log says so.
    #[must_use]
    pub fn answer(mut self, outcome: Result<Response, Refusal>) -> Response {
        let response = match outcome {
            Ok(response) => response,
            Err(refusal) => {
                if refusal.error_type().is_some() || self.strict {
                    self.fail(&refusal);
                } else if matches!(refusal, Refusal::UnknownOrder(_)) && self.method != "GET" {
                    self.log(&refusal);
                }
                refusal.answer()
            }
        };
        self.span.set(KeyValue::new(name::HTTP_STATUS, i64::from(response.status().as_u16())));
        response
    }
}

impl Call {
    /// The body.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`].
    pub fn body(&self) -> Result<&Bytes, Refusal> {
        self.body.as_ref().map_err(Clone::clone)
    }

    /// The body as JSON of a type.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`]; [`Refusal::Malformed`] when it is no JSON, [`Refusal::Invalid`] when it is JSON of another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let text = str::from_utf8(self.body()?).map_err(|cause| Refusal::Malformed(cause.to_string()))?;
        serde_json::from_str(text).map_err(|cause| match cause.classify() {
            serde_json::error::Category::Data => Refusal::Invalid(cause.to_string()),
            _ => Refusal::Malformed(cause.to_string()),
        })
    }

    /// The body as a person's step.
    ///
    /// # Errors
    /// As [`Call::json`]; also [`Refusal::Invalid`] when it does not say which step or whose.
    pub fn step(&self) -> Result<Step, Refusal> {
        let step: Step = self.json()?;
        if step.event_id.is_empty() || step.by.is_empty() {
            return Err(Refusal::Invalid("event_id or by is empty".to_owned()));
        }
        Ok(step)
    }
}

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        use axum::extract::FromRequestParts as _;
        let (mut parts, body) = request.into_parts();
        let order_id = match RawPathParams::from_request_parts(&mut parts, state).await {
            Ok(params) => params.iter().next().map_or_else(|| "".into(), |(_, value)| value.into()),
            Err(RawPathParamsRejection::MissingPathParams(_)) => "".into(),
            Err(cause) => return Err(Refusal::Malformed(cause.to_string()).answer()),
        };
        let body = body::to_bytes(body, BODY_LIMIT).await.map_err(|_| Refusal::TooLarge { what: "body", limit: BODY_LIMIT });
        Ok(Self { order_id, uri: parts.uri, headers: parts.headers, body })
    }
}

/// An answer with a JSON body.
#[must_use]
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).map(Bytes::from).unwrap_or_default();
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A request with a JSON body.
#[must_use]
pub fn request(method: Method, uri: Uri, body: &impl Serialize) -> http::Request<Bytes> {
    let mut request = http::Request::new(serde_json::to_vec(body).map(Bytes::from).unwrap_or_default());
    (*request.method_mut(), *request.uri_mut()) = (method, uri);
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request
}

/// Passes a span's context on with a request; nothing where contexts are not passed on.
pub fn inject(service: &Service, context: &SpanContext, headers: &mut HeaderMap) {
    if let Some(value) = service.world.telemetry.traceparent(context).and_then(|value| HeaderValue::from_maybe_shared(value).ok())
    {
        headers.insert(TRACEPARENT, value);
    }
}

/// Answers a path that is no route.
pub async fn no_such_route(uri: Uri) -> Response {
    Refusal::NoRoute(uri.path().to_owned()).answer()
}

/// Answers a method that the path does not know.
pub async fn no_such_method(method: Method) -> Response {
    Refusal::NoMethod(method.to_string()).answer()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_no_json_is_malformed_and_one_of_another_shape_is_invalid() {
        let read = |body: &'static str| {
            let call = Call {
                order_id: "".into(),
                uri: Uri::from_static("/"),
                headers: HeaderMap::new(),
                body: Ok(Bytes::from_static(body.as_bytes())),
            };
            call.json::<Step>().map_err(|refusal| refusal.status().as_u16())
        };
        assert_eq!(read("{"), Err(400));
        assert_eq!(read(""), Err(400));
        assert_eq!(read("{}"), Err(422));
        assert_eq!(read(r#"{"event_id":"e","by":"b","more":1}"#), Err(422));
        assert!(read(r#"{"event_id":"e","by":"b"}"#).is_ok());
    }
}
