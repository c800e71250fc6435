//! Has a price calculated by `mes`, and records it.

use std::sync::Arc;

use chassis::{
    Moved, Refusal, Service, Tries, call, describe, log,
    planted::{self, Bug},
    record::{Owner, Place, machine_event, version},
    wait,
};
use contracts::{
    Status, attributes as name, json,
    request::{CalculatePrice, Price},
    services::MES,
    tables::{Order, PriceJob},
};
use http::{Method, Uri};
use opentelemetry::{
    KeyValue,
    trace::{SpanContext, SpanKind},
};
use world::{
    Span,
    record::{self, Record as _},
    store::{Expect, StoreError, Tx},
    telemetry::Origin,
};

use crate::{PRICE, price_job};

/// Calculates a price in cents. The span of the call ends with the calculation, so a marker says when it has
/// begun: when its row says so, which a slow database can commit much earlier.
pub(crate) async fn calculate(service: &Service, context: &SpanContext, order: &Order, job: &PriceJob) -> Result<i64, Refusal> {
    let telemetry = &service.world.telemetry;
    let mut attributes = Vec::new();
    if telemetry.enabled() {
        attributes.push(KeyValue::new(name::ORDER_ID, order.id.clone()));
        attributes.push(KeyValue::new(name::CLIENT_TYPE, order.client_type.clone()));
        attributes.push(KeyValue::new(name::PRICING_ATTEMPT, job.attempt));
        let began_ns = job.started_ns.and_then(|ns| u64::try_from(ns).ok()).unwrap_or_else(|| telemetry.now_ns());
        telemetry.mark_at(began_ns, name::PRICING_STARTED, Origin::child_of(context), attributes.clone());
        attributes.push(KeyValue::new(name::HTTP_METHOD, PRICE.method));
        attributes.push(KeyValue::new(name::SERVER_ADDRESS, MES));
    }
    log::pricing_started(service, context, order, job.attempt);
    let mut span = telemetry.start(PRICE.name, SpanKind::Client, Origin::child_of(context), attributes);
    let outcome = ask(service, span.context(), order, job.attempt).await;
    if let Err(refusal) = &outcome {
        span.fail(refusal.cause(), refusal.to_string());
    }
    outcome
}

async fn ask(service: &Service, context: &SpanContext, order: &Order, attempt: i64) -> Result<i64, Refusal> {
    let asked = CalculatePrice {
        order_id: order.id.clone(),
        order_ref: order.order_ref.clone(),
        file_ref: order.file_ref.clone().unwrap_or_else(|| "".into()),
        attempt,
    };
    let mut request = call::request(Method::POST, Uri::from_static(PRICE.template), &asked);
    call::inject(service, context, request.headers_mut());
    let answer = service.world.http.call(MES, request).await?;
    if !answer.status().is_success() {
        return Err(Refusal::Answered { service: MES, status: answer.status().as_u16() });
    }
    let price: Price = json::read(answer.body()).map_err(|cause| Refusal::Malformed(cause.to_string()))?;
    Ok(price.price)
}

/// Records a price, and that its job is done; none when the order had a price and this one is dropped.
pub(crate) async fn finish(service: &Service, span: &mut Span, job: &PriceJob, price: i64) -> Result<Option<Moved>, Refusal> {
    if planted::bites(Bug::PriceUnwritten, &job.order_id) {
        return Ok(None);
    }
    let mut tries = Tries::default();
    loop {
        let outcome = attempt(service, span, job, price).await;
        if tries.over(&outcome) {
            return outcome;
        }
    }
}

async fn attempt(service: &Service, span: &mut Span, job: &PriceJob, price: i64) -> Result<Option<Moved>, Refusal> {
    let mut tx = wait::begin(service, span.context(), &job.order_id).await?;
    let Some((order, row)) = wait::to_change(service, &mut *tx, span.context(), &job.order_id).await? else {
        return Err(Refusal::UnknownOrder(job.order_id.clone()));
    };
    let done = price_job::done(job, service.wall_ns());
    let priced = order.version - version(Status::PriceCalculated);
    if priced >= 0 && service.settings.architecture.idempotent_consumers {
        dropped(service, span.context(), tx, &done, &order).await?;
        return Ok(None);
    }
    if priced > 0 {
        dropped(service, span.context(), tx, &done, &order).await?;
        return Err(Refusal::Illegal { order_id: order.id, is: order.status, asked: Status::PriceCalculated });
    }
    let event_id = match machine_event(&order.id, Status::PriceCalculated) {
        again if priced == 0 => Arc::from(format!("{again}#{}", job.attempt)),
        first => first,
    };
    let mut moved = Moved::new(service, order, Status::PriceCalculated, event_id, span.context());
    moved.order.price = Some(price);
    record::update(&mut *tx, &done, Expect::Any).await?;
    moved.commit(service, span, tx, Place::Row(row), Owner::Here).await?;
    Ok(Some(moved))
}

/// The price comes too late; the job is done all the same.
async fn dropped(
    service: &Service,
    context: &SpanContext,
    mut tx: Box<dyn Tx>,
    done: &PriceJob,
    order: &Order,
) -> Result<(), StoreError> {
    let span = describe::commit(service, context, PriceJob::TABLE.name, &order.id, Some(&order.client_type));
    let outcome = async {
        record::update(&mut *tx, done, Expect::Any).await?;
        tx.commit().await
    }
    .await;
    describe::committed(span, &outcome);
    outcome
}
