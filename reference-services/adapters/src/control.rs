//! A second address of each process, for the harness alone: is it ready, when does the run begin, and what of its spans was
//! exported.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, put},
};
use world::Runtime;

use crate::{
    runtime::Epoch,
    telemetry::{Counts, Exporter},
};

/// How long the spans that are left may take to be exported when the counts are asked for.
const FLUSH: Duration = Duration::from_secs(10);

/// What the control address answers from.
#[derive(Clone)]
pub struct Control {
    ready: Arc<AtomicBool>,
    epoch: Epoch,
    exporter: Option<Exporter>,
}

impl Control {
    /// Serves `GET /ready` (200 or 503), `PUT /epoch` (nanoseconds since the Unix epoch, in decimal) and `GET /telemetry`
    /// (the [`Counts`], after a flush) at `address`.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn serve(rt: &Runtime, address: SocketAddr, epoch: Epoch, exporter: Option<Exporter>) -> std::io::Result<Self> {
        let control = Self { ready: Arc::default(), epoch, exporter };
        let router = Router::new()
            .route("/ready", get(ready))
            .route("/epoch", put(begins))
            .route("/telemetry", get(telemetry))
            .with_state(control.clone());
        crate::http::serve(rt, address, router).await?;
        Ok(control)
    }

    /// From now on the process says that it is ready.
    pub fn ready(&self) {
        self.ready.store(true, Ordering::Release);
    }
}

async fn ready(State(control): State<Control>) -> StatusCode {
    if control.ready.load(Ordering::Acquire) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
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
