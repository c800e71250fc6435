//! `POST /orders/{id}/close`: no carrier has called, and a seller closes the order by hand. The factory need not know.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{
    Call, Entry, Refusal, Service, describe, list,
    planted::{self, Bug},
    step,
};
use contracts::{Status, request::Step};
use http::StatusCode;

use crate::CLOSE;

pub(crate) async fn close_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, CLOSE, &call);
    let outcome = by_hand(&service, &call, &mut entry).await;
    entry.answer(outcome)
}

async fn by_hand(service: &Service, call: &Call, entry: &mut Entry) -> Result<Response, Refusal> {
    let asked = call.step()?;
    describe::staff(service, &mut entry.span, &asked.by);
    close(service, call, &asked, entry).await
}

/// The order comes to its end, whoever says so.
pub(crate) async fn close(service: &Service, call: &Call, asked: &Step, entry: &mut Entry) -> Result<Response, Refusal> {
    if planted::bites(Bug::CloseUnwritten, &call.order_id) {
        return Ok(Response::default());
    }
    let stepped = step(service, &mut entry.span, &call.order_id, Status::Closed, &asked.event_id, |_| {}).await?;
    Ok(list::answer(StatusCode::OK, stepped.order()))
}
