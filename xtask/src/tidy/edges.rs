//! Who may use whom. "a: b c" says that b and c are all that a may use of this workspace.
//!
//! The edge that carries most: the detector uses `signals` and nothing else, so it cannot name the ledger.

use std::{collections::BTreeMap, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};

const EDGES: &[(&str, &str)] = &[
    // What runs.
    ("world", ""),
    ("contracts", "world"),
    ("chassis", "contracts world"),
    ("shop", "chassis contracts world"),
    ("crm", "chassis contracts world"),
    ("mes", "chassis contracts world"),
    ("adapters", "faults signals world"),
    ("app", "adapters chassis contracts crm mes shop world"),
    // What goes wrong.
    ("faults", "world"),
    ("simulated", "faults signals world"),
    ("proxy", "faults world"),
    ("containers", "adapters faults proxy signals world"),
    // What happens.
    ("scenarios", "contracts faults world"),
    // Goose and its HTTP client are here alone, and this is a process of its own: its control-C handler and its kill switch are
    // the whole process's.
    ("people", "adapters scenarios world"),
    // What we conclude.
    ("signals", ""),
    ("detector", "signals"),
    ("judge", "detector faults scenarios signals"),
    ("render", "judge"),
    ("compare", "judge"),
    // The command line.
    ("harness", "compare contracts detector faults judge render scenarios signals world"),
    ("xtask", "contracts crm detector faults harness judge mes render scenarios shop signals simulated world"),
    ("real", "adapters containers contracts detector faults harness judge render scenarios signals world"),
];

/// Crate edges that are not in the table.
pub(super) fn violations(root: &Path) -> Result<Vec<String>> {
    let allowed: BTreeMap<&str, Vec<&str>> = EDGES.iter().map(|(name, uses)| (*name, uses.split(' ').collect())).collect();
    let mut found = Vec::new();
    for (name, uses) in workspace(root)? {
        let Some(allowed) = allowed.get(name.as_str()) else {
            found.push(format!("{name}: say in xtask/src/tidy/edges.rs what it may use"));
            continue;
        };
        let forbidden = uses.iter().filter(|used| !allowed.contains(&used.as_str()));
        found.extend(forbidden.map(|used| format!("{name} must not use {used} (xtask/src/tidy/edges.rs)")));
    }
    Ok(found)
}

/// The workspace's crates and what each uses of it, tests apart: they may hold a whole world.
fn workspace(root: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let out = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    ensure!(out.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&out.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout)?;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let empty = Vec::new();
    let packages = metadata["packages"].as_array().unwrap_or(&empty);
    Ok(packages
        .iter()
        .map(|package| {
            let uses = package["dependencies"].as_array().unwrap_or(&empty).iter();
            let uses = uses.filter(|used| used["path"].is_string() && used["kind"].is_null()).map(|used| text(&used["name"]));
            (text(&package["name"]), uses.collect())
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_no_circle() {
        // Each round removes the crates that use only removed ones; a circle would never go.
        let mut left: Vec<(&str, Vec<&str>)> =
            EDGES.iter().map(|(name, uses)| (*name, uses.split(' ').filter(|used| !used.is_empty()).collect())).collect();
        for _ in 0..EDGES.len() {
            let gone: Vec<&str> = left.iter().filter(|(_, uses)| uses.is_empty()).map(|(name, _)| *name).collect();
            left.retain(|(name, _)| !gone.contains(name));
            left.iter_mut().for_each(|(_, uses)| uses.retain(|used| !gone.contains(used)));
        }
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn the_detector_knows_signals_alone() {
        assert!(EDGES.contains(&("detector", "signals")));
    }
}
