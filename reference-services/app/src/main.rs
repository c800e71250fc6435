//! The services on real parts: one binary, the role is its argument.
//!
//! It is process 1 of its container. Configuration is the environment ([`environment`]), stdout is the journal, stderr is
//! for people. On SIGTERM it exports the spans that are left and goes.

mod environment;
mod interest;

use std::{sync::Arc, time::Duration};

use adapters::node::Process;
use anyhow::{Context as _, Result, bail};
use contracts::{Settings, services};
use tokio::signal::unix::{SignalKind, signal};
use world::World;

/// How long the last spans may take.
const LAST_EXPORT: Duration = Duration::from_secs(5);

fn main() -> Result<()> {
    leave_on_panic();
    let role = std::env::args().nth(1).unwrap_or_default();
    let Some(role) = services::ALL.into_iter().find(|name| *name == role) else {
        bail!("expected a role: one of {}", services::ALL.join(", "));
    };
    let (config, settings) = environment::read(role)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let process = Process::start(config, interest::INTEREST, std::io::stdout()).await?;
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        start(role, process.world.clone(), Arc::new(settings)).await.with_context(|| format!("{role} cannot start"))?;
        process.control.ready();
        process.world.rt.race(terminated.recv(), interrupted.recv()).await;
        if let Some(exporter) = &process.exporter {
            exporter.flush(LAST_EXPORT).await;
        }
        Ok(())
    })
}

/// Starts a role. Returns when it is reachable.
async fn start(role: &str, world: World, settings: Arc<Settings>) -> Result<()> {
    match role {
        services::INTERNET_SHOP => shop::front(world, settings).await?,
        services::SHOP_API => shop::api(world, settings).await?,
        services::CRM => crm::front(world, settings).await?,
        services::CRM_API => crm::api(world, settings).await?,
        services::MES_API => mes::api(world, settings).await?,
        services::MES => mes::pricing(world, settings).await?,
        _ => bail!("no role is called {role}"),
    }
    Ok(())
}

/// A panic in one task ends the process: half a service would look like a slow one.
fn leave_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::exit(101);
    }));
}
