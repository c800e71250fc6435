//! Whoever orders: a customer at the internet shop, or a partner's program at the shop's API.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use contracts::{
    Status,
    request::{CreateOrder, OrderView},
};
use http::Method;

use super::{Cast, End, Piece, intents::Who, json, request};
use crate::{
    language::{Actor, recording::LARGEST_MODEL},
    load::Arrival,
};

/// The 3D model that everybody uploads: its content does not matter here.
const MODEL: Bytes = Bytes::from_static(b"solid ring\nendsolid ring\n");

/// As many bytes as the largest model has, made when the first one is needed: models of a recording are parts of it.
static LARGEST: OnceLock<Bytes> = OnceLock::new();

/// A program thinks a hundredth of the time a person does.
const PROGRAM: u32 = 100;

/// Creates an order, uploads its model, submits it.
pub(crate) async fn order(cast: Arc<Cast>, arrival: Arrival) {
    let Arrival { actor, order_ref, model_bytes, .. } = arrival;
    let (who, kind) = match actor {
        Actor::Customer => (Who::Customer, "retail"),
        Actor::ApiUser => (Who::ApiUser, "api_partner"),
    };
    let initiate = cast.begin(&order_ref, who, Status::Initiated);
    let customer: Arc<str> = format!("u-{:08x}", cast.rt().random("customer", &order_ref).bits() >> 32).into();
    let create = CreateOrder { order_ref: Arc::clone(&order_ref), client_type: kind.into(), customer: Arc::clone(&customer) };
    let end = readable(cast.insist(who, json(Method::POST, "/orders", &create)).await);
    let upload = cast.strike_next(initiate, &end, (who, Status::FileUploaded));
    let (Some(upload), Some(order_id)) = (upload, id(&end)) else { return };
    let piece = Piece { order_id, order_ref };
    cast.progress.initiate();

    cast.rt().sleep(thinks(who, cast.draw("upload", &piece.order_ref, cast.people.upload))).await;
    let path = ["/orders/", &piece.order_id, "/model"].concat();
    let end = cast.insist(who, request(Method::PUT, &path, "model/stl", model(model_bytes))).await;
    let Some(submit) = cast.strike_next(upload, &end, (who, Status::Submitted)) else { return };

    cast.rt().sleep(thinks(who, cast.draw("submit", &piece.order_ref, cast.people.submit))).await;
    cast.last_step(submit, &piece, &customer).await;
}

fn model(bytes: Option<u32>) -> Bytes {
    let Some(bytes) = bytes else { return MODEL };
    LARGEST.get_or_init(|| vec![0; LARGEST_MODEL as usize].into()).slice(..bytes as usize)
}

fn id(end: &End) -> Option<Arc<str>> {
    let End::Done(_, body) = end else { return None };
    serde_json::from_slice::<OrderView>(body).ok().map(|view| view.order_id)
}

/// An answer that names no order is of no use: whoever gets it gives up.
fn readable(end: End) -> End {
    match end {
        End::Done(status, _) if id(&end).is_none() => End::GivenUp(Some(status)),
        end => end,
    }
}

/// Whole milliseconds, at least one.
fn thinks(who: Who, drawn: Duration) -> Duration {
    let hurry = if who == Who::ApiUser { PROGRAM } else { 1 };
    Duration::from_millis(u64::try_from((drawn / hurry).as_millis()).unwrap_or(u64::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_think_in_whole_milliseconds_and_a_hundred_times_faster() {
        assert_eq!(thinks(Who::ApiUser, Duration::from_millis(12_399)), Duration::from_millis(123));
        assert_eq!(thinks(Who::ApiUser, Duration::from_millis(5)), Duration::from_millis(1));
        assert_eq!(thinks(Who::Customer, Duration::from_millis(12_399)), Duration::from_millis(12_399));
    }

    #[test]
    fn an_answer_that_names_no_order_is_a_failure() {
        assert!(matches!(readable(End::Done(201, Bytes::from_static(b"<html>"))), End::GivenUp(Some(201))));
        let view = br#"{"order_id":"o-1.1-1","order_ref":"c-000001","status":"INITIATED","version":1}"#;
        assert_eq!(id(&readable(End::Done(201, Bytes::from_static(view)))).as_deref(), Some("o-1.1-1"));
    }
}
