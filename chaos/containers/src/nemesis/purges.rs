//! Queues that somebody empties, once or again and again.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::{Error, management::Management};

/// Those who come again, by fault.
#[derive(Default)]
pub(super) struct Purges(Mutex<BTreeMap<String, JoinHandle<()>>>);

impl Purges {
    /// Empties a queue of a virtual host now, and again after each such time until the fault ends.
    #[expect(clippy::disallowed_methods, reason = "whoever inflicts a fault belongs to no node of the world")]
    pub(super) async fn begin(
        &self,
        fault: &str,
        (management, virtual_host, queue): (&Management, &str, &str),
        each: Option<Duration>,
    ) -> Result<(), Error> {
        management.purge(virtual_host, queue).await?;
        let Some(each) = each.filter(|each| !each.is_zero()) else { return Ok(()) };
        let (management, virtual_host, queue) = (management.clone(), virtual_host.to_owned(), queue.to_owned());
        let comes_again = tokio::spawn(async move {
            let mut times = interval_at(Instant::now() + each, each);
            times.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                times.tick().await;
                // While the broker is away nobody can.
                drop(management.purge(&virtual_host, &queue).await);
            }
        });
        self.lock().insert(fault.to_owned(), comes_again);
        Ok(())
    }

    /// Nobody comes again.
    pub(super) fn end(&self, fault: &str) {
        if let Some(comes_again) = self.lock().remove(fault) {
            comes_again.abort();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, JoinHandle<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Purges {
    fn drop(&mut self) {
        self.lock().values().for_each(JoinHandle::abort);
    }
}
