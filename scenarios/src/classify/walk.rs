//! One order's records, laid along the hops of the lifecycle.

use contracts::{
    Status,
    tables::{JOB_DONE, JOB_QUEUED},
};
use faults::Outcome;

use crate::{
    ledger::{Account, Job},
    lifecycle::{Hop, Lifecycle, Message, Part},
};

/// When a hop began and ended; `None` for what has not happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) begin: Option<u64>,
    pub(super) end: Option<u64>,
}

/// An order along the hops.
pub(super) struct Walk<'a> {
    pub(super) lifecycle: &'a Lifecycle,
    /// For each state: when its owner first recorded it.
    pub(super) entered: [Option<u64>; Status::ALL.len()],
    /// For each state: when the other side first recorded it.
    pub(super) told: [Option<u64>; Status::ALL.len()],
    /// For each hop of the lifecycle.
    pub(super) times: Vec<Times>,
}

impl<'a> Walk<'a> {
    pub(super) fn of(account: &Account, lifecycle: &'a Lifecycle) -> Self {
        let entered = Status::ALL.map(|status| account.entered(lifecycle.state(status).side, status));
        let told = Status::ALL.map(|status| account.entered(lifecycle.state(status).side.other(), status));
        let mut walk = Self { lifecycle, entered, told, times: vec![Times::default(); lifecycle.hops.len()] };
        for message in &lifecycle.messages {
            let times = walk.message(account, message);
            for (hop, times) in message.hops.into_iter().zip(times) {
                walk.times[hop] = times;
            }
        }
        for (index, hop) in lifecycle.hops.iter().enumerate() {
            match hop.part {
                Part::Wait => walk.times[index] = walk.waited(hop),
                Part::WorkWait => walk.times[index] = walk.worked(account, hop).0,
                Part::Work => walk.times[index] = walk.worked(account, hop).1,
                Part::CommitSend | Part::Transit | Part::Process => {}
            }
        }
        walk
    }

    pub(super) fn initiated_ns(&self) -> Option<u64> {
        self.entered[Status::Initiated as usize]
    }

    pub(super) fn closed_ns(&self) -> Option<u64> {
        self.entered[Status::Closed as usize]
    }

    /// Commit to send, transit, process of the message that led to the record on the other side, or of the one that came
    /// furthest on its way there.
    fn message(&self, account: &Account, message: &Message) -> [Times; 3] {
        let commit = self.entered[message.announces as usize];
        let effect = self.told[message.announces as usize];
        let messages = || account.messages.iter().filter(|candidate| candidate.announces == message.announces);
        let deliveries = || {
            messages()
                .flat_map(|candidate| candidate.deliveries.iter().map(move |delivery| (delivery.at_ns, candidate.published_ns)))
        };
        // What came to the consumer last before it wrote, it wrote down.
        let delivered = match effect {
            Some(effect_ns) => deliveries().filter(|(at_ns, _)| *at_ns <= effect_ns).max().or_else(|| deliveries().min()),
            None => deliveries().max(),
        };
        let sent = delivered.map(|(_, published_ns)| published_ns).or_else(|| {
            messages().filter(|candidate| candidate.sent != Outcome::Failed).map(|candidate| candidate.published_ns).max()
        });
        // A world that keeps no account of messages shows the whole way as transit.
        let send = sent.or(effect.and(commit));
        let receive = delivered.map(|(at_ns, _)| at_ns).or(effect);
        [Times { begin: commit, end: send }, Times { begin: send, end: receive }, Times { begin: receive, end: effect }]
    }

    /// From when somebody could enter a state to when they did.
    fn waited(&self, hop: &Hop) -> Times {
        Times { begin: self.ready(hop.status), end: self.entered[hop.status as usize] }
    }

    /// When nothing but people or work was between an order and a state: the message taken in that the state comes after.
    fn ready(&self, status: Status) -> Option<u64> {
        match self.lifecycle.state(status).after {
            Some(message) => self.told[self.lifecycle.messages[message].announces as usize],
            None => self.entered[status.previous()? as usize],
        }
    }

    /// Waiting for the work, and the work.
    fn worked(&self, account: &Account, hop: &Hop) -> (Times, Times) {
        let done = self.entered[hop.status as usize];
        let started = effective(&account.jobs, done).and_then(|job| job.started_ns).or(done);
        (Times { begin: self.ready(hop.status), end: started }, Times { begin: started, end: done })
    }

    /// The hops that have begun, in the order of the lifecycle.
    pub(super) fn journey(&self) -> Vec<(String, u64, Option<u64>)> {
        let told = self.lifecycle.hops.iter().zip(&self.times);
        told.filter_map(|(hop, times)| Some((hop.name.to_string(), times.begin?, times.end))).collect()
    }
}

/// The calculation that led to the price, or the one that came furthest.
fn effective(jobs: &[Job], done: Option<u64>) -> Option<&Job> {
    let started = jobs.iter().filter(|job| job.started_ns.is_some() && job.state.as_ref() != JOB_QUEUED);
    let Some(done_ns) = done else { return started.max_by_key(|job| job.started_ns) };
    let before = started.filter(|job| job.started_ns.is_some_and(|started_ns| started_ns <= done_ns));
    // The price is committed together with the end of its calculation.
    before.min_by_key(|job| {
        let finished_ns = job.finished_ns.filter(|_| job.state.as_ref() == JOB_DONE);
        (finished_ns.map_or(u64::MAX, |finished_ns| finished_ns.abs_diff(done_ns)), std::cmp::Reverse(job.started_ns))
    })
}
