//! Hand-made runs for the tests of whoever judges or reads reports: no world is needed for them.
//!
//! Times are drawn from a fixed sequence, so a sample is the same wherever it is made.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use detector::{Finding, HopSeen, Said, Source, Tier, Verdict};
use faults::{Effect, Fault, What};
use scenarios::{
    language::{Aggregation, Comparison, Threshold},
    truth::{Class, Proof, Truth},
};

use crate::case::{Case, Client, LeadTimes, Run, Setting, StateTimes, Telemetry};

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Begin of the simulated world's time.
pub const EPOCH_NS: u64 = 1_767_571_200 * SECOND;

/// The hops of an order: name, mean duration, the state it ends in, the state's deadline. A message that runs beside the
/// next wait has no state.
const HOPS: [(&str, u64, &str, u64); 26] = [
    ("FILE_UPLOADED wait", 3 * MINUTE, "FILE_UPLOADED", HOUR),
    ("SUBMITTED wait", 10 * MINUTE, "SUBMITTED", 4 * HOUR),
    ("order.submitted commit-send", SECOND / 2, "", 0),
    ("order.submitted transit", 40 * SECOND, "", 0),
    ("order.submitted process", SECOND / 20, "", 0),
    ("pricing work-wait", SECOND / 100, "", 0),
    ("pricing work", 150 * SECOND, "PRICE_CALCULATED", 30 * MINUTE),
    ("order.price_calculated commit-send", SECOND / 200, "", 0),
    ("order.price_calculated transit", SECOND / 100, "", 0),
    ("order.price_calculated process", SECOND / 50, "", 0),
    ("MANUFACTURING_APPROVED wait", 25 * MINUTE, "MANUFACTURING_APPROVED", 8 * HOUR),
    ("order.manufacturing_approved commit-send", SECOND / 200, "", 0),
    ("order.manufacturing_approved transit", 30 * SECOND, "", 0),
    ("order.manufacturing_approved process", SECOND / 50, "", 0),
    ("MANUFACTURING_STARTED wait", 3 * HOUR, "MANUFACTURING_STARTED", DAY),
    ("order.manufacturing_started transit", SECOND / 100, "", 0),
    ("order.manufacturing_started process", SECOND / 50, "", 0),
    ("MANUFACTURING_COMPLETED wait", 4 * DAY, "MANUFACTURING_COMPLETED", 10 * DAY),
    ("order.manufacturing_completed transit", SECOND / 100, "", 0),
    ("PACKAGING wait", 4 * HOUR, "PACKAGING", DAY),
    ("order.packaging transit", SECOND / 100, "", 0),
    ("SHIPPED wait", DAY, "SHIPPED", 3 * DAY),
    ("order.shipped commit-send", SECOND / 200, "", 0),
    ("order.shipped transit", SECOND / 100, "", 0),
    ("order.shipped process", SECOND / 50, "", 0),
    ("CLOSED wait", 3 * DAY, "CLOSED", 8 * DAY),
];
const LOST_AT: usize = 3;
const SLOW_AT: usize = 3;
const WORK: usize = 6;

/// What shall become of the orders of a sample, and what shall show.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// All orders.
    pub orders: u64,
    /// Those lost between CRM and MES.
    pub lost: u64,
    /// Lost orders that the traces show no sign of.
    pub unseen: u64,
    /// Those whose price came too late, behind a long calculation.
    pub slow: u64,
    /// Orders that are fine and alarmed.
    pub false_alarms: u64,
}

/// A broker dies behind a 30-minute calculation; the traces expose everything.
#[must_use]
pub fn broker_kill() -> Case {
    case(Shape { orders: 5_412, lost: 29, unseen: 0, slow: 12, false_alarms: 0 })
}

/// The same, with an instrumentation that loses the context on its way through the broker.
#[must_use]
pub fn blind_hop() -> Case {
    let mut case = case(Shape { orders: 5_412, lost: 29, unseen: 17, slow: 12, false_alarms: 2 });
    case.run.instrumentation = "seed-001".to_owned();
    case.exposed_when_full = Some(case.truths.iter().map(|truth| truth.order_ref.to_string()).collect());
    case
}

/// A week in which nothing goes wrong.
#[must_use]
pub fn calm_week() -> Case {
    let mut case = case(Shape { orders: 840, lost: 0, unseen: 0, slow: 0, false_alarms: 0 });
    case.run.scenario = "calm-week".to_owned();
    case.run.title = "A week without trouble".to_owned();
    case.run.replay = "cargo xtask simulate calm-week --seed 42".to_owned();
    case.run.quiet = true;
    case.faults.clear();
    case
}

