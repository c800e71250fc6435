//! Memory and disk alarms.
//!
//! While one is on, a connection that publishes is blocked: the broker stops to read from it in the middle of the publish, and
//! says so (`connection.blocked`). Everything else that it sends waits too, acknowledgements included. Connections that do not
//! publish go on as before, and so do deliveries to all of them (RabbitMQ 4.0, alarms.md and connection-blocked.md).

use std::{collections::VecDeque, task::Waker};

use faults::Resource;

use super::{Exchange, Packet, State};

impl Exchange {
    /// An alarm goes on or off. All have to be off before anybody is read from again.
    pub(crate) fn alarm(&self, resource: Resource, on: bool) {
        let stalled = self.change(|state, woken| {
            if on {
                state.alarms.insert(resource);
            } else {
                state.alarms.remove(&resource);
            }
            if state.alarms.is_empty() { unblock(state, woken) } else { Vec::new() }
        });
        for packet in stalled {
            self.arrive(packet);
        }
    }
}

/// Reads from all connections again; gives what they have sent meanwhile.
fn unblock(state: &mut State, woken: &mut Vec<Waker>) -> Vec<Packet> {
    let mut stalled = Vec::new();
    for open in state.channels.values_mut() {
        if let Some(packets) = open.blocked.take() {
            stalled.extend(packets);
            woken.extend(open.waiters.take());
        }
    }
    stalled
}

impl State {
    /// Whether a packet has to wait; it is kept then.
    pub(super) fn stall(&mut self, packet: Packet) -> Option<Packet> {
        let (Packet::Publish { channel, .. } | Packet::Settle { channel, .. } | Packet::Close { channel }) = &packet else {
            return Some(packet);
        };
        let Some(open) = self.channels.get_mut(channel) else { return Some(packet) };
        if open.blocked.is_none() && matches!(packet, Packet::Publish { .. }) {
            open.blocked = Some(VecDeque::new());
        }
        match &mut open.blocked {
            Some(packets) => {
                packets.push_back(packet);
                None
            }
            None => Some(packet),
        }
    }
}
