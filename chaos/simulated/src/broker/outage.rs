//! The broker goes down and comes up again.

use std::{collections::BTreeSet, sync::Arc};

use faults::{End, What};
use world::{Node, broker::BrokerError};

use super::{Exchange, Packet, State, account::Entry};

/// How the broker goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Down {
    /// `SIGKILL`: what is not on disk is gone.
    Killed,
    /// `SIGTERM`: the queues are written first.
    Stopped,
}

impl Exchange {
    /// Takes the broker down: all connections break, and what is not on disk is gone.
    pub(crate) fn go_down(&self, how: Down, fault: &Arc<str>) {
        let packets = self.0.wire.cut();
        self.0.disk.cut();
        self.change(|state, woken| {
            state.outages += 1;
            state.monitor.down(self.now());
            let mut felt = BTreeSet::new();
            for packet in packets {
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
            state.timeout.clear();
            for out in cut {
                self.cut(state, fault, out.item.entry);
                state.account.end(out.item.entry, End::Ready, self.wall_ns());
                state.queues[out.queue].put_back(out.item, true);
            }
            self.recover(state, how, fault);
        });
    }

    /// What of each queue is there when the broker reads its disk again.
    fn recover(&self, state: &mut State, how: Down, fault: &Arc<str>) {
        let (now, wall) = (self.now(), self.wall_ns());
        for at in 0..state.queues.len() {
            let State { queues, account, .. } = &mut *state;
            let queue = &mut queues[at];
            queue.consumers.clear();
            match how {
                // A process that has hibernated by now has written everything.
                Down::Killed => queue.touch(now),
                Down::Stopped => queue.write(),
            }
            let mut lost = Vec::new();
            let flush = &queue.flush;
            queue.ready.retain(|item| {
                let kept = item.message.persistent && flush.survives(item.seq);
                if !kept {
                    lost.push(item.entry);
                }
                kept
            });
            let name = queue.name.to_string();
            let back: Vec<_> = queue.unwritten_acks.drain(..).collect();
            let back: Vec<_> = back.into_iter().filter(|item| queue.flush.survives(item.seq)).collect();
            let returned: Vec<Entry> = back.iter().map(|item| item.entry).collect();
            for item in back {
                account.end(item.entry, End::Ready, wall);
                queue.put_back(item, true);
            }
            for entry in lost {
                account.end(entry, End::Lost, wall);
                let (id, order, key) = account.names(entry);
                let what = What::MessageLost { message_id: id.into(), queue: name.clone() };
                self.0.effects.add(fault, wall, what, Some((order, key)));
            }
            // Its answer is lost: it comes again.
            for entry in returned {
                self.cut(state, fault, entry);
            }
        }
    }

    /// Brings the broker up again, with what was on disk.
    pub(crate) fn come_up(&self) {
        let now = self.now();
        self.change(|state, _| {
            state.outages = state.outages.saturating_sub(1);
            for queue in &mut state.queues {
                queue.restart(now);
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
        self.change(|state, woken| {
            let ids: Vec<u64> = state.channels.iter().filter(|(_, open)| open.node == node).map(|(id, _)| *id).collect();
            for id in ids {
                let Some(mut open) = state.channels.remove(&id) else { continue };
                open.close(BrokerError::ConnectionLost, woken);
                let unacked = open.take_unacked();
                if let Some(fault) = fault {
                    unacked.iter().for_each(|out| self.cut(state, fault, out.item.entry));
                }
                self.put_back(state, id, unacked);
            }
        });
    }

    pub(super) fn publish_failed(&self, state: &mut State, fault: &Arc<str>, entry: Entry) {
        let (id, order, key) = state.account.names(entry);
        self.0.effects.add(fault, self.wall_ns(), What::PublishFailed { message_id: id.into() }, Some((order, key)));
    }

    fn cut(&self, state: &State, fault: &Arc<str>, entry: Entry) {
        let (id, order, key) = state.account.names(entry);
        let what = What::DeliveryCut { message_id: id.into(), acknowledged: false };
        self.0.effects.add(fault, self.wall_ns(), what, Some((order, key)));
    }
}
