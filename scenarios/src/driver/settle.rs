//! The end of a run: when can nobody move an order any more?
//!
//! A look is cheap: the book of intents first, then counts in queues and databases. Several looks in a row must agree,
//! because a message may be between two places when one looks.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use contracts::{
    Status,
    tables::{JOB_QUEUED, JOB_RUNNING, OUTBOX_NEW, Order, Outbox, PriceJob, order, outbox, price_job},
};
use faults::{Effect, What};
use world::{
    record::{self, Record},
    store::{Scan, Store, StoreError, Value},
};

use crate::{
    Scenario, Stage,
    actors::Cast,
    driver::{DriveError, crew::Crew},
    ledger::calculation_limit,
    lifecycle::Lifecycle,
};

/// So many looks in a row must find nothing.
const LOOKS: u32 = 3;

/// No two looks are closer: what machines still do between two of them shrinks less than people's time.
const BREATH: Duration = Duration::from_secs(1);

/// The whole house at the end of a run.
pub(super) struct House<'a> {
    cast: &'a Arc<Cast>,
    stage: &'a Stage,
    crew: &'a Crew,
    relayed: bool,
    calculation: Duration,
    pause: Duration,
    /// A run in which nobody has got anything done for so long will not come to rest.
    patience: Duration,
}

impl<'a> House<'a> {
    pub(super) fn new(
        cast: &'a Arc<Cast>,
        stage: &'a Stage,
        crew: &'a Crew,
        (scenario, lifecycle): (&Scenario, &Lifecycle),
    ) -> Self {
        // The promise alone says little of how long an order takes: it may be one that nobody can keep.
        let lead_time = lifecycle.promise.max(scenario.people.longest());
        // Three weeks make an hour.
        let pause = Duration::from_secs_f64(lead_time.as_secs_f64() / 504.0).max(BREATH);
        Self {
            cast,
            stage,
            crew,
            relayed: !scenario.architecture.outbox,
            calculation: calculation_limit(scenario),
            pause: Duration::from_millis(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)),
            patience: lead_time * 2 + calculation_limit(scenario),
        }
    }

    /// Waits until nothing moves; says what still did when patience ran out.
    pub(super) async fn settle(&self) -> Result<Option<String>, DriveError> {
        let rt = self.cast.rt();
        let mut quiet = 0;
        let (mut done, mut since) = (self.cast.intents.ended(), rt.now());
        loop {
            self.cast.progress.tick(rt.now());
            let movable = self.movable().await?;
            quiet = if movable.is_none() { quiet + 1 } else { 0 };
            if quiet >= LOOKS {
                return Ok(None);
            }
            // A backlog takes its time. As every intent ends once, there is an end to getting things done.
            let ended = self.cast.intents.ended();
            if ended != done {
                (done, since) = (ended, rt.now());
            }
            if movable.is_some() && rt.now() >= since + self.patience {
                return Ok(movable);
            }
            rt.sleep(self.pause).await;
        }
    }

    /// One thing that can still move an order, in words; `None` when there is none.
    pub(super) async fn movable(&self) -> Result<Option<String>, DriveError> {
        let open = self.cast.intents.open();
        if open > 0 {
            return Ok(Some(format!("{open} intents of people are open")));
        }
        let depth = self.stage.messages.depth().await;
        if depth > 0 {
            return Ok(Some(format!("{depth} messages are in queues or unacknowledged")));
        }
        let (shop, mes) = (&*self.stage.shop, &*self.stage.mes);
        for (store, name) in [(shop, "Shop DB"), (mes, "MES DB")] {
            let new = vec![(outbox::state, Value::text(OUTBOX_NEW))];
            if self.wait::<Outbox>(store, new).await? {
                return Ok(Some(format!("events in {name} wait to be published")));
            }
        }
        if self.jobs(mes).await? {
            return Ok(Some("price calculations are queued or running".to_owned()));
        }
        let submitted = vec![(order::status, Value::text(Status::Submitted.name())), (order::relay, Value::Null)];
        if self.relayed && self.wait::<Order>(shop, submitted).await? {
            return Ok(Some("submitted orders wait for the relay".to_owned()));
        }
        Ok(self.crew.waiting().await?.then(|| "orders wait at a desk".to_owned()))
    }

    /// Whether rows wait for whoever claims them: others than those that a fault has let them overlook.
    async fn wait<R: Record>(&self, store: &dyn Store, wanted: Vec<(usize, Value)>) -> Result<bool, StoreError> {
        if !any::<R>(store, wanted.clone()).await? {
            return Ok(false);
        }
        let overlooked = |effect: Effect| match effect.what {
            What::RowOverlooked { table, key, .. } if table == R::TABLE.name => Some(key),
            _ => None,
        };
        let overlooked: BTreeSet<String> = self.stage.nemesis.effects().await.into_iter().filter_map(overlooked).collect();
        if overlooked.is_empty() {
            return Ok(true);
        }
        let mut tx = record::begin(store).await?;
        let rows = record::scan::<R>(&mut *tx, Scan { equals: wanted, ..Scan::default() }).await?;
        Ok(rows.iter().any(|(row, _)| !overlooked.contains(&row.to_row()[0].to_string())))
    }

    /// Whether a price calculation waits or runs. One that has run for longer than any can has died with its process.
    async fn jobs(&self, mes: &dyn Store) -> Result<bool, StoreError> {
        if self.wait::<PriceJob>(mes, vec![(price_job::state, Value::text(JOB_QUEUED))]).await? {
            return Ok(true);
        }
        let mut tx = record::begin(mes).await?;
        let equals = vec![(price_job::state, Value::text(JOB_RUNNING))];
        let running = record::scan::<PriceJob>(&mut *tx, Scan { equals, ..Scan::default() }).await?;
        let now_ns = self.cast.now_ns();
        let alive = |job: &PriceJob| {
            let started_ns = job.started_ns.and_then(|ns| u64::try_from(ns).ok()).unwrap_or(now_ns);
            Duration::from_nanos(now_ns.saturating_sub(started_ns)) <= self.calculation
        };
        Ok(running.iter().any(|(job, _)| alive(job)))
    }
}

async fn any<R: Record>(store: &dyn Store, equals: Vec<(usize, Value)>) -> Result<bool, StoreError> {
    let mut tx = record::begin(store).await?;
    Ok(!record::scan::<R>(&mut *tx, Scan { equals, limit: Some(1), ..Scan::default() }).await?.is_empty())
}
