//! `PUT /orders/{id}/model`: the 3D model goes to the object store, then the order says where it is.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use bytes::Bytes;
use chassis::{
    Call, Entry, Refusal, Service, describe, list,
    record::{machine_event, version},
    step,
};
use contracts::{Status, attributes as name, tables::Order};
use http::StatusCode;
use opentelemetry::{KeyValue, trace::SpanContext};
use world::record;

use super::UPLOAD;

pub(super) async fn upload_model(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, UPLOAD, &call);
    let outcome = upload(&service, &call, &mut entry).await;
    entry.answer(outcome)
}

async fn upload(service: &Service, call: &Call, entry: &mut Entry) -> Result<Response, Refusal> {
    let id = &call.order_id;
    if call.body.is_empty() {
        return Err(Refusal::Invalid("the model is empty".to_owned()));
    }
    // An order that has been sent off keeps the model it was sent off with.
    let order = look(service, id).await?;
    if order.version > version(Status::FileUploaded) {
        describe::order(service, &mut entry.span, &order);
        describe::follows(service, &mut entry.span, &order);
        describe::state(service, &mut entry.span, &order);
        return Err(Refusal::Illegal { order_id: order.id, is: order.status, asked: Status::FileUploaded });
    }
    let key: Arc<str> = ["models/", id].concat().into();
    put(service, entry.span.context(), &order, &key, call.body.clone()).await?;
    let event_id = machine_event(id, Status::FileUploaded);
    let size = i64::try_from(call.body.len()).unwrap_or(i64::MAX);
    let edit = |order: &mut Order| (order.file_ref, order.file_size) = (Some(key.clone()), Some(size));
    let stepped = step(service, &mut entry.span, id, Status::FileUploaded, &event_id, edit).await?;
    Ok(list::answer(StatusCode::OK, stepped.order()))
}

async fn look(service: &Service, id: &Arc<str>) -> Result<Order, Refusal> {
    let mut tx = record::begin(&*service.world.store).await?;
    match record::load::<Order>(&mut *tx, id).await? {
        Some((order, _)) => Ok(order),
        None => Err(Refusal::UnknownOrder(id.clone())),
    }
}

async fn put(service: &Service, context: &SpanContext, order: &Order, key: &str, model: Bytes) -> Result<(), Refusal> {
    let mut span = describe::file(service, context, "put models", &order.id, Some(&order.client_type));
    span.set(KeyValue::new(name::FILE_SIZE, i64::try_from(model.len()).unwrap_or(i64::MAX)));
    let outcome = service.world.files.put(key, model).await;
    if let Err(cause) = &outcome {
        span.fail(cause.error_type(), cause.to_string());
    }
    Ok(outcome?)
}
