//! A customer at the internet shop: begins an order, uploads a 3D model or builds one in the constructor, sends the order off.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use contracts::{
    Status,
    request::{CreateOrder, Design, OrderView, Shape},
};
use http::{Method, Request};

use super::{
    Cast, End, Piece, asking, consent, correcting,
    intents::{Entry, Who},
    json, models, request,
};
use crate::load::Arrival;

/// Orders, thinking in between.
pub(crate) async fn order(cast: Arc<Cast>, arrival: Arrival) {
    let Arrival { at, order_ref, model_bytes, .. } = arrival;
    let initiate = cast.begin(&order_ref, Who::Customer, Status::Initiated);
    let customer = pseudonym(&cast, &order_ref);
    let create = CreateOrder { order_ref: Arc::clone(&order_ref), customer: Arc::clone(&customer) };
    let end = readable(cast.insist(&initiate, json(Method::POST, "/orders", &create), 0, at).await);
    let upload = cast.strike_next(initiate, &end, (Who::Customer, Status::FileUploaded));
    let (Some(upload), Some(order_id)) = (upload, id(&end)) else { return };
    let piece = Piece { order_id, order_ref };
    cast.progress.initiate();

    let meant = cast.think("upload", &piece.order_ref, cast.people.upload).await;
    let end = cast.insist(&upload, model(&cast, &piece, model_bytes), 0, meant).await;
    let Some(submit) = cast.strike_next(upload, &end, (Who::Customer, Status::Submitted)) else { return };

    let meant = cast.think("submit", &piece.order_ref, cast.people.submit).await;
    let meant = correcting::begin(&cast, &piece).await.unwrap_or(meant);
    if send_off(&cast, submit, &piece, (&customer, meant)).await {
        asking::begin(&cast, piece);
    }
}

/// Sends the order off; where the customer is to be asked, it is theirs to agree from then on. True when it was done.
async fn send_off(cast: &Arc<Cast>, submit: Entry, piece: &Piece, (customer, meant): (&str, Duration)) -> bool {
    if !cast.leave_undecided(&piece.order_id) {
        return cast.last_step(submit, piece, customer, meant).await;
    }
    let agree = cast.step(submit, piece, customer, (meant, (Who::Customer, Status::ManufacturingApproved))).await;
    let sent = agree.is_some();
    if let Some(agree) = agree {
        consent::begin(cast, piece.clone(), agree);
    }
    sent
}

/// Their own model, or what they choose in the constructor. Whose model has a size, in a recording, had a file.
fn model(cast: &Cast, piece: &Piece, bytes: Option<u32>) -> Request<Bytes> {
    let path = ["/orders/", &piece.order_id, "/model"].concat();
    if bytes.is_none() && cast.among(cast.people.constructor, "constructor", &piece.order_ref) {
        json(Method::POST, &path, &design(cast, &piece.order_ref))
    } else {
        request(Method::PUT, &path, "model/stl", models::of(bytes))
    }
}

/// What they choose: all that somebody can wear.
fn design(cast: &Cast, order_ref: &str) -> Design {
    let mut taste = cast.rt().random("design", order_ref);
    let (shape, least, most) = match taste.below(3) {
        0 => (Shape::Ring, 12, 24),
        1 => (Shape::Bracelet, 50, 80),
        _ => (Shape::Pendant, 8, 40),
    };
    let more = u16::try_from(taste.below(most - least + 1)).unwrap_or(0);
    Design { shape, diameter_mm: u16::try_from(least).unwrap_or(0) + more }
}

/// Nobody's name: a draw.
pub(crate) fn pseudonym(cast: &Cast, order_ref: &str) -> Arc<str> {
    format!("u-{:08x}", cast.rt().random("customer", order_ref).bits() >> 32).into()
}

/// The order that an answer names.
pub(crate) fn id(end: &End) -> Option<Arc<str>> {
    let End::Done(_, body) = end else { return None };
    contracts::json::read::<OrderView>(body).ok().map(|view| view.order_id)
}

/// An answer that names no order is of no use: whoever gets it gives up.
pub(crate) fn readable(end: End) -> End {
    match end {
        End::Done(status, _) if id(&end).is_none() => End::GivenUp(Some(status)),
        end => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_names_no_order_is_a_failure() {
        assert!(matches!(readable(End::Done(201, Bytes::from_static(b"<html>"))), End::GivenUp(Some(201))));
        let view = br#"{"order_id":"o-1.1-1","order_ref":"c-000001","status":"INITIATED","version":1}"#;
        assert_eq!(id(&readable(End::Done(201, Bytes::from_static(view)))).as_deref(), Some("o-1.1-1"));
    }
}
