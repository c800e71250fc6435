//! How a service comes to its end when it is asked to: it takes nothing new, finishes what it is at, lets go of the broker.
//!
//! Each of its loops asks [`Shutdown::requested`] before it takes something, and is counted until it has ended. What is still
//! running when the grace is over is cut: a handler then says so, and the broker or the database gets back what it had in hand.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::sync::Notify;
use world::Either;

use crate::{Refusal, Service};

/// How long what was cut may take to say so, and the broker to take its leave.
const FAREWELL: Duration = Duration::from_secs(1);

const RUNNING: u8 = 0;
const REQUESTED: u8 = 1;
const CUT: u8 = 2;

/// How far the end of a service is.
#[derive(Default)]
pub struct Shutdown {
    phase: AtomicU8,
    changed: Notify,
    tasks: AtomicUsize,
    one_less: Notify,
}

/// A task that the service waits for before it ends, for as long as it has this.
pub struct Counted(Arc<Shutdown>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.tasks.fetch_sub(1, SeqCst);
        self.0.one_less.notify_one();
    }
}

impl Shutdown {
    /// Counts a task in.
    #[must_use]
    pub fn count(self: &Arc<Self>) -> Counted {
        self.tasks.fetch_add(1, SeqCst);
        Counted(Arc::clone(self))
    }

    /// Whether nothing new is to be taken.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.phase.load(SeqCst) != RUNNING
    }

    async fn reached(&self, phase: u8) {
        loop {
            // Whoever waits is woken by what happens from here on.
            let changed = self.changed.notified();
            if self.phase.load(SeqCst) >= phase {
                return;
            }
            changed.await;
        }
    }

    fn enter(&self, phase: u8) {
        self.phase.store(phase, SeqCst);
        self.changed.notify_waiters();
    }

    async fn idle(&self) {
        while self.tasks.load(SeqCst) > 0 {
            self.one_less.notified().await;
        }
    }
}

impl Service {
    /// Ends the service: no request and no message is taken any more, and what is at work has `grace` to finish. What has not
    /// finished by then is cut short; `false` says so. Events that wait in an outbox stay there for the next start.
    pub async fn stop(&self, grace: Duration) -> bool {
        let rt = &self.world.rt;
        self.shutdown.enter(REQUESTED);
        let mut at_rest = Box::pin(async {
            self.world.http.stop().await;
            self.shutdown.idle().await;
        });
        let finished = rt.timeout(grace, &mut at_rest).await.is_ok();
        if !finished {
            self.shutdown.enter(CUT);
            let _ = rt.timeout(FAREWELL, &mut at_rest).await;
        }
        let _ = rt.timeout(FAREWELL, self.publisher.close()).await;
        finished
    }

    /// What comes of a wait; `None` when the service is to end first.
    pub async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        match self.world.rt.race(wait, self.shutdown.reached(REQUESTED)).await {
            Either::Left(value) => Some(value),
            Either::Right(()) => None,
        }
    }

    /// What comes of some work.
    ///
    /// # Errors
    /// What the work meets; [`Refusal::Stopping`] when the grace of a service that is to end is over before.
    pub async fn unless_cut<T>(&self, work: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
        match self.world.rt.race(work, self.shutdown.reached(CUT)).await {
            Either::Left(outcome) => outcome,
            Either::Right(()) => Err(Refusal::Stopping),
        }
    }
}
