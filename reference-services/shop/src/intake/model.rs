//! The 3D model of an order, wherever it comes from: it goes to the object store, then the order says where it is.

use std::sync::Arc;

use bytes::Bytes;
use chassis::{
    Entry, Refusal, Service, describe, log,
    record::{machine_event, version},
    step::{Said, step_on},
};
use contracts::{Status, attributes as name, logs, tables::Order};
use opentelemetry::{KeyValue, trace::SpanContext};

use super::{look, replace_model};

/// Stores the model of the order that a request is about: see [`store`], and [`replace_model`] where it has another one.
///
/// # Errors
/// [`Refusal::UnknownOrder`], and as those.
pub(super) async fn add(
    service: &Service,
    id: &Arc<str>,
    source: &'static str,
    model: Bytes,
    entry: &mut Entry,
) -> Result<Order, Refusal> {
    let (order, row) = look(service, &entry.span, id).await?;
    describe::order(service, &mut entry.span, &order);
    describe::follows(service, &mut entry.span, &order);
    // The same once more is no other model: whoever got no answer asks again.
    if order.version == version(Status::FileUploaded) && order.file_size != Some(size(&model)) {
        entry.span.set(KeyValue::new(name::MODEL_SOURCE, source));
        return replace_model::replace(service, (order, row), model, entry).await;
    }
    store(service, order, source, model, entry).await
}

/// Stores a model, and moves its order to `FILE_UPLOADED`; `source` says where the model comes from. The span has said whose
/// order it is.
///
/// # Errors
/// [`Refusal::Illegal`] when the order has been sent off: it keeps the model it was sent off with; [`Refusal::Files`],
/// [`Refusal::Store`].
pub(super) async fn store(
    service: &Service,
    order: Order,
    source: &'static str,
    model: Bytes,
    entry: &mut Entry,
) -> Result<Order, Refusal> {
    entry.span.set(KeyValue::new(name::MODEL_SOURCE, source));
    if order.version > version(Status::FileUploaded) {
        describe::state(service, &mut entry.span, &order);
        return Err(Refusal::Illegal { order_id: order.id, is: order.status, asked: Status::FileUploaded });
    }
    let key: Arc<str> = ["models/", &order.id].concat().into();
    let size = size(&model);
    put(service, entry.span.context(), &order, &key, model).await?;
    let event_id = machine_event(&order.id, Status::FileUploaded);
    let edit = |order: &mut Order| (order.file_ref, order.file_size) = (Some(key.clone()), Some(size));
    let stepped = step_on(service, &mut entry.span, &order.id, Status::FileUploaded, &event_id, edit, Said::All).await?;
    Ok(stepped.order().clone())
}

/// In bytes.
pub(super) fn size(model: &Bytes) -> i64 {
    i64::try_from(model.len()).unwrap_or(i64::MAX)
}

/// Gives a model to the object store.
pub(super) async fn put(service: &Service, context: &SpanContext, order: &Order, key: &str, model: Bytes) -> Result<(), Refusal> {
    let mut span = describe::file(service, context, "put models", &order.id, Some(&order.client_type));
    let size = size(&model);
    span.set(KeyValue::new(name::FILE_SIZE, size));
    let outcome = service.world.files.put(key, model).await;
    match &outcome {
        Ok(()) => log::moved_file(service, span.context(), logs::FILE_STORED, (&order.id, key, size)),
        Err(cause) => span.fail(cause.error_type(), cause.to_string()),
    }
    Ok(outcome?)
}
