//! What the factory tells: a price, and each step of the making. Shop DB records the state that the event announces.

use std::sync::Arc;

use chassis::{Handled, Handler, Inbound, Refusal, Service, describe, inbound::take_over};
use contracts::{OrderEvent, Status, tables::Order};
use world::Span;

use crate::tell_customer;

/// Takes the events of `crm.orders`.
pub(crate) struct TakeNews;

impl Handler for TakeNews {
    async fn handle(
        &self,
        service: &Arc<Service>,
        inbound: &Inbound,
        event: OrderEvent,
        span: &mut Span,
    ) -> Result<Handled, Refusal> {
        describe::customer(service, span, &event.customer);
        match event.status {
            Status::PriceCalculated => {
                let edit = |order: &mut Order| order.price = event.price;
                let handled = take_over(service, inbound, &event, span, edit).await?;
                if service.settings.architecture.notices {
                    tell_customer::tell(service, &event, span).await?;
                }
                Ok(handled)
            }
            Status::ManufacturingStarted | Status::ManufacturingCompleted | Status::Packaging | Status::Shipped => {
                take_over(service, inbound, &event, span, |_| {}).await
            }
            other => Err(Refusal::Malformed(format!("{other} is not for the CRM"))),
        }
    }
}
