//! One timer for everything that the broker does by itself at some time.
//!
//! Most of what has a time limit is done before: so nothing sets a timer of its own. The clock knows the earliest instant at
//! which there may be something to do, and the broker looks then.

use std::{
    future::poll_fn,
    task::{Poll, Waker},
    time::Duration,
};

use world::Boxed;

use super::{BROKER, Exchange};
use crate::runtime::lock;

/// When to look next.
#[derive(Default)]
pub(super) struct Clock {
    due: Option<Duration>,
    waker: Option<Waker>,
    changed: bool,
}

impl Clock {
    /// There may be something to do at `due`.
    pub(super) fn set(&mut self, due: Duration) {
        if self.due.is_none_or(|before| due < before) {
            self.due = Some(due);
            self.changed = true;
        }
    }

    /// What was to be done is done; `due` is the next time.
    pub(super) fn reset(&mut self, due: Option<Duration>) {
        self.due = due;
    }

    /// The watch has to be told, outside the lock.
    pub(super) fn waker(&mut self) -> Option<Waker> {
        if std::mem::take(&mut self.changed) { self.waker.take() } else { None }
    }
}

/// Starts the task that looks.
pub(super) fn watch(exchange: &Exchange) {
    let broker = exchange.clone();
    let mut timer: Option<(Duration, Boxed<'static, ()>)> = None;
    let task = poll_fn(move |cx| {
        loop {
            let due = {
                let mut state = lock(&broker.0.state);
                state.clock.waker = Some(cx.waker().clone());
                state.clock.due
            };
            let Some(due) = due else {
                timer = None;
                return Poll::Pending;
            };
            if timer.as_ref().is_none_or(|(at, _)| *at != due) {
                timer = Some((due, broker.0.host.sleep_until(BROKER, due)));
            }
            if timer.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(cx).is_pending()) {
                return Poll::Pending;
            }
            timer = None;
            broker.look(due);
        }
    });
    exchange.0.host.spawn(BROKER, "consumer-timeout", Box::pin(task));
}

impl Exchange {
    /// Does what is to be done at `now`.
    fn look(&self, now: Duration) {
        self.change(|state, woken| {
            self.end_dead_connections(state, now, woken);
            self.end_unanswered(state, now, woken);
            for at in 0..state.queues.len() {
                if state.queues[at].next_expiry().is_some_and(|due| due <= now) {
                    self.run(state, at, now);
                }
                self.expire_queue(state, at, now, woken);
            }
            let channels = state.channels.values().filter_map(|open| open.next_due(self.0.settings.channel_tick));
            let queues = state.queues.iter().filter_map(super::Queue::next_due);
            let next = channels.chain(queues).min();
            state.clock.reset(next);
        });
    }
}
