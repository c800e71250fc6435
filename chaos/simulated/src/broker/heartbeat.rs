//! Half-open connections: nothing comes through, and neither end knows.
//!
//! TCP holds what is sent and tries again, so when the way is free soon all of it arrives. An end that has heard nothing for too
//! long gives up. The broker looks once in a heartbeat timeout whether anything came, and closes at the second look that finds
//! nothing: two to three timeouts after the last byte. Until then it delivers to the dead consumer, up to its prefetch (RabbitMQ
//! 4.0, heartbeats.md: a peer is unreachable after two missed heartbeats; 60 s is the default timeout). The client sends a
//! heartbeat in each half of the timeout and, as lapin does, gives up when it has heard nothing for more than twice the timeout.
//!
//! Taken from the documentation: no real broker here has confirmed it.

use std::{sync::Arc, task::Waker, time::Duration};

use world::{Node, broker::BrokerError};

use super::{Exchange, Packet, State, channel::Open, version::Return};

/// When each end of a half-open connection gives up; none: it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HalfOpen {
    broker: Option<Duration>,
    client: Option<Duration>,
}

/// A node that nothing comes through to, and what is held on its ways.
pub(super) struct Cut {
    node: Node,
    fault: Option<Arc<str>>,
    held: Vec<Packet>,
}

impl HalfOpen {
    fn new(opened: Duration, now: Duration, timeout: Duration) -> Self {
        let beat = timeout / 2;
        let after = |span: Duration, step: Duration| u32::try_from(span.as_nanos() / step.as_nanos().max(1)).unwrap_or(u32::MAX);
        let last = beat.saturating_mul(after(now.saturating_sub(opened), beat));
        // The look that still sees the last byte, and two more.
        let seen = last.as_nanos().div_ceil(timeout.as_nanos().max(1));
        let looks = u32::try_from(seen).unwrap_or(u32::MAX).saturating_add(2);
        Self {
            broker: Some(opened + timeout.saturating_mul(looks)),
            client: Some(opened + last + timeout.saturating_mul(2) + beat),
        }
    }

    /// When the next end gives up.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.broker.into_iter().chain(self.client).min()
    }
}

impl Exchange {
    /// Cuts a node's ways to the broker; nobody is told.
    pub(crate) fn cut(&self, node: Node, fault: Option<&Arc<str>>) {
        let (now, settings) = (self.now(), &self.0.settings);
        self.change(|state, _| {
            state.cuts.push(Cut { node, fault: fault.cloned(), held: Vec::new() });
            let whole = |open: &&mut Open| open.node == node && open.is_open() && open.half_open.is_none();
            for open in state.channels.values_mut().filter(whole) {
                let half_open = HalfOpen::new(open.opened, now, settings.heartbeat);
                open.half_open = Some(half_open);
                half_open.next_due().into_iter().for_each(|due| state.clock.set(due));
            }
        });
    }

    /// Frees a node's ways: what was held arrives, unless an end has given up.
    pub(crate) fn heal(&self, node: Node) {
        let held = self.change(|state, woken| {
            let Some(at) = state.cuts.iter().position(|cut| cut.node == node) else { return Vec::new() };
            let cut = state.cuts.remove(at);
            if let Some(other) = state.cuts.iter_mut().find(|other| other.node == node) {
                // Somebody else keeps it cut.
                other.held.extend(cut.held);
                return Vec::new();
            }
            let ids: Vec<u64> = state.channels.iter().filter(|(_, open)| open.node == node).map(|(id, _)| *id).collect();
            for id in ids {
                self.meet_again(state, id, woken);
            }
            // What was sent into a connection that an end has given up arrives nowhere.
            let open = |id: u64| state.channels.get(&id).is_some_and(Open::is_open);
            let arrives = |packet: &Packet| matches!(packet, Packet::Close { .. }) || open(packet.channel());
            cut.held.into_iter().filter(arrives).collect()
        });
        for packet in held {
            self.arrive(packet);
        }
    }

    /// The ends of a connection hear of each other again.
    fn meet_again(&self, state: &mut State, id: u64, woken: &mut Vec<Waker>) {
        let Some(open) = state.channels.get_mut(&id) else { return };
        match open.half_open.take() {
            Some(HalfOpen { broker: Some(_), client: Some(_) }) => woken.extend(open.waiters.take()),
            Some(HalfOpen { broker: None, .. }) => open.close(BrokerError::ConnectionLost, woken),
            Some(HalfOpen { client: None, .. }) => {
                let out = open.take_unacked();
                self.put_back(state, id, out, Return::ChannelLost);
            }
            None => {}
        }
    }

    /// A publish that does not come through.
    pub(super) fn kept_back(&self, state: &State, packet: &Packet) {
        let Packet::Publish { channel, entry, .. } = packet else { return };
        let fault = state.channels.get(channel).and_then(|open| fault(&state.cuts, open));
        if let Some(fault) = fault {
            self.meddled(state, &fault, *entry, "kept-back");
        }
    }

    /// Ends what has heard nothing for too long.
    pub(super) fn end_dead_connections(&self, state: &mut State, now: Duration, woken: &mut Vec<Waker>) {
        if state.cuts.is_empty() {
            return;
        }
        let ids: Vec<u64> = state.channels.keys().copied().collect();
        for id in ids {
            let Some(open) = state.channels.get_mut(&id) else { continue };
            let Some(half_open) = &mut open.half_open else { continue };
            let due = |end: &mut Option<Duration>| end.take_if(|due| *due <= now).is_some();
            let (broker, client) = (due(&mut half_open.broker), due(&mut half_open.client));
            if client {
                open.fault = fault(&state.cuts, open);
                open.close(BrokerError::ConnectionLost, woken);
            }
            if broker {
                let out = open.take_unacked();
                self.put_back(state, id, out, Return::ChannelLost);
            }
        }
    }
}

fn fault(cuts: &[Cut], open: &Open) -> Option<Arc<str>> {
    cuts.iter().find(|cut| cut.node == open.node)?.fault.clone()
}

impl State {
    /// Whether a packet is held; it comes back when it is not.
    pub(super) fn hold(&mut self, packet: Packet) -> Option<Packet> {
        let channel = packet.channel();
        let Some(open) = self.channels.get(&channel) else { return Some(packet) };
        let node = open.node;
        match self.cuts.iter_mut().find(|cut| cut.node == node) {
            Some(cut) => {
                cut.held.push(packet);
                None
            }
            None => Some(packet),
        }
    }

    /// Whether nothing comes through to a node.
    pub(super) fn is_cut(&self, node: Node) -> bool {
        self.cuts.iter().any(|cut| cut.node == node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broker_gives_up_at_the_second_look_that_finds_nothing() {
        let secs = Duration::from_secs;
        // Opened at 0, looks at 60, 120, ...; the last heartbeat before 100 s came at 90 s.
        let half_open = HalfOpen::new(secs(0), secs(100), secs(60));
        assert_eq!(half_open, HalfOpen { broker: Some(secs(240)), client: Some(secs(240)) });
        // One that came exactly at a look is seen by it.
        assert_eq!(HalfOpen::new(secs(0), secs(60), secs(60)).broker, Some(secs(180)));
        assert_eq!(HalfOpen::new(secs(7), secs(7), secs(60)).broker, Some(secs(127)));
    }
}
