//! What operators do with an approved order, in this order. The CRM is told of each step.

mod complete;
mod package;
mod ship;
mod start;

use axum::response::Response;
use chassis::{Call, Entry, Refusal, Route, Service, announce, describe, list, step, step::Stepped};
use contracts::{Status, request::Step, tables::Order};
use http::StatusCode;

pub(crate) use self::{complete::complete, package::package, ship::ship, start::start};

/// One step at the bench: the order enters `to`; `edit` sets what else it changes.
async fn work(
    service: &Service,
    route: Route,
    call: &Call,
    to: Status,
    edit: impl Fn(&mut Order, &Step) + Send + Sync,
) -> Response {
    let mut entry = Entry::begin(service, route, call);
    let outcome = make(service, call, to, edit, &mut entry).await;
    entry.answer(outcome)
}

async fn make(
    service: &Service,
    call: &Call,
    to: Status,
    edit: impl Fn(&mut Order, &Step) + Send + Sync,
    entry: &mut Entry,
) -> Result<Response, Refusal> {
    let asked = call.step()?;
    describe::staff(service, &mut entry.span, &asked.by);
    let edit = |order: &mut Order| edit(order, &asked);
    let stepped = step(service, &mut entry.span, &call.order_id, to, &asked.event_id, edit).await?;
    if let Stepped::Now(moved) = &stepped {
        announce(service, entry.span.context(), moved).await;
    }
    Ok(list::answer(StatusCode::OK, stepped.order()))
}
