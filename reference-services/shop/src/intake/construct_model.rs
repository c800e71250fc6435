//! `POST /orders/{id}/model`: the customer has no 3D model and builds one in the constructor. From here on it is a model like
//! any other.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{Call, Entry, Refusal, Service, list};
use contracts::{attributes::CONSTRUCTED, request::Design};
use http::StatusCode;

use super::{CONSTRUCT, model};
use crate::constructor;

pub(super) async fn construct_model(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, CONSTRUCT, &call);
    let outcome = construct(&service, &call, &mut entry).await;
    entry.answer(outcome)
}

async fn construct(service: &Service, call: &Call, entry: &mut Entry) -> Result<Response, Refusal> {
    let design: Design = call.json()?;
    let model = constructor::model(design)?;
    let order = model::add(service, &call.order_id, CONSTRUCTED, model, entry).await?;
    Ok(list::answer(StatusCode::OK, &order))
}
