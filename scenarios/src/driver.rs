//! The driver: lets orders arrive, lets people act, inflicts the faults, heals, waits until nothing moves, and hands over
//! the ledger.
//!
//! It knows its world only by the [`Stage`]'s ports, so it runs unchanged in both.

mod crew;
mod progress;
mod schedule;
mod settle;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod toy;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crew::Crew;
pub use progress::Progress;

use crate::{
    Scenario, Stage,
    actors::{Cast, api_user, asking::Asking, consent::Undecided, customer, habit::Habits, intents::Intents, requests::Requests},
    apart::{Others, troupe::PeopleError},
    classify,
    language::Actor,
    ledger::{self, FaultRun, Ledger},
    lifecycle::{Lifecycle, LifecycleError},
    load,
};

/// Why a run has no ledger.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The lifecycle does not fit the scenario.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    /// A fault could not be inflicted or lifted.
    #[error(transparent)]
    Nemesis(#[from] faults::NemesisError),
    /// A database could not be read.
    #[error("the ledger cannot be collected: {0}")]
    Store(#[from] world::store::StoreError),
    /// The people's process.
    #[error(transparent)]
    People(#[from] PeopleError),
    /// The driver's own node died.
    #[error("the driver's node died")]
    Died,
}

/// Runs a scenario on a stage: orders arrive for its duration; then all faults are lifted, and it ends when nobody can move
/// an order any more and the last open deadline has passed.
///
/// A run that does not settle ends too, once nobody has got anything done for twice as long as an order takes at most: the
/// ledger says so.
///
/// # Errors
/// When a fault cannot be inflicted or lifted, when a database cannot be read at the end, or when the lifecycle does not
/// fit the scenario's deadlines.
pub async fn drive(stage: Stage, scenario: Arc<Scenario>, progress: Arc<Progress>) -> Result<Ledger, DriveError> {
    let lifecycle = Lifecycle::for_sla(&scenario.sla)?;
    let rt = stage.world.rt.clone();
    let cast = Arc::new(Cast {
        rt: rt.clone(),
        http: Arc::clone(&stage.world.http),
        shop: Arc::clone(&stage.shop),
        mes: Arc::clone(&stage.mes),
        people: scenario.people.clone(),
        intents: Intents::default(),
        requests: Requests::default(),
        others: stage.people.as_ref().map_or(Others::Nobody, |line| Others::People(line.say())),
        progress: Arc::clone(&progress),
        asking: Asking::default(),
        undecided: scenario.architecture.notices.then(Undecided::default),
        customers: Habits::of(&scenario.faults, "customer"),
        carriers: Habits::of(&scenario.faults, "carrier"),
        effects: Mutex::default(),
    });
    let crew = Crew::begin(&cast, &scenario, stage.people.clone());
    let faults = schedule::faults(&stage, &scenario);
    let arrivals = rt.spawn("arrivals", arrive(Arc::clone(&cast), Arc::clone(&scenario)));
    arrivals.join().await.ok_or(DriveError::Died)?;
    rt.sleep_until(scenario.duration).await;
    let faults = schedule::healed(faults).await?;

    let house = settle::House::new(&cast, &stage, &crew, (&scenario, &lifecycle));
    let unsettled = house.settle().await?;
    let ledger = close((&cast, &stage), (&scenario, &lifecycle), &house, faults, unsettled).await?;
    crew.close().await?;
    cast.asking.end().await;
    Ok(Ledger { requests: cast.requests.take(), ..ledger })
}

/// One task for each arrival, made when it arrives.
async fn arrive(cast: Arc<Cast>, scenario: Arc<Scenario>) {
    for arrival in load::arrivals(&scenario) {
        cast.rt().sleep_until(arrival.at).await;
        cast.progress.tick(arrival.at);
        match arrival.actor {
            Actor::Customer => drop(cast.rt().spawn("order", customer::order(Arc::clone(&cast), arrival))),
            Actor::ApiUser => drop(cast.rt().spawn("order", api_user::order(Arc::clone(&cast), arrival))),
        }
    }
}

/// How often a run waits for the last open deadline, when something has moved meanwhile.
const WAITS: usize = 5;

/// Collects the ledger, and waits until the last open deadline has passed, so that a detector may judge every order.
async fn close(
    (cast, stage): (&Cast, &Stage),
    (scenario, lifecycle): (&Scenario, &Lifecycle),
    house: &settle::House<'_>,
    faults: Vec<FaultRun>,
    unsettled: Option<String>,
) -> Result<Ledger, DriveError> {
    let rt = cast.rt();
    let mut ledger = ledger::collect((cast, stage), scenario, &faults, unsettled).await?;
    // What moved all the same has deadlines of its own; each time there is less that can.
    for _ in 0..WAITS {
        let now_ns = rt.wall_ns();
        let last_ns = classify::last_open_deadline(&ledger, lifecycle).filter(|last_ns| now_ns <= *last_ns);
        let Some(last_ns) = last_ns.filter(|_| ledger.unsettled.is_none()) else { break };
        rt.sleep(Duration::from_nanos(last_ns - now_ns) + Duration::from_millis(1)).await;
        // Nothing could move, so nothing should have; what moved all the same belongs into the ledger.
        let moved = house.movable().await?;
        if moved.is_none() && ledger::nothing_since(cast, &ledger).await? {
            ledger.end_ns = rt.wall_ns();
            break;
        }
        ledger = ledger::collect((cast, stage), scenario, &faults, moved).await?;
    }
    Ok(ledger)
}
