//! A scenario that a real stack can run in minutes: a pure function of the scenario.
//!
//! First `window` cuts the timeline around the faults. Then `machine` divides the timeline, arrival gaps, service times,
//! faults and the broker's timers, and `human` divides think times. Deadlines follow: each is the sum of its scaled
//! hops and the stack's floor. What would change how busy a pool is, is refused.

mod clock;
mod deadlines;
mod window;

use std::time::Duration;

pub use clock::Clock;
use contracts::{
    Settings,
    settings::{Ailment, PartnerLimits, PricingTimes, Trouble},
};
use faults::{Calculation, Deed, PricingFault};

use crate::{
    language::{
        BrokerTelemetry, Executor, Factors, Load, Pool, RampStage, Rate, Recorded, Scale, Scenario, units::written, whole_millis,
    },
    lifecycle::LifecycleError,
    people::{People, Wait},
};

/// A pool's utilisation may move by this share of itself.
const TOLERANCE: f64 = 0.05;

/// A real broker tells its counts once a second at most.
const LEAST_SCRAPE_INTERVAL: Duration = Duration::from_secs(1);

/// Why a scenario cannot be scaled.
#[derive(Debug, thiserror::Error)]
pub enum ScaleError {
    /// The file does not say how.
    #[error("{scenario}: cannot be scaled; expected a table [scale] with `machine` and `human`")]
    NoScale {
        /// The scenario.
        scenario: String,
    },
    /// It is scaled already.
    #[error("{scenario}: is scaled already")]
    Twice {
        /// The scenario.
        scenario: String,
    },
    /// Nothing arrives in the window.
    #[error("{scenario}: no order arrives in the window of {}; expected a longer `window` under [scale]", written(*window))]
    NothingArrives {
        /// The scenario.
        scenario: String,
        /// What is kept.
        window: Duration,
    },
    /// A pool would be busier, or idler, than in the scenario.
    #[error(
        "{scenario}: scaling moves the utilisation of `{}` from {before:.2} to {after:.2}; expected at most 5 % of change, or `{0}` under `unstudied`",
        pool.name()
    )]
    Utilisation {
        /// The scenario.
        scenario: String,
        /// The pool.
        pool: Pool,
        /// In the scenario, 1 for all the time.
        before: f64,
        /// Scaled.
        after: f64,
    },
    /// The lifecycle cannot be used.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
}

/// The scenario in the time of a real stack.
///
/// # Errors
/// Without `[scale]`; when the faults do not fit into the window; when a pool that is studied would be busier or idler.
pub fn scaled(scenario: &Scenario) -> Result<Scenario, ScaleError> {
    let name = || scenario.name.clone();
    if scenario.scaled_by.is_some() {
        return Err(ScaleError::Twice { scenario: name() });
    }
    let Some(scale) = &scenario.scale else { return Err(ScaleError::NoScale { scenario: name() }) };
    let (cut, from) = window::cut(scenario, scale)?;
    let scaled = divided(&cut, scale.factors);
    for pool in Pool::ALL.into_iter().filter(|pool| !scale.unstudied.contains(pool)) {
        let (before, after) = (utilisation(&cut, pool), utilisation(&scaled, pool));
        if (after - before).abs() > TOLERANCE * before {
            return Err(ScaleError::Utilisation { scenario: name(), pool, before, after });
        }
    }
    deadlines::adapted(scenario, scaled, scale, from)
}

/// How busy a pool is on average, 1 for all the time.
#[must_use]
pub fn utilisation(scenario: &Scenario, pool: Pool) -> f64 {
    let (servers, service) = match pool {
        Pool::Seller => (scenario.people.sellers, scenario.people.seller.mean),
        Pool::Operator => (scenario.people.operators, scenario.people.bench.mean),
        Pool::MesConsumers => (u32::from(scenario.architecture.mes_consumers), scenario.pricing.mean),
    };
    expected_orders(scenario) / scenario.duration.as_secs_f64() * service.as_secs_f64() / f64::from(servers)
}

fn expected_orders(scenario: &Scenario) -> f64 {
    scenario.load.iter().map(|load| load.executor.expected(scenario.duration)).sum()
}

