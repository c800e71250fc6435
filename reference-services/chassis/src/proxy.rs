//! What a thin front does: one span, and the same request to the backend.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::{Request, header};

use crate::{Call, Entry, Refusal, Route, Service, call};

/// Passes a request on to the backend and its answer back.
pub async fn forward(service: &Service, backend: &'static str, route: Route, request: Call) -> Response {
    let mut entry = Entry::begin(service, route, &request);
    let outcome = pass(service, backend, route, request, &mut entry).await;
    entry.answer(outcome)
}

async fn pass(
    service: &Service,
    backend: &'static str,
    route: Route,
    request: Call,
    entry: &mut Entry,
) -> Result<Response, Refusal> {
    let Call { order_id, uri, headers, body } = request;
    let mut onward = Request::new(body?);
    *onward.method_mut() = route.method.parse().unwrap_or_default();
    *onward.uri_mut() = path_and_query(uri);
    if let Some(media_type) = headers.get(header::CONTENT_TYPE) {
        onward.headers_mut().insert(header::CONTENT_TYPE, media_type.clone());
    }
    call::inject(service, entry.span.context(), onward.headers_mut());
    let answer = service.world.http.call(backend, onward).await?;
    if answer.status().is_server_error() {
        entry.fail(&Refusal::Answered { service: backend, status: answer.status().as_u16() });
    }
    if order_id.is_empty()
        && let Some(made) = made(&answer)
    {
        entry.about(&made);
    }
    Ok(back(answer))
}

/// The backend's answer, without what belongs to its connection.
fn back(answer: http::Response<Bytes>) -> Response {
    let (mut parts, body) = answer.into_parts();
    for own in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::DATE] {
        parts.headers.remove(own);
    }
    Response::from_parts(parts, body.into())
}

/// The order that an answer says it has made, or that was there already.
fn made(answer: &http::Response<Bytes>) -> Option<Arc<str>> {
    let location = answer.headers().get(header::LOCATION)?.to_str().ok()?;
    location.strip_prefix("/orders/").map(Arc::from)
}

/// A URI as the port wants it: path and query only.
fn path_and_query(uri: http::Uri) -> http::Uri {
    if uri.authority().is_none() {
        return uri;
    }
    uri.into_parts().path_and_query.map_or_else(http::Uri::default, http::Uri::from)
}
