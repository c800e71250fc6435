//! The containers world is a binary of its own, so that the default build holds no client of Docker, AMQP or Postgres. It is
//! built on demand, in a target folder of its own, and gets the command line as it is.

use std::{convert::Infallible, env, os::unix::process::CommandExt as _, path::Path, process::Command};

use anyhow::{Context as _, Result, bail};

/// Where the containers world is built, and how.
pub(crate) const TARGET: [&str; 4] = ["--target-dir", "target/containers", "--profile", "containers"];
/// Its binaries.
pub(crate) const BINARIES: &str = "target/containers/containers";

/// Builds the binary of the containers world and those of the services and the people, and hands the command line over.
///
/// # Errors
/// When cargo cannot be started or does not build.
pub(crate) fn run(root: &Path) -> Result<Infallible> {
    let built = Command::new("cargo")
        .args(["build", "--package", "real", "--package", "app", "--package", "proxy", "--package", "people"])
        .args(TARGET)
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    if !built.success() {
        bail!("the containers world does not build");
    }
    // In place of this process: Ctrl-C then reaches the one that has containers to remove, and nobody returns before it.
    let error = Command::new(root.join(BINARIES).join("loupe-real")).args(env::args_os().skip(1)).exec();
    Err(error).context("cannot start the containers world")
}
