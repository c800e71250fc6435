//! `order.manufacturing_approved`: the factory may begin.

use chassis::{Handled, Inbound, Refusal, Service, inbound::take_over};
use contracts::OrderEvent;
use world::Span;

pub(crate) async fn take_approval(
    service: &Service,
    inbound: &Inbound,
    event: &OrderEvent,
    span: &mut Span,
) -> Result<Handled, Refusal> {
    take_over(service, inbound, event, span, |_| {}).await
}
