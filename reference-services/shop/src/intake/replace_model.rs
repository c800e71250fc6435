//! Another 3D model for an order that has one and has not been sent off. Its state stays, so what changes is the row alone.
//!
//! The row is read before the model is stored, which may take minutes, and written whole after it. Whatever others have written
//! meanwhile, the submission, the CRM's claim, even a price, is overwritten, unless something forbids it: the version that was read
//! (`version-check`), or reading the row once more under its lock (`row-lock`).

use std::sync::Arc;

use bytes::Bytes;
use chassis::{
    Entry, Refusal, Service, Tries, describe,
    record::{expected, version},
    wait,
};
use contracts::{Status, tables::Order};
use world::{
    Span,
    record::{self, Record as _},
};

use super::model::{put, size};

/// Stores a model beside the one that the order has, as it was read, and has the order say where it is.
///
/// # Errors
/// [`Refusal::Illegal`] when the order has been sent off meanwhile, where that shows: it keeps the model it was sent off with;
/// [`Refusal::Files`], [`Refusal::Store`].
pub(super) async fn replace(service: &Service, read: (Order, i64), model: Bytes, entry: &mut Entry) -> Result<Order, Refusal> {
    let key = service.new_model_key(&read.0.id);
    let file = (key.clone(), size(&model));
    put(service, entry.span.context(), &read.0, &key, model).await?;
    let mut tries = Tries::default();
    loop {
        let outcome = attempt(service, &mut entry.span, &read, &file, tries.none()).await;
        if tries.over(&outcome) {
            return outcome;
        }
    }
}

async fn attempt(
    service: &Service,
    span: &mut Span,
    read: &(Order, i64),
    (key, size): &(Arc<str>, i64),
    first: bool,
) -> Result<Order, Refusal> {
    let mut tx = wait::begin(service, span.context(), &read.0.id).await?;
    let (order, row) = if first && !service.settings.architecture.row_lock {
        read.clone()
    } else {
        let now = wait::to_change(service, &mut *tx, span.context(), &read.0.id).await?;
        now.ok_or_else(|| Refusal::UnknownOrder(read.0.id.clone()))?
    };
    if order.version != version(Status::FileUploaded) {
        describe::state(service, span, &order);
        return Err(Refusal::Illegal { order_id: order.id, is: order.status, asked: Status::FileUploaded });
    }
    let order = Order { file_ref: Some(key.clone()), file_size: Some(*size), ..order };
    let at_ns = service.wall_ns();
    let commit = describe::commit(service, span.context(), Order::TABLE.name, &order.id, Some(&order.client_type));
    let outcome = async {
        record::update(&mut *tx, &order, expected(service, row)).await?;
        tx.commit().await
    }
    .await;
    describe::committed(commit, &outcome);
    outcome?;
    describe::rewritten(service, span, &order, at_ns);
    describe::state(service, span, &order);
    Ok(order)
}
