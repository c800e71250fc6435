//! All traces of a run, read back from Jaeger until they are complete, and all logs, read back from Elasticsearch.
//!
//! Complete means: the spans that ended, the spans that the exporters delivered, and the spans that Jaeger gives back are
//! equally many, for each service, and so are the log records written and read. Whatever is missing is said, and then the run is
//! not judged as if it were whole.

mod died;
mod logs;
mod slow_statements;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, UNIX_EPOCH},
};

use adapters::{
    control::Told,
    journal::Line,
    runtime::wall_clock_ns,
    telemetry::{Counts, RUN_ATTRIBUTE},
};
pub use died::Died;
use futures_util::future::join_all;
use opentelemetry::{SpanId, TraceId};
use signals::{Log, Span, jaeger, span::text};
use testcontainers::bollard::Docker;

use crate::{
    Config, docker,
    nemesis::Death,
    parts::{Started, jaeger as part, service},
    shipping::Shipping,
};

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How many traces one question asks for at most; a slice of time with as many is cut in two.
const DEPTH: usize = 2_000;
/// A slice of time that is this short, in nanoseconds, and still full cannot be read whole.
const SHORTEST_NS: u64 = 1_000;

/// What the telemetry says, and what is missing of it.
#[derive(Debug, Default)]
pub struct Testimony {
    /// Every span once.
    pub spans: Vec<Span>,
    /// Every log record.
    pub logs: Vec<Log>,
    /// What became of the spans of each service, by its name.
    pub services: BTreeMap<String, ServiceSpans>,
    /// The processes that were killed, and what went down with them.
    pub died: Vec<Died>,
    /// The orders of which something was being committed when a process or its connection died: that may be done, and nobody says so.
    pub unanswered: Vec<String>,
    /// Why it could not be read, whole or in part: Jaeger or a service does not answer, or a log is not whole. Such a run is unknown.
    pub unavailable: Option<String>,
}

impl Testimony {
    /// Counts what was given back of each process. What a killed one exported counts for itself: the one that followed it
    /// counts from zero.
    fn count(&mut self, spans: &[Span]) {
        let mut found: BTreeMap<&str, u64> = BTreeMap::new();
        for service in self.services.values_mut() {
            service.found = 0;
        }
        for span in spans {
            *found.entry(&span.resource.instance).or_default() += 1;
            let dead = self.died.iter().any(|died| *died.node == *span.resource.instance);
            if let Some(service) = self.services.get_mut(span.resource.service.as_ref()).filter(|_| !dead) {
                service.found += 1;
            }
        }
        died::count(&mut self.died, &found);
    }

    /// Everything that is missing, in words; nothing when it is complete.
    #[must_use]
    pub fn gaps(&self) -> Vec<String> {
        let services = self.services.iter().filter_map(|(name, spans)| spans.gap(name));
        self.unavailable.iter().cloned().chain(services).collect()
    }
}

/// What became of the spans of one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceSpans {
    /// As its exporter counted.
    pub counts: Counts,
    /// As Jaeger gave them back.
    pub found: u64,
}

/// Where the testimony comes from.
pub(crate) struct Sources<'a> {
    pub(crate) docker: &'a Docker,
    /// Jaeger's container.
    pub(crate) jaeger: &'a str,
    pub(crate) services: &'a [Started],
    /// The way of the logs, where there are any.
    pub(crate) shipping: Option<&'a Shipping>,
    pub(crate) config: &'a Config,
    /// The servers, by the name of the database.
    pub(crate) databases: &'a BTreeMap<String, Started>,
    /// The run's id, and its name: Jaeger and the servers may hold what is other runs', too.
    pub(crate) run: (&'a str, &'a str),
    /// When the first service was started, nanoseconds since the Unix epoch: they work while they start.
    pub(crate) since_ns: u64,
    pub(crate) deaths: Vec<Death>,
    /// The journals of all processes.
    pub(crate) lines: &'a [Line],
}

