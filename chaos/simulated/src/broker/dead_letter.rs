//! Dead-lettering: what a queue gives up is published to its dead-letter exchange.
//!
//! A message without one, or whose exchange does not exist, or that it cannot route, is dropped without a word (RabbitMQ 4.0,
//! dlx.md). It goes without confirms, at most once; `dead-letter-strategy=at-least-once` is not modelled.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use faults::End;
use world::broker::{Death, DeathReason, Message};

use super::{
    Exchange, State,
    ready::{Incoming, Item},
    rules::DeadLetter,
};

/// A message that a queue has given up.
pub(super) struct Dead {
    pub(super) from: usize,
    /// As it comes to the next queue, but for what its death changes.
    pub(super) incoming: Incoming,
    pub(super) reason: DeathReason,
}

/// What is given up waits until the queue has done what it was doing: dead letters may fill other queues.
pub(super) type Dying = VecDeque<Dead>;

impl Exchange {
    /// A queue gives a message up.
    pub(super) fn give_up(&self, state: &mut State, at: usize, item: Item, reason: DeathReason) {
        let dropped = match reason {
            DeathReason::Rejected => End::Rejected,
            DeathReason::Expired => End::Expired,
            DeathReason::MaxLen => End::Overflowed,
            DeathReason::DeliveryLimit => End::GivenUp,
        };
        state.account.end(item.entry, dropped, self.wall_ns());
        if reason != DeathReason::Rejected {
            self.dropped(state, at, item.entry, reason.name());
        }
        let version = self.0.settings.version;
        let queue = &state.queues[at];
        if queue.rules.as_ref().is_some_and(|rules| rules.dead_letter.is_some()) {
            // A rejection is a failure too.
            let failures =
                item.failures + u32::from(queue.is_quorum() && reason == DeathReason::Rejected && version.carries_failures());
            let incoming = Incoming { entry: item.entry, message: Arc::clone(&item.message), failures };
            state.dead.push_back(Dead { from: at, incoming, reason });
        }
        state.queues[at].acknowledge(item);
    }

    /// Publishes what was given up.
    pub(super) fn bury(&self, state: &mut State, now: Duration) {
        while let Some(dead) = state.dead.pop_front() {
            let Some(route) = state.queues[dead.from].rules.as_ref().and_then(|rules| rules.dead_letter.clone()) else {
                continue;
            };
            let message = Arc::new(died(&dead, &state.queues[dead.from].name, &route, self.wall_ns()));
            let queues = state.route(&route.exchange, &message.routing_key).unwrap_or_default();
            if queues.is_empty() {
                self.unburied(state, dead.incoming.entry, &route.exchange);
            }
            let mut first = true;
            for at in queues {
                if in_a_cycle(&message.deaths, &state.queues[at].name) {
                    continue;
                }
                if std::mem::take(&mut first) {
                    state.account.end(dead.incoming.entry, End::DeadLettered, self.wall_ns());
                }
                let entry = state.account.dead_letter(dead.incoming.entry, message.routing_key.clone());
                let incoming = Incoming { entry, message: Arc::clone(&message), failures: dead.incoming.failures };
                self.take(state, at, incoming, None, now);
            }
        }
    }
}

impl State {
    /// What a quorum queue has given up last goes before all else that it has given up at once: so what it drops because it is too
    /// long is published in reverse, and before what has expired or was given up for other reasons (`evaluate_limit` in rabbit_fifo
    /// of 4.0.5 puts each new effect in front).
    pub(super) fn bury_first(&mut self, from: usize) {
        let first = self.dead.iter().position(|dead| dead.from == from);
        if let Some((first, last)) = first.zip(self.dead.pop_back_if(|dead| dead.from == from)) {
            self.dead.insert(first.min(self.dead.len()), last);
        }
    }
}

/// The message as its dead-letter exchange gets it: with its death on record (4.0, dlx.md, "Dead-Lettered Effects on Messages").
fn died(dead: &Dead, queue: &str, route: &DeadLetter, wall_ns: u64) -> Message {
    let mut message = (*dead.incoming.message).clone();
    let exchange = message.exchange.to_string();
    for (header, value) in [("reason", dead.reason.name()), ("queue", queue), ("exchange", &exchange)] {
        if message.deaths.is_empty() {
            message.headers.set(format!("x-first-death-{header}"), value);
        }
        message.headers.set(format!("x-last-death-{header}"), value);
    }
    let expiration = message.expiration.take();
    record(
        &mut message.deaths,
        Death {
            queue: queue.to_owned(),
            reason: dead.reason,
            count: 1,
            exchange,
            routing_keys: vec![message.routing_key.to_string()],
            time_s: wall_ns / 1_000_000_000,
            original_expiration: expiration,
        },
    );
    message.exchange = route.exchange.to_string().into();
    if let Some(key) = &route.key {
        message.routing_key = key.to_string().into();
    }
    message
}

/// Deaths are counted by queue and reason; the latest one stands first.
fn record(deaths: &mut Vec<Death>, new: Death) {
    let death = match deaths.iter().position(|death| death.queue == new.queue && death.reason == new.reason) {
        Some(at) => {
            let known = deaths.remove(at);
            Death { count: known.count + 1, ..known }
        }
        None => new,
    };
    deaths.insert(0, death);
}

/// Whether a message would come to a queue again that it died in, and nobody has rejected it since: it is dropped then (4.0,
/// dlx.md, "Dead-letter cycle").
fn in_a_cycle(deaths: &[Death], target: &str) -> bool {
    let Some(at) = deaths.iter().position(|death| death.queue == target) else { return false };
    // The latest death may have been a rejection in this very queue.
    deaths[..=at].iter().all(|death| death.reason != DeathReason::Rejected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn death(queue: &str, reason: DeathReason) -> Death {
        Death {
            queue: queue.into(),
            reason,
            count: 1,
            exchange: "orders".into(),
            routing_keys: vec!["a".into()],
            time_s: 1,
            original_expiration: None,
        }
    }

    #[test]
    fn deaths_are_counted_by_queue_and_reason_and_the_latest_stands_first() {
        let mut deaths = Vec::new();
        for (queue, reason) in [("a", DeathReason::Expired), ("b", DeathReason::Rejected), ("a", DeathReason::Expired)] {
            record(&mut deaths, death(queue, reason));
        }
        let short: Vec<_> = deaths.iter().map(|death| (death.queue.as_str(), death.count)).collect();
        assert_eq!(short, [("a", 2), ("b", 1)]);
        record(&mut deaths, death("a", DeathReason::Rejected));
        assert_eq!((deaths.len(), deaths[0].count), (3, 1), "another reason is another entry");
    }

    #[test]
    fn a_cycle_without_a_rejection_ends() {
        let expired = death("a", DeathReason::Expired);
        assert!(in_a_cycle(&[death("b", DeathReason::MaxLen), expired.clone()], "a"));
        assert!(!in_a_cycle(&[death("b", DeathReason::Rejected), expired.clone()], "a"));
        assert!(!in_a_cycle(std::slice::from_ref(&expired), "c"));
        assert!(!in_a_cycle(&[death("a", DeathReason::Rejected)], "a"));
        assert!(in_a_cycle(&[expired, death("b", DeathReason::Rejected)], "a"), "the rejection is older than the cycle");
    }
}
