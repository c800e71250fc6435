//! The consumer timeout: a delivery that is out for too long.
//!
//! Each channel looks once in a tick (60 s by default), and closes with 406 at the first look *after* the time has passed;
//! everything that it has out goes back (4.0, consumers.md, "Delivery Acknowledgement Timeout"; a real 4.0.5 fired a timeout of
//! 10 s after 60 s, one of 60 s after 120 s). In 4.3 a quorum queue does it, exactly and for its own consumers.

use std::{task::Waker, time::Duration};

use world::broker::{BrokerError, QueueKind};

use super::{
    Exchange, State,
    channel::Out,
    version::{Return, Unanswered},
};

/// How long a delivery may stay unanswered, and what happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) at: Duration,
    pub(super) used: Duration,
    pub(super) then: Unanswered,
}

impl Exchange {
    /// The limit of a delivery that a queue makes now.
    pub(super) fn limit(&self, kind: QueueKind, own: Option<Duration>, now: Duration) -> Option<Limit> {
        let then = self.0.settings.version.unanswered(kind);
        let used = own.or(self.0.settings.consumer_timeout).filter(|_| then != Unanswered::Allowed)?;
        Some(Limit { at: now + used, used, then })
    }

    /// Ends channels and consumers whose time has come.
    pub(super) fn end_unanswered(&self, state: &mut State, now: Duration, woken: &mut Vec<Waker>) {
        let tick = self.0.settings.channel_tick;
        let late: Vec<u64> = state
            .channels
            .iter()
            .filter(|(_, open)| open.is_open() && open.answer_due(tick).is_some_and(|due| due <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            let Some(open) = state.channels.get_mut(&id) else { continue };
            if let Some(used) = open.closes_by(now) {
                open.close(timed_out(used), woken);
                let out = open.take_unacked();
                self.overdue(state, &out);
                self.put_back(state, id, out, Return::TimedOut);
                continue;
            }
            for consumer in open.consumers_cancelled_by(now) {
                let Some(open) = state.channels.get_mut(&id) else { continue };
                open.cancel(consumer, woken);
                let out = open.take_unacked_of(consumer);
                self.overdue(state, &out);
                self.take_back(state, (id, consumer), out, Return::TimedOut);
            }
        }
    }
}

impl Exchange {
    /// Deliveries that the broker has lost its patience with.
    fn overdue(&self, state: &State, out: &[Out]) {
        out.iter().for_each(|out| self.dropped(state, out.queue, out.item.entry, "timed-out"));
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
