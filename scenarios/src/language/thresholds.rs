//! What must hold, in k6's grammar: `"order_latency{state:PRICE_CALCULATED}" = ["p(95)<10m"]`.

use std::{ops::Range, time::Duration};

use contracts::Status;

use super::{
    Aggregation, Comparison, Threshold,
    fields::{Node, Value},
    problem::{Problem, nearest, one_of},
    units,
};
use crate::truth::Class;

/// A metric that a threshold may name.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// What thresholds on it may compare: the names of aggregations, `p` for every percentile.
    pub aggregations: &'static [&'static str],
    /// The tag it must have, with the tag's values.
    pub tag: Option<(&'static str, &'static [&'static str])>,
    /// One sentence for people.
    pub about: &'static str,
}

/// What a metric is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of orders; its rate, where it has one, is the share of all orders.
    Orders,
    /// A share, 0 to 1.
    Share,
    /// A duration in scenario time.
    Time,
}

const STATES: [&str; 9] = [
    Status::FileUploaded.name(),
    Status::Submitted.name(),
    Status::PriceCalculated.name(),
    Status::ManufacturingApproved.name(),
    Status::ManufacturingStarted.name(),
    Status::ManufacturingCompleted.name(),
    Status::Packaging.name(),
    Status::Shipped.name(),
    Status::Closed.name(),
];
const STATES_AND_PROMISE: [&str; 10] = {
    let mut all = ["promise"; 10];
    let mut i = 0;
    while i < STATES.len() {
        all[i] = STATES[i];
        i += 1;
    }
    all
};
const CLASSES: [&str; 9] = [
    Class::Lost.name(),
    Class::Diverged.name(),
    Class::Duplicated.name(),
    Class::Stuck.name(),
    Class::Parked.name(),
    Class::Starved.name(),
    Class::Slow.name(),
    Class::InFlight.name(),
    Class::Ok.name(),
];
const VERDICTS: [&str; 10] =
    ["ok", "slow", "lost", "duplicated", "stuck", "starved", "parked", "diverged", "in-flight", "unknown"];

const COUNT: &[&str] = &["count"];
const RATE: &[&str] = &["rate"];
const BOTH: &[&str] = &["rate", "count"];
const TREND: &[&str] = &["avg", "min", "med", "max", "p"];