/// A run of a shape: the lost orders first, then the late ones, then those that are fine.
#[must_use]
pub fn case(shape: Shape) -> Case {
    let mut case = Case { run: run(), thresholds: thresholds(), ..Case::default() };
    let mut draw = Draw(shape.orders + 7);
    for number in 0..shape.orders {
        let fate = match number {
            n if n < shape.lost => Class::Lost,
            n if n < shape.lost + shape.slow => Class::Slow,
            _ => Class::Ok,
        };
        let begin = match fate {
            Class::Ok => EPOCH_NS + number * 3 * DAY / shape.orders,
            _ => EPOCH_NS + DAY + 10 * MINUTE + number * 50 * SECOND,
        };
        let truth = truth(number, fate, begin, &mut draw);
        let alarm = number >= shape.lost + shape.slow && number < shape.lost + shape.slow + shape.false_alarms;
        case.findings.push(finding(&truth, fate == Class::Lost && number < shape.unseen, alarm));
        case.truths.push(truth);
    }
    case.faults = inflicted(&case.truths);
    case.queues = queues(&case.truths);
    case.states = times(&case.truths);
    case.lead_times = lead_times(case.truths.iter());
    case.clients = clients(&case.truths);
    let spans = shape.orders * 61;
    case.telemetry = Telemetry { ended: spans, exported: spans, found: spans, ..Telemetry::default() };
    case
}

fn run() -> Run {
    let setting = |of: &str, name: &str, value: &str, preset: Option<&str>| Setting {
        of: of.to_owned(),
        name: name.to_owned(),
        value: value.to_owned(),
        preset: preset.map(str::to_owned),
    };
    let route = |key: &str, from: &str, to: &str| (key.to_owned(), (from.to_owned(), to.to_owned()));
    Run {
        scenario: "broker-kill".to_owned(),
        title: "The partner API opens and the broker dies at the peak".to_owned(),
        world: "simulated".to_owned(),
        seed: 42,
        architecture: "as-is".to_owned(),
        instrumentation: "full".to_owned(),
        envelope: vec!["broker-restart".to_owned()],
        replay: "cargo xtask simulate broker-kill --seed 42".to_owned(),
        epoch_ns: EPOCH_NS,
        end_ns: EPOCH_NS + 26 * DAY,
        versions: BTreeMap::from([("loupe".to_owned(), "0.1.0".to_owned())]),
        settings: vec![
            setting("scenario", "duration", "3 d", None),
            setting("scenario", "load", "customer 30/h throughout", None),
            setting("scenario", "pricing", "mean 2 min 30 s, 30 min at most", None),
            setting("architecture", "mes-consumers", "4", Some("1")),
            setting("architecture", "outbox", "no", Some("no")),
            setting("architecture", "publisher-confirms", "no", Some("no")),
            setting("instrumentation", "propagation", "yes", Some("yes")),
            setting("instrumentation", "silent", "none", Some("none")),
        ],
        routes: BTreeMap::from([
            route("order.submitted", "crm-api", "mes-api"),
            route("order.price_calculated", "mes-api", "crm-api"),
            route("order.manufacturing_approved", "crm-api", "mes-api"),
            route("order.manufacturing_started", "mes-api", "crm-api"),
            route("order.manufacturing_completed", "mes-api", "crm-api"),
            route("order.packaging", "mes-api", "crm-api"),
            route("order.shipped", "mes-api", "crm-api"),
        ]),
        ..Run::default()
    }
}

fn truth(number: u64, fate: Class, begin: u64, draw: &mut Draw) -> Truth {
    let mut now = begin;
    let mut journey = Vec::new();
    for (index, (hop, mean, ..)) in HOPS.iter().enumerate() {
        if fate == Class::Lost && index == LOST_AT {
            journey.push(((*hop).to_owned(), now, None));
            break;
        }
        let takes = if fate == Class::Slow && index == SLOW_AT { 26 * MINUTE + number * MINUTE } else { draw.around(*mean) };
        journey.push(((*hop).to_owned(), now, Some(now + takes)));
        now += takes;
    }
    let slow_since = || journey.get(1).and_then(|hop| hop.2).map(|submitted| submitted + 30 * MINUTE);
    let retail = number.is_multiple_of(3);
    Truth {
        order_id: format!("o-shop-api-1.1-{}", number + 1).into(),
        order_ref: format!("{}-{:06}", if retail { 'c' } else { 'p' }, number + 1).into(),
        client_type: if retail { "retail" } else { "api_partner" }.into(),
        class: fate,
        hop: fate.bad().then(|| HOPS[LOST_AT].0.to_owned()),
        since_ns: match fate {
            Class::Lost => Some(now),
            Class::Slow => slow_since(),
            _ => None,
        },
        faults: match fate {
            Class::Lost => vec!["broker-kill@1".to_owned()],
            Class::Slow => vec!["slow-pricing@1".to_owned()],
            _ => Vec::new(),
        },
        borderline: false,
        initiated_ns: begin,
        closed_ns: (fate != Class::Lost).then_some(now),
        journey,
        proof: Proof::default(),
    }
}

