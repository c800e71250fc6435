//! `cargo xtask simulate`, whatever the world: play each run, judge it, put its folder in place, say the answer.

use std::{
    cell::RefCell,
    io,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    time::Duration,
};

use compare::Aims;
use judge::{
    Judged,
    report::{Outcome, Report},
    tally::Tally,
};
use scenarios::lifecycle::Lifecycle;

use crate::{
    Exit,
    arena::{Arena, PlayError, Prepared},
    artefacts, beside, browser,
    compare::aims::aims,
    folder::FolderError,
    options::Options,
    plan, prepare,
    progress::Progress,
    together::Together,
};

/// Why a run has no verdict.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It could not be played.
    #[error(transparent)]
    Play(#[from] PlayError),
    /// Its lifecycle cannot be read.
    #[error(transparent)]
    Lifecycle(#[from] scenarios::lifecycle::LifecycleError),
    /// Its report cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A number of its report is none.
    #[error("the report cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// A judged run, its page, and whom its faults met.
struct Run {
    judged: Judged,
    html: PathBuf,
    aims: Aims,
}

/// A run, or why there is none.
type Written = Result<Run, RunError>;

/// What the terminal is like.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Colours are welcome on stdout.
    pub colour: bool,
    /// Progress as plain lines.
    pub plain: bool,
}

impl Terminal {
    /// Colours on a terminal unless `NO_COLOR` is set; plain progress with `CI=true`.
    #[must_use]
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let ci = variable("CI").is_some_and(|value| value == "true");
        Self { colour: io::stdout().is_terminal() && !set("NO_COLOR"), plain: ci }
    }
}

/// Plays, judges and reports every run that the options ask for. What is wrong is said on stderr, the answers on stdout.
pub fn simulate(root: &Path, options: &Options, arena: &mut dyn Arena, terminal: Terminal) -> Exit {
    simulate_and_hear(root, options, arena, terminal, &mut |_, _| {})
}

/// The same, and `hear` is given each judged run, and whom its faults met.
pub fn simulate_and_hear(
    root: &Path,
    options: &Options,
    arena: &mut dyn Arena,
    terminal: Terminal,
    hear: &mut dyn FnMut(&Judged, &Aims),
) -> Exit {
    let runs = match prepare::runs(root, options, arena) {
        Ok(runs) => runs,
        Err(error) => {
            complain(&error.to_string());
            return Exit::Usage;
        }
    };
    if options.plan {
        return plans(&runs, options);
    }
    if let Err(error) = arena.ready() {
        complain(&error.to_string());
        return Exit::Failure;
    }
    let single = runs.len() == 1;
    let mut exit = Exit::Pass;
    let (mut red, mut passed) = (Vec::new(), 0);
    let mut together = Together::default();
    let mut page = None;
    let told = RefCell::new(Told { seeds: options.seeds, tallies: Vec::new(), terminal });
    let mut take = |prepared: &Prepared, written: Written| match written {
        Ok(Run { judged, html, aims }) => {
            exit = exit.worst(exit_of(judged.report.outcome));
            together.judged(prepared, &judged, options.world);
            hear(&judged, &aims);
            page = Some(html);
            if judged.report.outcome == Outcome::Pass {
                passed += 1;
            } else {
                red.push((judged, judge::again(&prepared.scenario, options.world.name())));
            }
        }
        Err(error) => {
            complain(&format!("{}: {error}", prepared.scenario.name));
            together.failed(prepared, &error.to_string(), options.world);
            exit = exit.worst(Exit::Failure);
        }
    };
    match &runs[..] {
        [one] => take(one, alone(one, options, arena, terminal)),
        runs => several(runs, options, arena, &told, &mut take),
    }
    let index = together.finish(options).unwrap_or_else(|error| {
        complain(&error.to_string());
        exit = exit.worst(Exit::Failure);
        None
    });
    if !single {
        told.borrow().tell_rest();
        summary((passed, runs.len()), &red, index.as_deref(), terminal);
    }
    if let Some(page) = index.or(page).filter(|_| options.open)
        && let Err(why) = browser::open(&page)
    {
        complain(&why);
    }
    exit
}

/// What would be done.
#[expect(clippy::print_stdout, reason = "the answer")]
fn plans(runs: &[Prepared], options: &Options) -> Exit {
    for (index, prepared) in runs.iter().enumerate() {
        match Lifecycle::parse(&prepared.lifecycle) {
            Ok(lifecycle) => {
                let gap = if index > 0 { "\n" } else { "" };
                print!("{gap}{}", plan::text(&prepared.scenario, &lifecycle, options.world.name()));
            }
            Err(error) => {
                complain(&format!("{}: {error}", prepared.scenario.name));
                return Exit::Usage;
            }
        }
    }
    Exit::Pass
}

fn exit_of(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Pass => Exit::Pass,
        Outcome::Fail => Exit::Red,
        Outcome::Unknown => Exit::Unknown,
    }
}