const fn metric(name: &'static str, unit: Unit, aggregations: &'static [&'static str], about: &'static str) -> Metric {
    Metric { name, unit, aggregations, tag: None, about }
}

impl Metric {
    const fn by(mut self, tag: &'static str, values: &'static [&'static str]) -> Self {
        self.tag = Some((tag, values));
        self
    }
}

/// All metrics, in the order they are explained.
pub const CATALOGUE: &[Metric] = &[
    metric("lost_unexposed", Unit::Orders, COUNT, "Lost orders that no verdict calls lost."),
    metric("exposure_recall", Unit::Share, RATE, "Exposed among the bad orders."),
    metric("exposure_precision", Unit::Share, RATE, "Right alarms among all alarms."),
    metric("hop_at_1", Unit::Share, RATE, "Bad orders whose verdict names the right hop, of those whose hop a trace could tell."),
    metric("cause_accuracy", Unit::Share, RATE, "True causes of those that the ledger can prove or refute."),
    metric("unknown", Unit::Orders, COUNT, "Bad orders about which the telemetry says nothing."),
    metric("orders_initiated", Unit::Orders, COUNT, "Orders that came in."),
    metric("orders_refused", Unit::Orders, COUNT, "Orders that were turned away when they came, and so never began."),
    metric("orders_closed", Unit::Orders, COUNT, "Orders that reached the customer."),
    metric("orders_in_flight", Unit::Orders, COUNT, "Orders that are under way and within their deadlines."),
    metric("orders", Unit::Orders, COUNT, "Orders by what became of them.").by("truth", &CLASSES),
    metric("verdicts", Unit::Orders, COUNT, "Orders by the detector's verdict.").by("verdict", &VERDICTS),
    metric("order_latency", Unit::Time, TREND, "From entering a state's predecessor to entering the state.").by("state", &STATES),
    metric("lead_time", Unit::Time, TREND, "From INITIATED to CLOSED."),
    metric("sla_breaches", Unit::Orders, BOTH, "Orders beyond a deadline.").by("state", &STATES_AND_PROMISE),
    metric("time_to_expose", Unit::Time, TREND, "From an order going wrong to the alarm."),
];

/// What holds in every scenario that does not say otherwise.
const DEFAULTS: [(&str, &str); 3] = [("exposure_recall", "rate==1"), ("exposure_precision", "rate==1"), ("unknown", "count==0")];

/// Reads the table, and adds the defaults for metrics that are not in it.
pub(crate) fn read(table: &[(Node, Vec<Node>)]) -> Result<Vec<Threshold>, Problem> {
    let mut thresholds = Vec::new();
    for (metric, expressions) in table {
        for expression in expressions {
            let (Value::Text(name), Value::Text(text)) = (&metric.value, &expression.value) else { continue };
            thresholds.push(threshold((name, &metric.span), (text, &expression.span))?);
        }
    }
    for (metric, expression) in DEFAULTS {
        if !thresholds.iter().any(|threshold| threshold.name == metric) {
            let default = threshold((metric, &(0..0)), (expression, &(0..0)))?;
            thresholds.push(Threshold { default: true, ..default });
        }
    }
    Ok(thresholds)
}

type Placed<'a> = (&'a str, &'a Range<usize>);

fn threshold((written, place): Placed<'_>, (expression, expression_place): Placed<'_>) -> Result<Threshold, Problem> {
    let (metric, tag) = named(written, place)?;
    let (aggregation, comparison, limit) = expressed(expression, metric, expression_place)?;
    Ok(Threshold {
        metric: written.to_owned(),
        expression: expression.to_owned(),
        name: metric.name,
        tag,
        aggregation,
        comparison,
        limit,
        default: false,
    })
}

/// The metric and the value of its tag.
fn named(written: &str, place: &Range<usize>) -> Result<(&'static Metric, Option<String>), Problem> {
    let (name, tag) = match written.split_once('{') {
        Some((name, rest)) => (name, Some(rest)),
        None => (written, None),
    };
    let Some(metric) = CATALOGUE.iter().find(|metric| metric.name == name) else {
        let names = || CATALOGUE.iter().map(|metric| metric.name);
        return Err(Problem::new(place, format!("no metric is called `{name}`"), one_of(names())).hint(nearest(name, names())));
    };
    let Some((key, values)) = metric.tag else {
        let plain = Problem::new(place, format!("`{name}` has no tags"), format!("`{name}`"));
        return if tag.is_some() { Err(plain) } else { Ok((metric, None)) };
    };
    let shape = format!("`{name}{{{key}:<value>}}` with {}", one_of(values.iter().copied()));
    let Some(tag) = tag.and_then(|tag| tag.strip_suffix('}')).and_then(|tag| tag.split_once(':')) else {
        return Err(Problem::new(place, format!("`{written}` names no {key}"), shape));
    };
    let (tag, value) = (tag.0.trim(), tag.1.trim());
    if tag != key {
        return Err(Problem::new(place, format!("`{name}` has no tag `{tag}`"), shape));
    }
    if !values.contains(&value) {
        let hint = nearest(value, values.iter().copied()).map(|value| format!("{name}{{{key}:{value}}}"));
        return Err(Problem::new(place, format!("`{name}` has no {key} `{value}`"), shape).hint(hint));
    }
    Ok((metric, Some(value.to_owned())))
}

/// Aggregation, comparison and limit of an expression.
fn expressed(text: &str, metric: &Metric, place: &Range<usize>) -> Result<(Aggregation, Comparison, f64), Problem> {
    let shape = || format!("{} like \"{}\"", aggregations(metric), example(metric));
    let wrong = |what: String| Problem::new(place, what, shape());
    let operators = [
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];
    let Some(at) = text.find(['<', '>', '=', '!']) else { return Err(wrong(format!("`{text}` compares nothing"))) };
    let Some((operator, comparison)) = operators.into_iter().find(|(operator, _)| text[at..].starts_with(operator)) else {
        return Err(wrong(format!("`{text}` has no comparison that is known (<, <=, >, >=, ==, !=)")));
    };
    let (name, limit) = (text[..at].trim(), text[at + operator.len()..].trim());
    let known = aggregation(name).filter(|(family, _)| metric.aggregations.contains(family));
    let Some((family, aggregation)) = known else {
        let hint = nearest(name, metric.aggregations.iter().copied().filter(|family| *family != "p"));
        return Err(wrong(format!("`{}` has no aggregation `{name}`", metric.name)).hint(hint));
    };
    let limit = match metric.unit {
        Unit::Time => units::duration(limit).map(|limit| limit.as_secs_f64()).map_err(|misread| {
            let hint = misread.nearest.map(|limit| format!("{name}{operator}{limit}"));
            Problem::new(place, format!("the limit of `{text}`: {}", misread.what), units::DURATION).hint(hint)
        })?,
        Unit::Orders | Unit::Share => {
            let most = if family == "rate" { 1.0 } else { f64::from(u32::MAX) };
            let plain = limit.chars().all(|c| c.is_ascii_digit() || (c == '.' && family == "rate"));
            let number = limit.parse::<f64>().ok().filter(|number| plain && (0.0..=most).contains(number));
            number.ok_or_else(|| {
                let expected = if family == "rate" { "a share from 0 to 1" } else { "a whole number of orders" };
                Problem::new(place, format!("the limit of `{text}` is `{limit}`"), expected)
            })?
        }
    };
    Ok((aggregation, comparison, limit))
}

/// An aggregation and its family's name.
fn aggregation(text: &str) -> Option<(&'static str, Aggregation)> {
    match text {
        "count" => Some(("count", Aggregation::Count)),
        "rate" => Some(("rate", Aggregation::Rate)),
        "avg" => Some(("avg", Aggregation::Avg)),
        "min" => Some(("min", Aggregation::Min)),
        "max" => Some(("max", Aggregation::Max)),
        "med" => Some(("med", Aggregation::Med)),
        _ => {
            let percent = text.strip_prefix("p(")?.strip_suffix(')')?.trim();
            let plain = percent.chars().all(|c| c.is_ascii_digit() || c == '.');
            let percent = percent.parse::<f64>().ok().filter(|percent| plain && (0.0..=100.0).contains(percent))?;
            Some(("p", Aggregation::P(percent)))
        }
    }
}

fn aggregations(metric: &Metric) -> String {
    one_of(metric.aggregations.iter().map(|family| if *family == "p" { "p(N)" } else { family }))
}

fn example(metric: &Metric) -> &'static str {
    match (metric.unit, metric.aggregations.first()) {
        (Unit::Time, _) => "p(95)<10m",
        (_, Some(&"rate")) => "rate>=0.99",
        _ => "count==0",
    }
}

/// The expression with another limit, for a scaled scenario.
pub(crate) fn rewritten(threshold: &Threshold, limit: Duration) -> String {
    let at = threshold.expression.find(|c: char| "<>=!".contains(c)).unwrap_or_default();
    let (name, rest) = threshold.expression.split_at(at);
    let operator: String = rest.chars().take_while(|c| "<>=!".contains(*c)).collect();
    format!("{name}{operator}{}", units::written(limit))
}

/// What a metric's name looks like, as a regular expression without anchors: for the schema.
pub(crate) fn pattern(metric: &Metric) -> String {
    match metric.tag {
        None => metric.name.to_owned(),
        Some((key, values)) => format!("{}\\{{{key}:({})\\}}", metric.name, values.join("|")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(metric: &str, expression: &str) -> Result<Threshold, Problem> {
        threshold((metric, &(0..0)), (expression, &(0..0)))
    }

    fn why(metric: &str, expression: &str) -> String {
        let problem = parsed(metric, expression).unwrap_err();
        let hint = problem.nearest.map(|nearest| format!(" ({nearest}?)")).unwrap_or_default();
        format!("{}{hint}", problem.what)
    }

    #[test]
    fn expressions_have_an_aggregation_a_comparison_and_a_limit() {
        let latency = parsed("order_latency{state:PRICE_CALCULATED}", "p(95) < 10m").unwrap();
        assert_eq!((latency.name, latency.tag.as_deref()), ("order_latency", Some("PRICE_CALCULATED")));
        assert_eq!((latency.aggregation, latency.comparison, latency.limit), (Aggregation::P(95.0), Comparison::Less, 600.0));
        let recall = parsed("exposure_recall", "rate>=0.99").unwrap();
        assert_eq!((recall.aggregation, recall.comparison), (Aggregation::Rate, Comparison::GreaterOrEqual));
        assert!((recall.limit - 0.99).abs() < 1e-12);
        assert_eq!(parsed("lead_time", "max<=21d").unwrap().limit, 21.0 * 86_400.0);
    }

    #[test]
    fn every_metric_takes_its_own_example() {
        for metric in CATALOGUE {
            let name =
                metric.tag.map_or(metric.name.to_owned(), |(key, values)| format!("{}{{{key}:{}}}", metric.name, values[0]));
            assert_eq!(parsed(&name, example(metric)).map(|threshold| threshold.name), Ok(metric.name));
        }
    }

    #[test]
    fn a_threshold_that_means_nothing_says_why() {
        assert_eq!(why("exposure_recal", "rate==1"), "no metric is called `exposure_recal` (exposure_recall?)");
        assert_eq!(why("exposure_recall", "count==1"), "`exposure_recall` has no aggregation `count`");
        assert_eq!(why("exposure_recall", "rat==1"), "`exposure_recall` has no aggregation `rat` (rate?)");
        assert_eq!(why("exposure_recall", "rate==2"), "the limit of `rate==2` is `2`");
        assert_eq!(why("exposure_recall", "rate=1"), "`rate=1` has no comparison that is known (<, <=, >, >=, ==, !=)");
        assert_eq!(why("exposure_recall", "1"), "`1` compares nothing");
        assert_eq!(why("unknown", "count==-1"), "the limit of `count==-1` is `-1`");
        assert_eq!(why("unknown", "count<"), "the limit of `count<` is ``");
        assert_eq!(why("lead_time", "p(101)<1d"), "`lead_time` has no aggregation `p(101)`");
        assert_eq!(why("lead_time", "avg<10"), "the limit of `avg<10`: `10` has no unit (avg<10s?)");
        assert_eq!(why("order_latency", "avg<10m"), "`order_latency` names no state");
        assert_eq!(why("order_latency{status:CLOSED}", "avg<10m"), "`order_latency` has no tag `status`");
        assert_eq!(
            why("order_latency{state:CLOSD}", "avg<10m"),
            "`order_latency` has no state `CLOSD` (order_latency{state:CLOSED}?)"
        );
        assert_eq!(why("lead_time{state:CLOSED}", "avg<10m"), "`lead_time` has no tags");
    }

    #[test]
    fn defaults_stand_in_for_what_nobody_wrote() {
        let defaults = read(&[]).unwrap();
        assert_eq!(
            defaults.iter().map(|threshold| threshold.name).collect::<Vec<_>>(),
            ["exposure_recall", "exposure_precision", "unknown"]
        );
        assert!(defaults.iter().all(|threshold| threshold.default));
        let node = |text: &str| Node { span: 0..0, value: Value::Text(text.to_owned()) };
        let written = read(&[(node("unknown"), vec![node("count<5")])]).unwrap();
        assert_eq!(written.iter().filter(|threshold| threshold.name == "unknown").count(), 1);
    }
}