/// Asks the services for their counts, Elasticsearch for the logs and Jaeger for the traces, until these are as many or the time is
/// over.
pub(crate) async fn collect(sources: Sources<'_>) -> Testimony {
    let Sources { docker, jaeger, services, shipping, config, databases, run, since_ns, deaths, lines } = sources;
    let role = |started: &Started| config.roles.iter().find(|role| role.name == started.part);
    let told = services.iter().filter(|started| role(started).is_some_and(|role| role.traces || role.logs));
    let client = reqwest::Client::new();
    let told = join_all(told.map(|started| told_by(docker, &client, started))).await;
    let mut testimony =
        Testimony { died: died::of(deaths, lines), unanswered: died::unanswered(lines.iter()), ..Testimony::default() };
    let mut written = logs::Written::new();
    for (started, told) in told {
        let (name, role) = (started.part.clone(), role(started));
        match told {
            Ok(Told { spans, logs }) => {
                if role.is_some_and(|role| role.traces) {
                    testimony.services.insert(name.clone(), ServiceSpans { counts: spans, found: 0 });
                }
                if role.is_some_and(|role| role.logs) {
                    written.insert(name, logs);
                }
            }
            Err(reason) => {
                testimony.unavailable = Some(format!("{name} does not say how many spans it exported: {reason}"));
            }
        }
    }
    if let Some(shipping) = shipping {
        let of = slow_statements::Of { run, environment: &config.environment, since_ns };
        match slow_statements::tell(docker, shipping, databases, of).await {
            Ok(told) => written.extend(told),
            Err(error) => testimony.unavailable = Some(format!("slow statements cannot be told: {error}")),
        }
        match logs::read(shipping, &written, config.limits.testimony).await {
            Ok(logs) => testimony.logs = logs,
            Err(reason) => testimony.unavailable = Some(reason),
        }
    }
    let reader = match docker::port(docker, jaeger, part::QUERY).await {
        Ok(port) => {
            let (base, depth) = (format!("http://127.0.0.1:{port}"), DEPTH.min(config.max_traces));
            Reader { client, base, depth, run: run.0.to_owned() }
        }
        Err(error) => {
            testimony.unavailable = Some(format!("telemetry unavailable: Jaeger is not running ({error})"));
            return testimony;
        }
    };
    // A thousand spans a second is slow, also on a busy machine.
    let spans: u64 = testimony.services.values().map(|spans| spans.counts.exported).sum();
    let limit = config.limits.testimony + Duration::from_millis(spans);
    let read = docker::limited(limit, reader.complete(&mut testimony, since_ns)).await;
    if let Some(Err(reason)) = read {
        testimony.unavailable = Some(format!("telemetry unavailable: {reason}"));
    }
    testimony
}

/// How much one service has told, after it exported what was left.
async fn told_by<'a>(docker: &Docker, client: &reqwest::Client, started: &'a Started) -> (&'a Started, Result<Told, String>) {
    let ask = async {
        let port = docker::port(docker, &started.id, service::CONTROL).await.map_err(|error| error.to_string())?;
        let url = format!("http://127.0.0.1:{port}/telemetry");
        let answer = client.get(url).timeout(ANSWER).send().await.and_then(reqwest::Response::error_for_status);
        let answer = answer.map_err(|error| error.without_url().to_string())?;
        answer.json().await.map_err(|error| error.without_url().to_string())
    };
    (started, ask.await)
}

impl ServiceSpans {
    /// What is missing, in words.
    fn gap(&self, name: &str) -> Option<String> {
        let Counts { ended, exported, failed } = self.counts;
        if ended != exported {
            return Some(format!("{name}: {ended} spans ended, {exported} were exported, {failed} given up"));
        }
        (self.found != exported).then(|| format!("{name}: {exported} spans were exported, Jaeger gives back {}", self.found))
    }
}

/// Reads one Jaeger.
struct Reader {
    client: reqwest::Client,
    base: String,
    depth: usize,
    /// Whose spans are wanted.
    run: String,
}

impl Reader {
    /// Reads all traces again and again until each service's spans are there.
    async fn complete(&self, testimony: &mut Testimony, since_ns: u64) -> Result<(), String> {
        loop {
            let spans = self.all(since_ns, wall_clock_ns() + 1_000_000_000).await?;
            testimony.count(&spans);
            testimony.spans = spans;
            if testimony.services.values().all(|service| service.found >= service.counts.exported) {
                return Ok(());
            }
            docker::pause().await;
        }
    }

    /// Every span of the run in the traces with a span that begins between two times.
    async fn all(&self, from_ns: u64, until_ns: u64) -> Result<Vec<Span>, String> {
        let mut spans: BTreeMap<([u8; 16], [u8; 8]), Span> = BTreeMap::new();
        let mut slices = vec![(from_ns, until_ns)];
        while let Some((from_ns, until_ns)) = slices.pop() {
            let found = self.slice(from_ns, until_ns).await?;
            let traces: BTreeSet<[u8; 16]> = found.iter().map(|span| TraceId::to_bytes(span.trace_id)).collect();
            if traces.len() < self.depth {
                let own = found.into_iter().filter(|span| text(&span.resource.attributes, RUN_ATTRIBUTE) == Some(&self.run));
                let keyed = own.map(|span| ((span.trace_id.to_bytes(), SpanId::to_bytes(span.span_id)), span));
                spans.extend(keyed);
                continue;
            }
            let middle_ns = from_ns.midpoint(until_ns);
            if until_ns - from_ns <= SHORTEST_NS {
                return Err(format!("more than {} traces begin within a microsecond", self.depth));
            }
            // The later half last: it is read first.
            slices.extend([(from_ns, middle_ns), (middle_ns, until_ns)]);
        }
        Ok(spans.into_values().collect())
    }

