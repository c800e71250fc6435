//! Spans from a few words: one line for each, `<time> <service> <what it does>`.
//!
//! `enters STATE`, `rewrites STATE` (the row, in that state), `sends|receives|processes|settles KEY MESSAGE ..`, `starts` (the calculation), `commits`, `connects`, `locks` (of a database), `asks` (another service), `answers` (it: `under=`; `repeats STATE`: what was asked for had been done, and that state is there), `tells` (the customer: news), `shows` (it to
//! the customer), `calls` (nothing of interest).
//! A state in a `processes` line is what the consumer records. Options: `error`, `redelivered`, `duplicate`, `returned`,
//! `confirm=ack`, `order=o-2` (`order=none`: not named), `about=o-2` (by its conversation id), `event=..`, `trace=7`,
//! `link=7` (a trace), `span=9`, `under=9`, `for=3m` (how long it lasts).

use std::sync::Arc;

use detector::{Detector, Finding, Gap, Lifecycle};
use opentelemetry::{
    KeyValue, SpanId, TraceId,
    trace::{SpanKind, Status},
};
use signals::{Event, Link, Resource, Span};

const SHARED: &str = include_str!("../../../../scenarios/lifecycle.toml");

/// The shared lifecycle, but news may take a day: the traces here are written in hours. Nothing keeps dead letters.
pub(crate) fn lifecycle() -> Lifecycle {
    patient(&SHARED.lines().filter(|line| !line.starts_with("parked = ")).flat_map(|line| [line, "\n"]).collect::<String>())
}

/// The same where dead letters are kept.
pub(crate) fn keeping() -> Lifecycle {
    patient(SHARED)
}

fn patient(lifecycle: &str) -> Lifecycle {
    Lifecycle::parse(
        &lifecycle.replace("queue = \"crm.orders\"\ndeadline = \"30m\"", "queue = \"crm.orders\"\ndeadline = \"1d\""),
    )
    .unwrap()
}

/// When everything begins: 2026-01-05.
pub(crate) const T0: u64 = 1_767_571_200_000_000_000;

/// A month: all deadlines have passed.
pub(crate) const END: &str = "40d";

/// An order that meets nothing unusual.
pub(crate) const CALM: &str = "
    0s       shop-api enters INITIATED                            trace=1
    3m       shop-api enters FILE_UPLOADED                        trace=2
    13m      shop-api enters SUBMITTED                            trace=3
    13m1s    crm-api  sends     order.submitted m1 confirm=none   trace=3
    13m2s    mes-api  receives  order.submitted m1                trace=3
    13m2s    mes-api  settles   order.submitted m1 ack            trace=3
    13m3s    mes-api  processes order.submitted m1 SUBMITTED      trace=3
    13m4s    mes-api  starts                                      trace=3
    15m      mes-api  enters PRICE_CALCULATED                     trace=3
    15m1s    mes-api  sends     order.price_calculated m2 confirm=none trace=3
    15m2s    crm-api  receives  order.price_calculated m2         trace=3
    15m3s    crm-api  processes order.price_calculated m2 PRICE_CALCULATED trace=3
    25m      crm-api  enters MANUFACTURING_APPROVED               trace=4
    25m1s    crm-api  sends     order.manufacturing_approved m3   trace=4
    25m2s    mes-api  receives  order.manufacturing_approved m3   trace=4
    25m3s    mes-api  processes order.manufacturing_approved m3 MANUFACTURING_APPROVED trace=4
    1h       mes-api  enters MANUFACTURING_STARTED                trace=5
    1h1s     mes-api  sends     order.manufacturing_started m4    trace=5
    1h2s     crm-api  receives  order.manufacturing_started m4    trace=5
    1h3s     crm-api  processes order.manufacturing_started m4 MANUFACTURING_STARTED trace=5
    4d       mes-api  enters MANUFACTURING_COMPLETED              trace=6
    4d1s     mes-api  sends     order.manufacturing_completed m5  trace=6
    4d2s     crm-api  receives  order.manufacturing_completed m5  trace=6
    4d3s     crm-api  processes order.manufacturing_completed m5 MANUFACTURING_COMPLETED trace=6
    4d4h     mes-api  enters PACKAGING                            trace=7
    4d4h1s   mes-api  sends     order.packaging m6                trace=7
    4d4h2s   crm-api  receives  order.packaging m6                trace=7
    4d4h3s   crm-api  processes order.packaging m6 PACKAGING      trace=7
    5d       mes-api  enters SHIPPED                              trace=8
    5d1s     mes-api  sends     order.shipped m7                  trace=8
    5d2s     crm-api  receives  order.shipped m7                  trace=8
    5d3s     crm-api  processes order.shipped m7 SHIPPED          trace=8
    8d       crm-api  enters CLOSED                               trace=9
