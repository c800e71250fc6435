//! `PUT /orders/{id}/model`: the customer uploads a 3D model.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{Call, Entry, Refusal, Service, list};
use contracts::attributes::UPLOADED;
use http::StatusCode;

use super::{UPLOAD, model};

pub(super) async fn upload_model(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, UPLOAD, &call);
    let outcome = upload(&service, &call, &mut entry).await;
    entry.answer(outcome)
}

async fn upload(service: &Service, call: &Call, entry: &mut Entry) -> Result<Response, Refusal> {
    let model = call.body()?.clone();
    if model.is_empty() {
        return Err(Refusal::Invalid("the model is empty".to_owned()));
    }
    let order = model::add(service, &call.order_id, UPLOADED, model, entry).await?;
    Ok(list::answer(StatusCode::OK, &order))
}
