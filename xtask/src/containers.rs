//! The containers world is a binary of its own, so that the default build holds no client of Docker, AMQP or Postgres. It is
//! built on demand, in a target folder of its own, and gets the command line as it is.

use std::{env, path::Path, process::Command};

use anyhow::{Context as _, Result, bail};
use harness::Exit;

/// Where the containers world is built.
const TARGET: &str = "target/containers";

/// Builds the binary of the containers world and the services' one, and hands the command line over.
///
/// # Errors
/// When cargo cannot be started or does not build.
pub(crate) fn run(root: &Path) -> Result<Exit> {
    let built = Command::new("cargo")
        .args(["build", "--release", "--package", "real", "--package", "app", "--target-dir", TARGET])
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    if !built.success() {
        bail!("the containers world does not build");
    }
    let status = Command::new(root.join(TARGET).join("release/loupe-real"))
        .args(env::args_os().skip(1))
        .status()
        .context("cannot start the containers world")?;
    Ok(match status.code() {
        Some(0) => Exit::Pass,
        Some(1) => Exit::Red,
        Some(2) => Exit::Unknown,
        Some(254) => Exit::Usage,
        _ => Exit::Failure,
    })
}
