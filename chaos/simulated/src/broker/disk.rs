//! What is on its way to the disk: confirms of classic queues share an fsync; what comes to a quorum queue is there when its log
//! has it.
//!
//! A quorum queue hands a message out and confirms it once a majority of its members has it on disk; here there is one member
//! (RabbitMQ 4.0, confirms.md, "When Will Published Messages Be Confirmed"; quorum-queues.md, "Data Safety").

use std::time::Duration;

use faults::End;

use super::{Exchange, State, ready::Incoming};

/// Something that is written.
pub(super) enum Write {
    /// Classic queues, whole.
    Queues(Vec<usize>),
    /// A message, into the log of a quorum queue.
    Append { queue: usize, message: Incoming },
}

impl Exchange {
    /// A message goes to the log of a quorum queue.
    pub(super) fn append(&self, state: &mut State, queue: usize, message: Incoming, now: Duration) {
        state.account.end(message.entry, End::Ready, self.wall_ns());
        self.0.disk.send(now, Write::Append { queue, message });
    }

    /// Something is on disk.
    pub(super) fn written(&self, write: Write) {
        let now = self.now();
        self.change(|state, _| match write {
            Write::Queues(queues) => queues.into_iter().for_each(|at| state.queues[at].write()),
            Write::Append { queue, message } => self.add(state, queue, message, now),
        });
    }

    /// Messages on their way to a log; a kill loses them. Gives those, with the queue.
    pub(super) fn cut_disk(&self) -> Vec<(usize, Incoming)> {
        let appends = self.0.disk.cut().into_iter().filter_map(|write| match write {
            Write::Append { queue, message } => Some((queue, message)),
            Write::Queues(_) => None,
        });
        appends.collect()
    }

    /// How many messages are on their way to a log.
    pub(super) fn appending(&self) -> u64 {
        self.0.disk.count(|write| matches!(write, Write::Append { .. }))
    }
}
