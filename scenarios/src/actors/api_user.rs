//! A partner's program at the shop's API: sends an order together with its model, then sends it off.
//!
//! What it sends may be turned away at the door. Then there is no order: nobody sends the same once more.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use contracts::{Status, request::PartnerOrder};
use http::{Method, Request};

use super::{
    Cast, Piece,
    customer::{id, pseudonym, readable},
    intents::Who,
    json, models,
};
use crate::load::Arrival;

/// A program thinks a hundredth of the time a person does.
const PROGRAM: u32 = 100;

/// Orders, in two requests.
pub(crate) async fn order(cast: Arc<Cast>, arrival: Arrival) {
    let Arrival { at, order_ref, model_bytes, .. } = arrival;
    let initiate = cast.begin(&order_ref, Who::ApiUser, Status::Initiated);
    let customer = pseudonym(&cast, &order_ref);
    let request = first(&order_ref, &customer, models::of(model_bytes));
    let end = readable(cast.insist(&initiate, request, 0, at).await);
    let (Some(upload), Some(order_id)) = (cast.strike_next(initiate, &end, (Who::ApiUser, Status::FileUploaded)), id(&end))
    else {
        return;
    };
    // The model came with it.
    let Some(submit) = cast.strike_next(upload, &end, (Who::ApiUser, Status::Submitted)) else { return };
    let piece = Piece { order_id, order_ref };
    cast.progress.initiate();

    let meant = cast.pause(thinks(cast.draw("submit", &piece.order_ref, cast.people.submit))).await;
    cast.last_step(submit, &piece, &customer, meant).await;
}

fn first(order_ref: &Arc<str>, customer: &Arc<str>, model: Bytes) -> Request<Bytes> {
    let model = String::from_utf8(model.into()).unwrap_or_default();
    let order = PartnerOrder { order_ref: Arc::clone(order_ref), customer: Arc::clone(customer), model };
    json(Method::POST, "/partner/orders", &order)
}

/// Whole milliseconds, at least one.
fn thinks(drawn: Duration) -> Duration {
    Duration::from_millis(u64::try_from((drawn / PROGRAM).as_millis()).unwrap_or(u64::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_think_in_whole_milliseconds_and_a_hundred_times_faster() {
        assert_eq!(thinks(Duration::from_millis(12_399)), Duration::from_millis(123));
        assert_eq!(thinks(Duration::from_millis(5)), Duration::from_millis(1));
    }
}
