//! What RabbitMQ lets see of itself while a run goes on: its counters, looked at again and again, and its firehose. And what each
//! part of the stack uses of the machine, and what befalls it.
//!
//! The first is telemetry, for the detector; the others are for readers of the report and for the judge. The ledger's account of the messages ([`crate::messages`]) knows nothing of it.

mod connections;
mod counters;
mod firehose;
mod lookout;
mod usage;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use adapters::runtime::wall_clock_ns;
pub use lookout::Lookout;
use signals::{Passage, Scrape, Silence};
pub use usage::Meter;
use world::Runtime;

use crate::{
    Error,
    stack::{BrokerPart, Stack},
};

/// Whoever looks and listens. Both end with [`Watch::end`], or when this is dropped.
pub struct Watch {
    seen: Arc<Seen>,
}

/// What was seen and heard.
#[derive(Debug, Default)]
pub struct BrokerSeen {
    /// Looks at the counters, in the order they were made.
    pub scrapes: Vec<Scrape>,
    /// Messages that passed, in the order they were heard of.
    pub passages: Vec<Passage>,
    /// When nobody listened.
    pub silences: Vec<Silence>,
}

/// What the tasks of a watch share.
#[derive(Default)]
struct Seen {
    over: AtomicBool,
    looks: Mutex<Vec<counters::Look>>,
    heard: Mutex<firehose::Heard>,
}

impl Seen {
    fn over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

impl Watch {
    /// Looks at the counters so often, and listens or not. Returns once it listens.
    ///
    /// # Errors
    /// When the broker is not there to be listened to.
    pub async fn start(stack: &Stack, rt: &Runtime, every: Option<Duration>, listening: bool) -> Result<Self, Error> {
        Self::start_at(stack.broker_part(), rt, every, listening).await
    }

    /// The same, at any broker.
    pub(crate) async fn start_at(
        part: BrokerPart,
        rt: &Runtime,
        every: Option<Duration>,
        listening: bool,
    ) -> Result<Self, Error> {
        let seen = Arc::new(Seen::default());
        // Dropped on an error, which ends what was begun.
        let watch = Self { seen: Arc::clone(&seen) };
        if listening {
            let ear = firehose::Ear::new(part.clone(), rt.clone());
            let first = ear.connect().await?;
            lock(&seen.heard).listening(wall_clock_ns());
            drop(rt.spawn("firehose", ear.listen(first, Arc::clone(&seen))));
        }
        if let Some(every) = every {
            let (eye, rt) = (counters::Eye::new(part), rt.clone());
            drop(rt.clone().spawn("counters", async move { eye.watch(&rt, every, &seen).await }));
        }
        Ok(watch)
    }

    /// All that was seen; nothing is heard from now on.
    #[must_use]
    pub fn end(self) -> BrokerSeen {
        self.seen.over.store(true, Ordering::Release);
        let looks = std::mem::take(&mut *lock(&self.seen.looks));
        let (passages, silences) = std::mem::take(&mut *lock(&self.seen.heard)).end(wall_clock_ns());
        BrokerSeen { scrapes: counters::scrapes(looks), passages, silences }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.seen.over.store(true, Ordering::Release);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
