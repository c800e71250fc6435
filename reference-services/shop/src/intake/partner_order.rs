//! `POST /partner/orders`: a partner's program sends an order together with its model. What is too large or makes no sense is
//! turned away at the door, before there is an order, and the trace says why: the partner asks us, not we the partner.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{Call, Entry, Refusal, Service, describe, record::version};
use contracts::{
    Status,
    attributes::{self as name, UPLOADED},
    request::{API_PARTNER, PartnerOrder},
};
use opentelemetry::KeyValue;

use super::{
    PARTNER,
    create_order::{self, Begun, New},
    model,
};

/// What comes with the model, and what JSON makes of its line ends, is never longer than this and the model once more.
const ENVELOPE: usize = 1 << 16;
/// How an ASCII STL begins.
const STL: &str = "solid";

pub(super) async fn partner_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, PARTNER, &call).of_partner();
    let outcome = take(&service, &call, &mut entry).await;
    entry.answer(outcome)
}

async fn take(service: &Service, call: &Call, entry: &mut Entry) -> Result<Response, Refusal> {
    let limit = service.settings.partner.model_bytes;
    if call.body()?.len() > 2 * limit + ENVELOPE {
        return Err(Refusal::TooLarge { what: "body", limit: 2 * limit + ENVELOPE });
    }
    let asked: PartnerOrder = call.json()?;
    entry.span.set(KeyValue::new(name::ORDER_REF, asked.order_ref.clone()));
    check(&asked, limit)?;
    let new = New { order_ref: asked.order_ref, client_type: API_PARTNER, customer: asked.customer };
    let Begun { mut order, status } = create_order::begin(service, &new, entry).await?;
    describe::customer(service, &mut entry.span, &order.customer);
    // Sent again after a model that could not be stored: it goes on from there.
    if order.version < version(Status::FileUploaded) {
        order = model::store(service, order, UPLOADED, asked.model.into_bytes().into(), entry).await?;
    } else {
        describe::state(service, &mut entry.span, &order);
    }
    Ok(create_order::located(status, &order))
}

fn check(asked: &PartnerOrder, limit: usize) -> Result<(), Refusal> {
    if asked.model.len() > limit {
        return Err(Refusal::TooLarge { what: "model", limit });
    }
    create_order::check(&asked.order_ref, &asked.customer)?;
    if !asked.model.trim_start().starts_with(STL) {
        return Err(Refusal::Invalid(format!("the model is no ASCII STL: it does not begin with {STL:?}")));
    }
    Ok(())
}
