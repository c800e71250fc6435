//! From a name on the command line to the folder of a run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use scenarios::language::nearest;

/// No run has this name.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    /// Nothing there.
    #[error("no run is called `{name}`; expected a run's folder, or a scenario that has run below {}{}", reports.display(),
        nearest.as_ref().map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)")))]
    Name {
        /// The name.
        name: String,
        /// Where runs are.
        reports: PathBuf,
        /// What looks like it.
        nearest: Option<String>,
    },
    /// Nothing has run.
    #[error("no run below {}; expected reports of `cargo xtask simulate`", .0.display())]
    None(PathBuf),
}

/// A run's folder: as it is named, below the reports, or the latest of a scenario.
pub(super) fn run(reports: &Path, name: &str) -> Result<PathBuf, NotFound> {
    let named = Path::new(name);
    let of_file = named.file_name().filter(|file| *file == "report.json").and(named.parent()).map(Path::to_owned);
    let places = [named.to_owned(), named.join("latest"), reports.join(name), reports.join(name).join("latest")];
    of_file.into_iter().chain(places).find(|place| is_run(place)).ok_or_else(|| {
        let scenarios = scenarios(reports);
        let nearest = nearest(name, scenarios.iter().map(String::as_str)).map(str::to_owned);
        NotFound::Name { name: name.to_owned(), reports: reports.to_owned(), nearest }
    })
}

/// The latest run of each scenario, by name.
pub(super) fn all(reports: &Path) -> Result<Vec<PathBuf>, NotFound> {
    let found: Vec<PathBuf> = scenarios(reports).iter().map(|scenario| reports.join(scenario).join("latest")).collect();
    if found.is_empty() { Err(NotFound::None(reports.to_owned())) } else { Ok(found) }
}

fn is_run(place: &Path) -> bool {
    place.join("report.json").is_file()
}

/// The scenarios that have run.
fn scenarios(reports: &Path) -> Vec<String> {
    let entries = fs::read_dir(reports).into_iter().flatten().flatten();
    let ran = entries.filter(|entry| is_run(&entry.path().join("latest")));
    let mut names: Vec<String> = ran.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
