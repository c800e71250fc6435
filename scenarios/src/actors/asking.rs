//! A customer who wants to know: asks the internet shop how the order is, a few times, until it is closed.
//!
//! It is nobody's intent and moves nothing, so no run waits for it; when a run is over, nobody asks any more.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use contracts::{Status, json, request::OrderView};
use http::Method;
use tokio::sync::Notify;

use super::{Cast, Piece, intents::Who, request, requests::Call};
use crate::{apart::Say, people::People};

/// What is drawn: whether the customer of an order is one who asks.
pub(crate) const ASKERS: &str = "askers";

/// Those who ask.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    over: AtomicBool,
    questions: AtomicUsize,
    one_less: Notify,
}

impl Asking {
    /// Nobody begins to ask any more; waits for the questions that are on their way.
    pub(crate) async fn end(&self) {
        self.over.store(true, SeqCst);
        while self.questions.load(SeqCst) > 0 {
            self.one_less.notified().await;
        }
    }
}

/// Asks how an order is, where its customer is one who asks.
pub(crate) fn begin(cast: &Arc<Cast>, piece: Piece) {
    if !cast.among(cast.people.askers, ASKERS, &piece.order_ref) || cast.others.say(|| Say::Ask(piece.clone())) {
        return;
    }
    let (rt, cast) = (cast.rt().clone(), Arc::clone(cast));
    drop(rt.spawn("asking", async move { ask(&cast, &piece).await }));
}

/// Asks as often as people do, a while apart.
pub(crate) async fn ask(cast: &Cast, piece: &Piece) {
    let mut patience = cast.rt().random("asking", &piece.order_ref);
    for _ in 0..People::QUESTIONS {
        let wait = cast.people.asking;
        let meant = cast.pause(patience.log_normal(wait.mean, People::VARIATION, wait.cap)).await;
        cast.asking.questions.fetch_add(1, SeqCst);
        let over = cast.asking.over.load(SeqCst);
        let status = if over { None } else { question(cast, piece, meant).await };
        cast.asking.questions.fetch_sub(1, SeqCst);
        cast.asking.one_less.notify_one();
        if over || status == Some(Status::Closed) {
            return;
        }
    }
}

/// The order's state, as the shop tells it. Whoever gets no answer asks again another day.
async fn question(cast: &Cast, piece: &Piece, meant: Duration) -> Option<Status> {
    let path = ["/orders/", &piece.order_id].concat();
    let asked = request(Method::GET, &path, "application/json", Bytes::new());
    let answer = cast.call(Who::Customer, Call::Ask, asked, meant).await.ok()?;
    json::read::<OrderView>(answer.body()).ok().map(|view| view.status)
}
