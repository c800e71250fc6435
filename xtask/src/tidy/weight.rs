//! What the default build must never compile: clients of Docker, AMQP and Postgres, and TLS.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};

const HEAVY: [&str; 9] =
    ["goose", "lapin", "testcontainers", "bollard", "tokio-postgres", "reqwest", "hyper", "aws-lc-sys", "opentelemetry-otlp"];

/// Heavy crates in the build of `xtask`.
pub(super) fn violations(root: &Path) -> Result<Vec<String>> {
    let out = Command::new("cargo")
        .args(["tree", "--package", "xtask", "--edges", "normal,build", "--prefix", "none", "--offline"])
        .current_dir(root)
        .output()
        .context("cannot run cargo tree")?;
    ensure!(out.status.success(), "cargo tree: {}", String::from_utf8_lossy(&out.stderr));
    let tree = String::from_utf8_lossy(&out.stdout);
    let heavy = HEAVY.iter().filter(|heavy| tree.lines().any(|line| line.split(' ').next() == Some(heavy)));
    Ok(heavy.map(|heavy| format!("cargo tree -p xtask holds {heavy}: the simulated world must do without")).collect())
}
