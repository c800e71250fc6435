//! The desk of a pool: notices that orders wait, and hands each to one idle worker.
//!
//! A glance at the database says whether a list is worth asking for, as a bell at the desk would; the list itself, and
//! with it the order in which work is done, comes from the service.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use contracts::{
    Status, json,
    request::OrderView,
    tables::{Order, order},
};
use http::{Method, Request};
use tokio::sync::Notify;
use world::{
    record::{self, Record},
    store::{Direction, Scan, Store, StoreError, Value},
};

use faults::Habit;

use super::{
    Cast, Piece,
    briefing::{Briefing, Pool as Briefed},
    consent::Undecided,
    habit::Habits,
    intents::Who,
    operator,
    requests::Call,
    seat::{Seats, Taken},
    seller,
};

/// A list holds so many orders at most: the services' own limit.
const PAGE: usize = 500;

/// Nobody is handed more than this many orders in one turn, however many are idle.
const TURN: usize = 50;

/// No desk looks more often: a scaled scenario shrinks people's time further than a real database likes to be asked.
const BREATH: Duration = Duration::from_millis(100);

/// Where one pool finds its work.
pub(crate) struct Desk {
    cast: Arc<Cast>,
    who: Who,
    waits_in: Status,
    store: Arc<dyn Store>,
    newest_first: bool,
    every: Duration,
    habits: Habits,
    workers: usize,
    pool: Mutex<Pool>,
    freed: Notify,
    /// Where workers wait for work who are not tasks of this desk's own.
    seats: Option<Seats>,
}

/// Who is idle, and which orders must not be handed out.
struct Pool {
    /// Numbers of idle workers; the last one is next.
    idle: Vec<u32>,
    /// Orders in somebody's hands, and those that somebody has given up.
    held: BTreeSet<Arc<str>>,
    closed: bool,
}

/// What a turn at the desk found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// More orders may wait than were handed out.
    More,
    /// Nothing else waits.
    Nothing,
    /// What waits was not on any page.
    Later,
    /// The service did not answer.
    NoAnswer,
}

/// Who has an order in hand.
enum Assigned {
    /// This worker, from now on.
    To(u32),
    /// Somebody had it before, or gave it up.
    Already,
    /// Nobody is idle.
    ToNobody,
}

impl Desk {
    /// The sellers' desk: they approve prices in the CRM.
    pub(crate) fn of_sellers(cast: &Arc<Cast>, briefing: &Briefing) -> Self {
        let every = cast.people.seller.mean / 10;
        let store = Arc::clone(&cast.shop);
        Self::new(cast, (Who::Seller, cast.people.sellers), Status::PriceCalculated, (store, every), &briefing.sellers)
    }

    /// The operators' desk: they take orders in the factory.
    pub(crate) fn of_operators(cast: &Arc<Cast>, briefing: &Briefing) -> Self {
        let every = cast.people.bench.mean / 120;
        let store = Arc::clone(&cast.mes);
        Self::new(
            cast,
            (Who::Operator, cast.people.operators),
            Status::ManufacturingApproved,
            (store, every),
            &briefing.operators,
        )
    }

    fn new(
        cast: &Arc<Cast>,
        (who, workers): (Who, u32),
        waits_in: Status,
        (store, every): (Arc<dyn Store>, Duration),
        briefed: &Briefed,
    ) -> Self {
        Self {
            cast: Arc::clone(cast),
            who,
            waits_in,
            store,
            newest_first: briefed.newest_first,
            every: whole_millis(every).max(BREATH),
            habits: briefed.habits.clone(),
            workers: workers as usize,
            pool: Mutex::new(Pool { idle: (1..=workers).rev().collect(), held: BTreeSet::new(), closed: false }),
            freed: Notify::new(),
            seats: None,
        }
    }