";

/// The lines up to the first that holds all of `words`, which is not in it.
pub(crate) fn until(text: &str, words: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| holds(line, words)).unwrap_or_else(|| panic!("no line with {words:?}"));
    lines[..at].join("\n")
}

/// All lines but those that hold all of `words`.
pub(crate) fn without(text: &str, words: &str) -> String {
    let kept: Vec<&str> = text.lines().filter(|line| !holds(line, words)).collect();
    assert!(kept.len() < text.lines().count(), "no line with {words:?}");
    kept.join("\n")
}

/// More options for the lines that hold all of `words`.
pub(crate) fn with(text: &str, words: &str, more: &str) -> String {
    let lines = text.lines().map(|line| if holds(line, words) { format!("{line} {more}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}

/// Everything from the first line that holds all of `words` comes later.
pub(crate) fn later(text: &str, words: &str, by: &str) -> String {
    let before = until(text, words).lines().count();
    let shift = |(index, line): (usize, &str)| match line.trim().split_once(' ') {
        Some((at, rest)) if index >= before => format!("{}ns {rest}", duration(at) + duration(by)),
        _ => line.to_owned(),
    };
    text.lines().enumerate().map(shift).collect::<Vec<_>>().join("\n")
}

/// Another order, with the same life.
pub(crate) fn of(order: &str, text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| format!("{line} order={order}\n").replace("trace=", &format!("trace={order}-"))).collect()
}

fn holds(line: &str, words: &str) -> bool {
    words.split(' ').all(|word| line.split_whitespace().any(|token| token == word))
}

/// Nanoseconds of `4d4h1s`.
pub(crate) fn duration(text: &str) -> u64 {
    let (mut sum, mut rest) = (0, text);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|letter: char| letter.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let unit = match unit {
            "d" => 86_400_000_000_000,
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "ns" => 1,
            _ => panic!("{text}"),
        };
        sum += number.parse::<u64>().unwrap() * unit;
        rest = tail;
    }
    sum
}

/// The spans of a text, in its order.
pub(crate) fn spans(text: &str) -> Vec<Span> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.enumerate().map(|(index, line)| span(line, index as u64 + 1)).collect()
}

/// An id from a word, the same each time.
fn id(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| word.bytes().fold(1 << 40, |id, byte| id * 31 % (1 << 50) + u64::from(byte)))
}

/// The kind of a verb's span, and its operation on a message.
fn spoken(verb: &str) -> (SpanKind, &'static str) {
    match verb {
        "sends" => (SpanKind::Producer, "send"),
        "receives" => (SpanKind::Internal, "receive"),
        "processes" => (SpanKind::Consumer, "process"),
        "settles" => (SpanKind::Client, "settle"),
        "starts" => (SpanKind::Internal, ""),
        "calls" | "commits" | "connects" | "locks" | "asks" | "tells" => (SpanKind::Client, ""),
        "enters" | "rewrites" | "answers" | "repeats" | "shows" => (SpanKind::Server, ""),
        _ => panic!("{verb}"),
    }
}

