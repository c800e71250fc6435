//! A second address of each process, for the harness alone: when does the run begin, and what of its spans was exported.
//! Whether it is ready it says where it serves.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, put},
};
use world::Runtime;

use crate::{
    http::Server,
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
}

/// Serves `PUT /epoch` (nanoseconds since the Unix epoch, in decimal) and `GET /telemetry` (the [`Counts`], after a flush) at
/// `address`.
///
/// # Errors
/// When the address cannot be had.
pub async fn serve(rt: &Runtime, address: SocketAddr, epoch: Epoch, exporter: Option<Exporter>) -> std::io::Result<Server> {
    let router =
        Router::new().route("/epoch", put(begins)).route("/telemetry", get(telemetry)).with_state(Control { epoch, exporter });
    Server::start(rt, address, router).await
}

async fn begins(State(control): State<Control>, body: String) -> StatusCode {
    let Ok(epoch_ns) = body.parse() else { return StatusCode::BAD_REQUEST };
    control.epoch.set(epoch_ns);
    StatusCode::NO_CONTENT
}

async fn telemetry(State(control): State<Control>) -> Json<Counts> {
    Json(match &control.exporter {
        Some(exporter) => exporter.flush(FLUSH).await,
        None => Counts::default(),
    })
}
