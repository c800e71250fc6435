//! Where workers sit who are not tasks of their desk's own: each waits for what it is handed.

use std::time::Duration;

use tokio::sync::{
    Mutex,
    mpsc::{self, UnboundedReceiver, UnboundedSender},
};

use super::Piece;

/// An order in a worker's hands.
pub(crate) struct Taken {
    pub(crate) piece: Piece,
    /// Since when, counted from the start of the run.
    pub(crate) at: Duration,
}

/// One for each worker of a pool, numbered from 1.
pub(crate) struct Seats(Vec<Seat>);

struct Seat {
    /// Nothing: there will be no more work.
    hand: UnboundedSender<Option<Taken>>,
    handed: Mutex<UnboundedReceiver<Option<Taken>>>,
}

impl Seats {
    pub(crate) fn new(workers: usize) -> Self {
        let seat = || {
            let (hand, handed) = mpsc::unbounded_channel();
            Seat { hand, handed: Mutex::new(handed) }
        };
        Self((0..workers).map(|_| seat()).collect())
    }

    /// Hands an order to a worker, who has it from now on, whenever it looks up.
    pub(crate) fn hand(&self, worker: u32, taken: Taken) {
        if let Some(seat) = self.of(worker) {
            // The other end is in the same seat.
            drop(seat.hand.send(Some(taken)));
        }
    }

    /// What a worker is handed next; `None` when there is no more work.
    pub(crate) async fn wait(&self, worker: u32) -> Option<Taken> {
        self.of(worker)?.handed.lock().await.recv().await.flatten()
    }

    /// There is no more work.
    pub(crate) fn close(&self) {
        self.0.iter().for_each(|seat| drop(seat.hand.send(None)));
    }

    fn of(&self, worker: u32) -> Option<&Seat> {
        self.0.get((worker as usize).checked_sub(1)?)
    }
}