    /// The same, whose workers are no tasks of its own: each comes to take what it is handed ([`Desk::take`]).
    pub(crate) fn with_seats(self) -> Self {
        Self { seats: Some(Seats::new(self.workers)), ..self }
    }

    /// Hands out work until the desk is closed.
    pub(crate) async fn run(self: Arc<Self>) {
        while !self.pool().closed {
            self.turn().await;
        }
    }

    /// One look at what there is to do.
    pub(crate) async fn turn(self: &Arc<Self>) {
        if self.pool().idle.is_empty() {
            self.freed.notified().await;
            return;
        }
        if self.pool().idle.len() <= self.absent() {
            self.short_of_hands().await;
            return;
        }
        let turn = if self.waiting().await.unwrap_or(true) { self.hand_out().await } else { Turn::Nothing };
        match turn {
            Turn::More => {}
            Turn::Nothing if self.kept_back() == 0 => self.store.poll(Order::TABLE, &self.wanted(), self.every).await,
            // No row changes when a customer agrees.
            Turn::Nothing | Turn::Later => self.cast.rt().sleep(self.every).await,
            Turn::NoAnswer => self.cast.rt().sleep(self.cast.people.retry).await,
        }
    }

    /// How many are not there at present.
    fn absent(&self) -> usize {
        self.habits.absent(self.cast.rt().now(), self.workers)
    }

    /// Everybody who is there has something to do.
    async fn short_of_hands(&self) {
        if self.waiting().await.unwrap_or(false) {
            self.mattered(|how| matches!(how, Habit::Away(_)));
        }
        self.cast.rt().sleep(self.every).await;
    }

    fn mattered(&self, which: impl Fn(Habit) -> bool) {
        let rt = self.cast.rt();
        self.cast.note(self.habits.mattered(rt.now(), rt.wall_ns(), which));
    }

    /// Orders whose customers have yet to agree: nobody here may take them.
    fn undecided(&self) -> Option<&Undecided> {
        self.cast.undecided.as_ref().filter(|_| self.who == Who::Seller)
    }

    fn kept_back(&self) -> usize {
        self.undecided().map_or(0, Undecided::count)
    }

    fn is_kept_back(&self, order_id: &str) -> bool {
        self.undecided().is_some_and(|undecided| undecided.has(order_id))
    }

    /// Ends [`Desk::run`] at its next turn.
    pub(crate) fn close(&self) {
        self.pool().closed = true;
        self.seats.iter().for_each(Seats::close);
        self.freed.notify_one();
    }

    /// Whether an order waits that is in nobody's hands and that nobody has given up.
    pub(crate) async fn waiting(&self) -> Result<bool, StoreError> {
        let limit = self.pool().held.len() + self.kept_back() + 1;
        // In the order of the index, so that a long backlog is not read to its end.
        let order_by = Some((order::updated_ns, Direction::Ascending));
        let mut tx = record::begin(&*self.store).await?;
        let rows =
            record::scan::<Order>(&mut *tx, Scan { equals: self.wanted(), order_by, limit: Some(limit), ..Scan::default() })
                .await?;
        let pool = self.pool();
        Ok(rows.iter().any(|(order, _)| !pool.held.contains(&order.id) && !self.is_kept_back(&order.id)))
    }

    /// What orders that wait look like.
    fn wanted(&self) -> Vec<(usize, Value)> {
        vec![(order::status, Value::text(self.waits_in.name()))]
    }

