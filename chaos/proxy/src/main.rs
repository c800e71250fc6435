//! The fault proxy as process 1 of its container. `LOUPE_PROXY` says, as JSON, where it listens ([`proxy::api::Config`]); rules
//! come over its control address ([`proxy::control`]). On SIGTERM it goes, with code 0.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures_util::future::{Either, select};
use proxy::{Proxy, api::Config, control};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

fn main() -> Result<()> {
    let config = variable("LOUPE_PROXY").context("LOUPE_PROXY is not set")?;
    let config: Config = serde_json::from_str(&config).context("LOUPE_PROXY")?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let proxy = Arc::new(Proxy::start(&config).await?);
        let listener = TcpListener::bind((config.host, config.control)).await;
        let listener = listener.with_context(|| format!("port {} for control", config.control))?;
        let serving = axum::serve(listener, control::router(proxy)).into_future();
        let signals = select(Box::pin(terminated.recv()), Box::pin(interrupted.recv()));
        match select(Box::pin(serving), signals).await {
            Either::Left((served, _)) => served.context("the control address"),
            Either::Right(_) => Ok(()),
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "process 1 of a container is configured by its environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
