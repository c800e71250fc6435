//! The faults' schedule: each is inflicted at its time and lifted at its end, at the latest when the last order has arrived.

use std::sync::Arc;

use faults::{Fault, NemesisError};
use world::Task;

use crate::{Scenario, Stage, driver::DriveError, ledger::FaultRun};

type Scheduled = Task<Result<FaultRun, NemesisError>>;

/// One task for each fault.
pub(super) fn faults(stage: &Stage, scenario: &Arc<Scenario>) -> Vec<Scheduled> {
    let run = |fault: &Fault| {
        let task = inflict(stage.clone(), fault.clone(), Arc::clone(scenario));
        stage.world.rt.spawn("fault", task)
    };
    scenario.faults.iter().map(run).collect()
}

async fn inflict(stage: Stage, fault: Fault, scenario: Arc<Scenario>) -> Result<FaultRun, NemesisError> {
    let rt = &stage.world.rt;
    rt.sleep_until(fault.at).await;
    let inflicted_ns = rt.wall_ns();
    stage.nemesis.inflict(&fault).await?;
    rt.sleep_until((fault.at + fault.lasts).min(scenario.duration)).await;
    stage.nemesis.lift(&fault).await?;
    Ok(FaultRun { fault, inflicted_ns, lifted_ns: rt.wall_ns() })
}

/// Waits until all faults are lifted.
pub(super) async fn healed(scheduled: Vec<Scheduled>) -> Result<Vec<FaultRun>, DriveError> {
    let mut runs = Vec::new();
    for task in scheduled {
        runs.push(task.join().await.ok_or(DriveError::Died)??);
    }
    Ok(runs)
}
