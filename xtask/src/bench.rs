//! `cargo xtask bench`: how many orders a second, beside a bare model of the same trade in SimPy.
//!
//! All are run in turns, so that a machine's mood meets each of them alike; medians are printed.

mod simpy;

use std::{path::Path, time::Duration};

use anyhow::{Result, ensure};
use clap::Args;
use contracts::architecture::Preset;
use harness::{Arena as _, Exit, artefacts::peak_memory, conclude, options::WorldName, prepare, progress::Progress};
use scenarios::{Scenario, language::InstrumentationPreset, load};
use xtask::simulated::Simulated;

use simpy::Simpy;

/// The scenario: nothing goes wrong in it, so that every order costs the same.
const CALM: &str = "calm-week";

/// What to measure.
#[derive(Args)]
pub(crate) struct Size {
    /// About how many orders a run has
    #[arg(long, default_value_t = 100_000)]
    orders: u32,
    /// How often each is run
    #[arg(long, default_value_t = 3)]
    rounds: u32,
}

/// One run of the simulated world.
struct Run {
    orders: u64,
    records: u64,
    took: Duration,
}

impl Run {
    fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.took.as_secs_f64().max(f64::EPSILON)
    }
}

/// Runs everything and prints what it came to.
///
/// # Errors
/// When the scenario cannot be played, or is not calm.
#[expect(clippy::print_stdout, reason = "the command's output")]
pub(crate) fn run(root: &Path, size: &Size) -> Result<Exit> {
    let calm = calm(root, f64::from(size.orders))?;
    let blind = calm.clone().with_instrumentation(InstrumentationPreset::Blind);
    let simpy = Simpy::find(root, crate::variable("LOUPE_SIMPY_MODEL").as_deref());
    println!("{CALM}, as-is, for {} days; {} rounds, medians", calm.duration.as_secs() / 86_400, size.rounds);

    let (mut seen, mut unseen, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut memory = None;
    for _ in 0..size.rounds.max(1) {
        let run = play(&calm)?;
        // The first run has the memory to itself.
        memory = memory.or_else(peak_memory);
        if let Ok(model) = &simpy {
            let rate = model.orders_per_second(run.orders)?;
            ratios.push(run.per_second(run.orders) / rate);
            bare.push(rate);
        }
        seen.push(run);
        unseen.push(play(&blind)?);
    }
    let rate = |runs: &[Run]| median(runs.iter().map(|run| run.per_second(run.orders)).collect());
    let records = median(seen.iter().map(|run| run.per_second(run.records)).collect());
    let (orders, spans) = (seen[0].orders, seen[0].records);
    println!("  orders                   {orders:>10}");
    println!("  telemetry and detector   {:>10.0} orders/s   {records:.0} detector records/s", rate(&seen));
    println!("  spans per order          {:>10.1}", spans as f64 / orders.max(1) as f64);
    println!("  without instrumentation  {:>10.0} orders/s", rate(&unseen));
    match memory {
        Some(bytes) => println!("  peak memory              {:>10} MB", bytes >> 20),
        None => println!("  peak memory                 unknown: this system does not say"),
    }
    match simpy {
        Ok(_) => {
            println!("  bare SimPy model         {:>10.0} orders/s", median(bare));
            println!("  ratio to SimPy           {:>10.2}", median(ratios));
        }
        Err(why) => println!("  SimPy not here: ratio left out ({why})"),
    }
    Ok(Exit::Pass)
}

/// The calm scenario, as long as it takes to have that many orders.
fn calm(root: &Path, orders: f64) -> Result<Scenario> {
    let mut scenario = Scenario::resolve(root, CALM)?.remove(0).with_architecture(Preset::AsIs);
    let had = load::arrivals(&scenario).count();
    scenario.duration = scenario.duration.mul_f64(orders / had.max(1) as f64);
    Ok(scenario)
}

/// Plays it from the first order to the last word of the detector, and makes sure that it was calm.
fn play(scenario: &Scenario) -> Result<Run> {
    let prepared = prepare::prepared(scenario.clone(), false, false)?;
    let mut progress = Progress::silent();
    let played = Simulated.play(&prepared, &mut progress)?;
    let took = progress.elapsed();
    let report = conclude::judged(&prepared, &played, WorldName::Simulated)?.report;
    ensure!(report.orders.bad == 0, "{} of {} orders are bad: this is not calm", report.orders.bad, report.orders.initiated);
    Ok(Run { orders: report.orders.initiated, records: played.records, took })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
