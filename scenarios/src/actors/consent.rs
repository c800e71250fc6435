//! A customer who is told the price: looks whether there is news, and agrees. Until then sellers leave the order alone.
//!
//! A glance at the database says when there is a price to be told, as a bell would; the news itself comes from the shop. Whoever
//! hears nothing looks less and less often, and at last no more.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use contracts::{Status, services::INTERNET_SHOP, tables::Order};
use http::{Method, StatusCode};
use world::record;

use super::{
    Cast, Piece,
    intents::{Entry, Who},
    request,
    requests::Call,
};
use crate::apart::Say;

/// So often somebody looks, each time after twice the time, up to the time from one question to the next: for about a week.
const LOOKS: u32 = 18;

/// Orders whose customers have not agreed yet, and may never.
#[derive(Debug, Default)]
pub(crate) struct Undecided(Mutex<BTreeSet<Arc<str>>>);

impl Undecided {
    /// An order that nobody may approve yet.
    pub(crate) fn add(&self, order_id: &Arc<str>) {
        self.orders().insert(Arc::clone(order_id));
    }

    pub(crate) fn agreed(&self, order_id: &str) {
        self.orders().remove(order_id);
    }

    /// Whether its customer has yet to agree.
    pub(crate) fn has(&self, order_id: &str) -> bool {
        self.orders().contains(order_id)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.orders().len()
    }

    fn orders(&self) -> MutexGuard<'_, BTreeSet<Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cast {
    /// Nobody may approve an order until its customer has agreed. False where nobody is asked.
    pub(crate) fn leave_undecided(&self, order_id: &Arc<str>) -> bool {
        let Some(undecided) = &self.undecided else { return false };
        undecided.add(order_id);
        self.others.say(|| Say::Undecided(Arc::clone(order_id)));
        true
    }

    fn agreed(&self, order_id: &Arc<str>) {
        self.undecided.iter().for_each(|undecided| undecided.agreed(order_id));
        self.others.say(|| Say::Agreed(Arc::clone(order_id)));
    }
}

/// What one look brings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// The customer has seen the price.
    Seen,
    /// There is nothing to see, or nobody answers.
    Nothing,
    /// It was shown, and did not arrive: no look will find it.
    Lost,
}

/// Begins to wait for the price of an order that was sent off.
pub(crate) fn begin(cast: &Arc<Cast>, piece: Piece, agree: Entry) {
    let (rt, cast) = (cast.rt().clone(), Arc::clone(cast));
    drop(rt.spawn("consent", async move { wait(&cast, &piece, agree).await }));
}

async fn wait(cast: &Cast, piece: &Piece, agree: Entry) {
    let most = cast.people.asking.mean;
    let mut pause = most / 2_u32.pow(10);
    for _ in 0..LOOKS {
        let meant = cast.pause(pause).await;
        pause = (pause * 2).min(most);
        match look(cast, piece, meant).await {
            Look::Seen => {
                cast.agreed(&piece.order_id);
                return cast.intents.done(agree, StatusCode::OK.as_u16(), cast.now_ns());
            }
            Look::Nothing => {}
            Look::Lost => break,
        }
    }
    cast.intents.give_up(agree, None, cast.now_ns());
}

async fn look(cast: &Cast, piece: &Piece, meant: Duration) -> Look {
    if !priced(cast, piece).await {
        return Look::Nothing;
    }
    if cast.unheard(&cast.customers, piece, (INTERNET_SHOP, "customer")) {
        return Look::Lost;
    }
    let path = ["/orders/", &piece.order_id, "/notice"].concat();
    let asked = request(Method::GET, &path, "application/json", Bytes::new());
    let answer = cast.call(Who::Customer, Call::Notice, asked, meant).await;
    if answer.is_ok_and(|answer| answer.status() == StatusCode::OK) { Look::Seen } else { Look::Nothing }
}

/// The bell.
async fn priced(cast: &Cast, piece: &Piece) -> bool {
    let Ok(mut tx) = record::begin(&*cast.shop).await else { return false };
    let order = record::load::<Order>(&mut *tx, &piece.order_id).await;
    matches!(order, Ok(Some((order, _))) if &*order.status == Status::PriceCalculated.name())
}
