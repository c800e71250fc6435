//! What several runs leave together: `index.html` over their reports, and one file of test suites.

use std::path::{Path, PathBuf};

use judge::{Judged, case::Run};
use render::{
    html::index::{Row, index},
    junit,
};

use crate::{
    arena::Prepared,
    artefacts, folder,
    folder::FolderError,
    options::{Options, WorldName},
};

/// The runs of one command so far.
#[derive(Default)]
pub struct Together {
    rows: Vec<Row>,
    suites: String,
}

impl Together {
    /// Takes in a judged run.
    pub fn judged(&mut self, prepared: &Prepared, judged: &Judged, world: WorldName) {
        let link = format!("{}/{}/report.html", prepared.scenario.name, artefacts::run_name(prepared, world));
        self.rows.push(Row::of(&judged.report, link));
        self.suites.push_str(&junit::suite(&judged.report));
    }

    /// Takes in a run that came to no verdict.
    pub fn failed(&mut self, prepared: &Prepared, why: &str, world: WorldName) {
        let scenario = &prepared.scenario;
        let replay = Run::of(scenario, world.name()).replay;
        let set_up = [scenario.architecture.preset.name(), scenario.instrumentation.preset.name(), world.name()];
        let name = format!("{} {} seed {} {}", scenario.name, set_up[0], scenario.seed, world.name());
        self.suites.push_str(&junit::broken(&name, why));
        self.rows.push(Row::failed((&scenario.name, &scenario.title, scenario.seed), set_up, why.to_owned(), replay));
    }

    /// Puts the files in place: the index when there are several runs, the suites where the options want them. Returns the
    /// index.
    ///
    /// # Errors
    /// When a file cannot be written; what was there before is then as it was.
    pub fn finish(&self, options: &Options) -> Result<Option<PathBuf>, FolderError> {
        if let Some(file) = &options.junit {
            folder::replace_file(file, &junit::file(&self.suites))?;
        }
        if self.rows.len() < 2 {
            return Ok(None);
        }
        let path = Path::new(&options.report_dir).join("index.html");
        folder::replace_file(&path, &index(&self.rows))?;
        Ok(Some(path))
    }
}
