//! The people's end: desks with seats, and customers who ask, for whoever brings the hands.
//!
//! It neither starts tasks nor opens connections: a load tool's users do what there is to do, one call of a function here each.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use tokio::sync::{
    Mutex, Notify,
    mpsc::{self, UnboundedReceiver, UnboundedSender},
};
use world::{Either, Runtime, http::Http, store::Store};

use super::{
    Others,
    lines::{Say, Told},
};
use crate::{
    actors::{
        Cast, Piece,
        asking::{self, Asking},
        briefing::Briefing,
        consent::Undecided,
        desk::Desk,
        habit::Habits,
        intents::{Intents, Who},
        requests::Requests,
    },
    driver::Progress,
};

/// The people of a run.
pub struct Household {
    cast: Arc<Cast>,
    sellers: Arc<Desk>,
    operators: Arc<Desk>,
    ask: UnboundedSender<Piece>,
    asked: Mutex<UnboundedReceiver<Piece>>,
    over: AtomicBool,
    leave: Notify,
}

impl Household {
    /// Those of a briefing, who call services by `http` and hear of news at the two databases; `tell` brings their word to the
    /// driver, in the order in which it is called.
    #[must_use]
    pub fn new(
        (rt, http): (Runtime, Arc<dyn Http>),
        (shop, mes): (Arc<dyn Store>, Arc<dyn Store>),
        briefing: &Briefing,
        tell: Arc<dyn Fn(Told) + Send + Sync>,
    ) -> Arc<Self> {
        let cast = Arc::new(Cast {
            rt,
            http,
            shop,
            mes,
            people: briefing.people.clone(),
            intents: Intents::default(),
            requests: Requests::default(),
            others: Others::Driver(tell),
            progress: Arc::new(Progress::default()),
            asking: Asking::default(),
            undecided: briefing.notices.then(Undecided::default),
            customers: Habits::of(&[], "customer"),
            carriers: Habits::of(&[], "carrier"),
            effects: std::sync::Mutex::default(),
        });
        let (ask, asked) = mpsc::unbounded_channel();
        Arc::new(Self {
            sellers: Arc::new(Desk::of_sellers(&cast, briefing).with_seats()),
            operators: Arc::new(Desk::of_operators(&cast, briefing).with_seats()),
            cast,
            ask,
            asked: Mutex::new(asked),
            over: AtomicBool::new(false),
            leave: Notify::new(),
        })
    }

    /// Does as the driver says. Services' addresses are no matter of theirs.
    pub async fn hear(&self, say: Say) {
        match say {
            Say::Services(_) => {}
            Say::Ask(piece) => drop(self.ask.send(piece)),
            Say::Undecided(order_id) => self.cast.undecided.iter().for_each(|undecided| undecided.add(&order_id)),
            Say::Agreed(order_id) => self.cast.undecided.iter().for_each(|undecided| undecided.agreed(&order_id)),
            Say::Waiting(question) => {
                let answer = self.waiting().await.map_err(|error| error.to_string());
                self.cast.others.tell(|| Told::Waiting { question, answer });
            }
            Say::Close => self.close().await,
        }
    }

    async fn waiting(&self) -> Result<bool, world::store::StoreError> {
        Ok(self.sellers.waiting().await? || self.operators.waiting().await?)
    }

    async fn close(&self) {
        self.sellers.close();
        self.operators.close();
        // What is asked at this moment is answered first.
        self.cast.asking.end().await;
        self.over.store(true, SeqCst);
        self.leave.notify_waiters();
    }

    /// Whether the run is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.load(SeqCst)
    }

    /// Looks once what there is to do at a pool's desk, and hands it out.
    pub async fn look(&self, who: Who) {
        self.until_over(self.desk(who).turn()).await;
    }

    /// One worker of a pool takes what it is handed, and does it.
    pub async fn take(&self, who: Who, worker: u32) {
        self.until_over(self.desk(who).take(worker)).await;
    }

    /// A customer who wants to know, whoever is next, asks as often as people do.
    pub async fn ask(&self) {
        let ask = async {
            let piece = self.asked.lock().await.recv().await;
            if let Some(piece) = piece {
                asking::ask(&self.cast, &piece).await;
            }
        };
        self.until_over(ask).await;
    }

    fn desk(&self, who: Who) -> &Arc<Desk> {
        if who == Who::Seller { &self.sellers } else { &self.operators }
    }

    /// Nobody begins or goes on with anything when the run is over.
    async fn until_over<T>(&self, doing: impl Future<Output = T>) {
        let leave = self.leave.notified();
        if self.is_over() {
            return;
        }
        match self.cast.rt().race(doing, leave).await {
            Either::Left(_) | Either::Right(()) => {}
        }
    }
}
