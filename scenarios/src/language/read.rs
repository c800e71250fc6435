//! Makes a scenario of a checked document: what its keys mean together.

use std::{path::Path, sync::Arc, time::Duration};

use contracts::{
    Architecture, Status,
    architecture::{Picking, Preset, Pricing as PricingMode},
};

use super::{
    Actor, Broker, BrokerTelemetry, Executor, Factors, Group, Instrumentation, InstrumentationPreset, Load, PartnerApi, Pool,
    Pricing, RampStage, Scale, Scenario, Sla, check, fault,
    fields::{Fields, Value},
    keys,
    problem::{Problem, ScenarioError},
    recording::{self, Recordings},
    thresholds, units, version,
};
use crate::people::{People, Wait, pool};

/// More orders than this in one scenario are a slip of the pen.
const MOST_ORDERS: f64 = 2_000_000.0;

impl Scenario {
    /// Reads a scenario file's bytes. The path names the scenario and its errors; nothing is opened but what it
    /// names, beside it: recordings, the schema.
    ///
    /// # Errors
    /// The first thing in the file that means nothing, with its line and column.
    pub fn parse(file: &Path, bytes: &[u8]) -> Result<Self, ScenarioError> {
        let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let nameable = |c: char| c.is_alphanumeric() || "-_.+ ".contains(c);
        if name.is_empty() || name.starts_with(['.', ' ']) || !name.chars().all(nameable) {
            return Err(ScenarioError::Unnameable { file: file.to_owned() });
        }
        let text = str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to();
            Problem::new(&(at..at), "a byte that is no UTF-8", "text in UTF-8").place(file.to_owned(), bytes)
        })?;
        let place = |problem: Problem| problem.place(file.to_owned(), bytes);
        version::check(file, text).map_err(place)?;
        let fields = check::document(text, keys::SCENARIO).map_err(place)?;
        let recordings = recording::all(file, bytes, &fields)?;
        let scenario = scenario(name, &fields, &recordings).map_err(place)?;
        Ok(Self { called: file.display().to_string(), ..scenario })
    }
}

fn scenario(name: &str, fields: &Fields, recordings: &Recordings) -> Result<Scenario, Problem> {
    let duration = fields.need("duration", fields.time("duration"))?;
    let load = fields.tables("load").map(|table| one_load(table, duration, recordings)).collect::<Result<Vec<_>, _>>()?;
    let expected: f64 = load.iter().map(|load| load.executor.expected(duration)).sum();
    if expected > MOST_ORDERS {
        let what = format!("about {expected:.0} orders arrive in {}", units::written(duration));
        return Err(Problem::new(
            fields.place("load"),
            what,
            format!("at most {MOST_ORDERS:.0} orders: a lower rate or a shorter duration"),
        ));
    }
    let architecture = architecture(fields.need("architecture", fields.table("architecture"))?);
    let instrumentation = instrumentation(fields.need("instrumentation", fields.table("instrumentation"))?);
    let scenario = Scenario {
        name: name.to_owned(),
        title: fields.need("title", fields.text("title"))?.to_owned(),
        seed: fields.need("seed", fields.whole("seed"))?,
        duration,
        quiet: fields.need("quiet", fields.flag("quiet"))?,
        group: fields.text("group").and_then(Group::named),
        architecture,
        written: architecture,
        written_instrumentation: instrumentation.clone(),
        called: String::new(),
        instrumentation,
        people: people(fields.table("people"), &load, duration),
        pricing: pricing(fields.need("pricing", fields.table("pricing"))?)?,
        partner_api: partner_api(fields.need("partner-api", fields.table("partner-api"))?)?,
        broker: broker(fields.need("broker", fields.table("broker"))?)?,
        faults: fault::read(fields, &load, duration)?,
        sla: sla(fields.table("sla")),
        scale: fields.table("scale").map(scale).transpose()?,
        scaled_by: None,
        thresholds: thresholds::read(fields.thresholds("thresholds"))?,
        load,
    };
    if scenario.quiet
        && let Some(fault) = scenario.faults.first()
    {
        let what = format!("`quiet` is true, but {} happens", fault.name);
        return Err(Problem::new(fields.place("quiet"), what, "`quiet = false`, or no faults"));
    }
    Ok(scenario)
}

