//! The list of orders that people pick from: `GET /orders?status=..&newest_first=..&limit=..&offset=..`.

use axum::{extract::Query, response::Response};
use contracts::{
    Status,
    request::{ListOrders, OrderView},
    tables::{Order, order},
};
use http::StatusCode;
use world::{
    record,
    store::{Direction, Scan, Value},
};

use crate::{Call, Refusal, Service, call, record::column};

/// The longest list.
const LIMIT: usize = 500;

/// Orders in one state, freshest or longest waiting first.
///
/// # Errors
/// [`Refusal::Malformed`] when the query cannot be read, [`Refusal::Invalid`] when its limit is not 1 to 500,
/// [`Refusal::Store`].
pub async fn orders(service: &Service, call: &Call) -> Result<Response, Refusal> {
    let Query(query) = Query::<ListOrders>::try_from_uri(&call.uri).map_err(|cause| Refusal::Malformed(cause.body_text()))?;
    if !(1..=LIMIT).contains(&query.limit) {
        return Err(Refusal::Invalid(format!("limit is {}, expected 1 to {LIMIT}", query.limit)));
    }
    let direction = if query.newest_first { Direction::Descending } else { Direction::Ascending };
    let scan = Scan {
        equals: vec![(order::status, Value::Text(column(query.status)))],
        order_by: Some((order::updated_ns, direction)),
        limit: Some(query.limit),
        offset: query.offset,
        ..Scan::default()
    };
    let mut tx = record::begin(&*service.world.store).await?;
    let rows = record::scan::<Order>(&mut *tx, scan).await?;
    let views: Vec<_> = rows.iter().map(|(order, _)| view(order, query.status)).collect();
    Ok(call::json(StatusCode::OK, &views))
}

/// An order as answers show it.
#[must_use]
pub fn view(order: &Order, status: Status) -> OrderView {
    OrderView { order_id: order.id.clone(), order_ref: order.order_ref.clone(), status, version: order.version }
}

/// The answer to a step: the order as it is now.
#[must_use]
pub fn answer(status: StatusCode, order: &Order) -> Response {
    let state = order.status.parse().unwrap_or(Status::Initiated);
    call::json(status, &view(order, state))
}
