//! What the check of the pages in a browser needs: Chromium, and axe-core from npm.

use std::path::PathBuf;

/// Programs that are Chromium, by name.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Chromium and axe-core.
pub struct Browser {
    /// The program.
    pub chromium: PathBuf,
    /// `axe.min.js`.
    pub axe: PathBuf,
}

/// Finds both: `LOUPE_CHROMIUM` or the search path, `LOUPE_AXE` or `axe/axe.min.js` in `LOUPE_CI_CACHE` (default
/// `~/.cache/loupe-ci`).
///
/// # Errors
/// What is missing, and how it comes here.
pub fn find(variable: impl Fn(&str) -> Option<String>) -> Result<Browser, String> {
    let path = variable("PATH").unwrap_or_default();
    let on_path =
        || path.split(':').flat_map(|folder| NAMES.map(|name| PathBuf::from(folder).join(name))).find(|file| file.is_file());
    let chromium = variable("LOUPE_CHROMIUM").map(PathBuf::from).or_else(on_path);
    let chromium = chromium.ok_or("no chromium is installed (.ci/browser installs it on Debian)")?;
    let cache = variable("LOUPE_CI_CACHE").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache/loupe-ci"))).unwrap_or_default();
    let axe = variable("LOUPE_AXE").map_or_else(|| cache.join("axe/axe.min.js"), PathBuf::from);
    if axe.is_file() {
        Ok(Browser { chromium, axe })
    } else {
        Err(format!("{} is missing (.ci/browser fetches axe-core)", axe.display()))
    }
}
