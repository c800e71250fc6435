//! Lays the way out from states and messages.

use std::collections::BTreeMap;

use super::{By, Kind, Step, StepId, Stretch, Way, bit, members};
use crate::lifecycle::{LifecycleError, Message, State};

/// As many steps as fit a set.
const MOST_STEPS: usize = 64;

impl Way {
    /// The way through `states` in their order.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn new(states: &[State], messages: &[Message], promise_ns: Option<u64>) -> Result<Self, LifecycleError> {
        check(states, messages)?;
        let mut way = Self {
            steps: Vec::new(),
            stretches: Vec::new(),
            promise_ns,
            states: states.iter().map(|state| state.name.clone()).collect(),
            keys: messages.iter().map(|message| message.key.clone()).collect(),
            services: Vec::new(),
            enter: Vec::new(),
            start: vec![None; states.len()],
            message: vec![[0; 3]; messages.len()],
            queues: messages.iter().map(|message| message.queue.clone()).collect(),
            parked: messages.iter().map(|message| message.parked.clone()).collect(),
            parties: Vec::new(),
            after: states.iter().map(|state| state.after).collect(),
            record: Vec::new(),
            overtaken: states.iter().map(|state| state.overtaken).collect(),
            all: 0,
            ends: 0,
            recorded: 0,
        };
        for message in messages {
            let parties = [way.witness(&message.from), way.witness(&message.to)];
            way.parties.push(parties);
        }
        for (index, state) in states.iter().enumerate() {
            way.add_state(index, state)?;
            let follows = states.get(index + 1).and_then(|next| next.after);
            for (message, at) in messages.iter().enumerate().filter(|(_, message)| message.announces == index) {
                if follows != Some(message) {
                    way.add_side_message(message, at);
                }
            }
        }
        let sides = Sides::new(&way, states, messages);
        way.follow_sides(&sides, states, messages);
        way.record = sides.records(&way, states, messages);
        way.close();
        Ok(way)
    }

    /// The place of a service among those that witness something.
    fn witness(&mut self, name: &str) -> usize {
        self.service(name).unwrap_or_else(|| {
            self.services.push(name.to_owned());
            self.services.len() - 1
        })
    }

    fn add(&mut self, kind: Kind, hop: String, begin: StepId, service: usize) -> StepId {
        let step = self.steps.len();
        let needs = if begin == step { 0 } else { bit(begin) };
        let stretch = self.stretches.len();
        self.steps.push(Step { hop, kind, begin, needs, needs_all: 0, followers: 0, service, stretch, share: 1.0 });
        step
    }

    fn add_message(&mut self, message: usize, begin: StepId) -> StepId {
        let [from, to] = self.parties[message];
        let hop = |segment: &str| format!("{} {segment}", self.keys[message]);
        let [send, transit, process] = [hop("commit-send"), hop("transit"), hop("process")];
        let sent = self.add(Kind::Send(message), send, begin, from);
        let received = self.add(Kind::Receive(message), transit, sent, to);
        let effect = self.add(Kind::Effect(message), process, received, to);
        self.message[message] = [sent, received, effect];
        effect
    }

    /// The stretch from the state before it, or from nothing, to a state.
    fn add_state(&mut self, index: usize, state: &State) -> Result<(), LifecycleError> {
        let service = self.witness(&state.service);
        let first = index.checked_sub(1).map(|before| self.enter[before]);
        let mut begin = first.unwrap_or(0);
        let from = self.steps.len();
        if let Some(message) = state.after {
            begin = self.add_message(message, begin);
        }
        let (by, hop) = match (&state.work, state.waits) {
            (Some(work), _) => {
                begin = self.add(Kind::Start(index), format!("{work} work-wait"), begin, service);
                self.start[index] = Some(begin);
                (By::Work, format!("{work} work"))
            }
            (None, true) => (By::Person, format!("{} wait", state.name)),
            (None, false) => (By::Itself, format!("{} wait", state.name)),
        };
        let enter = self.add(Kind::Enter { state: index, by }, hop, begin, service);
        self.enter.push(enter);
        if let Some(first) = first {
            let steps: Vec<StepId> = (from..=enter).collect();
            self.share(&state.name, &steps, &state.share)?;
            self.stretches.push(Stretch { first, last: enter, steps, deadline_ns: state.deadline_ns });
        }
        Ok(())
    }

    /// The stretch of a message that no state waits for.
    fn add_side_message(&mut self, message: usize, at: &Message) {
        let from = self.steps.len();
        let first = self.enter[at.announces];
        let last = self.add_message(message, first);
        let steps: Vec<StepId> = (from..=last).collect();
        for step in &steps {
            self.steps[*step].share = 1.0 / steps.len() as f64;
        }
        self.stretches.push(Stretch { first, last, steps, deadline_ns: at.deadline_ns });
    }

    /// Gives each hop of a state its share: the one in the file, else equal ones.
    fn share(&mut self, of: &str, steps: &[StepId], shares: &BTreeMap<String, f64>) -> Result<(), LifecycleError> {
        let refuse = |reason| Err(LifecycleError::Walk { of: of.to_owned(), reason });
        let segment = |step: &StepId| {
            let hop = &self.steps[*step].hop;
            hop.rsplit_once(' ').map_or(&**hop, |(_, segment)| segment).to_owned()
        };
        let segments: Vec<String> = steps.iter().map(segment).collect();
        if let Some(unknown) = shares.keys().find(|name| !segments.contains(name)) {
            return refuse(format!("a share for {unknown:?}, which is none of {}", segments.join(", ")));
        }
        let sum: f64 = shares.values().sum();
        if !shares.is_empty() && (sum - 1.0).abs() > 1e-6 {
            return refuse(format!("its shares add up to {sum}, not to 1"));
        }
        for (step, segment) in steps.iter().zip(&segments) {
            self.steps[*step].share =
                if shares.is_empty() { 1.0 / steps.len() as f64 } else { shares.get(segment).copied().unwrap_or(0.0) };
        }
        Ok(())
    }

    /// A message takes effect only on what the message or state before it left on that side.
    fn follow_sides(&mut self, sides: &Sides, states: &[State], messages: &[Message]) {
        for (index, message) in messages.iter().enumerate() {
            let Some(before) = message.announces.checked_sub(1) else { continue };
            let side = sides.of(self.parties[index][1]);
            let by_owner = sides.of_service(self, &states[before].service) == side;
            let by_message = messages
                .iter()
                .enumerate()
                .find(|(other, earlier)| earlier.announces == before && sides.of(self.parties[*other][1]) == side);
            let [_, _, effect] = self.message[index];
            self.steps[effect].needs |= match by_message {
                _ if by_owner => bit(self.enter[before]),
                Some((other, _)) => bit(self.message[other][2]),
                None => 0,
            };
        }
    }

    /// Works out what each step needs, however far back, and what follows it.
    fn close(&mut self) {
        for step in 0..self.steps.len() {
            self.all |= bit(step);
            // A step needs earlier ones only, so theirs are worked out.
            let needs = self.steps[step].needs;
            let all = members(needs).fold(needs, |all, before| all | self.steps[before].needs_all);
            self.steps[step].needs_all = all;
            for before in members(all) {
                self.steps[before].followers |= bit(step);
            }
            if matches!(self.steps[step].kind, Kind::Enter { .. } | Kind::Effect(_)) {
                self.recorded |= bit(step);
            }
        }
        self.ends = members(self.all).filter(|step| self.steps[*step].followers == 0).fold(0, |set, step| set | bit(step));
    }
}

