//! The way of all orders as one flow: how many came to each hop, how many went on, what became of the others.

use std::collections::BTreeMap;

use scenarios::{
    lifecycle::{Hop, LIFECYCLE, Lifecycle, Part},
    truth::Class,
};
#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    case::Case,
    journey::{self, HopKind},
    matching::Pair,
    ordered::Ordered,
};

/// The lifecycle with the orders of a run on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Flow {
    /// The states, first to last.
    pub states: Vec<FlowState>,
    /// The hops between them, in the order an order passes them.
    pub hops: Vec<FlowHop>,
}

/// A state that orders passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct FlowState {
    /// Its name.
    pub state: String,
    /// Who owns it: `online shop`, `CRM` or `MES`.
    pub owner: String,
    /// Orders that entered it.
    pub entered: u64,
}

/// A hop that orders passed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct FlowHop {
    /// Its name.
    pub hop: String,
    /// What passes the time there.
    pub kind: HopKind,
    /// The state that it leads to, or whose announcement it carries.
    pub state: String,
    /// Whose house it begins in.
    pub from: String,
    /// Whose house it ends in.
    pub to: String,
    /// It runs beside the way: news that no state waits for.
    pub beside: bool,
    /// Orders that came to it.
    pub entered: u64,
    /// Orders that went on.
    pub passed: u64,
    /// Orders that went wrong here, by what became of them, worst first.
    pub bad: Ordered<u64>,
}

/// The flow of a run. An order whose hops nobody tells is fine and has passed them all.
#[must_use]
pub fn flow(case: &Case, pairs: &[Pair<'_>]) -> Flow {
    let Ok(lifecycle) = Lifecycle::parse(LIFECYCLE) else { return Flow::default() };
    let fine = pairs.iter().filter(|pair| pair.truth.class == Class::Ok).count() as u64;
    let mut counts: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    let mut bad: BTreeMap<&str, BTreeMap<Class, u64>> = BTreeMap::new();
    for pair in pairs.iter().filter(|pair| pair.truth.class != Class::Ok) {
        for (hop, _, end) in &pair.truth.journey {
            let [entered, passed] = counts.entry(hop).or_default();
            *entered += 1;
            *passed += u64::from(end.is_some());
        }
        if let Some(hop) = pair.truth.hop.as_deref().filter(|_| pair.bad()) {
            *bad.entry(hop).or_default().entry(pair.truth.class).or_default() += 1;
        }
    }
    let hop = |hop: &Hop| {
        let [entered, passed] = counts.get(&*hop.name).copied().unwrap_or_default();
        let bad = bad.get(&*hop.name).into_iter().flatten();
        let (from, to) = ends(hop, case, &lifecycle);
        FlowHop {
            hop: hop.name.to_string(),
            kind: journey::kind(&hop.name),
            state: hop.status.name().to_owned(),
            from,
            to,
            beside: beside(hop, &lifecycle),
            entered: fine + entered,
            passed: fine + passed,
            bad: bad.map(|(class, count)| (class.name().to_owned(), *count)).collect(),
        }
    };
    let hops: Vec<FlowHop> = lifecycle.hops.iter().map(hop).collect();
    // Somebody's step or the work enters a state; the first one is where an order begins.
    let enters =
        |(hop, _): &(&Hop, &FlowHop), state: &str| matches!(hop.part, Part::Wait | Part::Work) && hop.status.name() == state;
    let entered = |state: &str| {
        let hop = lifecycle.hops.iter().zip(&hops).find(|both| enters(both, state));
        hop.map_or(pairs.len() as u64, |(_, hop)| hop.passed)
    };
    let states = lifecycle.states.iter().map(|state| state.status);
    let state = |name: &str, owner: &str| FlowState { state: name.to_owned(), owner: owner.to_owned(), entered: entered(name) };
    Flow { states: states.map(|status| state(status.name(), status.owner())).collect(), hops }
}

/// In whose houses a hop begins and ends.
fn ends(hop: &Hop, case: &Case, lifecycle: &Lifecycle) -> (String, String) {
    let owner = hop.status.owner().to_owned();
    let key = hop.name.split(' ').next().unwrap_or_default();
    let Some((sender, receiver)) = case.run.routes.get(key) else { return (owner.clone(), owner) };
    let house = |service: &str| {
        let side = |prefix: &str| service.starts_with(prefix);
        let mut owners = lifecycle.states.iter().map(|state| state.status.owner());
        owners.find(|owner| side(&owner.to_lowercase())).unwrap_or_else(|| hop.status.owner()).to_owned()
    };
    match hop.part {
        Part::CommitSend => (owner, house(sender)),
        Part::Transit => (house(sender), house(receiver)),
        _ => (house(receiver), house(receiver)),
    }
}

/// A message that no state comes after.
fn beside(hop: &Hop, lifecycle: &Lifecycle) -> bool {
    let message =
        lifecycle.announcing(hop.status).filter(|_| matches!(hop.part, Part::CommitSend | Part::Transit | Part::Process));
    message.is_some_and(|message| {
        !lifecycle.states.iter().any(|state| state.after.is_some_and(|after| lifecycle.messages[after] == *message))
    })
}

#[cfg(test)]
mod tests {
    use crate::{evaluate::judge, sample};

    #[test]
    fn what_does_not_go_on_went_wrong_there() {
        let flow = judge(sample::broker_kill()).report.flow;
        let transit = flow.hops.iter().find(|hop| hop.hop == "order.submitted transit").unwrap();
        assert_eq!((transit.entered, transit.passed), (5_412, 5_383));
        assert_eq!(transit.bad.get("lost"), Some(&29));
        assert_eq!(transit.bad.get("slow"), Some(&12), "the late ones went on");
        assert_eq!(flow.states.first().map(|state| state.entered), Some(5_412));
        let entered = |name: &str| flow.states.iter().find(|state| state.state == name).map(|state| state.entered);
        assert_eq!([entered("SUBMITTED"), entered("PRICE_CALCULATED")], [Some(5_412), Some(5_383)], "they were submitted");
        assert_eq!(flow.states.last().map(|state| (state.owner.as_str(), state.entered)), Some(("CRM", 5_383)));
    }

    #[test]
    fn the_first_message_leads_from_the_shop_by_the_crm_to_the_factory() {
        let flow = judge(sample::calm_week()).report.flow;
        let ends = |hop: &str| {
            let hop = flow.hops.iter().find(|row| row.hop == hop).unwrap();
            (hop.from.clone(), hop.to.clone())
        };
        assert_eq!(ends("order.submitted commit-send"), ("online shop".to_owned(), "CRM".to_owned()));
        assert_eq!(ends("order.submitted transit"), ("CRM".to_owned(), "MES".to_owned()));
        assert_eq!(ends("order.submitted process"), ("MES".to_owned(), "MES".to_owned()));
    }

    #[test]
    fn three_messages_are_news_that_nobody_waits_for() {
        let flow = judge(sample::calm_week()).report.flow;
        let beside: Vec<&str> = flow.hops.iter().filter(|hop| hop.beside).map(|hop| hop.hop.as_str()).collect();
        assert_eq!(beside.len(), 9);
        assert!(beside.contains(&"order.packaging transit"), "{beside:?}");
        assert!(!beside.contains(&"order.shipped transit"), "{beside:?}");
    }
}