fn span(line: &str, number: u64) -> Span {
    let words: Vec<&str> = line.split_whitespace().collect();
    let option = |name: &str| words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let has = |name: &str| words.contains(&name);
    let (start_ns, service, verb) = (T0 + duration(words[0]), words[1], words[2]);
    let order = option("order").unwrap_or("o-1");
    // One span for one line: the same line of another order is another span.
    let span_id = option("span").map_or_else(|| number + (id(order) << 8), id);
    let trace = |word: &str| TraceId::from_bytes(u128::from(id(word)).to_be_bytes());
    let mut attributes = vec![KeyValue::new("service.note", "nothing"), KeyValue::new("enduser.pseudo.id", "c-1")];
    let mut say = |key: &'static str, value: &str| attributes.push(KeyValue::new(key, value.to_owned()));
    if order != "none" {
        say("order.id", order);
        say("client.type", "retail");
    }
    if let Some(order) = option("about") {
        say("messaging.message.conversation_id", order);
    }
    let (kind, operation) = spoken(verb);
    let mut events = Vec::new();
    if !operation.is_empty() {
        say("messaging.operation.type", operation);
        say("messaging.operation.name", words.get(5).filter(|_| verb == "settles").unwrap_or(&verb));
        say("messaging.rabbitmq.destination.routing_key", words[3]);
        say("messaging.message.id", words[4]);
    }
    match verb {
        "commits" | "connects" | "locks" => say("db.operation.name", verb.trim_end_matches('s')),
        "asks" | "answers" => say("http.request.method", "POST"),
        "repeats" => say("order.status", words[3]),
        "tells" => events.push(Event { name: "customer.notified".into(), time_ns: start_ns, attributes: Vec::new() }),
        "shows" => events.push(Event { name: "customer.aware".into(), time_ns: start_ns, attributes: Vec::new() }),
        _ => {}
    }
    if let Some(confirm) = option("confirm") {
        say("alexandrite.amqp.confirm", confirm);
    }
    for (word, key) in
        [("redelivered", "alexandrite.amqp.redelivered"), ("returned", "alexandrite.amqp.returned"), ("duplicate", "duplicate")]
    {
        attributes.push(KeyValue::new(key, has(word) || (word, verb) == ("duplicate", "repeats")));
    }
    for state in words[3..].iter().filter(|word| word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')) {
        if verb == "repeats" {
            continue;
        }
        if verb == "rewrites" {
            let attributes = vec![KeyValue::new("in", (*state).to_owned())];
            events.push(Event { name: "order.row_rewritten".into(), time_ns: start_ns, attributes });
            continue;
        }
        let event_id = option("event").map_or_else(|| format!("{order}:{state}"), str::to_owned);
        let attributes = vec![KeyValue::new("to", (*state).to_owned()), KeyValue::new("event_id", event_id)];
        events.push(Event { name: "order.status_changed".into(), time_ns: start_ns, attributes });
    }
    Span {
        resource: Arc::new(Resource { service: service.into(), instance: "0".into(), attributes: Vec::new() }),
        trace_id: option("trace").map_or_else(|| TraceId::from_bytes(u128::from(span_id).to_be_bytes()), trace),
        span_id: SpanId::from_bytes(span_id.to_be_bytes()),
        parent_span_id: option("under").map_or(SpanId::INVALID, |span| SpanId::from_bytes(id(span).to_be_bytes())),
        name: if verb == "starts" { "price_calculation started".into() } else { verb.to_owned().into() },
        kind,
        start_ns,
        end_ns: start_ns + option("for").map_or(0, duration),
        attributes,
        events,
        links: option("link")
            .map(|link| Link { trace_id: trace(link), span_id: SpanId::from_bytes([1; 8]), attributes: vec![] })
            .into_iter()
            .collect(),
        status: if has("error") { Status::error("it did not work") } else { Status::Unset },
    }
}

/// The detector after all of these, in this order.
pub(crate) fn seen(spans: &[Span]) -> Detector {
    let mut detector = Detector::new(lifecycle());
    for span in spans {
        detector.observe(span);
    }
    detector
}

pub(crate) fn finish(detector: Detector, end: &str) -> Vec<Finding> {
    detector.finish(T0 + duration(end))
}

/// What is said of the orders in a text.
pub(crate) fn findings(text: &str, end: &str) -> Vec<Finding> {
    finish(seen(&spans(text)), end)
}

/// What is said of an order, on one line.
pub(crate) fn line(finding: &Finding) -> String {
    let words = [
        finding.verdict.name().to_owned(),
        finding.hop.as_ref().map(|hop| format!("at {hop}")).unwrap_or_default(),
        finding.cause.map(|cause| format!("{cause}({:?})", finding.tier)).unwrap_or_default(),
        finding.alarmed_ns.map(|at| format!("alarm {}", words(at - T0))).unwrap_or_default(),
        format!("hops {}/{}", finding.hops_seen, finding.hops_expected),
    ];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
}

fn words(mut nanoseconds: u64) -> String {
    let mut text = String::new();
    for (unit, size) in [("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000)] {
        if nanoseconds >= size {
            text += &format!("{}{unit}", nanoseconds / size);
            nanoseconds %= size;
        }
    }
    if nanoseconds > 0 { text + &format!("{nanoseconds}ns") } else { text }
}

/// The one order of a text at the end of everything, beside a calm one: whoever is silent about this one is not silent.
#[track_caller]
pub(crate) fn check(text: &str, expected: &str) {
    check_at(text, END, None, expected);
}

/// The same at some other end, with a gap in the telemetry.
#[track_caller]
pub(crate) fn check_at(text: &str, end: &str, gap: Option<Gap>, expected: &str) {
    let mut detector = seen(&spans(&format!("{}\n{text}", of("o-calm", CALM))));
    if let Some(gap) = gap {
        detector.gap(gap);
    }
    let findings = finish(detector, end);
    assert_eq!(findings.len(), 2);
    assert_eq!(line(&findings[0]), expected, "{:#?}", findings[0]);
}
