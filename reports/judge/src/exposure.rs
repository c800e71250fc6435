//! How much of the truth the telemetry exposes: over all orders, by hop and by fault.

use std::collections::{BTreeMap, BTreeSet};

use faults::{Effect, Fault, What};

use crate::{
    case::Run,
    matching::Pair,
    report::{After, BadHop, Exposed, Exposure, FaultRow, Standing, Window},
    words,
};

/// Over all orders.
#[must_use]
pub fn exposure<'a>(pairs: &[Pair<'a>]) -> Exposure {
    let count = |wanted: fn(&Pair<'a>) -> bool| pairs.iter().filter(|pair| wanted(pair)).count() as u64;
    let standing = |wanted: Standing| pairs.iter().filter(|pair| pair.standing == Some(wanted)).count() as u64;
    let (exposed, misjudged) = (standing(Standing::Exposed), standing(Standing::Misjudged));
    let (missed, unknown) = (standing(Standing::Missed) + misjudged, standing(Standing::Unknown));
    let bad = exposed + missed + unknown;
    let causes_judged = count(|pair| pair.right_cause().is_some());
    let causes_right = count(|pair| pair.right_cause() == Some(true));
    Exposure {
        recall: share(exposed, bad),
        precision: share(exposed, count(Pair::alarmed)),
        hop_at_1: share(count(Pair::right_hop), count(Pair::hop_judged)),
        hop_in_doubt: count(|pair| pair.hop_in_doubt),
        cause_accuracy: share(causes_right, causes_judged),
        causes_judged,
        causes_right,
        exposed,
        missed,
        false_alarms: standing(Standing::FalseAlarm),
        unknown,
        misjudged,
        fine_but_unknown: count(|pair| !pair.truth.class.bad() && pair.verdict() == detector::Verdict::Unknown),
        exposed_after: after(pairs.iter()),
    }
}

/// A part of a whole; `None` of nothing.
#[must_use]
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The bad orders of a group.
#[must_use]
pub fn exposed<'p, 'a: 'p>(group: impl Iterator<Item = &'p Pair<'a>> + Clone) -> Exposed {
    let mut row = Exposed { exposed_after: after(group.clone()), ..Exposed::default() };
    for pair in group.filter(|pair| pair.bad()) {
        row.orders += 1;
        row.right_hop += u64::from(pair.right_hop());
        row.hop_in_doubt += u64::from(pair.hop_in_doubt);
        match pair.standing {
            Some(Standing::Exposed) => row.exposed += 1,
            Some(Standing::Unknown) => row.unknown += 1,
            _ => row.missed += 1,
        }
        if let Some(finding) = pair.finding.filter(|finding| finding.verdict.alarms()) {
            *row.tiers.entry(format!("{:?}", finding.tier)).or_insert(0) += 1;
        }
    }
    row
}

fn after<'p, 'a: 'p>(group: impl Iterator<Item = &'p Pair<'a>>) -> After {
    let mut times_ns: Vec<u64> = group.filter_map(Pair::exposed_after_ns).collect();
    times_ns.sort_unstable();
    let second = |at: Option<&u64>| at.map(|ns| words::seconds(*ns));
    After {
        min_s: second(times_ns.first()),
        p50_s: crate::metrics::percentile(&times_ns, 50.0).map(words::seconds),
        max_s: second(times_ns.last()),
    }
}