fn architecture(fields: &Fields) -> Architecture {
    let named = |name: &str| Preset::ALL.into_iter().find(|preset| preset.name() == name);
    let mut architecture = fields.text("preset").and_then(named).unwrap_or(Preset::AsIs).architecture();
    let flags = [
        ("publisher-confirms", &mut architecture.publisher_confirms),
        ("outbox", &mut architecture.outbox),
        ("ack-after-work", &mut architecture.ack_after_work),
        ("idempotent-consumers", &mut architecture.idempotent_consumers),
        ("version-check", &mut architecture.version_check),
        ("row-lock", &mut architecture.row_lock),
        ("dead-letters", &mut architecture.dead_letters),
        ("list-index", &mut architecture.list_index),
        ("notices", &mut architecture.notices),
    ];
    for (key, toggle) in flags {
        *toggle = fields.flag(key).unwrap_or(*toggle);
    }
    if let Some(consumers) = fields.whole("mes-consumers") {
        architecture.mes_consumers = u16::try_from(consumers).unwrap_or(u16::MAX);
    }
    architecture.pricing = match fields.text("pricing") {
        Some("blocking") => PricingMode::Blocking,
        Some("asynchronous") => PricingMode::Asynchronous,
        _ => architecture.pricing,
    };
    architecture.picking = match fields.text("picking") {
        Some("newest-first") => Picking::NewestFirst,
        Some("oldest-first") => Picking::OldestFirst,
        _ => architecture.picking,
    };
    architecture
}

fn instrumentation(fields: &Fields) -> Instrumentation {
    let named = |name: &str| InstrumentationPreset::ALL.into_iter().find(|preset| preset.name() == name);
    let mut instrumentation = fields.text("preset").and_then(named).unwrap_or(InstrumentationPreset::Full).instrumentation();
    if fields.entries.contains_key("silent") {
        instrumentation.silent = texts(fields, "silent");
    }
    instrumentation.logs = if fields.entries.contains_key("logs") { texts(fields, "logs") } else { instrumentation.traced() };
    instrumentation.propagation = fields.flag("propagation").unwrap_or(instrumentation.propagation);
    instrumentation.unlinked = texts(fields, "unlinked");
    let broker = |name: &str| BrokerTelemetry::ALL.into_iter().find(|broker| broker.name() == name);
    instrumentation.broker = fields.text("broker").and_then(broker).unwrap_or(instrumentation.broker);
    instrumentation.scrape_interval = fields.time("scrape-interval").unwrap_or(instrumentation.scrape_interval);
    instrumentation
}

fn texts(fields: &Fields, key: &'static str) -> Vec<String> {
    let text = |value: &Value| if let Value::Text(text) = value { Some(text.clone()) } else { None };
    fields.list(key).iter().filter_map(|node| text(&node.value)).collect()
}

fn one_load(fields: &Fields, end: Duration, recordings: &Recordings) -> Result<Load, Problem> {
    let actor = fields.text("actor").and_then(|name| Actor::ALL.into_iter().find(|actor| actor.name() == name));
    let executor = match fields.need("executor", fields.text("executor"))? {
        "constant-arrival-rate" => Executor::ConstantArrivalRate { rate: fields.need("rate", fields.rate("rate"))? },
        "ramping-arrival-rate" => ramp(fields, end)?,
        "burst" => burst(fields, end)?,
        _ => replay(fields, end, recordings)?,
    };
    Ok(Load { actor, executor })
}

fn ramp(fields: &Fields, end: Duration) -> Result<Executor, Problem> {
    let mut stages = Vec::new();
    let mut passed = Duration::ZERO;
    for table in fields.tables("stages") {
        let stage = RampStage {
            target: table.need("target", table.rate("target"))?,
            duration: table.need("duration", table.time("duration"))?,
        };
        passed = passed.saturating_add(stage.duration);
        if passed > end {
            let what = format!("the stages end at {}, after the last arrival at {}", units::written(passed), units::written(end));
            return Err(Problem::new(table.place("duration"), what, "stages that fit into `duration`"));
        }
        stages.push(stage);
    }
    let executor = Executor::RampingArrivalRate { start: fields.rate("start").unwrap_or_default(), stages };
    if executor.expected(end) <= 0.0 {
        return Err(Problem::new(fields.place("stages"), "every rate is zero: nobody ever comes", "a target above 0"));
    }
    Ok(executor)
}

fn burst(fields: &Fields, end: Duration) -> Result<Executor, Problem> {
    let at = fields.need("at", fields.time("at"))?;
    let count = fields.need("count", fields.small("count"))?;
    let within = fields.need("within", fields.time("within"))?;
    if at.saturating_add(within) > end {
        let what =
            format!("the burst ends at {}, after the last arrival at {}", units::written(at + within), units::written(end));
        return Err(Problem::new(fields.place("at"), what, "a burst that fits into `duration`"));
    }
    Ok(Executor::Burst { at, count, within })
}

