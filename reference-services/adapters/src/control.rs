//! A second address of each process, for the harness alone: when does the run begin, where does it fail, what of its spans was
//! exported, and how much has it logged. Whether it is ready it says where it serves.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, put},
};
use serde::{Deserialize, Serialize};
use world::Runtime;

use crate::{
    failpoints::{Failpoints, Rule},
    http::Server,
    logbook::Logbook,
    runtime::Epoch,
    telemetry::{Counts, Exporter},
};

/// How long the spans that are left may take to be exported when the counts are asked for.
const FLUSH: Duration = Duration::from_secs(10);

/// What the control address answers from.
#[derive(Clone)]
struct Control {
    epoch: Epoch,
    exporter: Option<Exporter>,
    log: Option<Logbook>,
    failpoints: Failpoints,
}

/// How much telemetry a process has given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its spans.
    pub spans: Counts,
    /// Its log records.
    pub logs: u64,
}

/// Serves `PUT /epoch` (nanoseconds since the Unix epoch, in decimal), `GET /telemetry` (what it has [`Told`], after a flush), and
/// `PUT` and `DELETE /failpoints/{fault}` (a [`Rule`]) at `address`.
///
/// # Errors
/// When the address cannot be had.
pub async fn serve(
    rt: &Runtime,
    address: SocketAddr,
    (epoch, failpoints): (Epoch, Failpoints),
    (exporter, log): (Option<Exporter>, Option<Logbook>),
) -> std::io::Result<Server> {
    let control = Control { epoch, exporter, log, failpoints };
    let router = Router::new()
        .route("/epoch", put(begins))
        .route("/telemetry", get(telemetry))
        .route("/failpoints/{fault}", put(lay).delete(take_away))
        .with_state(control);
    Server::start(rt, address, router).await
}

async fn begins(State(control): State<Control>, body: String) -> StatusCode {
    let Ok(epoch_ns) = body.parse() else { return StatusCode::BAD_REQUEST };
    control.epoch.set(epoch_ns);
    StatusCode::NO_CONTENT
}

async fn lay(State(control): State<Control>, Path(fault): Path<String>, Json(rule): Json<Rule>) -> StatusCode {
    control.failpoints.lay(&fault, rule);
    StatusCode::NO_CONTENT
}

async fn take_away(State(control): State<Control>, Path(fault): Path<String>) -> StatusCode {
    control.failpoints.take_away(&fault);
    StatusCode::NO_CONTENT
}

async fn telemetry(State(control): State<Control>) -> Json<Told> {
    let spans = match &control.exporter {
        Some(exporter) => exporter.flush(FLUSH).await,
        None => Counts::default(),
    };
    Json(Told { spans, logs: control.log.as_ref().map_or(0, Logbook::written) })
}