/// The bad orders by class and hop: the worst class first, the most orders first within it.
#[must_use]
pub fn by_hop(pairs: &[Pair<'_>], run: &Run, faults: &[FaultRow], inflicted: &[(Fault, Vec<Effect>)]) -> Vec<BadHop> {
    let mut groups: BTreeMap<_, Vec<&Pair<'_>>> = BTreeMap::new();
    for pair in pairs.iter().filter(|pair| pair.bad()) {
        groups.entry((pair.truth.class, pair.truth.hop.clone())).or_default().push(pair);
    }
    let mut rows: Vec<_> = groups
        .into_iter()
        .map(|((class, hop), group)| {
            let exposure = exposed(group.iter().copied());
            let names: BTreeSet<&str> = group.iter().flat_map(|pair| pair.truth.faults.iter().map(String::as_str)).collect();
            let guilty: Vec<&FaultRow> = faults.iter().filter(|fault| names.contains(fault.name.as_str())).collect();
            let route = hop.as_ref().and_then(|hop| run.routes.get(hop.split(' ').next().unwrap_or(hop)));
            let row = BadHop {
                truth: class.name().to_owned(),
                between: route.cloned(),
                blind: exposure.exposed < exposure.orders,
                exposure,
                faults: guilty.iter().map(|fault| fault.name.clone()).collect(),
                because: because(&group, &guilty, inflicted),
                hop,
            };
            (class, row)
        })
        .collect();
    rows.sort_by_key(|(class, row)| (*class, std::cmp::Reverse(row.exposure.orders)));
    rows.into_iter().map(|(_, row)| row).collect()
}

/// The faults that hit a group of orders, by kind: when they began, and the gravest thing that they did to these orders.
fn because(group: &[&Pair<'_>], guilty: &[&FaultRow], inflicted: &[(Fault, Vec<Effect>)]) -> Option<String> {
    let mut kinds: Vec<(&str, Vec<&FaultRow>)> = Vec::new();
    for fault in guilty {
        match kinds.iter_mut().find(|(kind, _)| *kind == fault.kind) {
            Some((_, faults)) => faults.push(fault),
            None => kinds.push((&fault.kind, vec![fault])),
        }
    }
    let orders: BTreeSet<&str> = group.iter().map(|pair| &*pair.truth.order_id).collect();
    let named = |effect: &Effect| effect.order_id.as_deref().is_some_and(|order| orders.contains(order));
    let one = |(kind, faults): &(&str, Vec<&FaultRow>)| {
        let own = inflicted.iter().filter(|(fault, _)| faults.iter().any(|row| row.name == fault.name));
        let effects: Vec<Effect> = own.flat_map(|(_, effects)| effects).cloned().collect();
        let to_these: Vec<Effect> = effects.iter().filter(|effect| named(effect)).cloned().collect();
        let proof = proof(&to_these).or_else(|| proof(&effects));
        let gravest = proof.as_deref().and_then(|proof| proof.split(", ").next()).unwrap_or("no effect").to_owned();
        let begin = |fault: Option<&&FaultRow>| words::duration(fault.map_or(0.0, |fault| fault.window.from_s));
        match faults.len() {
            1 => format!("{kind} at {} ({gravest})", begin(faults.first())),
            times => format!("{kind}, {times} times from {} to {} ({gravest})", begin(faults.first()), begin(faults.last())),
        }
    };
    (!kinds.is_empty()).then(|| kinds.iter().map(one).collect::<Vec<_>>().join("; "))
}

/// The faults, in the order they began.
#[must_use]
pub fn by_fault(pairs: &[Pair<'_>], inflicted: &[(Fault, Vec<Effect>)], run: &Run) -> Vec<FaultRow> {
    let mut rows: Vec<FaultRow> = inflicted.iter().map(|(fault, effects)| fault_row(pairs, fault, effects, run)).collect();
    rows.sort_by(|a, b| a.window.from_s.total_cmp(&b.window.from_s).then_with(|| a.name.cmp(&b.name)));
    rows
}

fn fault_row(pairs: &[Pair<'_>], fault: &Fault, effects: &[Effect], run: &Run) -> FaultRow {
    let hit: BTreeSet<&str> = effects.iter().filter_map(|effect| effect.order_id.as_deref()).collect();
    let bad: Vec<&Pair<'_>> = pairs.iter().filter(|pair| pair.bad() && pair.truth.faults.contains(&fault.name)).collect();
    // An order may have been alarmed for something else before: that alarm does not speak of this fault.
    let began_ns = run.epoch_ns + nanoseconds(fault.at);
    let alarms = bad.iter().filter(|pair| pair.exposed()).filter_map(|pair| pair.finding?.alarmed_ns);
    let first_alarm_ns = alarms.filter(|alarmed_ns| *alarmed_ns >= began_ns).min();
    let (from_s, lasts_s) = (words::seconds(nanoseconds(fault.at)), words::seconds(nanoseconds(fault.lasts)));
    FaultRow {
        name: fault.name.clone(),
        kind: fault.kind.name().to_owned(),
        attempts: 1,
        effects: effects.len() as u64,
        proof: proof(effects),
        window: Window { from_s, to_s: from_s + lasts_s },
        orders_hit: hit.len() as u64,
        in_envelope: run.envelope.iter().any(|kind| kind == fault.kind.name()),
        first_alarm_s: first_alarm_ns.map(|at| words::since(at, run.epoch_ns)),
        exposure: exposed(bad.iter().copied()),
    }
}

pub(crate) fn nanoseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What a fault did, in words, the gravest first; `None` when it did nothing.
#[must_use]
pub fn proof(effects: &[Effect]) -> Option<String> {
    let mut counts: BTreeMap<(u8, &str, &str), u64> = BTreeMap::new();
    for effect in effects {
        *counts.entry(words_for(&effect.what)).or_default() += number(&effect.what);
    }
    let said =
        |((_, noun, verb), count): ((u8, &str, &str), u64)| format!("{} {} {verb}", words::count(count), plural(noun, count));
    let said: Vec<String> = counts.into_iter().map(said).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// How many things an effect is about.
fn number(what: &What) -> u64 {
    match what {
        What::SpansBlurred { spans, .. } => *spans,
        What::TableGrown { rows, .. } => *rows,
        _ => 1,
    }
}

fn blurred(how: &str) -> &'static str {
    match how {
        "not-sampled" => "not recorded",
        "late" => "too late for their trace",
        "queue-full" => "dropped from a full queue",
        "export-failed" => "not exported",
        "skewed" => "with a wrong time",
        "expired" => "gone before anybody read them",
        "silenced" => "never made",
        "personal-data" => "with personal data",
        _ => "blurred",
    }
}

/// How grave an effect is, what it happened to, and what happened.
fn words_for(what: &What) -> (u8, &'static str, &'static str) {
    match what {
        What::MessageLost { .. } => (0, "message", "lost from queues"),
        What::PublishFailed { .. } => (2, "publish", "failed"),
        What::DeliveryCut { acknowledged: true, .. } => (3, "acknowledged message", "lost with its consumer"),
        What::DeliveryCut { acknowledged: false, .. } => (4, "delivery", "cut off"),
        What::Meddled { how, .. } => meddled(how),
        What::StatementFailed { .. } => (5, "statement", "failed"),
        What::RolledBack { .. } => (2, "transition", "rolled back"),
        What::StatementSlowed { .. } => (5, "statement", "slowed"),
        What::TableGrown { .. } => (1, "row", "more in its table"),
        What::RowOverlooked { .. } => (1, "row", "overlooked"),
        What::UpdateLost { .. } => (1, "update", "overwritten"),
        What::ObjectLost { acknowledged: true, .. } => (1, "model", "lost by the object store"),
        What::ObjectLost { acknowledged: false, .. } => (5, "call", "on the object store failed"),
        What::CallHit { to, .. } if to == "customer" => (1, "notice", "that nobody saw"),
        What::CallHit { how, .. } => (5, "call", hit(how)),
        What::WorkedOtherwise { pool } if pool == "customer" => (5, "order", "sent off too soon"),
        What::WorkedOtherwise { .. } => (5, "pick", "in another order"),
        What::CalculationFailed => (5, "calculation", "without a price"),
        What::CalculationSlowed { .. } => (5, "calculation", "slowed"),
        What::NodeKilled { .. } => (6, "process", "killed"),
        What::NodePaused { .. } => (6, "process", "that stood still"),
        What::NodeThrottled { .. } => (6, "process", "short of a processor"),
        What::ConnectionLost { .. } => (7, "connection", "broken"),
        What::SpansBlurred { how, .. } => (8, "span", blurred(how)),
    }
}

fn hit(how: &str) -> &'static str {
    match how {
        "refused" | "reset" => "refused",
        "unheard" => "that nobody heard",
        "answer-lost" => "without its answer",
        _ => "held up",
    }
}

fn meddled(how: &str) -> (u8, &'static str, &'static str) {
    match how {
        "lost-on-the-wire" => (1, "message", "lost on the wire"),
        "publisher-crashed" => (1, "message", "never published"),
        "unroutable" => (1, "message", "that no queue was bound for"),
        "maxlen" => (1, "message", "dropped from a full queue"),
        "expired" => (1, "message", "expired"),
        "dead-letter-dropped" => (1, "dead letter", "dropped"),
        "refused" => (1, "message", "refused by a full queue"),
        "corrupted" => (1, "message", "made unreadable"),
        "consumer-crashed" => (2, "answer", "never given"),
        "ack-lost" => (2, "answer", "lost"),
        "confirm-lost" => (2, "confirm", "lost"),
        "timed-out" => (2, "delivery", "taken back"),
        "held-up" => (2, "delivery", "held up"),
        "delayed" => (2, "message", "held back"),
        "unheard" => (2, "message", "that nobody was there for"),
        "blocked" => (2, "publish", "blocked"),
        "kept-back" => (2, "publish", "cut off"),
        _ => (2, "message", "without its trace context"),
    }
}

fn plural(noun: &str, count: u64) -> String {
    match (count, noun) {
        (1, _) => noun.to_owned(),
        (_, "delivery") => "deliveries".to_owned(),
        (_, "publish" | "process") => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}
