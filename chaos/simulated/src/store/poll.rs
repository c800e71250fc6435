//! Poll loops, without the turns that would find nothing.

use std::{future::poll_fn, task::Poll, time::Duration};

use world::{Node, store::Table};

use super::Database;
use crate::runtime::lock;

/// One turn: the next whole multiple of `every` after the table has changed since this task's last turn. A task's first
/// turn comes whether it has changed or not.
pub(super) async fn turn(database: &Database, node: Node, table: &'static Table, every: Duration) {
    let host = &database.0.host;
    let task = host.current_task();
    let mut place = Place { database, table, held: None };
    poll_fn(|cx| {
        let mut data = lock(&database.0.data);
        let Ok(at) = data.table(table) else { return Poll::Ready(()) };
        if data.seen.get(&(task, at)) != Some(&data.tables[at].changes) {
            return Poll::Ready(());
        }
        data.tables[at].pollers.wait(&mut place.held, cx.waker());
        Poll::Pending
    })
    .await;
    drop(place);
    let every_ns = every.as_nanos().max(1);
    let next = (host.now().as_nanos() / every_ns + 1) * every_ns;
    host.sleep_until(node, Duration::from_nanos(u64::try_from(next).unwrap_or(u64::MAX))).await;
    let mut data = lock(&database.0.data);
    if let Ok(at) = data.table(table) {
        let changes = data.tables[at].changes;
        data.seen.insert((task, at), changes);
    }
}

/// A place among those who wait for a change.
struct Place<'a> {
    database: &'a Database,
    table: &'static Table,
    held: Option<usize>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut data = lock(&self.database.0.data);
        if let Ok(at) = data.table(self.table) {
            data.tables[at].pollers.leave(self.held.take());
        }
    }
}
