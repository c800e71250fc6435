//! SIGTERM in the middle of work: the process takes nothing new, finishes or says that it could not, tells the tracing backend
//! and its journal all it has to say, and goes with code 0. The parts around it are played here.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "a process outside of any world is tried, with the machine's own time")]

use std::{
    net::{SocketAddr, TcpListener as Probe},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use adapters::journal::{Entry, Line};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::{get, post},
};
use contracts::{
    Settings,
    architecture::Preset,
    attributes,
    services::{INTERNET_SHOP, MES, SHOP_API},
    settings::{PartnerLimits, PricingTimes},
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message as _;
use reqwest::{Client, Response};
use serde_json::json;
use tokio::{
    net::TcpListener,
    process::{Child, Command as Process},
    time::{sleep, timeout},
};

const LIMIT: Duration = Duration::from_secs(20);

/// The parts around a process.
struct Around {
    collector: SocketAddr,
    backend: SocketAddr,
    store: SocketAddr,
    spans: Arc<Mutex<Vec<Span>>>,
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn around() -> Around {
    let spans = Arc::<Mutex<Vec<Span>>>::default();
    let collector = Router::new().route("/v1/traces", post(collect)).with_state(Arc::clone(&spans));
    let backend = Router::new().route("/healthz", get(|| async { "{}" })).route("/orders", post(slow_order));
    // An object store with one model in its bucket.
    let store = Router::new().route("/bucket/models/o-1", get(|| async { "solid ring" }));
    Around { collector: serve(collector).await, backend: serve(backend).await, store: serve(store).await, spans }
}

async fn collect(State(spans): State<Arc<Mutex<Vec<Span>>>>, body: Bytes) -> Vec<u8> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    spans.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
    Vec::new()
}

/// A shop-api that takes its time.
async fn slow_order() -> impl IntoResponse {
    sleep(Duration::from_millis(1200)).await;
    let order = json!({ "order_id": "o-1", "order_ref": "c-1", "status": "INITIATED", "version": 1 }).to_string();
    (StatusCode::CREATED, [(header::LOCATION, "/orders/o-1")], order)
}

/// An address that is free now.
fn free() -> SocketAddr {
    Probe::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A process of the services' binary.
struct Started {
    child: Child,
    base: String,
}

impl Started {
    async fn new(role: &str, around: &Around, grace: Duration) -> Self {
        let second = Duration::from_secs(1);
        let settings = Settings {
            architecture: Preset::ToBe.architecture(),
            pricing: PricingTimes { mean: 60 * second, max: 60 * second, trouble: Vec::new() },
            partner: PartnerLimits { model_bytes: 1 << 20 },
            poll: second,
            reconnect: second,
            confirm_timeout: second,
            early_event: (second, 3),
        };
        let listen = free();
        let child = Process::new(env!("CARGO_BIN_EXE_loupe-app"))
            .arg(role)
            .env("LOUPE_SETTINGS", serde_json::to_string(&settings).unwrap())
            .env("LOUPE_SEED", "7")
            .env("LOUPE_RUN", "r-1")
            .env("LOUPE_AMQP_URL", "amqp://nobody.invalid")
            .env("LOUPE_SERVICES", json!({ SHOP_API: format!("http://{}", around.backend) }).to_string())
            .env("LOUPE_S3_URL", format!("http://loupe:loupe@{}/bucket", around.store))
            .env("LOUPE_OTLP_URL", format!("http://{}/v1/traces", around.collector))
            .env("LOUPE_LISTEN", listen.to_string())
            .env("LOUPE_CONTROL", free().to_string())
            .env("LOUPE_GRACE_MS", grace.as_millis().to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut started = Self { child, base: format!("http://{listen}") };
        let ready = async {
            while started.get("/readyz").await.is_none_or(|answer| answer.status() != StatusCode::OK.as_u16()) {
                sleep(Duration::from_millis(20)).await;
                if let Some(code) = started.child.try_wait().unwrap() {
                    panic!("it ended with {code} instead: {}", started.ended().await.said);
                }
            }
            started
        };
        timeout(LIMIT, ready).await.expect("it becomes ready")
    }

    async fn get(&self, path: &str) -> Option<Response> {
        Client::new().get(format!("{}{path}", self.base)).send().await.ok()
    }

    /// Sends a request, and a signal while it is at work.
    async fn terminated_within(&self, path: &str, body: serde_json::Value) -> Response {
        let request = Client::new().post(format!("{}{path}", self.base)).json(&body).send();
        let asked = tokio::spawn(request);
        sleep(Duration::from_millis(400)).await;
        let pid = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        sleep(Duration::from_millis(200)).await;
        assert!(self.get("/healthz").await.is_none(), "it takes nothing new");
        timeout(LIMIT, asked).await.expect("in time").unwrap().expect("what it had taken is answered")
    }

    /// Waits for its end.
    async fn ended(self) -> Ended {
        let output = timeout(LIMIT, self.child.wait_with_output()).await.expect("it goes").unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (journal, stderr) = (text(output.stdout), text(output.stderr));
        let filled = |line: &&str| !line.is_empty();
        let lines = journal.lines().filter(filled).map(|line| serde_json::from_str(line).unwrap()).collect();
        let (log, said): (Vec<&str>, Vec<&str>) = stderr.lines().filter(filled).partition(|line| line.starts_with('{'));
        let log = log.into_iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        Ended { code: output.status.code(), lines, log, said: said.join("\n") }
    }
}

/// What a process left.
struct Ended {
    code: Option<i32>,
    /// Its journal.
    lines: Vec<Line>,
    /// Its log.
    log: Vec<serde_json::Value>,
    /// What it said to people.
    said: String,
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    match attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// The journal's last word: how many spans ended, and that nothing of any order is left to say.
fn everything_is_told(lines: &[Line], spans: &[Span]) {
    let mut untold = std::collections::BTreeSet::new();
    let mut count = 0;
    for line in lines {
        match &line.entry {
            Entry::Untold { order } => drop(untold.insert(order)),
            Entry::Spans { ended, told } => {
                count = *ended;
                untold.retain(|order| !told.contains(order));
            }
            _ => {}
        }
    }
    assert_eq!((spans.len() as u64, untold.len()), (count, 0), "{lines:#?}");
}

#[tokio::test]
async fn a_request_that_is_at_work_is_answered_and_its_span_exported() {
    let around = around().await;
    let started = Started::new(INTERNET_SHOP, &around, Duration::from_secs(5)).await;
    let answer = started.terminated_within("/orders", json!({ "order_ref": "c-1" })).await;
    assert_eq!(answer.status().as_u16(), 201);
    let Ended { code, lines, log, said } = started.ended().await;
    assert_eq!((code, log.len(), said.as_str()), (Some(0), 0, ""));
    let spans = around.spans.lock().unwrap().clone();
    let [span] = &spans[..] else { panic!("one request is one span: {spans:#?}") };
    assert_eq!((span.name.as_str(), text(&span.attributes, attributes::ORDER_ID)), ("POST /orders", Some("o-1")));
    everything_is_told(&lines, &spans);
}

#[tokio::test]
async fn what_outlasts_the_grace_is_refused_and_its_span_says_why() {
    let around = around().await;
    let started = Started::new(MES, &around, Duration::from_millis(500)).await;
    let asked = json!({ "order_id": "o-1", "order_ref": "c-1", "file_ref": "models/o-1", "attempt": 1 });
    let answer = started.terminated_within("/price", asked).await;
    assert_eq!(answer.status().as_u16(), 503);
    let problem: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(problem["type"], "/problems/stopping");
    let Ended { code, lines, log, said } = started.ended().await;
    assert_eq!((code, said.as_str()), (Some(0), "mes was still at work after 500 ms and is cut short"));
    let [model, record] = &log[..] else { panic!("a model was read, and one request failed: {log:#?}") };
    assert_eq!(model["event.action"], json!("FILE_DOWNLOADED"));
    assert_eq!((&record["event.action"], &record["error.type"]), (&json!("REQUEST_FAILED"), &json!("stopping")));
    let spans = around.spans.lock().unwrap().clone();
    let price = spans.iter().find(|span| span.name == "POST /price").expect("it is told of");
    assert_eq!(text(&price.attributes, attributes::ERROR_TYPE), Some("stopping"));
    everything_is_told(&lines, &spans);
}