/// Everything but deadlines and thresholds.
fn divided(cut: &Scenario, factors: Factors) -> Scenario {
    let machine = |time: Duration| over(time, factors.machine);
    let mut scaled = cut.clone();
    scaled.duration = machine(cut.duration);
    scaled.load = cut.load.iter().map(|load| faster(load, factors.machine)).collect();
    scaled.pricing.mean = machine(cut.pricing.mean);
    scaled.pricing.max = machine(cut.pricing.max);
    scaled.broker.consumer_timeout = machine(cut.broker.consumer_timeout);
    scaled.broker.tick = machine(cut.broker.tick);
    for fault in &mut scaled.faults {
        (fault.at, fault.lasts) = (from_start(fault.at, factors.machine), machine(fault.lasts));
        fault.kind = fault.kind.clone().with_times(machine);
    }
    scaled.people = hastier(&cut.people, factors);
    scaled
}

/// A shorter time, in whole milliseconds, at least one.
fn over(time: Duration, factor: f64) -> Duration {
    whole_millis(time.as_secs_f64() / factor)
}

/// A point in time, which may be the start of the run.
fn from_start(at: Duration, factor: f64) -> Duration {
    if at.is_zero() { at } else { over(at, factor) }
}

fn faster(load: &Load, machine: f64) -> Load {
    let executor = match &load.executor {
        Executor::ConstantArrivalRate { rate } => Executor::ConstantArrivalRate { rate: Rate(rate.0 * machine) },
        Executor::RampingArrivalRate { start, stages } => Executor::RampingArrivalRate {
            start: Rate(start.0 * machine),
            stages: stages
                .iter()
                .map(|stage| RampStage { target: Rate(stage.target.0 * machine), duration: over(stage.duration, machine) })
                .collect(),
        },
        Executor::Burst { at, count, within } => {
            Executor::Burst { at: from_start(*at, machine), count: *count, within: over(*within, machine) }
        }
        Executor::Replay { file, orders } => {
            let sooner = |order: &Recorded| Recorded { at: from_start(order.at, machine), ..order.clone() };
            Executor::Replay { file: file.clone(), orders: orders.iter().map(sooner).collect() }
        }
    };
    Load { actor: load.actor, executor }
}

/// People think faster. Whoever waits for a machine to come back waits as long as machines are away.
fn hastier(people: &People, factors: Factors) -> People {
    let wait = |wait: Wait| Wait { mean: over(wait.mean, factors.human), cap: over(wait.cap, factors.human) };
    People {
        upload: wait(people.upload),
        submit: wait(people.submit),
        seller: wait(people.seller),
        bench: wait(people.bench),
        manufacturing: wait(people.manufacturing),
        packaging: wait(people.packaging),
        shipping: wait(people.shipping),
        carrier: wait(people.carrier),
        closing: wait(people.closing),
        asking: wait(people.asking),
        sellers: people.sellers,
        operators: people.operators,
        constructor: people.constructor,
        askers: people.askers,
        uncalled: people.uncalled,
        retry: over(people.retry, factors.machine),
        close_retry: over(people.close_retry, factors.machine),
    }
}

/// Between two looks at the broker's counters, in the run's own time; `None` where nobody looks.
#[must_use]
pub fn scrapes_every(scenario: &Scenario) -> Option<Duration> {
    let every = scenario.instrumentation.scrape_interval;
    let scaled = scenario.scaled_by.as_ref().map_or(every, |clock| over(every, clock.factors.machine).max(LEAST_SCRAPE_INTERVAL));
    (scenario.instrumentation.broker != BrokerTelemetry::None).then_some(scaled)
}

/// What the services of a run are told, in the run's own time.
#[must_use]
pub fn settings(scenario: &Scenario) -> Settings {
    let machine = scenario.factors().machine;
    let wait = |seconds: u64, least: u64| over(Duration::from_secs(seconds), machine).max(Duration::from_millis(least));
    let trouble = scenario.faults.iter().filter_map(|fault| match fault.kind.deed() {
        Deed::Pricing(PricingFault { share, how }) => {
            let with = match how {
                Calculation::Slow(takes) => Ailment::Slow(takes),
                Calculation::Fails => Ailment::Fails,
                Calculation::Hangs => Ailment::Hangs,
            };
            Some(Trouble { from: fault.at, until: fault.at + fault.lasts, share, with })
        }
        _ => None,
    });
    Settings {
        architecture: scenario.architecture,
        pricing: PricingTimes { mean: scenario.pricing.mean, max: scenario.pricing.max, trouble: trouble.collect() },
        partner: PartnerLimits { model_bytes: scenario.partner_api.max_model_size as usize },
        poll: wait(1, 5),
        reconnect: wait(5, 5),
        // A real broker writes to its disk before it confirms, and that never gets faster.
        confirm_timeout: wait(5, 1000),
        early_event: (wait(10, 5), 20),
    }
}

#[cfg(test)]
mod tests;
