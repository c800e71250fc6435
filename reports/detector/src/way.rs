//! The way of an order: every step that telemetry can witness, what each needs before it, and how long each stretch may
//! take.
//!
//! A *step* is an instant: a state is entered, a message is sent, received, or has taken effect, a work begins. A *hop* is
//! the time up to a step, from the step it begins at. A *stretch* is a row of hops that share one deadline. Steps are in the
//! order of the lifecycle, so a set of them is one number.

mod build;

/// A step, by its place on the way.
pub(crate) type StepId = usize;

/// A set of steps.
pub(crate) type Steps = u64;

/// The set of one step.
pub(crate) const fn bit(step: StepId) -> Steps {
    1 << step
}

/// The members of a set, in the order of the lifecycle.
pub(crate) fn members(mut set: Steps) -> impl Iterator<Item = StepId> {
    std::iter::from_fn(move || {
        let step = set.trailing_zeros() as StepId;
        (set != 0).then(|| {
            set &= set - 1;
            step
        })
    })
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The hop that ends here.
    pub(crate) hop: String,
    pub(crate) kind: Kind,
    /// Where the hop begins; the first step begins at itself.
    pub(crate) begin: StepId,
    /// Must have happened just before.
    pub(crate) needs: Steps,
    /// Must have happened at any time before.
    pub(crate) needs_all: Steps,
    /// Needs this one, at any time later.
    pub(crate) followers: Steps,
    /// Who witnesses it.
    pub(crate) service: usize,
    /// The stretch that it belongs to; the first step belongs to none.
    pub(crate) stretch: usize,
    /// The hop's part of the stretch's deadline, 0 to 1.
    pub(crate) share: f64,
}

/// What happens at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A state is entered, recorded by its owner.
    Enter { state: usize, by: By },
    /// A message is sent.
    Send(usize),
    /// A message is received.
    Receive(usize),
    /// The other side has recorded what a message announces.
    Effect(usize),
    /// A work has begun.
    Start(usize),
}

/// What brings an order into a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// A person.
    Person,
    /// A work that has a beginning.
    Work,
    /// The owner by itself.
    Itself,
}

/// A row of hops under one deadline.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    /// Where the time begins to count.
    pub(crate) first: StepId,
    /// Where it ends.
    pub(crate) last: StepId,
    /// All steps but the first.
    pub(crate) steps: Vec<StepId>,
    pub(crate) deadline_ns: Option<u64>,
}

/// The way of every order.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) steps: Vec<Step>,
    pub(crate) stretches: Vec<Stretch>,
    /// From the first step to the last.
    pub(crate) promise_ns: Option<u64>,
    pub(crate) states: Vec<String>,
    pub(crate) keys: Vec<String>,
    pub(crate) services: Vec<String>,
    /// By state.
    pub(crate) enter: Vec<StepId>,
    /// By state.
    pub(crate) start: Vec<Option<StepId>>,
    /// By message: sent, received, taken effect.
    pub(crate) message: Vec<[StepId; 3]>,
    /// By message: the queue that it leads to, where that is known.
    pub(crate) queues: Vec<Option<String>>,
    /// By message: the queue of its dead letters, where there is one.
    pub(crate) parked: Vec<Option<String>>,
    /// By message: who sends it, who takes it in.
    pub(crate) parties: Vec<[usize; 2]>,
    /// By state: the message that must have been taken in before.
    pub(crate) after: Vec<Option<usize>>,
    /// By service and state: the step that a service's record of the state is.
    pub(crate) record: Vec<Vec<Option<StepId>>>,
    /// By state: how many others must have overtaken a late order for it to be starved, where people pick from a list.
    pub(crate) overtaken: Vec<Option<u32>>,
    /// All steps.
    pub(crate) all: Steps,
    /// The steps that nothing follows.
    pub(crate) ends: Steps,
    /// The steps that a service's record of a state is.
    pub(crate) recorded: Steps,
}

impl Way {
    /// The place of a service among those that witness something.
    pub(crate) fn service(&self, name: &str) -> Option<usize> {
        self.services.iter().position(|known| known == name)
    }

    /// The steps that a service witnesses.
    pub(crate) fn of_service(&self, service: usize) -> Steps {
        members(self.all).filter(|step| self.steps[*step].service == service).fold(0, |set, step| set | bit(step))
    }

    /// The place of a message with a routing key.
    pub(crate) fn message_of(&self, key: &str) -> Option<usize> {
        self.keys.iter().position(|known| known == key)
    }

    /// The place of a state with a name.
    pub(crate) fn state_of(&self, name: &str) -> Option<usize> {
        self.states.iter().position(|known| known == name)
    }

    /// Every step that has happened when these were seen: what a seen step needs has happened, seen or not.
    pub(crate) fn happened(&self, seen: Steps) -> Steps {
        members(self.all).filter(|step| self.has_happened(*step, seen)).fold(0, |set, step| set | bit(step))
    }

    /// Whether a step has happened when these were seen.
    pub(crate) fn has_happened(&self, step: StepId, seen: Steps) -> bool {
        seen & (self.steps[step].followers | bit(step)) != 0
    }

    /// Whether an order is at its end when these were seen.
    pub(crate) fn is_whole(&self, seen: Steps) -> bool {
        seen & self.ends == self.ends
    }

    /// The last step: the promise counts up to it.
    pub(crate) fn last(&self) -> StepId {
        self.enter[self.enter.len() - 1]
    }
}
