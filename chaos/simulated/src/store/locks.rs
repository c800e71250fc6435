//! Who waits for whom. A row is handed on in the order of asking; whoever closes a circle of waiting is told at once.

use std::task::Waker;

use world::store::StoreError;

use super::{Data, Wait};

impl Data {
    /// Takes a row's lock, or queues for it. `false`: it has to wait.
    pub(super) fn lock_row(&mut self, tx: u64, table: usize, slot: u32) -> Result<bool, StoreError> {
        let row = &mut self.tables[table].slots[slot as usize];
        match row.lock() {
            Some(holder) if holder == tx => Ok(true),
            None => {
                row.hand_to(Some(tx));
                if let Some(open) = self.open.get_mut(&tx) {
                    open.locks.push((table, slot));
                }
                Ok(true)
            }
            Some(holder) => {
                self.wait_for(tx, Wait { holder, row: Some((table, slot)) })?;
                self.tables[table].slots[slot as usize].queue_up(tx);
                Ok(false)
            }
        }
    }

    /// Waits for another transaction's end.
    pub(super) fn wait_for(&mut self, tx: u64, wait: Wait) -> Result<(), StoreError> {
        let mut next = Some(wait.holder);
        while let Some(holder) = next {
            if holder == tx {
                return Err(StoreError::Deadlock);
            }
            next = self.open.get(&holder).and_then(|open| open.waits).map(|wait| wait.holder);
        }
        if let Some(open) = self.open.get_mut(&tx) {
            open.waits = Some(wait);
        }
        Ok(())
    }

    /// Stops waiting: the statement was given up.
    pub(super) fn stop_waiting(&mut self, tx: u64) {
        let Some(open) = self.open.get_mut(&tx) else { return };
        open.waker = None;
        if let Some(Wait { row: Some((table, slot)), .. }) = open.waits.take() {
            self.tables[table].slots[slot as usize].leave_queue(tx);
        }
    }

    /// Gives a row to the next in its queue.
    pub(super) fn unlock_row(&mut self, table: usize, slot: u32, woken: &mut Vec<Waker>) {
        let row = &mut self.tables[table].slots[slot as usize];
        let next = row.next_in_queue();
        row.hand_to(next);
        let Some(next) = next else {
            if row.newest.is_none() {
                self.tables[table].abandon(slot);
            }
            return;
        };
        for waiting in row.queue() {
            if let Some(Wait { holder, .. }) = self.open.get_mut(&waiting).and_then(|open| open.waits.as_mut()) {
                *holder = next;
            }
        }
        if let Some(open) = self.open.get_mut(&next) {
            open.waits = None;
            open.locks.push((table, slot));
            woken.extend(open.waker.take());
        }
    }

    /// A transaction is over: all that it held is free, and all that waited for its end go on.
    pub(super) fn release(&mut self, tx: u64, woken: &mut Vec<Waker>) {
        self.stop_waiting(tx);
        let Some(open) = self.open.remove(&tx) else { return };
        for (table, index, key) in open.reserved {
            self.tables[table].reserved.remove(&(index, key));
        }
        for (table, slot) in open.locks {
            self.unlock_row(table, slot, woken);
        }
        if let Some(at) = open.snapshot
            && let Some(users) = self.snapshots.get_mut(&at)
        {
            *users -= 1;
            if *users == 0 {
                self.snapshots.remove(&at);
            }
        }
        for other in self.open.values_mut() {
            if other.waits.is_some_and(|wait| wait.holder == tx) {
                other.waits = None;
                woken.extend(other.waker.take());
            }
        }
    }
}