/// Plays the runs one after the other, or beside each other where the world allows it. A row tells of each.
fn several(
    runs: &[Prepared],
    options: &Options,
    arena: &mut dyn Arena,
    told: &RefCell<Told>,
    take: &mut dyn FnMut(&Prepared, Written),
) {
    let tell = |run: &Run| told.borrow_mut().tell(&run.judged.report);
    let arenas = beside::arenas(arena, runs.len());
    if arenas.is_empty() {
        for prepared in runs {
            let terminal = told.borrow().terminal;
            let written = played(prepared, options, arena, terminal).map(|(run, _)| run);
            take(prepared, written.inspect(tell));
        }
        return;
    }
    beside::play(runs, arenas, |at, played| {
        let written = played.map_err(RunError::from).and_then(|played| {
            let (judged, html) = artefacts::write(&runs[at], &played, (&options.report_dir, options.world), &Progress::silent())?;
            let aims = aims(&played.ledger);
            forgotten(played);
            Ok(Run { judged, html, aims })
        });
        // Whoever has the seed can have them again, and a hundred seeds of the library are a hundred gigabytes.
        let light = |run: &Run| {
            if options.seeds > 1 && !options.otlp && run.judged.report.outcome == Outcome::Pass {
                artefacts::lighten(&run.html);
            }
        };
        take(&runs[at], written.inspect(tell).inspect(light));
    });
}

/// What the terminal has been told of several runs: a row of each, or under many seeds one of each scenario.
struct Told {
    seeds: u64,
    tallies: Vec<Tally>,
    terminal: Terminal,
}

impl Told {
    #[expect(clippy::print_stdout, reason = "the answer")]
    fn tell(&mut self, report: &Report) {
        let colour = self.terminal.colour;
        if self.seeds == 1 {
            println!("{}", render::terminal::row(report, colour));
            return;
        }
        if !self.tallies.last().is_some_and(|last| last.is_of(report)) {
            if self.tallies.is_empty() {
                println!("{}", render::terminal::tally_head());
            }
            self.tallies.push(Tally::of(report));
        }
        let Some(tally) = self.tallies.last_mut() else { return };
        tally.add(report);
        if tally.runs == self.seeds {
            println!("{}", render::terminal::tally(tally, colour));
        }
    }
}

impl Told {
    /// Rows of scenarios some of whose runs have no report.
    #[expect(clippy::print_stdout, reason = "the answer")]
    fn tell_rest(&self) {
        for tally in self.tallies.iter().filter(|tally| tally.runs < self.seeds) {
            println!("{}", render::terminal::tally(tally, self.terminal.colour));
        }
    }
}

/// The only run: its whole answer.
#[expect(clippy::print_stdout, reason = "the answer")]
fn alone(prepared: &Prepared, options: &Options, arena: &mut dyn Arena, terminal: Terminal) -> Written {
    let (run, took) = played(prepared, options, arena, terminal)?;
    let page = run.html.display().to_string();
    let again = judge::again(&prepared.scenario, options.world.name());
    let screen = render::Screen { colour: terminal.colour, took: Some(took), html: Some(&page), again: Some(&again) };
    println!("{}", render::terminal(&run.judged.report, &screen));
    Ok(run)
}

/// Plays a run, judges it and puts its folder in place; how long that took.
fn played(
    prepared: &Prepared,
    options: &Options,
    arena: &mut dyn Arena,
    terminal: Terminal,
) -> Result<(Run, Duration), RunError> {
    let machine = prepared.scenario.factors().machine;
    let mut progress = Progress::begin(&prepared.label(), terminal.plain, machine);
    let played = arena.play(prepared, &mut progress)?;
    progress.phase("judging");
    let (judged, html) = artefacts::write(prepared, &played, (&options.report_dir, options.world), &progress)?;
    let took = progress.elapsed();
    drop(progress);
    let aims = aims(&played.ledger);
    forgotten(played);
    Ok((Run { judged, html, aims }, took))
}

/// Frees the memory of a run that is over; a month of orders takes its time, and nobody waits for that.
#[expect(clippy::disallowed_methods, reason = "the world is over")]
pub fn forgotten(over: impl Send + 'static) {
    drop(std::thread::spawn(move || drop(over)));
}

/// After several runs: what is red or unknown, with its reasons, and how to see one again.
#[expect(clippy::print_stdout, reason = "the answer")]
fn summary((passed, runs): (usize, usize), red: &[(Judged, String)], index: Option<&Path>, terminal: Terminal) {
    println!("\n{passed} of {runs} pass");
    for (judged, again) in red {
        println!("\n{}", render::terminal::row(&judged.report, terminal.colour));
        judged.report.reasons.iter().take(3).for_each(|reason| println!("  because     {reason}"));
        println!("  again       {again}");
    }
    if let Some(index) = index {
        println!("\nreport: {}", index.display());
    }
}

#[expect(clippy::print_stderr, reason = "the only way to say what is wrong")]
fn complain(text: &str) {
    eprintln!("error: {text}");
}
