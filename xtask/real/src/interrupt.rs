//! Ctrl-C, heard from the first moment to the last: whenever it comes, what was made is removed, and however often it comes,
//! that is not cut off.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
};

use crate::arena::first;

/// Whether somebody wants an end, by SIGINT or SIGTERM.
pub struct Interrupt(Arc<Told>);

#[derive(Default)]
struct Told {
    told: AtomicBool,
    wake: Notify,
}

impl Interrupt {
    /// Listens from now on, on the current tokio runtime; neither signal ends the process any more.
    ///
    /// # Errors
    /// When the operating system gives no signals.
    #[expect(clippy::disallowed_methods, reason = "signals belong to no node of the world")]
    pub fn listen() -> io::Result<Self> {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let told = Arc::new(Told::default());
        let teller = Arc::clone(&told);
        drop(tokio::spawn(async move {
            first(interrupt.recv(), terminate.recv()).await;
            teller.told.store(true, Ordering::Release);
            teller.wake.notify_one();
        }));
        Ok(Self(told))
    }

    /// Whether it was told.
    #[must_use]
    pub fn told(&self) -> bool {
        self.0.told.load(Ordering::Acquire)
    }

    /// Waits until it is told.
    pub async fn wait(&self) {
        while !self.told() {
            self.0.wake.notified().await;
        }
    }
}