/// What a detector says that sees everything; or, of an order that is lost, nothing; or too much.
fn finding(truth: &Truth, unseen: bool, false_alarm: bool) -> Finding {
    let verdict = match truth.class {
        _ if false_alarm => Verdict::Slow,
        Class::Lost if unseen => Verdict::InFlight,
        Class::Lost => Verdict::Lost,
        Class::Slow => Verdict::Slow,
        _ => Verdict::Ok,
    };
    let mut journey: Vec<HopSeen> =
        truth.journey.iter().map(|(hop, from, to)| HopSeen { hop: hop.clone(), from_ns: Some(*from), to_ns: *to }).collect();
    if unseen {
        journey.truncate(LOST_AT);
        journey[LOST_AT - 1] = HopSeen { hop: HOPS[LOST_AT - 1].0.to_owned(), from_ns: None, to_ns: None };
    }
    let rest = HOPS.iter().skip(journey.len()).map(|hop| HopSeen { hop: hop.0.to_owned(), from_ns: None, to_ns: None });
    let seen = journey.iter().filter(|hop| hop.to_ns.is_some()).count();
    let expected = truth.journey.len();
    journey.extend(rest);
    let number = truth.initiated_ns;
    let span = |n: u64| (u128::from(number + n) * 0x9e37_79b9_7f4a_7c15, number.wrapping_mul(2_654_435_761) + n);
    Finding {
        order_id: Arc::clone(&truth.order_id),
        client_type: Arc::clone(&truth.client_type),
        verdict,
        hop: verdict.alarms().then(|| truth.hop.clone().unwrap_or_else(|| HOPS[WORK].0.to_owned())),
        cause: (verdict == Verdict::Lost).then_some("gone_with_broker"),
        tier: if verdict == Verdict::Lost { Tier::C } else { Tier::A },
        evidence: (0..3).map(span).map(|(trace, span)| (trace.into(), span.into())).collect(),
        records: if verdict == Verdict::Lost { vec![restarted(truth)] } else { Vec::new() },
        behind: None,
        alarmed_ns: verdict
            .alarms()
            .then(|| truth.since_ns.unwrap_or(number + DAY) + if verdict == Verdict::Lost { 31 * MINUTE } else { 0 }),
        hops_expected: u32::try_from(expected).unwrap_or(u32::MAX),
        hops_seen: u32::try_from(seen).unwrap_or(u32::MAX),
        journey,
    }
}

/// What a look at the counters says after the broker came back.
fn restarted(truth: &Truth) -> Said {
    let at_ns = truth.since_ns.unwrap_or(truth.initiated_ns) + 5 * MINUTE;
    Said { source: Source::Counters, at_ns, name: "broker".to_owned(), says: "has run for 30.0 s".to_owned() }
}

fn inflicted(truths: &[Truth]) -> Vec<(Fault, Vec<Effect>)> {
    let slow = Fault {
        name: "slow-pricing@1".to_owned(),
        kind: faults::SLOW_PRICING.with("share", 0.01).with("takes", Duration::from_secs(1_800)),
        at: Duration::from_secs(86_400),
        lasts: Duration::from_secs(7_200),
    };
    let kill = Fault {
        name: "broker-kill@1".to_owned(),
        kind: faults::BROKER_KILL.plain(),
        at: Duration::from_secs(90_000),
        lasts: Duration::from_secs(240),
    };
    let effect = |fault: &Fault, what: What, order: Option<&Truth>| Effect {
        fault: fault.name.clone(),
        at_ns: EPOCH_NS + u64::try_from(fault.at.as_nanos()).unwrap_or(u64::MAX),
        what,
        order_id: order.map(|order| order.order_id.to_string()),
        hop: None,
    };
    let lost = |order: &Truth| What::MessageLost { message_id: format!("m-{}", order.order_id), queue: "mes.orders".to_owned() };
    let mut killed: Vec<Effect> =
        truths.iter().filter(|order| order.class == Class::Lost).map(|order| effect(&kill, lost(order), Some(order))).collect();
    killed.extend((1..=3).map(|node| effect(&kill, What::ConnectionLost { node: format!("node-{node}") }, None)));
    let slowed = vec![effect(&slow, What::CalculationSlowed { seconds: 1_800 }, truths.last())];
    vec![(slow, slowed), (kill, killed)]
}