fn replay(fields: &Fields, end: Duration, recordings: &Recordings) -> Result<Executor, Problem> {
    let file = fields.need("file", fields.text("file"))?;
    let orders = Arc::clone(fields.need("file", recordings.get(file))?);
    if let Some(last) = orders.last().filter(|last| last.at >= end) {
        let (last, end) = (units::written(last.at), units::written(end));
        let what = format!("the recording's last order comes at {last}, after the last arrival at {end}");
        return Err(Problem::new(fields.place("file"), what, "a recording that fits into `duration`"));
    }
    Ok(Executor::Replay { file: file.to_owned(), orders })
}

fn pricing(fields: &Fields) -> Result<Pricing, Problem> {
    let pricing = Pricing { mean: fields.need("mean", fields.time("mean"))?, max: fields.need("max", fields.time("max"))? };
    if pricing.max < pricing.mean {
        let what = format!("`max` is {}, below the mean of {}", units::written(pricing.max), units::written(pricing.mean));
        return Err(Problem::new(fields.place("max"), what, "a `max` of at least `mean`"));
    }
    Ok(pricing)
}

/// A mean of the file's own keeps the cap's distance: a person who takes twice as long does so at worst, too. Who waits for a
/// carrier is as patient as carriers are slow.
fn people(fields: Option<&Fields>, load: &[Load], duration: Duration) -> People {
    let orders: f64 = load.iter().map(|load| load.executor.expected(duration)).sum();
    let calm = orders / duration.as_secs_f64();
    let mut people = People::for_rate(calm);
    let Some(fields) = fields else { return people };
    let waits: [(&'static str, &mut Wait); 10] = [
        ("upload", &mut people.upload),
        ("submit", &mut people.submit),
        ("seller", &mut people.seller),
        ("bench", &mut people.bench),
        ("manufacturing", &mut people.manufacturing),
        ("packaging", &mut people.packaging),
        ("shipping", &mut people.shipping),
        ("carrier", &mut people.carrier),
        ("closing", &mut people.closing),
        ("asking", &mut people.asking),
    ];
    let mut pace = 1.0;
    for (key, wait) in waits {
        let follows = ["closing", "asking"].contains(&key);
        let mean = fields.time(key).or_else(|| follows.then(|| whole_millis(wait.mean.as_secs_f64() * pace)));
        if let Some(mean) = mean {
            let ratio = mean.as_secs_f64() / wait.mean.as_secs_f64();
            *wait = Wait { mean, cap: whole_millis(wait.cap.as_secs_f64() * ratio) };
            pace = if key == "carrier" { ratio } else { pace };
        }
    }
    for (key, share) in
        [("constructor", &mut people.constructor), ("uncalled", &mut people.uncalled), ("askers", &mut people.askers)]
    {
        *share = fields.number(key).unwrap_or(*share);
    }
    people.sellers = fields.small("sellers").unwrap_or_else(|| pool(calm, people.seller.mean));
    people.operators = fields.small("operators").unwrap_or_else(|| pool(calm, people.bench.mean));
    people
}

/// Model durations are whole milliseconds, at least one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
pub(crate) fn whole_millis(seconds: f64) -> Duration {
    Duration::from_millis(((seconds * 1000.0).round() as u64).max(1))
}

fn partner_api(fields: &Fields) -> Result<PartnerApi, Problem> {
    Ok(PartnerApi { max_model_size: fields.need("max-model-size", fields.small("max-model-size"))? })
}

fn broker(fields: &Fields) -> Result<Broker, Problem> {
    Ok(Broker {
        consumer_timeout: fields.need("consumer-timeout", fields.time("consumer-timeout"))?,
        tick: fields.need("tick", fields.time("tick"))?,
    })
}

fn sla(fields: Option<&Fields>) -> Sla {
    let Some(fields) = fields else { return Sla::default() };
    let mut sla = Sla { promise: fields.time("promise"), ..Sla::default() };
    for (key, node) in &fields.entries {
        let Value::Time(time) = node.value else { continue };
        if let Ok(state) = key.parse::<Status>() {
            sla.states.insert(state, time);
        } else if *key != "promise" {
            sla.messages.insert((*key).to_owned(), time);
        }
    }
    sla
}

fn scale(fields: &Fields) -> Result<Scale, Problem> {
    let named = |name: &String| Pool::ALL.into_iter().find(|pool| pool.name() == name);
    Ok(Scale {
        factors: Factors {
            machine: fields.need("machine", fields.number("machine"))?,
            human: fields.need("human", fields.number("human"))?,
        },
        window: fields.time("window"),
        unstudied: texts(fields, "unstudied").iter().filter_map(named).collect(),
        floor: fields.need("floor", fields.time("floor"))?,
        unlike: fields.text("unlike").map(str::to_owned),
    })
}
