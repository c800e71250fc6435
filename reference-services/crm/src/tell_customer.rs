//! The customer is told the price: the CRM hands the news over to the shop, which shows it.
//!
//! It belongs to the handling of the message. Whoever acknowledges before the work tries once; whoever does so after it tries until
//! the shop has taken it, and may tell it twice.

use chassis::{Refusal, Route, Service, call, route};
use contracts::{
    OrderEvent, attributes as name,
    request::{Notice, RETAIL},
    services::INTERNET_SHOP,
};
use http::Method;
use opentelemetry::{
    KeyValue,
    trace::{SpanContext, SpanKind},
};
use world::{Span, telemetry::Origin};

const TELL: Route = route!("POST", "/orders/{id}/notice");

/// Tells it whoever ordered in the shop. Partners know their prices from their contracts.
pub(crate) async fn tell(service: &Service, event: &OrderEvent, span: &mut Span) -> Result<(), Refusal> {
    let Some(price) = event.price.filter(|_| *event.client_type == *RETAIL) else { return Ok(()) };
    let telemetry = &service.world.telemetry;
    let mut attributes = Vec::new();
    if telemetry.enabled() {
        attributes.push(KeyValue::new(name::ORDER_ID, event.order_id.clone()));
        attributes.push(KeyValue::new(name::CLIENT_TYPE, event.client_type.clone()));
        attributes.push(KeyValue::new(name::HTTP_METHOD, TELL.method));
        attributes.push(KeyValue::new(name::SERVER_ADDRESS, INTERNET_SHOP));
    }
    let mut sending = telemetry.start(TELL.name, SpanKind::Client, Origin::child_of(span.context()), attributes);
    let notice = Notice { price, client_type: event.client_type.clone() };
    let outcome = send(service, sending.context(), &event.order_id, &notice).await;
    match &outcome {
        Ok(()) => sending.event(name::CUSTOMER_NOTIFIED, Vec::new()),
        Err(refusal) => sending.fail(refusal.cause(), refusal.to_string()),
    }
    outcome
}

async fn send(service: &Service, context: &SpanContext, order_id: &str, notice: &Notice) -> Result<(), Refusal> {
    // Ids of orders are letters, digits, dots and dashes.
    let path = ["/orders/", order_id, "/notice"].concat().parse().unwrap_or_default();
    let mut request = call::request(Method::POST, path, notice);
    call::inject(service, context, request.headers_mut());
    let answer = service.world.http.call(INTERNET_SHOP, request).await?;
    if answer.status().is_success() {
        Ok(())
    } else {
        Err(Refusal::Answered { service: INTERNET_SHOP, status: answer.status().as_u16() })
    }
}
