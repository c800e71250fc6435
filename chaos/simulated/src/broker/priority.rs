//! Priorities: which of the messages that are there goes first.

use std::{collections::VecDeque, time::Duration};

use super::{
    ready::{Item, put_in_place},
    version::Version,
};

/// A queue's messages by their priority.
pub(super) struct Lanes {
    rule: Rule,
    /// The lowest priority first.
    lanes: Vec<VecDeque<Item>>,
    /// Of a classic queue: what it does about time.
    watch: Option<Watch>,
}

/// When a classic queue looks at its head by itself, and whether it knows its head.
///
/// It looks whenever a message leaves, comes back, or comes while there is none, and sets its timer by the head that it finds then: to an
/// earlier time, never to a later one. So the timer may fire for a message that has long been delivered, and the queue looks all the same
/// (`drop_expired_msgs` and `ensure_ttl_timer` in rabbit_amqqueue_process of 4.0). A message that overtakes all others is not looked at when it
/// comes, and handed out though it has expired, if nothing happens before (`maybe_enqueue_message`). Both were seen at a 4.0.
#[derive(Default)]
struct Watch {
    timer: Option<Duration>,
    overtaken: bool,
}

/// A timer stays when it would be set earlier by no more than that.
const NEAR: Duration = Duration::from_millis(1);

impl Watch {
    /// The queue has looked, and its head expires then.
    fn sees(&mut self, expires: Option<Duration>) {
        if let Some(expires) = expires
            && self.timer.is_none_or(|timer| expires + NEAR < timer)
        {
            self.timer = Some(expires);
        }
    }
}

/// How priorities are heeded.
enum Rule {
    /// The highest one first. A message without a priority has this one.
    Strict { default: u8, looks_everywhere: bool },
    /// High and normal ones, of which every third time a normal one goes first.
    Shared { taken: u8 },
}

/// Above this a priority is high, in a quorum queue before 4.3; it is also what 4.3 gives a message without one.
const NORMAL: u8 = 4;
/// After so many messages it is the normal ones' turn.
const WEIGHT: u8 = 2;
/// Priorities of a quorum queue since 4.3.
const STRICT_QUORUM: u8 = 31;

impl Lanes {
    /// A classic queue with `x-max-priority`: a higher priority is taken for the highest one, none for 0 (4.0, priority.md,
    /// "Priority Queue Behaviour").
    pub(super) fn classic(highest: u8) -> Self {
        let rule = Rule::Strict { default: 0, looks_everywhere: false };
        Self { watch: Some(Watch::default()), ..Self::new(rule, usize::from(highest) + 1) }
    }

    /// A quorum queue: priorities 0 to 31 since 4.3 (4.3, quorum-queues.md, "Strict message priorities"); 4.0 has two, of which
    /// the high ones go first at 2:1 (4.0, quorum-queues.md, "Priorities"); 3.13 has none.
    pub(super) fn quorum(version: Version) -> Self {
        match version {
            Version::V3_13 => Self::new(Rule::Strict { default: 0, looks_everywhere: false }, 1),
            Version::V4_0 => Self::new(Rule::Shared { taken: 0 }, 2),
            Version::V4_3 => Self::new(Rule::Strict { default: NORMAL, looks_everywhere: true }, usize::from(STRICT_QUORUM) + 1),
        }
    }

    fn new(rule: Rule, lanes: usize) -> Self {
        Self { rule, lanes: (0..lanes).map(|_| VecDeque::new()).collect(), watch: None }
    }

    fn lane(&self, item: &Item) -> usize {
        match self.rule {
            Rule::Strict { default, .. } => usize::from(item.message.priority.unwrap_or(default)).min(self.lanes.len() - 1),
            Rule::Shared { .. } => usize::from(item.message.priority.is_some_and(|priority| priority > NORMAL)),
        }
    }

    /// The lane of the message that leaves next.
    fn next(&self) -> Option<usize> {
        let highest = self.lanes.iter().rposition(|lane| !lane.is_empty())?;
        if let (Rule::Shared { taken: WEIGHT }, [normal, high]) = (&self.rule, &self.lanes[..])
            && let (Some(normal), Some(high)) = (normal.front(), high.front())
        {
            // A high one that was there before the normal one goes first all the same.
            return Some(usize::from(high.seq < normal.seq));
        }
        Some(highest)
    }

    pub(super) fn len(&self) -> usize {
        self.lanes.iter().map(VecDeque::len).sum()
    }

    pub(super) fn push(&mut self, item: Item) {
        let lane = self.lane(&item);
        let head = self.next();
        if let Some(watch) = &mut self.watch {
            watch.overtaken = head.is_some_and(|head| watch.overtaken || head < lane);
        }
        self.lanes[lane].push_back(item);
    }

    /// Adds a message at the tail of the normal ones, whatever its priority.
    pub(super) fn push_as_normal(&mut self, item: Item) {
        self.lanes[0].push_back(item);
    }

    pub(super) fn put_back(&mut self, item: Item) {
        self.look();
        let lane = self.lane(&item);
        put_in_place(&mut self.lanes[lane], item);
    }

    pub(super) fn pop(&mut self) -> Option<Item> {
        self.look();
        let lane = self.next()?;
        if let Rule::Shared { taken } = &mut self.rule {
            *taken = if *taken == WEIGHT { 0 } else { *taken + 1 };
        }
        self.lanes[lane].pop_front()
    }

    pub(super) fn looks_everywhere(&self) -> bool {
        matches!(self.rule, Rule::Strict { looks_everywhere: true, .. })
    }

    /// Takes an expired message from the head: of the lane whose turn it is, or of any.
    pub(super) fn take_expired(&mut self, now: Duration) -> Option<Item> {
        self.look();
        if let Some(watch) = &mut self.watch {
            watch.timer = watch.timer.filter(|timer| *timer > now);
        }
        if self.looks_everywhere() {
            return self.lanes.iter_mut().rev().find_map(|lane| lane.pop_front_if(|item| item.expired(now)));
        }
        let first = self.lanes[self.next()?].front()?;
        if first.expired(now) { self.pop() } else { None }
    }

    /// A classic queue looks at its head.
    fn look(&mut self) {
        if let Some(watch) = &mut self.watch {
            watch.overtaken = false;
        }
    }

    /// What has expired is gone: a classic queue that knows its head sets its timer by it.
    pub(super) fn looked(&mut self) {
        let head = self.head_expires();
        if let Some(watch) = self.watch.as_mut().filter(|watch| !watch.overtaken) {
            watch.sees(head);
        }
    }

    fn head_expires(&self) -> Option<Duration> {
        self.lanes[self.next()?].front()?.expires
    }

    /// When to look for something that has expired.
    pub(super) fn next_expiry(&self) -> Option<Duration> {
        if let Some(Watch { timer, overtaken }) = self.watch {
            let known = self.head_expires().filter(|_| !overtaken);
            return timer.into_iter().chain(known).min();
        }
        if self.looks_everywhere() {
            return self.lanes.iter().filter_map(|lane| lane.front()?.expires).min();
        }
        self.head_expires()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.lanes.iter().flatten()
    }

    /// Keeps what is to be kept, as the queue's process begins anew.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut Item) -> bool) {
        self.watch = self.watch.take().map(|_| Watch::default());
        for lane in &mut self.lanes {
            lane.retain_mut(&mut keep);
        }
    }
}
