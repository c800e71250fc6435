//! A connection as the rules see it: who it belongs to, what is done to it, and how it is woken when that changes.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    amqp::session::To,
    api::{How, Way},
    records::lock,
    shape::Shape,
};

/// A connection.
pub(crate) struct Handle {
    pub(crate) number: u64,
    pub(crate) listener: Arc<str>,
    client: Mutex<Arc<str>>,
    /// Whether anything at all is done to it: looked at for each read, so that nothing is locked where it is not.
    shaped: AtomicBool,
    shapes: Mutex<Shapes>,
    to_broker: Notify,
    to_client: Notify,
    cut: Notify,
    resets: AtomicBool,
    closes_channels: AtomicBool,
}

#[derive(Default)]
struct Shapes {
    up: Shape,
    down: Shape,
    loses_answers: Option<Arc<str>>,
    /// For good.
    frozen: bool,
    /// Faults that have told their effect on it.
    told: BTreeSet<Arc<str>>,
}

impl Handle {
    pub(crate) fn new(number: u64, listener: Arc<str>, client: Arc<str>) -> Self {
        Self {
            number,
            listener,
            client: Mutex::new(client),
            shaped: AtomicBool::new(false),
            shapes: Mutex::default(),
            to_broker: Notify::new(),
            to_client: Notify::new(),
            cut: Notify::new(),
            resets: AtomicBool::new(false),
            closes_channels: AtomicBool::new(false),
        }
    }

    pub(crate) fn client(&self) -> Arc<str> {
        Arc::clone(&lock(&self.client))
    }

    pub(crate) fn rename(&self, client: Arc<str>) {
        *lock(&self.client) = client;
    }

    /// From now on this is done to it, and nothing else. Gives what had not been told yet; of a new rule nothing has.
    pub(crate) fn shape(&self, met: &[(Arc<str>, How)], new: Option<&str>) -> Vec<(Arc<str>, How)> {
        let mut shapes = lock(&self.shapes);
        let Shapes { frozen, ref told, .. } = *shapes;
        let stays = |fault: &&Arc<str>| Some(&***fault) != new && met.iter().any(|(met, _)| met == *fault);
        let told = told.iter().filter(stays).cloned().collect();
        *shapes = Shapes { frozen, told, ..Shapes::default() };
        met.iter().for_each(|(fault, how)| shapes.take(fault, how));
        shapes.up.stalled |= frozen;
        shapes.down.stalled |= frozen;
        // An answer is told of when it is lost.
        let untold = |(fault, how): &&(Arc<str>, How)| *how != How::LoseAnswers && shapes.told.insert(Arc::clone(fault));
        let untold = met.iter().filter(untold).cloned().collect();
        let any = shapes.loses_answers.is_some() || shapes.up != Shape::default() || shapes.down != Shape::default();
        self.shaped.store(any, Ordering::Release);
        drop(shapes);
        self.wake(To::Broker);
        self.wake(To::Client);
        untold
    }

    /// What is done to one way of it.
    pub(crate) fn shape_to(&self, to: To) -> Shape {
        if !self.shaped.load(Ordering::Acquire) {
            return Shape::default();
        }
        let shapes = lock(&self.shapes);
        match to {
            To::Broker => shapes.up,
            To::Client => shapes.down,
        }
    }

    /// The fault that wants its answers lost.
    pub(crate) fn loses_answers(&self) -> Option<Arc<str>> {
        if !self.shaped.load(Ordering::Acquire) {
            return None;
        }
        lock(&self.shapes).loses_answers.clone()
    }

    /// Nothing comes through any more, whatever the rules say later.
    pub(crate) fn freeze(&self) {
        let mut shapes = lock(&self.shapes);
        (shapes.frozen, shapes.up.stalled, shapes.down.stalled) = (true, true, true);
        self.shaped.store(true, Ordering::Release);
        drop(shapes);
        self.wake(To::Broker);
        self.wake(To::Client);
    }

    const fn waker(&self, to: To) -> &Notify {
        match to {
            To::Broker => &self.to_broker,
            To::Client => &self.to_client,
        }
    }

    pub(crate) fn wake(&self, to: To) {
        self.waker(to).notify_one();
    }

    pub(crate) async fn woken(&self, to: To) {
        self.waker(to).notified().await;
    }

    /// Both ends are closed; with a reset if that is what the client is to see.
    pub(crate) fn cut(&self, reset: bool) {
        self.resets.fetch_or(reset, Ordering::AcqRel);
        self.cut.notify_one();
    }

    pub(crate) async fn is_cut(&self) {
        self.cut.notified().await;
    }

    pub(crate) fn resets(&self) -> bool {
        self.resets.load(Ordering::Acquire)
    }

    /// All its channels are closed.
    pub(crate) fn close_channels(&self) {
        self.closes_channels.store(true, Ordering::Release);
        self.wake(To::Broker);
    }

    pub(crate) fn takes_close_channels(&self) -> bool {
        self.closes_channels.swap(false, Ordering::AcqRel)
    }
}

impl Shapes {
    fn take(&mut self, fault: &Arc<str>, how: &How) {
        let (way, change): (Way, &dyn Fn(&mut Shape)) = match how {
            How::HalfOpen => (Way::Both, &|shape| shape.stalled = true),
            How::Latency { ms, way } => (*way, &|shape| shape.latency += Duration::from_millis(*ms)),
            How::Throttle { bytes_per_s, way } => {
                (*way, &|shape| shape.rate = Some(shape.rate.map_or(*bytes_per_s, |rate| rate.min(*bytes_per_s))))
            }
            How::LoseAnswers => {
                self.loses_answers = Some(Arc::clone(fault));
                return;
            }
            _ => return,
        };
        if way != Way::Down {
            change(&mut self.up);
        }
        if way != Way::Up {
            change(&mut self.down);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_adds_up_and_ends_and_is_told_once() {
        let handle = Handle::new(1, "postgres".into(), "10.0.0.1".into());
        let slow = |fault: &str, ms| (Arc::from(fault), How::Latency { ms, way: Way::Up });
        let both = [slow("a", 10), slow("b", 5)];
        assert_eq!(handle.shape(&both[..1], None).len(), 1);
        assert_eq!(handle.shape(&both, None), both[1..]);
        assert_eq!(handle.shape_to(To::Broker).latency, Duration::from_millis(15));
        assert_eq!(handle.shape_to(To::Client), Shape::default());
        assert_eq!(handle.shape(&both, Some("a")), both[..1]);
        assert!(handle.shape(&[], None).is_empty());
        assert_eq!(handle.shape_to(To::Broker), Shape::default());
    }

    #[test]
    fn what_is_frozen_stays_so() {
        let handle = Handle::new(1, "rabbitmq".into(), "crm-api-1.1".into());
        handle.freeze();
        handle.shape(&[], None);
        assert!(handle.shape_to(To::Client).stalled && handle.shape_to(To::Broker).stalled);
    }
}
