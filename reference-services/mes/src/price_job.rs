//! The row that stands for one attempt at a price: from the wish for it to its end.

use std::sync::Arc;

use chassis::{Service, describe};
use contracts::{
    architecture::Pricing,
    tables::{JOB_ABANDONED, JOB_DONE, JOB_QUEUED, JOB_RUNNING, Order, PriceJob, price_job},
};
use opentelemetry::trace::SpanContext;
use world::{
    record::{self, Record as _},
    store::{Expect, Scan, StoreError, Tx, Value},
};

/// A job that waits for a worker; with blocking pricing one that begins now.
pub(crate) fn new(service: &Service, order_id: &Arc<str>, attempt: i64, context: &SpanContext) -> PriceJob {
    let now_ns = service.wall_ns();
    let blocking = service.settings.architecture.pricing == Pricing::Blocking;
    PriceJob {
        id: format!("{order_id}#{attempt}").into(),
        order_id: order_id.clone(),
        attempt,
        state: if blocking { JOB_RUNNING } else { JOB_QUEUED }.into(),
        queued_ns: now_ns,
        started_ns: blocking.then_some(now_ns),
        finished_ns: None,
        traceparent: service.world.telemetry.traceparent(context).map(Arc::from),
    }
}

/// The job as it begins.
pub(crate) fn started(service: &Service, job: PriceJob) -> PriceJob {
    PriceJob { state: JOB_RUNNING.into(), started_ns: Some(service.wall_ns()), ..job }
}

/// The job as it ends, at the time that the order has its price.
pub(crate) fn done(job: &PriceJob, at_ns: i64) -> PriceJob {
    PriceJob { state: JOB_DONE.into(), finished_ns: Some(at_ns), ..job.clone() }
}

/// The next attempt, which waits in its turn.
fn next(job: &PriceJob, attempt: i64) -> PriceJob {
    PriceJob { id: format!("{}#{attempt}", job.order_id).into(), attempt, ..queued(job) }
}

/// The job as it waits once more.
fn queued(job: &PriceJob) -> PriceJob {
    PriceJob { state: JOB_QUEUED.into(), started_ns: None, ..job.clone() }
}

/// How many attempts at an order's price there have been.
pub(crate) async fn count(tx: &mut dyn Tx, order_id: &Arc<str>) -> Result<i64, StoreError> {
    let equals = vec![(price_job::order_id, Value::Text(order_id.clone()))];
    let jobs = record::scan::<PriceJob>(tx, Scan { equals, ..Scan::default() }).await?;
    Ok(i64::try_from(jobs.len()).unwrap_or(i64::MAX))
}

/// Adds a job in a transaction of its own.
pub(crate) async fn add(
    service: &Service,
    context: &SpanContext,
    mut tx: Box<dyn Tx>,
    job: &PriceJob,
    order: &Order,
) -> Result<(), StoreError> {
    let span = describe::commit(service, context, PriceJob::TABLE.name, &order.id, Some(&order.client_type));
    let outcome = async {
        record::insert(&mut *tx, job).await?;
        tx.commit().await
    }
    .await;
    describe::committed(span, &outcome);
    outcome
}

/// Replaces a job's row in a transaction of its own: nobody but its worker writes it.
async fn put(service: &Service, context: &SpanContext, job: &PriceJob) -> Result<(), StoreError> {
    let span = describe::commit(service, context, PriceJob::TABLE.name, &job.order_id, None);
    let outcome = async {
        let mut tx = record::begin(&*service.world.store).await?;
        record::update(&mut *tx, job, Expect::Any).await?;
        tx.commit().await
    }
    .await;
    describe::committed(span, &outcome);
    outcome
}

/// Gives a job up for another attempt: both in one transaction.
pub(crate) async fn again(service: &Service, context: &SpanContext, job: &PriceJob) -> Result<(), StoreError> {
    let span = describe::commit(service, context, PriceJob::TABLE.name, &job.order_id, None);
    let outcome = async {
        let mut tx = record::begin(&*service.world.store).await?;
        let attempt = count(&mut *tx, &job.order_id).await? + 1;
        let given_up = PriceJob { state: JOB_ABANDONED.into(), ..job.clone() };
        record::update(&mut *tx, &given_up, Expect::Any).await?;
        record::insert(&mut *tx, &next(job, attempt)).await?;
        tx.commit().await
    }
    .await;
    describe::committed(span, &outcome);
    outcome
}

/// Gives a job up. When the database does not even take that, the row stays as it is until the next start.
pub(crate) async fn abandon(service: &Service, context: &SpanContext, job: &PriceJob) {
    let job = PriceJob { state: JOB_ABANDONED.into(), ..job.clone() };
    drop(put(service, context, &job).await);
}

/// At the start: jobs that the last incarnation was at wait again. With blocking pricing nobody would take them.
pub(crate) async fn take_up(service: &Service) -> Result<(), StoreError> {
    let mut tx = record::begin(&*service.world.store).await?;
    let equals = vec![(price_job::state, Value::text(JOB_RUNNING))];
    let left = record::scan::<PriceJob>(&mut *tx, Scan { equals, ..Scan::default() }).await?;
    if left.is_empty() {
        return Ok(());
    }
    for (job, version) in left {
        let job = match service.settings.architecture.pricing {
            Pricing::Asynchronous => queued(&job),
            Pricing::Blocking => PriceJob { state: JOB_ABANDONED.into(), ..job },
        };
        record::update(&mut *tx, &job, Expect::Version(version)).await?;
    }
    tx.commit().await
}
