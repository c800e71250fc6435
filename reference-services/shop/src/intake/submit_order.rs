//! `POST /orders/{id}/submit`: the order is sent off, and `POST /partner/orders/{id}/submit`, the partners' door to the same. Nothing is
//! announced from here: as-is the CRM finds the row, with an outbox the event is part of the transaction.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{
    Call, Entry, Refusal, Service, list,
    step::{Said, step_on},
};
use contracts::Status;
use http::StatusCode;

use super::{PARTNER_SUBMIT, SUBMIT};

pub(super) async fn submit_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, SUBMIT, &call);
    let outcome = submit(&service, &call, &mut entry, Said::Nothing).await;
    entry.answer(outcome)
}

pub(super) async fn submit_partner_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, PARTNER_SUBMIT, &call).of_partner();
    let outcome = submit(&service, &call, &mut entry, Said::Client).await;
    entry.answer(outcome)
}

async fn submit(service: &Service, call: &Call, entry: &mut Entry, said: Said) -> Result<Response, Refusal> {
    let asked = call.step()?;
    let id = &call.order_id;
    let stepped = step_on(service, &mut entry.span, id, Status::Submitted, &asked.event_id, |_| {}, said).await?;
    Ok(list::answer(StatusCode::OK, stepped.order()))
}
