//! The rules once more, by brute force and without the detector's notions: every span is looked at for every question.
//!
//! Random orders are put together from a list of steps, and the oracle must find what the detector finds.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, sample::Index, strategy::ValueTree};
use signals::Span;

use crate::trace::{T0, finish, seen, spans};

const MINUTE: u64 = 60_000_000_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

const STATES: [&str; 10] = [
    "INITIATED",
    "FILE_UPLOADED",
    "SUBMITTED",
    "PRICE_CALCULATED",
    "MANUFACTURING_APPROVED",
    "MANUFACTURING_STARTED",
    "MANUFACTURING_COMPLETED",
    "PACKAGING",
    "SHIPPED",
    "CLOSED",
];
const OWNERS: [&str; 10] =
    ["shop-api", "shop-api", "shop-api", "mes-api", "crm-api", "mes-api", "mes-api", "mes-api", "mes-api", "crm-api"];
const DEADLINES: [u64; 10] = [0, HOUR, 4 * HOUR, 30 * MINUTE, 8 * HOUR, DAY, 10 * DAY, DAY, 3 * DAY, 8 * DAY];

/// The message that announces a state, who sends it and who takes it in.
fn message(state: usize) -> Option<(String, &'static str, &'static str)> {
    let (from, to) = match state {
        2 | 4 => ("crm-api", "mes-api"),
        3 | 5..=8 => ("mes-api", "crm-api"),
        _ => return None,
    };
    Some((format!("order.{}", STATES[state].to_lowercase()), from, to))
}

/// A step: its hop, the steps right before it on its own way, and what a line about it says.
struct Step {
    hop: String,
    needs: Vec<usize>,
    begin: usize,
    says: String,
}

/// All steps, in the order of the lifecycle.
fn steps() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    // The last step of each side: shop and CRM, factory.
    let mut sides: [Option<usize>; 2] = [None, None];
    let side = |service: &str| usize::from(service == "mes-api");
    for state in 0..STATES.len() {
        let mut begin = steps.len().saturating_sub(1);
        if state == 3 {
            let says = "mes-api starts".to_owned();
            steps.push(Step { hop: "pricing work-wait".into(), needs: vec![begin], begin, says });
            begin += 1;
        }
        // A state of its own side's before it: side messages stand between.
        let own = sides[side(OWNERS[state])];
        let begin = if state == 3 || state == 0 { begin } else { own.unwrap() };
        let hop = if state == 3 { "pricing work".into() } else { format!("{} wait", STATES[state]) };
        let needs = if state == 0 { vec![] } else { vec![begin] };
        steps.push(Step { hop, needs, begin, says: format!("{} enters {}", OWNERS[state], STATES[state]) });
        let entered = steps.len() - 1;
        sides[side(OWNERS[state])] = Some(entered);
        let Some((key, from, to)) = message(state) else { continue };
        for (part, (segment, says)) in [
            ("commit-send", format!("{from} sends {key} m{state} confirm=none")),
            ("transit", format!("{to} receives {key} m{state}")),
            ("process", format!("{to} processes {key} m{state} {}", STATES[state])),
        ]
        .into_iter()
        .enumerate()
        {
            let begin = if part == 0 { entered } else { steps.len() - 1 };
            let before = sides[side(to)].filter(|_| part == 2);
            steps.push(Step { hop: format!("{key} {segment}"), needs: [begin].into_iter().chain(before).collect(), begin, says });
        }
        sides[side(to)] = Some(steps.len() - 1);
    }
    steps
}

/// Where the time of a state, or of the message that announces it, is spent: deadline, first step, hops with shares.
type Stretch = (u64, usize, Vec<(usize, f64)>);

fn stretches(steps: &[Step]) -> Vec<Stretch> {
    let at = |hop: &str| steps.iter().position(|step| step.hop == hop).unwrap();
    let entered = |state: usize| at(&if state == 3 { "pricing work".to_owned() } else { format!("{} wait", STATES[state]) });
    let mut all = Vec::new();
    for (state, deadline) in DEADLINES.into_iter().enumerate().skip(1) {
        let before = message(state - 1).filter(|_| [3, 4, 5, 9].contains(&state)).map(|(key, ..)| key);
        let mut hops = Vec::new();
        if let Some(key) = before {
            let parts = ["commit-send", "transit", "process"].map(|part| at(&format!("{key} {part}")));
            let shares = match state {
                3 => [0.05, 0.25, 0.05],
                5 => [0.005, 0.03, 0.005],
                9 => [0.001, 0.001, 0.001],
                _ => [0.01, 0.05, 0.01],
            };
            hops.extend(parts.into_iter().zip(shares));
        }
        match state {
            3 => hops.extend([(at("pricing work-wait"), 0.25), (entered(3), 0.4)]),
            4 => hops.push((entered(state), 0.93)),
            5 => hops.push((entered(state), 0.96)),
            9 => hops.push((entered(state), 0.997)),
            _ => hops.push((entered(state), 1.0)),
        }
        all.push((deadline, entered(state - 1), hops));
        // The news that no state waits for.
        if [5, 6, 7].contains(&state) {
            let (key, ..) = message(state).unwrap();
            let parts = ["commit-send", "transit", "process"].map(|part| (at(&format!("{key} {part}")), 1.0 / 3.0));
            all.push((DAY, entered(state), parts.to_vec()));
        }
    }
    all
}

