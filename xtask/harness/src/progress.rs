//! One line about a run while it lasts: redrawn on a terminal, a plain line now and then elsewhere.
//!
//! It goes to stderr, so stdout holds the answer alone.
#![expect(clippy::disallowed_methods, reason = "progress is shown in the time of whoever watches")]

use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::Prepared;

/// How often a line is written where there is no terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Shows how far a run is.
pub struct Progress {
    label: String,
    silent: bool,
    /// What makes time of the scenario of time of the run.
    machine: f64,
    bar: Option<ProgressBar>,
    began: Instant,
    last: Option<Instant>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reached {
    /// Orders initiated.
    pub initiated: u64,
    /// Orders closed.
    pub closed: u64,
    /// Orders the detector has raised an alarm for.
    pub bad: u64,
    /// Time of the run reached.
    pub now: Duration,
}

impl Progress {
    /// Begins to show a run in which machines are so many times faster than in its scenario.
    #[must_use]
    pub fn begin(label: &str, plain: bool, machine: f64) -> Self {
        let bar = (!plain && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
            bar.set_style(ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        let now = Instant::now();
        let progress = Self { label: label.to_owned(), silent: false, machine, bar, began: now, last: None };
        progress.say(&format!("{label}  starting"));
        progress
    }

    /// Begins to show one of several runs that are played side by side: in lines, which do not get into each other's way.
    #[must_use]
    pub fn plain(prepared: &Prepared) -> Self {
        Self::begin(&prepared.label(), true, prepared.scenario.factors().machine)
    }

    /// Shows nothing: for tests.
    #[must_use]
    pub fn silent() -> Self {
        Self { label: String::new(), silent: true, machine: 1.0, bar: None, began: Instant::now(), last: None }
    }

    /// Shows how far it is.
    pub fn show(&mut self, reached: Reached) {
        let plain_due = self.last.is_none_or(|last| last.elapsed() >= PLAIN_EVERY) && self.began.elapsed() >= PLAIN_EVERY;
        if self.bar.is_some() || plain_due {
            self.last = Some(Instant::now());
            self.say(&self.line(reached));
        }
    }

    /// Shows what is being done instead of numbers: a stack starts, traces are read back.
    pub fn phase(&self, text: &str) {
        self.say(&format!("{}  {text}", self.label));
    }

    fn line(&self, reached: Reached) -> String {
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rate to look at"
        )]
        let rate = (reached.initiated as f64 / seconds) as u64;
        format!(
            "{}  {} orders, {} closed, {} bad so far  at {}  {} orders/s",
            self.label,
            HumanCount(reached.initiated),
            HumanCount(reached.closed),
            HumanCount(reached.bad),
            judge::words::duration(reached.now.as_secs_f64() * self.machine),
            HumanCount(rate)
        )
    }

    #[expect(clippy::print_stderr, reason = "progress belongs there")]
    fn say(&self, line: &str) {
        match &self.bar {
            _ if self.silent => {}
            Some(bar) => {
                bar.set_message(line.to_owned());
                bar.tick();
            }
            None => eprintln!("{line}"),
        }
    }

    /// How long it has lasted.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
