//! The lifecycle as the truth sees it: which hops an order passes, in which order, and how long each may take.
//!
//! The detector reads the same file with code of its own; the scenario's `[sla]` replaces deadlines for both.

mod file;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use contracts::Status;

use crate::language::Sla;

/// The file that all scenarios share.
pub const LIFECYCLE: &str = include_str!("../lifecycle.toml");

/// States, messages and hops of an order, with their deadlines.
#[derive(Clone, Debug, PartialEq)]
pub struct Lifecycle {
    /// From the first state to the last.
    pub promise: Duration,
    /// All states, first to last: one for each [`Status`], at its index.
    pub states: Vec<State>,
    /// All messages, in the order of the states they announce.
    pub messages: Vec<Message>,
    /// All hops, in the order an order passes them.
    pub hops: Vec<Hop>,
}

/// A state and how it is entered.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Which one.
    pub status: Status,
    /// Whose database holds its first record.
    pub side: Side,
    /// From entering the state before it to entering this one.
    pub deadline: Option<Duration>,
    /// The message that must have been taken in before; an index of [`Lifecycle::messages`].
    pub after: Option<usize>,
    /// People pick the order from a list: it is starved when it is late there and so many others overtook it.
    pub overtaken: Option<usize>,
    /// Its hops with their share of the deadline: indexes of [`Lifecycle::hops`].
    pub shares: Vec<(usize, f64)>,
}

/// A message and whom it tells what.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Routing key.
    pub key: Arc<str>,
    /// The state it announces.
    pub announces: Status,
    /// From the sender's commit to the receiver's; `None` where the deadline of a state covers it.
    pub deadline: Option<Duration>,
    /// Commit to send, transit, process: indexes of [`Lifecycle::hops`].
    pub hops: [usize; 3],
}

/// A hop: the smallest piece of an order's way that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Its name, the same as the detector's.
    pub name: Arc<str>,
    /// What happens in it.
    pub part: Part,
    /// The state that it leads to, or whose announcement it carries.
    pub status: Status,
}

/// What happens in a hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The sender's commit to the publish.
    CommitSend,
    /// The publish to the delivery.
    Transit,
    /// The delivery to the receiver's commit.
    Process,
    /// Accepted work to its begin.
    WorkWait,
    /// The work.
    Work,
    /// Somebody is waited for.
    Wait,
}

/// One of the two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Shop DB: online shop and CRM.
    Shop,
    /// MES DB: the factory.
    Mes,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Shop => Self::Mes,
            Self::Mes => Self::Shop,
        }
    }
}

/// Why a lifecycle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// It is not what a lifecycle file has to be.
    #[error("lifecycle: {0}")]
    Syntax(#[from] toml::de::Error),
    /// It contradicts itself or the states of an order.
    #[error("lifecycle: {0}")]
    Content(String),
}

impl Lifecycle {
    /// Reads a lifecycle file.
    ///
    /// # Errors
    /// When it is no TOML, lacks a key, does not list the states in their order, or shares do not add up to 1.
    pub fn parse(text: &str) -> Result<Self, LifecycleError> {
        file::read(text)
    }

    /// The shared file with a scenario's deadlines.
    ///
    /// # Errors
    /// As [`Lifecycle::parse`]; when shares name a hop that the state does not have.
    pub fn for_sla(sla: &Sla) -> Result<Self, LifecycleError> {
        let mut lifecycle = Self::parse(LIFECYCLE)?;
        lifecycle.overlay(sla)?;
        Ok(lifecycle)
    }

    fn overlay(&mut self, sla: &Sla) -> Result<(), LifecycleError> {
        self.promise = sla.promise.unwrap_or(self.promise);
        for (status, deadline) in &sla.states {
            self.states[*status as usize].deadline = Some(*deadline);
        }
        for (status, shares) in &sla.shares {
            let state = &mut self.states[*status as usize];
            for (name, share) in shares {
                let part = Part::named(name);
                let slot = state.shares.iter_mut().find(|(hop, _)| Some(self.hops[*hop].part) == part);
                let Some(slot) = slot else {
                    return Err(LifecycleError::Content(format!("{status} has no hop {name}")));
                };
                slot.1 = *share;
            }
        }
        for message in &mut self.messages {
            if let Some(deadline) = sla.messages.get(&*message.key) {
                message.deadline = Some(*deadline);
            }
        }
        Ok(())
    }

    /// The state with this name.
    #[must_use]
    pub fn state(&self, status: Status) -> &State {
        &self.states[status as usize]
    }

