//! A handful of connections for each node: a transaction that finds none left waits for one, in the order of asking, and gives
//! up after a while.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use world::{Runtime, store::StoreError};

/// How long a caller waits for a connection to come free.
pub(super) const CONNECT: Duration = Duration::from_secs(10);

/// A node's connections to one database.
pub(super) struct Pool {
    rt: Runtime,
    permits: Arc<Semaphore>,
}

impl Pool {
    pub(super) fn new(rt: Runtime, connections: usize) -> Self {
        Self { rt, permits: Arc::new(Semaphore::new(connections)) }
    }

    /// A connection; dropping it leaves it to the next caller.
    pub(super) async fn lease(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let none_left = || StoreError::Unavailable("no connection left".into());
        let permit = self.rt.timeout(CONNECT, Arc::clone(&self.permits).acquire_owned()).await;
        permit.map_err(|_| none_left())?.map_err(|_| none_left())
    }
}
