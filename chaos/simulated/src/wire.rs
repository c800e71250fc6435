//! A link with a fixed latency: what goes in comes out in order, after it.
//!
//! One task carries all of it, so a packet costs no task and a burst costs one timer.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Poll, Waker},
    time::Duration,
};

use world::{Boxed, Node};

use crate::runtime::{Host, lock};

/// Packets under way.
pub(crate) struct Wire<T> {
    latency: Duration,
    state: Mutex<State<T>>,
}

struct State<T> {
    packets: VecDeque<(Duration, T)>,
    idle: Option<Waker>,
}

impl<T: Send + 'static> Wire<T> {
    /// A wire with a latency.
    pub(crate) fn new(latency: Duration) -> Self {
        Self { latency, state: Mutex::new(State { packets: VecDeque::new(), idle: None }) }
    }

    /// Sends a packet at `now`.
    pub(crate) fn send(&self, now: Duration, packet: T) {
        let idle = {
            let mut state = lock(&self.state);
            state.packets.push_back((now + self.latency, packet));
            state.idle.take()
        };
        if let Some(waker) = idle {
            waker.wake();
        }
    }

    /// Takes everything that is under way off the wire.
    pub(crate) fn cut(&self) -> Vec<T> {
        lock(&self.state).packets.drain(..).map(|(_, packet)| packet).collect()
    }

    /// How many packets under way match.
    pub(crate) fn count(&self, matches: impl Fn(&T) -> bool) -> u64 {
        lock(&self.state).packets.iter().filter(|(_, packet)| matches(packet)).count() as u64
    }

    fn due(&self, now: Duration) -> Option<T> {
        let mut state = lock(&self.state);
        state.packets.pop_front_if(|(at, _)| *at <= now).map(|(_, packet)| packet)
    }
}

/// Starts the task that hands a wire's packets on.
pub(crate) fn pump<T: Send + 'static>(
    wire: &Arc<Wire<T>>,
    host: &Arc<dyn Host>,
    node: Node,
    name: &'static str,
    hand_on: impl Fn(T) + Send + 'static,
) {
    let (wire, clock) = (Arc::clone(wire), Arc::clone(host));
    let mut timer: Option<Boxed<'static, ()>> = None;
    let task = poll_fn(move |cx| {
        loop {
            if let Some(sleep) = &mut timer {
                if sleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                timer = None;
            }
            let now = clock.now();
            while let Some(packet) = wire.due(now) {
                hand_on(packet);
            }
            let mut state = lock(&wire.state);
            let Some((at, _)) = state.packets.front() else {
                state.idle = Some(cx.waker().clone());
                return Poll::Pending;
            };
            timer = Some(clock.sleep_until(node, *at));
        }
    });
    host.spawn(node, name, Box::pin(task));
}
