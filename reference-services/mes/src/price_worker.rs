//! Asynchronous pricing: jobs are taken oldest first, so many at once and no more.

use std::sync::Arc;

use chassis::{
    Refusal, Service, announce, describe,
    log::{self, Failure},
    shutdown::Counted,
    wait,
};
use contracts::{
    attributes as name, logs,
    tables::{JOB_QUEUED, PriceJob, price_job as column},
};
use opentelemetry::{
    KeyValue,
    trace::{SpanContext, SpanKind},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use world::{
    Span,
    record::{self, Record as _},
    store::{Direction, Expect, Scan, StoreError, Tx, Value},
    telemetry::Origin,
};

use crate::{
    calculate::{calculate, finish},
    price_job,
};

/// So often the time to the next attempt at a price is doubled: from five seconds to five minutes.
const MOST_DOUBLED: u32 = 6;

/// Starts to take jobs for that many workers.
pub(crate) fn start(service: &Arc<Service>, workers: u16) {
    let (dispatcher, counted) = (Arc::clone(service), service.shutdown.count());
    let idle = Arc::new(Semaphore::new(usize::from(workers)));
    drop(service.world.rt.spawn("price-dispatcher", async move { dispatch(&dispatcher, &idle, counted).await }));
}

async fn dispatch(service: &Arc<Service>, idle: &Arc<Semaphore>, _counted: Counted) {
    let queued = queued();
    while !service.shutdown.requested() {
        let mut idlers = vec![];
        let Some(Ok(first)) = service.unless_stopped(Arc::clone(idle).acquire_owned()).await else { return };
        idlers.push(first);
        while let Ok(another) = Arc::clone(idle).try_acquire_owned() {
            idlers.push(another);
        }
        match claim(service, idlers.len()).await {
            Ok(jobs) => {
                let some_stay_idle = jobs.len() < idlers.len();
                for (job, idler) in jobs.into_iter().zip(idlers) {
                    let (worker, busy) = (Arc::clone(service), (idler, service.shutdown.count()));
                    drop(service.world.rt.spawn("price-worker", async move { work(&worker, job, busy).await }));
                }
                if some_stay_idle {
                    let change = service.world.store.poll(PriceJob::TABLE, &queued, service.settings.poll);
                    service.unless_stopped(change).await;
                }
            }
            Err(_) => drop(service.unless_stopped(service.world.rt.sleep(service.settings.reconnect)).await),
        }
    }
}

/// What jobs that wait look like.
fn queued() -> Vec<(usize, Value)> {
    vec![(column::state, Value::text(JOB_QUEUED))]
}

/// Takes the jobs that have waited longest.
async fn claim(service: &Service, workers: usize) -> Result<Vec<PriceJob>, StoreError> {
    let mut tx = record::begin(&*service.world.store).await?;
    let scan = Scan {
        equals: queued(),
        order_by: Some((column::queued_ns, Direction::Ascending)),
        limit: Some(workers),
        claim: true,
        ..Scan::default()
    };
    let waiting = record::scan::<PriceJob>(&mut *tx, scan).await?;
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let spans: Vec<_> = waiting
        .iter()
        .map(|(job, _)| {
            let asked_for = service.world.telemetry.parse(job.traceparent.as_deref());
            describe::commit(service, &asked_for, PriceJob::TABLE.name, &job.order_id, None)
        })
        .collect();
    let outcome = begin(service, tx, waiting).await;
    for span in spans {
        describe::committed(span, &outcome);
    }
    outcome
}

async fn begin(service: &Service, mut tx: Box<dyn Tx>, waiting: Vec<(PriceJob, i64)>) -> Result<Vec<PriceJob>, StoreError> {
    let mut begun = Vec::with_capacity(waiting.len());
    for (job, version) in waiting {
        let job = price_job::started(service, job);
        record::update(&mut *tx, &job, Expect::Version(version)).await?;
        begun.push(job);
    }
    tx.commit().await?;
    Ok(begun)
}

/// Does one job; the worker is idle again when it is done, or has failed.
async fn work(service: &Service, job: PriceJob, (busy, _counted): (OwnedSemaphorePermit, Counted)) {
    let telemetry = &service.world.telemetry;
    let mut attributes = Vec::new();
    if telemetry.enabled() {
        attributes.reserve_exact(7);
        attributes.push(KeyValue::new(name::ORDER_ID, job.order_id.clone()));
        attributes.push(KeyValue::new(name::PRICING_ATTEMPT, job.attempt));
    }
    let asked_for = telemetry.parse(job.traceparent.as_deref());
    let mut span = telemetry.start("price_calculation", SpanKind::Internal, Origin::child_of(&asked_for), attributes);
    let context = span.context().clone();
    let Err(refusal) = service.unless_cut(price(service, &mut span, &job)).await else { return };
    span.fail(refusal.cause(), refusal.to_string());
    log::failed(telemetry, &context, Failure::of(&refusal, logs::PRICE_CALCULATION_FAILED, &job.order_id));
    span.end();
    drop(busy);
    if matches!(refusal, Refusal::Stopping) {
        // It goes back as it was. When the database does not take even that, the next start finds the job.
        drop(price_job::put_back(service, &context, &job).await);
    } else if refusal.passes() {
        try_again_later(service, &context, &job).await;
    } else if !matches!(refusal, Refusal::Illegal { .. }) {
        price_job::abandon(service, &context, &job).await;
    }
}

/// Leaves the next attempt to whoever is idle then, after twice the time that the last one was left for, so that what fails for a day is
/// not tried every few seconds. The database may be what has failed: nobody else knows of the job, so this goes on until it is written
/// down, or the next start finds it.
async fn try_again_later(service: &Service, context: &SpanContext, job: &PriceJob) {
    let doubled = u32::try_from(job.attempt - 1).unwrap_or(0).min(MOST_DOUBLED);
    let mut pause = service.settings.reconnect * 2_u32.pow(doubled);
    loop {
        service.unless_stopped(service.world.rt.sleep(pause)).await;
        pause = service.settings.reconnect;
        let written = price_job::again(service, context, job).await.is_ok();
        if written || service.shutdown.requested() {
            return;
        }
    }
}

async fn price(service: &Service, span: &mut Span, job: &PriceJob) -> Result<(), Refusal> {
    let mut tx = wait::begin(service, span.context(), &job.order_id).await?;
    let Some((order, _)) = wait::load(service, &mut *tx, span.context(), &job.order_id).await? else {
        return Err(Refusal::UnknownOrder(job.order_id.clone()));
    };
    drop(tx);
    describe::order(service, span, &order);
    let price = calculate(service, span.context(), &order, job).await?;
    match finish(service, span, job, price).await? {
        Some(moved) => {
            describe::state(service, span, &moved.order);
            announce(service, span.context(), &moved).await;
        }
        None => describe::duplicate(span),
    }
    Ok(())
}
