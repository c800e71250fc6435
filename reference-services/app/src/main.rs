//! The services on real parts: one binary, the role is its argument.
//!
//! It is process 1 of its container. Configuration is the environment ([`environment`]), stdout is the journal, stderr the log:
//! ECS JSON lines, and what a dying process has to say to people. On SIGTERM it takes nothing new, finishes what it is at, exports
//! the spans that are left, and goes with code 0.

mod environment;
mod interest;

use std::{os::unix::process::CommandExt as _, process::Command, sync::Arc, time::Duration};

use adapters::{
    failpoints::Death,
    node::{Mortality, Process},
};
use anyhow::{Context as _, Result, bail};
use chassis::Service;
use contracts::{Settings, services};
use tokio::signal::unix::{SignalKind, signal};
use world::World;

/// How long the last spans may take. With the grace and the farewell it fits into the ten seconds that `docker stop` gives.
const LAST_EXPORT: Duration = Duration::from_secs(2);

fn main() -> Result<()> {
    leave_on_panic();
    let role = std::env::args().nth(1).unwrap_or_default();
    let Some(role) = services::ALL.into_iter().find(|name| *name == role) else {
        bail!("expected a role: one of {}", services::ALL.join(", "));
    };
    stay_away();
    let environment::Environment { config, settings, grace, legacy } = environment::read(role)?;
    let mortality = Mortality { crash: Box::new(die), legacy };
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let process = Process::start(config, interest::INTEREST, (std::io::stdout(), std::io::stderr()), mortality).await?;
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let service =
            start(role, process.world.clone(), Arc::new(settings)).await.with_context(|| format!("{role} cannot start"))?;
        process.world.rt.race(terminated.recv(), interrupted.recv()).await;
        if !service.stop(grace).await {
            say(&format!("{role} was still at work after {} ms and is cut short", grace.as_millis()));
        }
        if let Some(exporter) = &process.exporter {
            exporter.finish(LAST_EXPORT).await;
        }
        Ok(())
    })
}

/// Starts a role. Returns when it is reachable.
async fn start(role: &str, world: World, settings: Arc<Settings>) -> Result<Arc<Service>> {
    Ok(match role {
        services::INTERNET_SHOP => shop::front(world, settings).await?,
        services::SHOP_API => shop::api(world, settings).await?,
        services::CRM => crm::front(world, settings).await?,
        services::CRM_API => crm::api(world, settings).await?,
        services::MES_API => mes::api(world, settings).await?,
        services::MES => mes::pricing(world, settings).await?,
        _ => bail!("no role is called {role}"),
    })
}

/// Dies of a fault: what replaces a process ends it as `SIGKILL` does, in the middle of whatever it is at, and its sockets are closed.
/// Its next incarnation is the same process of the operating system, so the container lives on and keeps its ports.
fn die(death: Death, epoch_ns: u64) {
    let failed = Command::new("/proc/self/exe")
        .args(std::env::args_os().skip(1))
        .env(environment::BACK, death.back.as_millis().to_string())
        .env(environment::LEGACY, death.legacy)
        .env(environment::EPOCH, epoch_ns.to_string())
        .exec();
    say(&format!("cannot die of a fault: {failed}"));
    std::process::exit(102);
}

/// Comes back when its time has come, where the incarnation before has died of a fault.
#[expect(clippy::disallowed_methods, reason = "nothing runs yet that could be kept waiting")]
fn stay_away() {
    if let Some(time) = environment::away() {
        std::thread::sleep(time);
    }
}

/// A line for people.
#[expect(clippy::print_stderr, reason = "stderr is for people")]
fn say(line: &str) {
    eprintln!("{line}");
}

/// A panic in one task ends the process: half a service would look like a slow one.
fn leave_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::exit(101);
    }));
}
