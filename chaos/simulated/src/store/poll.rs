//! Poll loops, without the turns that would find nothing.

use std::{
    future::poll_fn,
    task::{Poll, Waker},
    time::Duration,
};

use world::{
    Node,
    store::{Row, Table, Value},
};

use super::Database;
use crate::runtime::lock;

/// The poll loops of a table.
#[derive(Default)]
pub(super) struct Loops(Vec<Loop>);

/// A task that looks for rows with certain values, again and again.
struct Loop {
    task: u64,
    wanted: Vec<(usize, Value)>,
    /// Such a row was committed since its last turn, or it has had none.
    due: bool,
    waker: Option<Waker>,
}

impl Loops {
    fn at(&mut self, task: u64, wanted: &[(usize, Value)]) -> &mut Loop {
        let at = self.0.iter().position(|it| it.task == task && it.wanted == wanted).unwrap_or_else(|| {
            self.0.push(Loop { task, wanted: wanted.to_vec(), due: true, waker: None });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// A row was committed: those who look for such a row have something to look at.
    pub(super) fn committed(&mut self, row: &Row, woken: &mut Vec<Waker>) {
        for it in self.0.iter_mut().filter(|it| !it.due) {
            if it.wanted.iter().all(|(column, value)| row[*column] == *value) {
                it.due = true;
                woken.extend(it.waker.take());
            }
        }
    }
}

/// One turn: the next whole multiple of `every` after a row with the wanted values was committed since this task's last
/// turn. A task's first turn comes in any case.
pub(super) async fn turn(database: &Database, node: Node, table: &'static Table, wanted: &[(usize, Value)], every: Duration) {
    let host = &database.0.host;
    let task = host.current_task();
    poll_fn(|cx| {
        let mut data = lock(&database.0.data);
        let Ok(at) = data.table(table) else { return Poll::Ready(()) };
        let it = data.tables[at].loops.at(task, wanted);
        if it.due {
            return Poll::Ready(());
        }
        it.waker = Some(cx.waker().clone());
        Poll::Pending
    })
    .await;
    let every_ns = every.as_nanos().max(1);
    let next = (host.now().as_nanos() / every_ns + 1) * every_ns;
    host.sleep_until(node, Duration::from_nanos(u64::try_from(next).unwrap_or(u64::MAX))).await;
    let mut data = lock(&database.0.data);
    if let Ok(at) = data.table(table) {
        data.tables[at].loops.at(task, wanted).due = false;
    }
}