/// When a step was first seen, by looking at all spans.
fn first_seen(spans: &[Span], says: &str) -> Vec<u64> {
    let words: Vec<&str> = says.split(' ').collect();
    let recorded = |span: &Span, state: &str| {
        let is = |event: &signals::Event| signals::span::text(&event.attributes, "to") == Some(state);
        span.events.iter().any(is)
    };
    let text = |span: &Span, key: &str| signals::span::text(&span.attributes, key).map(str::to_owned);
    let matches = |span: &&Span| {
        *span.resource.service == *words[0]
            && match words[1] {
                "starts" => span.name == "price_calculation started",
                "enters" => recorded(span, words[2]),
                "processes" => recorded(span, words[4]),
                "sends" => text(span, "messaging.operation.type").as_deref() == Some("send") && about(span, words[2]),
                _ => text(span, "messaging.operation.type").as_deref() == Some("receive") && about(span, words[2]),
            }
    };
    let mut times: Vec<u64> = spans.iter().filter(matches).map(|span| span.start_ns).collect();
    times.sort_unstable();
    times
}

fn about(span: &Span, key: &str) -> bool {
    signals::span::text(&span.attributes, "messaging.rabbitmq.destination.routing_key") == Some(key)
}

/// Verdict and hop by the rules.
fn judge(spans: &[Span], end_ns: u64) -> (String, String) {
    let steps = steps();
    let times: Vec<Vec<u64>> = steps.iter().map(|step| first_seen(spans, &step.says)).collect();
    let at = |step: usize| times[step].first().copied();
    let is_person = |step: usize| steps[step].hop.ends_with(" wait");
    let missing = (0..steps.len()).find(|step| at(*step).is_none() && steps[*step].needs.iter().all(|need| at(*need).is_some()));
    let stretches = stretches(&steps);
    let due = |step: usize| {
        let (deadline, first, _) = stretches.iter().find(|(.., hops)| hops.iter().any(|(hop, _)| *hop == step)).unwrap();
        (at(*first).unwrap() + deadline).min(at(0).unwrap() + 21 * DAY)
    };
    let overdue = missing.filter(|step| due(*step) < end_ns);
    if let Some(step) = overdue.filter(|step| !is_person(*step)) {
        return ("lost".into(), steps[step].hop.clone());
    }
    let recorded = |step: &usize| steps[*step].says.contains("enters") || steps[*step].says.contains("processes");
    // The last to write a row has written an earlier state than the last one that had been recorded there.
    let factory = |step: &usize| steps[*step].says.starts_with("mes-api");
    let set_back = |factorys: bool| {
        let side: Vec<usize> = (0..steps.len()).filter(recorded).filter(|step| factory(step) == factorys).collect();
        let latest = |step: &usize| times[*step].last().copied();
        side[..side.len() - 1].iter().any(|step| latest(step) > latest(&side[side.len() - 1]))
    };
    if missing.is_none() && (set_back(true) || set_back(false)) {
        return ("diverged".into(), steps[steps.len() - 1].hop.clone());
    }
    if let Some(step) = (0..steps.len()).filter(recorded).find(|step| times[*step].len() > 1) {
        return ("duplicated".into(), steps[step].hop.clone());
    }
    if let Some(step) = overdue {
        return ("stuck".into(), steps[step].hop.clone());
    }
    let excess = |(deadline, _, hops): &Stretch| -> Vec<(i128, usize)> {
        let over = |(hop, share): &(usize, f64)| {
            let spent = at(*hop)? - at(steps[*hop].begin)?;
            Some((i128::from(spent) - (share * *deadline as f64).round() as i128, *hop))
        };
        hops.iter().filter_map(over).collect()
    };
    let late = |stretch: &&Stretch| {
        let last = stretch.2.last().unwrap().0;
        at(last).is_some_and(|last| last - at(stretch.1).unwrap() > stretch.0)
    };
    let mut blamed: Vec<(i128, usize)> = stretches.iter().filter(late).flat_map(excess).collect();
    let closed = at(steps.len() - 1);
    if blamed.is_empty() && closed.is_some_and(|closed| closed - at(0).unwrap() > 21 * DAY) {
        let enters = |stretch: &&Stretch| steps[stretch.2.last().unwrap().0].says.contains(" enters ");
        blamed = stretches.iter().filter(enters).flat_map(excess).collect();
    }
    if let Some(most) = blamed.iter().map(|(excess, _)| *excess).max() {
        let first = blamed.iter().filter(|(excess, _)| *excess == most).map(|(_, step)| *step).min().unwrap();
        return ("slow".into(), steps[first].hop.clone());
    }
    (if missing.is_some() { "in-flight" } else { "ok" }.into(), String::new())
}

