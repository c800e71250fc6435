//! What the shop shows its customers unasked: the news of a price, handed over by the CRM and seen by a browser.
//!
//! It is kept in memory until it was seen: a front that dies takes it along, and the CRM does not know.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Extension, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::post,
};
use chassis::{Call, Entry, Refusal, Route, Service, call::json, route};
use contracts::{attributes as name, request::Notice};
use http::StatusCode;
use opentelemetry::KeyValue;

/// The news comes.
const TELL: Route = route!("POST", "/orders/{id}/notice");
/// The customer sees it.
const SEE: Route = route!("GET", "/orders/{id}/notice");

/// News that nobody has seen yet, by order.
#[derive(Default)]
struct Unseen(Mutex<BTreeMap<Arc<str>, Notice>>);

impl Unseen {
    fn news(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Notice>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Its routes.
pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new().route(TELL.template, post(tell).get(see)).layer(Extension(Arc::new(Unseen::default())))
}

async fn tell(State(service): State<Arc<Service>>, unseen: Extension<Arc<Unseen>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, TELL, &call);
    let outcome = told(&unseen, &call, &mut entry);
    entry.answer(outcome)
}

fn told(unseen: &Unseen, call: &Call, entry: &mut Entry) -> Result<Response, Refusal> {
    let notice: Notice = call.json()?;
    entry.span.set(KeyValue::new(name::CLIENT_TYPE, notice.client_type.clone()));
    unseen.news().insert(call.order_id.clone(), notice);
    Ok(StatusCode::ACCEPTED.into_response())
}

/// A browser looks often and finds nothing: only what it finds is worth a span.
async fn see(State(service): State<Arc<Service>>, unseen: Extension<Arc<Unseen>>, call: Call) -> Response {
    let seen = unseen.news().remove(&call.order_id);
    let Some(notice) = seen else { return StatusCode::NO_CONTENT.into_response() };
    let mut entry = Entry::begin(&service, SEE, &call);
    entry.span.set(KeyValue::new(name::CLIENT_TYPE, notice.client_type.clone()));
    entry.span.event(name::CUSTOMER_AWARE, Vec::new());
    entry.answer(Ok(json(StatusCode::OK, &notice)))
}