/// Services that share their records: whoever sends the news of a state shares them with the state's owner.
struct Sides(Vec<usize>);

impl Sides {
    fn new(way: &Way, states: &[State], messages: &[Message]) -> Self {
        let mut sides = Self((0..way.services.len()).collect());
        for (message, parties) in messages.iter().zip(&way.parties) {
            let (owner, sender) = (sides.of_service(way, &states[message.announces].service), sides.of(parties[0]));
            for side in &mut sides.0 {
                if *side == sender {
                    *side = owner;
                }
            }
        }
        sides
    }

    fn of(&self, service: usize) -> usize {
        self.0[service]
    }

    fn of_service(&self, way: &Way, name: &str) -> usize {
        way.service(name).map_or(usize::MAX, |service| self.0[service])
    }

    /// By service and state: on the owner's side a record is the state being entered, on the other side a message's effect.
    fn records(&self, way: &Way, states: &[State], messages: &[Message]) -> Vec<Vec<Option<StepId>>> {
        let record = |service: usize, state: usize| {
            if self.of_service(way, &states[state].service) == self.of(service) {
                return Some(way.enter[state]);
            }
            let told = |at: &usize| messages[*at].announces == state && self.of(way.parties[*at][1]) == self.of(service);
            (0..messages.len()).find(told).map(|message| way.message[message][2])
        };
        (0..way.services.len()).map(|service| (0..states.len()).map(|state| record(service, state)).collect()).collect()
    }
}

