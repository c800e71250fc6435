//! `cargo xtask tidy`: what the code must stay like, checked on the code itself.

mod edges;
mod files;
mod weight;

use std::path::Path;

use anyhow::Result;

/// Everything that breaks a rule, one line each, with the place and the rule.
///
/// # Errors
/// When the workspace cannot be read.
pub fn violations(root: &Path) -> Result<Vec<String>> {
    let mut found = edges::violations(root)?;
    found.extend(files::violations(root)?);
    found.extend(weight::violations(root)?);
    Ok(found)
}