    /// The message that announces a state.
    #[must_use]
    pub fn announcing(&self, status: Status) -> Option<&Message> {
        self.messages.iter().find(|message| message.announces == status)
    }
}

impl Part {
    /// Its name in `share` tables and at the end of a hop's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CommitSend => "commit-send",
            Self::Transit => "transit",
            Self::Process => "process",
            Self::WorkWait => "work-wait",
            Self::Work => "work",
            Self::Wait => "wait",
        }
    }

    fn named(name: &str) -> Option<Self> {
        const ALL: [Part; 6] = [Part::CommitSend, Part::Transit, Part::Process, Part::WorkWait, Part::Work, Part::Wait];
        ALL.into_iter().find(|part| part.name() == name)
    }
}

/// Deadlines by state, for scenarios that say nothing.
impl Lifecycle {
    /// The deadline of each state that has one.
    #[must_use]
    pub fn deadlines(&self) -> BTreeMap<Status, Duration> {
        self.states.iter().filter_map(|state| Some((state.status, state.deadline?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_file_has_every_hop_in_the_order_an_order_passes_them() {
        let lifecycle = Lifecycle::parse(LIFECYCLE).unwrap();
        let names: Vec<&str> = lifecycle.hops.iter().map(|hop| &*hop.name).collect();
        assert_eq!(
            names[..8],
            [
                "FILE_UPLOADED wait",
                "SUBMITTED wait",
                "order.submitted commit-send",
                "order.submitted transit",
                "order.submitted process",
                "pricing work-wait",
                "pricing work",
                "order.price_calculated commit-send",
            ]
        );
        assert_eq!(
            names[14..19],
            [
                "MANUFACTURING_STARTED wait",
                "order.manufacturing_started commit-send",
                "order.manufacturing_started transit",
                "order.manufacturing_started process",
                "MANUFACTURING_COMPLETED wait",
            ]
        );
        assert_eq!((names.len(), *names.last().unwrap()), (31, "CLOSED wait"));
    }

    #[test]
    fn only_messages_that_no_state_comes_after_have_deadlines_of_their_own() {
        let lifecycle = Lifecycle::parse(LIFECYCLE).unwrap();
        let own: Vec<&str> =
            lifecycle.messages.iter().filter(|message| message.deadline.is_some()).map(|message| &*message.key).collect();
        assert_eq!(own, ["order.manufacturing_started", "order.manufacturing_completed", "order.packaging"]);
    }

    #[test]
    fn a_scenario_replaces_deadlines_and_nothing_else() {
        let sla = Sla {
            states: [(Status::PriceCalculated, Duration::from_secs(60))].into(),
            shares: [(Status::PriceCalculated, [("work".to_owned(), 0.9)].into())].into(),
            promise: Some(Duration::from_secs(600)),
            ..Sla::default()
        };
        let (plain, changed) = (Lifecycle::parse(LIFECYCLE).unwrap(), Lifecycle::for_sla(&sla).unwrap());
        assert_eq!(changed.promise.as_secs(), 600);
        assert_eq!(changed.state(Status::PriceCalculated).deadline, Some(Duration::from_secs(60)));
        assert_eq!(changed.state(Status::PriceCalculated).shares.last().map(|share| share.1), Some(0.9));
        assert_eq!(changed.state(Status::Closed), plain.state(Status::Closed));
    }

    #[test]
    fn a_time_without_a_unit_is_refused() {
        let bare = LIFECYCLE.replace("promise = \"21d\"", "promise = \"21\"");
        assert!(Lifecycle::parse(&bare).unwrap_err().to_string().starts_with("lifecycle: "), "{bare}");
    }

    #[test]
    fn a_file_that_contradicts_itself_is_refused() {
        let half = LIFECYCLE.replace("wait = 0.997", "wait = 0.5");
        assert_eq!(Lifecycle::parse(&half).unwrap_err().to_string(), "lifecycle: shares of CLOSED add up to 0.50");
        let swapped = LIFECYCLE.replace("name = \"CLOSED\"", "name = \"LOST\"");
        assert_eq!(Lifecycle::parse(&swapped).unwrap_err().to_string(), "lifecycle: state 10 is LOST, not CLOSED");
        let astray = LIFECYCLE.replace("after = \"order.shipped\"", "after = \"order.sunk\"");
        assert_eq!(Lifecycle::parse(&astray).unwrap_err().to_string(), "lifecycle: no message order.sunk");
    }
}
