//! The consumer timeout: a delivery that is out for too long closes its channel, and everything that the channel has out
//! goes back.
//!
//! Each channel looks once in a tick (60 s by default), and closes at the first look *after* the time has passed. Most
//! deliveries are answered in time, so the looks that would find nothing are skipped: one timer waits for the first look
//! that may find something.

use std::{
    future::poll_fn,
    task::{Poll, Waker},
    time::Duration,
};

use world::{Boxed, broker::BrokerError};

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
    /// A delivery may time out at `due`.
    pub(super) fn set(&mut self, due: Duration) {
        if self.due.is_none_or(|before| due < before) {
            self.due = Some(due);
            self.changed = true;
        }
    }

    /// Nothing is out any more.
    pub(super) fn clear(&mut self) {
        self.due = None;
    }

    /// The watch has to be told, outside the lock.
    pub(super) fn waker(&mut self) -> Option<Waker> {
        if std::mem::take(&mut self.changed) { self.waker.take() } else { None }
    }
}

/// Starts the task that closes channels whose time has come.
pub(super) fn watch(exchange: &Exchange) {
    let broker = exchange.clone();
    let mut timer: Option<(Duration, Boxed<'static, ()>)> = None;
    let task = poll_fn(move |cx| {
        loop {
            let due = {
                let mut state = lock(&broker.0.state);
                state.timeout.waker = Some(cx.waker().clone());
                state.timeout.due
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
    fn look(&self, now: Duration) {
        let Some(limit) = self.0.settings.consumer_timeout else { return };
        let tick = self.0.settings.channel_tick;
        self.change(|state, woken| {
            let late = |open: &super::Open| open.times_out(limit, tick).filter(|due| open.is_open() && *due <= now);
            let ids: Vec<u64> = state.channels.iter().filter(|(_, open)| late(open).is_some()).map(|(id, _)| *id).collect();
            for id in ids {
                let Some(open) = state.channels.get_mut(&id) else { continue };
                open.close(timed_out(limit), woken);
                let out = open.take_unacked();
                self.put_back(state, id, out);
            }
            let next = state.channels.values().filter_map(|open| open.times_out(limit, tick)).min();
            state.timeout.due = next;
        });
    }
}

/// RabbitMQ's words.
fn timed_out(limit: Duration) -> BrokerError {
    let text = format!(
        "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: {} ms. This timeout value \
         can be configured, see consumers doc guide to learn more",
        limit.as_millis()
    );
    BrokerError::ChannelClosed { code: 406, text }
}