/// A message is in its queue while it is on its way; one that is lost until the broker dies.
fn queues(truths: &[Truth]) -> BTreeMap<String, Vec<(u64, u64)>> {
    let mut queues = BTreeMap::from([("crm.orders".to_owned(), Vec::new()), ("mes.orders".to_owned(), Vec::new())]);
    for (hop, from, to) in truths.iter().flat_map(|truth| &truth.journey).filter(|(hop, ..)| hop.ends_with(" transit")) {
        let to_mes = ["order.submitted", "order.manufacturing_approved"].iter().any(|key| hop.starts_with(key));
        let queue = if to_mes { "mes.orders" } else { "crm.orders" };
        queues.entry(queue.to_owned()).or_default().push((*from, to.unwrap_or(from + 10 * MINUTE)));
    }
    queues
}

fn times(truths: &[Truth]) -> Vec<StateTimes> {
    let mut states = Vec::new();
    for (at, (_, _, state, deadline)) in HOPS.iter().enumerate().filter(|(_, hop)| !hop.2.is_empty()) {
        let before = HOPS[..at].iter().rposition(|hop| !hop.2.is_empty());
        let entered = |truth: &Truth| {
            let begin = before.map_or(Some(truth.initiated_ns), |before| truth.journey.get(before)?.2)?;
            Some(truth.journey.get(at)?.2? - begin)
        };
        let times_ns: Vec<u64> = truths.iter().filter_map(entered).collect();
        let late = times_ns.iter().filter(|time| **time > *deadline).count();
        let lost = if *state == "PRICE_CALCULATED" { truths.len() - times_ns.len() } else { 0 };
        let slowest = truths.iter().max_by_key(|truth| entered(truth)).map(|truth| Arc::clone(&truth.order_ref));
        states.push(StateTimes {
            state: (*state).to_owned(),
            sla_ns: Some(*deadline),
            breaches: (late + lost) as u64,
            due: (times_ns.len() + lost) as u64,
            times_ns,
            slowest,
        });
    }
    states
}

fn lead_times<'a>(truths: impl Iterator<Item = &'a Truth> + Clone) -> LeadTimes {
    let times_ns: Vec<u64> = truths.clone().filter_map(|truth| Some(truth.closed_ns? - truth.initiated_ns)).collect();
    let open = truths.clone().filter(|truth| truth.closed_ns.is_none());
    let slowest = open.clone().next().map(|truth| Arc::clone(&truth.order_ref));
    let due = truths.count() as u64;
    LeadTimes { promise_ns: Some(21 * DAY), times_ns, overdue: open.count() as u64, due, slowest }
}

fn clients(truths: &[Truth]) -> BTreeMap<Arc<str>, Client> {
    let of = |client: &'static str| truths.iter().filter(move |truth| &*truth.client_type == client);
    let client = |name| Client { lead_times: lead_times(of(name)), ..Client::default() };
    ["api_partner", "retail"].map(|name| (name.into(), client(name))).into()
}

fn thresholds() -> Vec<Threshold> {
    let latency = ("order_latency", Some("PRICE_CALCULATED"));
    vec![
        threshold(("lost_unexposed", None), "count==0", Aggregation::Count, Comparison::Equal, 0.0),
        threshold(("exposure_recall", None), "rate==1", Aggregation::Rate, Comparison::Equal, 1.0),
        threshold(("exposure_precision", None), "rate==1", Aggregation::Rate, Comparison::Equal, 1.0),
        threshold(("unknown", None), "count==0", Aggregation::Count, Comparison::Equal, 0.0),
        threshold(latency, "p(95)<10m", Aggregation::P(95.0), Comparison::Less, 600.0),
    ]
}

/// A threshold as the scenario language reads it.
#[must_use]
pub fn threshold(
    (name, tag): (&'static str, Option<&str>),
    expression: &str,
    aggregation: Aggregation,
    comparison: Comparison,
    limit: f64,
) -> Threshold {
    Threshold {
        metric: tag.map_or_else(|| name.to_owned(), |tag| format!("{name}{{state:{tag}}}")),
        expression: expression.to_owned(),
        name,
        tag: tag.map(str::to_owned),
        aggregation,
        comparison,
        limit,
        default: false,
    }
}

/// A fixed sequence of numbers.
struct Draw(u64);

impl Draw {
    /// Between half and twice the mean.
    fn around(&mut self, mean: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let millionth = (self.0 >> 33) % 1_000_000;
        (mean / 2 + mean / 1_000 * millionth / 1_000 * 3 / 2) / 1_000_000 * 1_000_000
    }
}