    /// One question. Jaeger's versions spell the parameters differently and ignore what they do not know.
    async fn slice(&self, from_ns: u64, until_ns: u64) -> Result<Vec<Span>, String> {
        let (from, until, depth) = (rfc3339(from_ns), rfc3339(until_ns), self.depth);
        let times = format!("query.start_time_min={from}&query.start_time_max={until}");
        let newer =
            format!("query.startTimeMin={from}&query.startTimeMax={until}&query.searchDepth={depth}&query.rawTraces=true");
        let url = format!("{}/api/v3/traces?{times}&query.num_traces={depth}&query.raw_traces=true&{newer}", self.base);
        let failed = |error: reqwest::Error| format!("Jaeger does not answer ({})", error.without_url());
        let answer = self.client.get(url).timeout(ANSWER).send().await.map_err(failed)?;
        // Nothing matches.
        if answer.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(Vec::new());
        }
        let status = answer.status();
        let body = answer.bytes().await.map_err(failed)?;
        if !status.is_success() {
            return Err(format!("Jaeger answers {status}: {}", String::from_utf8_lossy(&body).trim()));
        }
        jaeger::parse(&body).map_err(|error| error.to_string())
    }
}

/// RFC 3339 with nanoseconds, in UTC.
fn rfc3339(ns: u64) -> String {
    humantime::format_rfc3339_nanos(UNIX_EPOCH + Duration::from_nanos(ns)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        Router,
        extract::Query,
        http::StatusCode,
        response::{IntoResponse, Response},
        routing::get,
    };

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(rfc3339(1_767_571_200_000_000_001), "2026-01-05T00:00:00.000000001Z");
        assert_eq!(rfc3339(1_709_164_799_999_999_999), "2024-02-28T23:59:59.999999999Z");
        assert_eq!(rfc3339(1_709_164_800_000_000_000), "2024-02-29T00:00:00.000000000Z");
    }

    /// A Jaeger with one trace each millisecond, which gives the newest ones of a time, as many as it is asked for.
    async fn jaeger(Query(asked): Query<BTreeMap<String, String>>) -> Response {
        let depth: usize = asked["query.num_traces"].parse().unwrap();
        let within = asked["query.start_time_min"].as_str()..asked["query.start_time_max"].as_str();
        let begins = (1..=TRACES).rev().map(|n| (n, n * 1_000_000));
        let found: Vec<String> = begins
            .filter(|(_, begin_ns)| within.contains(&rfc3339(*begin_ns).as_str()))
            .take(depth)
            .map(|(n, begin_ns)| format!(r#"{{"traceId":"{n:032x}","spanId":"{n:016x}","name":"work","startTimeUnixNano":"{begin_ns}","endTimeUnixNano":"{begin_ns}"}}"#))
            .collect();
        if found.is_empty() {
            return StatusCode::NOT_FOUND.into_response();
        }
        // Another run is there as well.
        let spans = [("r-1", found.join(",")), ("r-2", found[0].replace(r#""spanId":"0"#, r#""spanId":"f"#))];
        let resources = spans.map(|(run, spans)| {
            let attributes = [("service.name", "mes"), (RUN_ATTRIBUTE, run)]
                .map(|(key, value)| format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#))
                .join(",");
            format!(r#"{{"resource":{{"attributes":[{attributes}]}},"scopeSpans":[{{"spans":[{spans}]}}]}}"#)
        });
        format!(r#"{{"result":{{"resourceSpans":[{}]}}}}"#, resources.join(",")).into_response()
    }

    const TRACES: u64 = 1_000;

    #[test]
    fn more_traces_than_one_answer_holds_are_read_slice_by_slice() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let base = format!("http://{}", listener.local_addr().unwrap());
            let router = Router::new().route("/api/v3/traces", get(jaeger));
            runtime.spawn(async move { axum::serve(listener, router).await });
            let reader = Reader { client: reqwest::Client::new(), base, depth: 30, run: "r-1".to_owned() };
            let spans = reader.all(0, 10_000_000_000).await.unwrap();
            assert_eq!(spans.len() as u64, TRACES);
            // One that can give no more than one trace at a time never says that it has given all.
            let greedy = Reader { depth: 1, ..reader };
            assert!(greedy.all(1_000_000, 1_001_000).await.unwrap_err().contains("within a microsecond"));
        });
    }

    #[test]
    fn a_span_too_few_is_a_gap() {
        let spans = |ended, exported, found| {
            let counts = Counts { ended, exported, failed: ended - exported };
            ServiceSpans { counts, found }
        };
        assert_eq!(spans(3, 3, 3).gap("mes"), None);
        assert_eq!(spans(3, 3, 2).gap("mes").unwrap(), "mes: 3 spans were exported, Jaeger gives back 2");
        assert_eq!(spans(3, 2, 2).gap("mes").unwrap(), "mes: 3 spans ended, 2 were exported, 1 given up");
    }
}
