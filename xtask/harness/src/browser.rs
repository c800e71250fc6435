//! Shows a report in the user's browser.
#![expect(clippy::disallowed_methods, reason = "it waits for a program of the machine")]

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A launcher that has not failed by then has found a browser, or is one.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Opens a file with whatever the system opens pages with.
///
/// # Errors
/// When no launcher works: says which were tried.
pub fn open(file: &Path) -> Result<(), String> {
    // A browser has its own working directory.
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let mut tried = Vec::new();
    for mut command in open::commands(&file) {
        let launcher = command.get_program().to_string_lossy().into_owned();
        match launch(&mut command) {
            Ok(()) => return Ok(()),
            Err(why) => tried.push(format!("{launcher}: {why}")),
        }
    }
    Err(format!("no browser can be opened ({}); the report is {}", tried.join("; "), file.display()))
}

fn launch(command: &mut Command) -> Result<(), String> {
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child: Child = spawned.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "not installed".to_owned(),
        _ => error.to_string(),
    })?;
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(status.to_string()),
            Ok(None) => thread::sleep(LOOK_EVERY),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}
