//! Rules on single files: what they say of themselves, how long they are, what they are called.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// A file longer than this hides more than one concept.
const LINES_MAX: usize = 500;
/// Names that say nothing.
const EMPTY_NAMES: [&str; 8] = ["utils", "util", "common", "core", "imp", "helpers", "helper", "misc"];
/// The folders of the ports, one for each world: the same file names, so that a diff explains the simulation.
const TWINS: [&str; 2] = ["chaos/simulated/src", "reference-services/adapters/src"];
const PORTS: [&str; 6] = ["runtime.rs", "broker.rs", "store.rs", "files.rs", "http.rs", "telemetry.rs"];

/// Broken rules, one line each.
pub(super) fn violations(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut files = Vec::new();
    for folder in ["reference-services", "scenarios", "chaos", "reports", "xtask"] {
        collect(&root.join(folder), &mut files)?;
    }
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        let text = fs::read_to_string(&file).with_context(|| name.clone())?;
        if file.extension().is_some_and(|extension| extension == "rs") {
            found.extend(source(&name, &text));
        }
        if file.file_name().is_some_and(|file| file == "Cargo.toml") && !text.contains("[lints]\nworkspace = true") {
            found.push(format!("{name}: add [lints] workspace = true"));
        }
    }
    for folder in TWINS {
        let missing = PORTS.iter().filter(|port| !root.join(folder).join(port).exists());
        found.extend(missing.map(|port| format!("{folder}/{port}: missing; its twin is in the other world")));
    }
    Ok(found)
}

fn source(name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//!") && !text.starts_with("#!") {
        found.push(format!("{name}: open with //! and say what the module is"));
    }
    if text.lines().count() > LINES_MAX {
        found.push(format!("{name}: {} lines, {LINES_MAX} at most", text.lines().count()));
    }
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if EMPTY_NAMES.contains(&stem) {
        found.push(format!("{name}: the name says nothing"));
    }
    found
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_module_a_long_file_and_an_empty_name_are_found() {
        let found = source("x/src/utils.rs", &"fn f() {}\n".repeat(501));
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(source("x/src/queue.rs", "//! A queue.\n").is_empty());
    }
}