    /// Asks for the list and hands its orders to idle workers.
    async fn hand_out(self: &Arc<Self>) -> Turn {
        let limit = {
            let absent = self.absent();
            let pool = self.pool();
            // Orders in somebody's hands may stand in the list too: they must not crowd out the others.
            ((pool.idle.len() - absent.min(pool.idle.len())).min(TURN) + pool.held.len() + self.kept_back()).min(PAGE)
        };
        let rows = self.habits.rows(self.cast.rt().now());
        let limit = rows.map_or(limit, |rows| rows.min(PAGE));
        for page in 1.. {
            let Some(orders) = self.list(limit, page).await else { return Turn::NoAnswer };
            let full = orders.len() >= limit;
            let mut handed = 0;
            for view in orders {
                if self.is_kept_back(&view.order_id) {
                    continue;
                }
                let worker = match self.pool().assign(&view.order_id, self.absent()) {
                    Assigned::To(worker) => worker,
                    Assigned::Already => continue,
                    // Whoever is free next finds it where it is: no row will change to say that it waits.
                    Assigned::ToNobody => return Turn::More,
                };
                handed += 1;
                if !self.newest_first {
                    self.mattered(|how| how == Habit::NewestFirst);
                }
                let piece = Piece { order_id: view.order_id, order_ref: view.order_ref };
                let taken = Taken { piece, at: self.cast.rt().now() };
                match &self.seats {
                    Some(seats) => seats.hand(worker, taken),
                    None => drop(self.cast.rt().spawn("worker", Arc::clone(self).work(worker, taken))),
                }
            }
            if rows.is_some() && full {
                // What stands on the next page is not looked at.
                self.mattered(|how| matches!(how, Habit::FirstPage(_)));
                return Turn::Later;
            }
            match (full, handed) {
                // Lists change from page to page: who was missed is seen at the next look.
                (false, _) if page > 1 => return Turn::Later,
                (false, _) => return Turn::Nothing,
                // All of them are in somebody's hands or given up: those that wait stand on the next page.
                (true, 0) => {}
                (true, _) => return Turn::More,
            }
        }
        Turn::Later
    }

    async fn list(&self, limit: usize, page: u32) -> Option<Vec<OrderView>> {
        let newest = self.newest_first || self.habits.newest_first(self.cast.rt().now());
        let status = self.waits_in;
        let mut path = format!("/orders?status={status}&newest_first={newest}&limit={limit}");
        if page > 1 {
            path = format!("{path}&page={page}");
        }
        let request = Request::builder().method(Method::GET).uri(path).body(bytes::Bytes::new()).ok()?;
        // A bell has rung: that is when they mean to look.
        let meant = self.cast.rt().now();
        let answer = self.cast.call(self.who, Call::List, request, meant).await.ok()?;
        json::read(answer.body()).ok()
    }

    /// Waits until a worker who has a seat is handed an order, and does what there is to do. False when there is no more work.
    pub(crate) async fn take(self: &Arc<Self>, worker: u32) -> bool {
        let Some(seats) = &self.seats else { return false };
        let Some(taken) = seats.wait(worker).await else { return false };
        Arc::clone(self).work(worker, taken).await;
        true
    }

    /// One order in one worker's hands.
    async fn work(self: Arc<Self>, worker: u32, Taken { piece, at }: Taken) {
        let done = if self.who == Who::Seller {
            seller::approve(&self.cast, &piece, &format!("seller-{worker}"), at).await
        } else {
            operator::make(&self.cast, &piece, &format!("operator-{worker}"), at).await
        };
        self.pool().release(worker, done.then_some(&piece.order_id));
        self.freed.notify_one();
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// An idle worker for an order that is in nobody's hands; so many of the idle are not there.
    fn assign(&mut self, order_id: &Arc<str>, absent: usize) -> Assigned {
        if self.held.contains(order_id) {
            return Assigned::Already;
        }
        if self.idle.len() <= absent {
            return Assigned::ToNobody;
        }
        let Some(worker) = self.idle.pop() else { return Assigned::ToNobody };
        self.held.insert(Arc::clone(order_id));
        Assigned::To(worker)
    }

    /// The worker is idle again. An order that was not done stays out of everybody's hands: it was given up.
    fn release(&mut self, worker: u32, done: Option<&Arc<str>>) {
        self.idle.push(worker);
        if let Some(order_id) = done {
            self.held.remove(order_id);
        }
    }
}

fn whole_millis(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
