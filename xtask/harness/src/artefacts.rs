//! The files of a run. All but `performance.json` are the same, byte for byte, for the same seed and version.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use judge::Judged;
use scenarios::lifecycle::Lifecycle;
use serde_json::json;
use signals::{ecs, otlp};

use crate::{
    arena::{Played, Prepared},
    conclude,
    folder::{FolderError, RunFolder},
    latency,
    options::WorldName,
    plan,
    progress::Progress,
    simulate::RunError,
};

/// Judges a run and writes its folder below `reports` at the same time: what the files of the ledger and the spans hold, no verdict
/// changes. Puts the folder in place and gives the judgement and the path of its `report.html` by way of `latest`.
///
/// # Errors
/// When a file cannot be written; nothing of the run is to be seen then.
pub fn write(
    prepared: &Prepared,
    played: &Played,
    (reports, world): (&Path, WorldName),
    progress: &Progress,
) -> Result<(Judged, PathBuf), RunError> {
    let folder = RunFolder::begin(reports, &prepared.scenario.name, &run_name(prepared, world))?;
    let lifecycle = Lifecycle::parse(&prepared.lifecycle)?;
    let judged = thread::scope(|scope| {
        let record = scope.spawn(|| record(&folder, prepared, played, &lifecycle));
        let judged = conclude::judged(prepared, played, world)?;
        verdict(&folder, prepared, &judged, (&lifecycle, world))?;
        record.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok::<_, RunError>(judged)
    })?;
    folder.text("performance.json", &performance(played, &judged, progress.elapsed())?)?;
    folder.publish()?;
    Ok((judged, reports.join(&prepared.scenario.name).join("latest").join("report.html")))
}

/// What happened and what was said of it.
fn record(folder: &RunFolder, prepared: &Prepared, played: &Played, lifecycle: &Lifecycle) -> Result<(), FolderError> {
    let clock = prepared.scenario.scaled_by.as_ref();
    folder.file("ledger.jsonl", |out| played.ledger.write_jsonl(&mut &mut *out))?;
    folder.file("spans.otlp.jsonl", |out| spans(played, out))?;
    folder.file("logs.ndjson", |out| logs(played, out))?;
    folder.file("latency.hlog", |out| latency::write((&played.ledger, lifecycle), clock, out))?;
    folder.file("faults.jsonl", |out| played.ledger.write_faults_jsonl(&mut &mut *out))?;
    played.broker.files().into_iter().try_for_each(|(name, content)| folder.file(name, |out| content(out)))
}

/// What was made of it.
fn verdict(
    folder: &RunFolder,
    prepared: &Prepared,
    judged: &Judged,
    (lifecycle, world): (&Lifecycle, WorldName),
) -> Result<(), RunError> {
    folder.text("report.json", &render::report_json(&judged.report)?)?;
    folder.text("bad-orders.jsonl", &render::bad_orders_jsonl(&judged.bad_orders)?)?;
    folder.text("report.html", &render::html(&judged.report, &judged.bad_orders))?;
    folder.text("summary.md", &render::summary(&judged.report))?;
    folder.text("junit.xml", &render::junit::file(&render::junit::suite(&judged.report)))?;
    folder.text("plan.txt", &plan::text(&prepared.scenario, lifecycle, world.name()))?;
    Ok(())
}

fn spans(played: &Played, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut writer = otlp::Writer::new(out);
    for span in played.archive.spans() {
        writer.write(&span)?;
    }
    writer.finish().map(drop)
}

fn logs(played: &Played, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut line = Vec::new();
    for log in played.archive.logs() {
        line.clear();
        ecs::write(&log, &mut line);
        out.write_all(&line)?;
    }
    Ok(())
}

/// The run's name below its scenario: what was chosen, so that the same choice replaces the same folder.
pub(crate) fn run_name(prepared: &Prepared, world: WorldName) -> String {
    let scenario = &prepared.scenario;
    let (architecture, instrumentation) = (scenario.architecture.preset.name(), scenario.instrumentation.preset.name());
    let scaled = if scenario.scaled_by.is_some() { "-scaled" } else { "" };
    format!("{}-{architecture}-{instrumentation}-seed-{}{scaled}", world.name(), scenario.seed)
}

/// What depends on the machine and its mood.
#[expect(clippy::cast_precision_loss, reason = "rates to look at")]
fn performance(played: &Played, judged: &Judged, took: Duration) -> Result<String, serde_json::Error> {
    let seconds = took.as_secs_f64().max(f64::EPSILON);
    let orders = judged.report.orders.initiated;
    serde_json::to_string_pretty(&json!({
        "wall_s": seconds,
        "orders_per_s": orders as f64 / seconds,
        "spans_per_s": played.records as f64 / seconds,
        "spans": played.records,
        "spans_not_kept": played.archive.dropped(),
        "peak_memory_bytes": peak_memory(),
    }))
}

/// The most memory this process has held, in bytes; `None` where the system does not say.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string(Path::new("/proc/self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// What a run folder can do without once its run has passed.
const RECORDS: [&str; 3] = ["ledger.jsonl", "spans.otlp.jsonl", "logs.ndjson"];

/// Takes the records out of the folder of a report: the same seed gives the same ones.
pub fn lighten(report: &Path) {
    if let Some(folder) = report.parent() {
        // What is not there needs no removal, and what stays does no harm.
        RECORDS.iter().for_each(|name| drop(fs::remove_file(folder.join(name))));
    }
}