/// How an order is made: how long each hop takes, where it breaks off, what is recorded again, when the run ends.
#[derive(Clone, Debug)]
struct Plan {
    hops: Vec<u64>,
    broken: Option<Index>,
    again: Vec<(Index, u64)>,
    end_ns: u64,
}

/// Mostly quick, sometimes near what is allowed, sometimes far beyond it.
fn plan() -> impl Strategy<Value = Plan> {
    let hop = prop_oneof![
        60 => 1..MINUTE,
        5 => 1..30 * MINUTE,
        1 => 1..12 * HOUR,
        1 => 1..3 * DAY,
        1 => 1..12 * DAY,
    ];
    let hops = proptest::collection::vec(hop, 32);
    let again = prop_oneof![3 => Just(Vec::new()), 1 => proptest::collection::vec((any::<Index>(), 1..DAY), 1..3)];
    let broken = prop_oneof![3 => Just(None), 1 => any::<Index>().prop_map(Some)];
    let end_ns = prop_oneof![3 => Just(200 * DAY), 1 => 1..30 * DAY, 1 => 1..20 * MINUTE];
    (hops, broken, again, end_ns).prop_map(|(mut hops, broken, again, end_ns): (Vec<u64>, _, _, _)| {
        hops[0] = 0;
        Plan { hops, broken, again, end_ns }
    })
}

/// The lines of an order made like this.
fn lines(plan: &Plan) -> String {
    let steps = steps();
    let mut at: Vec<Option<u64>> = Vec::new();
    let broken = plan.broken.map(|index| index.index(steps.len() - 1) + 1);
    for (index, step) in steps.iter().enumerate() {
        let ready = step.needs.iter().map(|need| at[*need]).collect::<Option<Vec<u64>>>();
        at.push(ready.filter(|_| broken != Some(index)).map(|ready| ready.into_iter().max().unwrap_or(0) + plan.hops[index]));
    }
    let line = |at: u64, says: &str| if at <= plan.end_ns { format!("{at}ns {says}\n") } else { String::new() };
    let mut text: String = steps.iter().zip(&at).filter_map(|(step, at)| Some(line((*at)?, &step.says))).collect();
    for (which, later) in &plan.again {
        let recorded: Vec<usize> = (0..steps.len())
            .filter(|step| at[*step].is_some() && ["enters", "processes"].iter().any(|verb| steps[*step].says.contains(verb)))
            .collect();
        let step = recorded[which.index(recorded.len())];
        text += &line(at[step].unwrap() + later, &steps[step].says);
    }
    text
}

/// Verdict and hop by the detector, beside an order that shows everything.
fn detected(plan: &Plan) -> (String, String) {
    let calm = crate::trace::of("o-calm", crate::trace::CALM);
    let findings = finish(seen(&spans(&format!("{calm}{}", lines(plan)))), &format!("{}ns", plan.end_ns));
    let finding = findings.iter().find(|finding| &*finding.order_id == "o-1").unwrap();
    (finding.verdict.name().to_owned(), finding.hop.clone().unwrap_or_default())
}

fn judged(plan: &Plan) -> (String, String) {
    judge(&spans(&lines(plan)), T0 + plan.end_ns)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn brute_force_finds_the_same(plan in plan()) {
        prop_assert_eq!(detected(&plan), judged(&plan));
    }
}

#[test]
fn the_plans_reach_every_verdict_and_most_hops() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut verdicts, mut hops) = (BTreeMap::new(), BTreeSet::new());
    for _ in 0..2000 {
        let (verdict, hop) = judged(&plan().new_tree(&mut runner).unwrap().current());
        *verdicts.entry(verdict).or_insert(0) += 1;
        hops.insert(hop);
    }
    for verdict in ["ok", "in-flight", "slow", "lost", "stuck", "duplicated"] {
        assert!(verdicts.get(verdict).copied().unwrap_or(0) >= 20, "{verdicts:?}");
    }
    assert!(hops.len() > 25, "{hops:?}");
}

#[test]
fn the_oracles_steps_are_those_of_the_lifecycle() {
    let finding = crate::trace::findings(&crate::trace::until(crate::trace::CALM, "enters CLOSED"), "9d").remove(0);
    let hops: Vec<String> = finding.journey.into_iter().map(|hop| hop.hop).collect();
    assert_eq!(hops, steps().into_iter().skip(1).map(|step| step.hop).collect::<Vec<_>>());
}
