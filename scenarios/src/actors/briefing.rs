//! What those who play people must know of a scenario: who there is, how long they take, and what faults make them do.

use contracts::architecture::Picking;
use serde::{Deserialize, Serialize};
use world::Random;

use super::habit::Habits;
use crate::{Scenario, language::Actor, load, people::People};

/// Of the sellers, the operators, and the customers who ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Briefing {
    /// All people.
    pub people: People,
    /// Customers are asked whether they agree to their price.
    pub notices: bool,
    /// So many customers ask how their orders are, unless these come to nothing before.
    pub askers: u32,
    pub(crate) sellers: Pool,
    pub(crate) operators: Pool,
}

/// How a pool works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pool {
    /// They take what has come last.
    pub(crate) newest_first: bool,
    /// And what they do otherwise while a fault lasts.
    pub(crate) habits: Habits,
}

impl Briefing {
    /// That of a scenario.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        let newest_first = scenario.architecture.picking == Picking::NewestFirst;
        let pool = |name| Pool { newest_first, habits: Habits::of(&scenario.faults, name) };
        Self {
            people: scenario.people.clone(),
            notices: scenario.architecture.notices,
            askers: askers(scenario),
            sellers: pool("seller"),
            operators: pool("operator"),
        }
    }
}

/// Who asks is known beforehand: it is drawn from the seed and the order alone.
fn askers(scenario: &Scenario) -> u32 {
    let asks = |order_ref: &str| Random::new(scenario.seed, super::asking::ASKERS, order_ref).unit() < scenario.people.askers;
    let asked = load::arrivals(scenario).filter(|arrival| arrival.actor == Actor::Customer && asks(&arrival.order_ref)).count();
    u32::try_from(asked).unwrap_or(u32::MAX)
}