/// What the types do not say.
fn check(states: &[State], messages: &[Message]) -> Result<(), LifecycleError> {
    let refuse = |of: &str, reason: String| Err(LifecycleError::Walk { of: of.to_owned(), reason });
    if states.len() < 2 {
        return refuse("lifecycle", "a way has two states at least".to_owned());
    }
    for (index, state) in states.iter().enumerate() {
        if index == 0 && (state.after.is_some() || state.deadline_ns.is_some() || state.work.is_some()) {
            return refuse(&state.name, "nothing comes before the first state: no `deadline`, `after` or `work`".to_owned());
        }
        if state.waits && state.work.is_some() {
            return refuse(&state.name, "it has both `wait` and `work`".to_owned());
        }
        if let Some(message) = state.after
            && messages[message].announces + 1 != index
        {
            let before = &states[index - 1].name;
            return refuse(&state.name, format!("{} must announce {before}, the state before it", messages[message].key));
        }
        if let Some(message) = state.after
            && messages[message].deadline_ns.is_some()
        {
            return refuse(&messages[message].key, format!("the deadline of {} holds for it, not one of its own", state.name));
        }
    }
    for message in messages {
        if message.from == message.to {
            return refuse(&message.key, format!("it goes from {0} to {0}", message.from));
        }
    }
    let steps = states.len() + states.iter().filter(|state| state.work.is_some()).count() + 3 * messages.len();
    if steps > MOST_STEPS {
        return refuse("lifecycle", format!("{steps} steps (states, works, three for each message); {MOST_STEPS} at most"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Lifecycle, way::members};

    fn way() -> super::Way {
        Lifecycle::parse(include_str!("../../../../scenarios/lifecycle.toml")).unwrap().way
    }

    #[test]
    fn the_hops_stand_in_the_order_an_order_meets_them() {
        let hops: Vec<String> = way().steps.into_iter().map(|step| step.hop).collect();
        let expected = "INITIATED wait, FILE_UPLOADED wait, SUBMITTED wait, \
            order.submitted commit-send, order.submitted transit, order.submitted process, pricing work-wait, pricing work, \
            order.price_calculated commit-send, order.price_calculated transit, order.price_calculated process, \
            MANUFACTURING_APPROVED wait, \
            order.manufacturing_approved commit-send, order.manufacturing_approved transit, \
            order.manufacturing_approved process, MANUFACTURING_STARTED wait, \
            order.manufacturing_started commit-send, order.manufacturing_started transit, \
            order.manufacturing_started process, MANUFACTURING_COMPLETED wait, \
            order.manufacturing_completed commit-send, order.manufacturing_completed transit, \
            order.manufacturing_completed process, PACKAGING wait, \
            order.packaging commit-send, order.packaging transit, order.packaging process, SHIPPED wait, \
            order.shipped commit-send, order.shipped transit, order.shipped process, CLOSED wait";
        assert_eq!(hops.join(", "), expected.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    #[test]
    fn an_order_that_is_closed_has_been_everywhere() {
        let way = way();
        let last = way.last();
        assert_eq!(way.ends, super::bit(last));
        assert_eq!(way.happened(super::bit(last)), way.all);
    }

    #[test]
    fn a_message_takes_effect_only_after_the_one_before_it_on_that_side() {
        let way = way();
        let needed = |hop: &str| {
            let step = way.steps.iter().find(|step| step.hop == hop).unwrap();
            members(step.needs).map(|needed| way.steps[needed].hop.clone()).collect::<Vec<_>>()
        };
        assert_eq!(needed("order.submitted process"), ["order.submitted transit"]);
        assert_eq!(needed("order.price_calculated process"), ["SUBMITTED wait", "order.price_calculated transit"]);
        assert_eq!(needed("order.packaging process"), ["order.manufacturing_completed process", "order.packaging transit"]);
        assert_eq!(needed("CLOSED wait"), ["order.shipped process"]);
    }

    #[test]
    fn each_service_records_the_states_of_its_side() {
        let way = way();
        let hop = |service: &str, state: &str| {
            let step = way.record[way.service(service).unwrap()][way.state_of(state).unwrap()];
            step.map(|step| way.steps[step].hop.clone())
        };
        assert_eq!(hop("mes-api", "SUBMITTED").unwrap(), "order.submitted process");
        assert_eq!(hop("shop-api", "SUBMITTED").unwrap(), "SUBMITTED wait");
        assert_eq!(hop("crm-api", "SHIPPED").unwrap(), "order.shipped process");
        assert_eq!(hop("mes-api", "CLOSED"), None);
    }
}
