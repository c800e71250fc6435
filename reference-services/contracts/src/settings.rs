//! What a service is told when it starts: the architecture and its waits, already scaled.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Architecture;

/// Settings of every service of a run. Durations are in the run's own time: a scaled scenario has scaled ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How the services are built.
    pub architecture: Architecture,
    /// How long a price calculation takes.
    pub pricing: PricingTimes,
    /// What the partners' intake takes.
    pub partner: PartnerLimits,
    /// How often a relay looks for rows to publish, and a worker for jobs.
    pub poll: Duration,
    /// How long a service waits before it connects to the broker again.
    pub reconnect: Duration,
    /// How long a publisher waits for a confirm.
    pub confirm_timeout: Duration,
    /// How long an event that came too early goes back for (to-be), and how often before it is given up.
    pub early_event: (Duration, u32),
}

/// What the partners' intake takes: more than that is turned away with 413.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerLimits {
    /// The largest model, bytes.
    pub model_bytes: usize,
}

/// How long price calculations take: log-normal with a coefficient of variation of 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PricingTimes {
    /// Mean of the calculation time.
    pub mean: Duration,
    /// No calculation takes longer.
    pub max: Duration,
    /// Windows in which some take much longer, fail or hang.
    pub trouble: Vec<Trouble>,
}

impl PricingTimes {
    /// No calculation takes longer, whatever troubles it.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.trouble.iter().map(Trouble::lasts).fold(self.max, Duration::max)
    }
}

/// A window in which something is wrong with a share of the price calculations begun in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    /// Begin, since the start of the run.
    pub from: Duration,
    /// End, since the start of the run.
    pub until: Duration,
    /// Share of the calculations begun in the window, 0 to 1.
    pub share: f64,
    /// What is wrong with them.
    pub with: Ailment,
}

/// What is wrong with a price calculation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ailment {
    /// It takes so long; later attempts at the same order are spared.
    Slow(Duration),
    /// It fails at its end.
    Fails,
    /// It gives no answer before the window is over, and fails then.
    Hangs,
}

impl Trouble {
    /// No calculation that it troubles takes longer.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        match self.with {
            Ailment::Slow(takes) => takes,
            Ailment::Fails => Duration::ZERO,
            Ailment::Hangs => self.until.saturating_sub(self.from),
        }
    }
}
