//! The broker goes down and comes up again.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use faults::{End, Outage, What};
use world::{Node, broker::BrokerError};

use super::{Exchange, Packet, State, account::Entry, max_length::Told, ready::Ready, version::Return};

impl Exchange {
    /// Takes the broker down: all connections break, and what is not on disk is gone.
    pub(crate) fn go_down(&self, how: Outage, fault: &Arc<str>) {
        let packets = self.0.wire.cut();
        let appends = self.cut_disk();
        self.change(|state, woken| {
            state.outages += 1;
            state.monitor.down(self.now());
            let mut felt = BTreeSet::new();
            let stalled = state.channels.values_mut().filter_map(|open| open.blocked.take()).flatten();
            let stalled: Vec<Packet> = stalled.collect();
            for packet in packets.into_iter().chain(stalled) {
                // What is under way when the connection breaks arrives nowhere.
                if let Packet::Publish { entry, .. } = packet {
                    self.publish_failed(state, fault, entry);
                }
            }
            let mut cut = Vec::new();
            for open in state.channels.values_mut().filter(|open| open.is_open()) {
                open.close(BrokerError::ConnectionLost, woken);
                open.fault = Some(Arc::clone(fault));
                self.0.effects.add(fault, self.wall_ns(), What::ConnectionLost { node: open.node.to_string() }, None);
                felt.insert(open.node.to_string());
                cut.extend(open.take_unacked());
            }
            state.felt = Some((Arc::clone(fault), felt));
            for queue in &mut state.queues {
                queue.turns.clear();
                queue.told = Told::default();
            }
            for out in cut {
                self.delivery_cut(state, fault, out.item.entry);
                if state.queues[out.queue].gone {
                    state.account.end(out.item.entry, End::Expired, self.wall_ns());
                } else {
                    self.come_back(state, out.queue, out.item, Return::ChannelLost);
                }
            }
            for (at, message) in appends {
                match how {
                    Outage::Killed => self.lost(state, at, message.entry, fault),
                    Outage::Stopped => self.add(state, at, message, self.now()),
                }
            }
            self.recover(state, how, fault);
            state.clock.reset(None);
        });
    }

    /// What of each queue is there when the broker reads its disk again.
    fn recover(&self, state: &mut State, how: Outage, fault: &Arc<str>) {
        let now = self.now();
        for at in 0..state.queues.len() {
            let queue = &mut state.queues[at];
            match how {
                // A process that has hibernated by now has written everything.
                Outage::Killed => queue.touch(now),
                Outage::Stopped => queue.write(),
            }
            let durable = queue.declared.durable();
            let mut lost = Vec::new();
            let mut ready = std::mem::replace(&mut queue.ready, Ready::Fifo(VecDeque::new()));
            ready.retain(|item| {
                let kept = durable && queue.survives(item);
                if !kept {
                    lost.push(item.entry);
                }
                // A classic queue that was killed has not written down which of its messages had been out: all of them say that
                // they may have been (measured on a 4.0.5).
                item.redelivered |= kept && how == Outage::Killed && !queue.is_quorum();
                kept
            });
            queue.ready = ready;
            let back: Vec<_> = queue.unwritten_acks.drain(..).collect();
            let back: Vec<_> = back.into_iter().filter(|item| queue.survives(item)).collect();
            for entry in lost {
                self.lost(state, at, entry, fault);
            }
            for mut item in back {
                // Its answer is lost: it comes again.
                self.delivery_cut(state, fault, item.entry);
                state.account.end(item.entry, End::Ready, self.wall_ns());
                item.redelivered = true;
                state.queues[at].ready.put_back(item);
            }
            if !durable {
                // It is empty by now, and nobody consumes it.
                state.queues[at].gone = true;
                state.router.forget(at);
            }
        }
    }

    fn lost(&self, state: &mut State, at: usize, entry: Entry, fault: &Arc<str>) {
        let wall = self.wall_ns();
        state.account.end(entry, End::Lost, wall);
        let (id, order, key) = state.account.names(entry);
        let what = What::MessageLost { message_id: id.into(), queue: state.queues[at].name.to_string() };
        self.0.effects.add(fault, wall, what, Some((order, key)));
    }

    /// Brings the broker up again, with what was on disk.
    pub(crate) fn come_up(&self) {
        let now = self.now();
        self.change(|state, _| {
            state.outages = state.outages.saturating_sub(1);
            for at in 0..state.queues.len() {
                state.queues[at].restart(now);
                state.queues[at].next_due().into_iter().for_each(|due| state.clock.set(due));
            }
            state.monitor.up(now);
        });
    }

    /// A node finds the broker away. One that had no connection to lose feels the outage by that alone.
    pub(super) fn turned_away(&self, state: &mut State, node: Node) {
        let Some((fault, felt)) = &mut state.felt else { return };
        if felt.insert(node.to_string()) {
            self.0.effects.add(fault, self.wall_ns(), What::ConnectionLost { node: node.to_string() }, None);
        }
    }

    /// A node died: its connections break, and what it had out goes back.
    pub(crate) fn node_died(&self, node: Node, fault: Option<&Arc<str>>) {
        self.stands_no_more(node);
        self.change(|state, woken| {
            let ids: Vec<u64> = state.channels.iter().filter(|(_, open)| open.node == node).map(|(id, _)| *id).collect();
            for id in ids {
                let Some(mut open) = state.channels.remove(&id) else { continue };
                open.close(BrokerError::ConnectionLost, woken);
                let unacked = open.take_unacked();
                if let Some(fault) = fault {
                    unacked.iter().for_each(|out| self.delivery_cut(state, fault, out.item.entry));
                }
                self.put_back(state, id, unacked, Return::ChannelLost);
            }
        });
    }

    pub(super) fn publish_failed(&self, state: &mut State, fault: &Arc<str>, entry: Entry) {
        let (id, order, key) = state.account.names(entry);
        self.0.effects.add(fault, self.wall_ns(), What::PublishFailed { message_id: id.into() }, Some((order, key)));
    }

    fn delivery_cut(&self, state: &State, fault: &Arc<str>, entry: Entry) {
        let (id, order, key) = state.account.names(entry);
        let what = What::DeliveryCut { message_id: id.into(), acknowledged: false };
        self.0.effects.add(fault, self.wall_ns(), what, Some((order, key)));
    }
}
