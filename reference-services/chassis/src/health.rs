//! `GET /healthz` and `GET /readyz` of every service: does it answer, and can it do its work?
//!
//! Liveness asks nobody else. Readiness names what is missing; a front asks its backend whether that lives, not whether it is
//! ready, so that one missing database is told by those who use it. Neither makes a span: probes would drown the orders.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{Router, extract::State, response::Response, routing::get};
use bytes::Bytes;
use contracts::request::{Condition, Health, Missing};
use http::{Request, StatusCode, Uri};
use world::{files::FilesError, record};

use crate::{Service, call};

/// Whether the process answers.
pub const LIVENESS: &str = "/healthz";
/// Whether it can do its work.
pub const READINESS: &str = "/readyz";
/// How long whatever it needs may take to answer.
const PROBE: Duration = Duration::from_secs(2);
/// No model has this key: who says so answers.
const NO_MODEL: &str = "readyz";

/// What a service cannot do its work without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Its database.
    Database,
    /// The broker: every consumer of it is subscribed.
    Broker,
    /// The object store.
    Files,
    /// Another service.
    Service(&'static str),
}

/// Its consumers: how many there should be, and how many are subscribed.
#[derive(Debug, Default)]
pub struct Consumers {
    wanted: AtomicU32,
    subscribed: AtomicU32,
}

/// A consumer that is subscribed, for as long as it has this.
pub(crate) struct Subscribed<'a>(&'a Consumers);

impl Consumers {
    pub(crate) fn want(&self) {
        self.wanted.fetch_add(1, Relaxed);
    }

    pub(crate) fn subscribed(&self) -> Subscribed<'_> {
        self.subscribed.fetch_add(1, Relaxed);
        Subscribed(self)
    }
}

impl Drop for Subscribed<'_> {
    fn drop(&mut self) {
        self.0.subscribed.fetch_sub(1, Relaxed);
    }
}

/// The two routes of a service that needs all of this.
pub(crate) fn routes(needs: &'static [Need]) -> Router<Arc<Service>> {
    let ready = move |State(service): State<Arc<Service>>| async move { readiness(&service, needs).await };
    Router::new().route(LIVENESS, get(liveness)).route(READINESS, get(ready))
}

async fn liveness() -> Response {
    call::json(StatusCode::OK, &Health { status: Condition::Alive, missing: Vec::new() })
}

async fn readiness(service: &Service, needs: &[Need]) -> Response {
    let mut missing = Vec::new();
    for need in needs {
        let answer = service.world.rt.timeout(PROBE, probe(service, *need)).await;
        let reason = answer.unwrap_or_else(|_| Err("no answer in time".to_owned())).err();
        missing.extend(reason.map(|reason| Missing { part: need.name().to_owned(), reason }));
    }
    let status = match missing.is_empty() {
        _ if service.shutdown.requested() => Condition::Stopping,
        true => Condition::Ready,
        false => Condition::Unready,
    };
    let code = if status == Condition::Ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    call::json(code, &Health { status, missing })
}

/// Asks one thing that is needed for a sign of life.
async fn probe(service: &Service, need: Need) -> Result<(), String> {
    let world = &service.world;
    match need {
        Need::Database => record::begin(&*world.store).await.map(drop).map_err(|cause| cause.to_string()),
        Need::Broker => {
            let Consumers { wanted, subscribed } = &service.consumers;
            let (wanted, subscribed) = (wanted.load(Relaxed), subscribed.load(Relaxed));
            if subscribed >= wanted { Ok(()) } else { Err(format!("{subscribed} of {wanted} consumers are subscribed")) }
        }
        Need::Files => match world.files.size(NO_MODEL).await {
            Ok(_) | Err(FilesError::Missing(_)) => Ok(()),
            Err(cause) => Err(cause.to_string()),
        },
        Need::Service(name) => {
            let mut request = Request::new(Bytes::new());
            *request.uri_mut() = Uri::from_static(LIVENESS);
            let answer = world.http.call(name, request).await.map_err(|cause| cause.to_string())?;
            if answer.status().is_success() { Ok(()) } else { Err(format!("{name} answered {}", answer.status().as_u16())) }
        }
    }
}

impl Need {
    const fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Broker => "broker",
            Self::Files => "files",
            Self::Service(name) => name,
        }
    }
}
