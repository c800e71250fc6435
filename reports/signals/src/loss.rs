//! What telemetry says of its own losses: the counters of SDKs, exporters, collectors and backends.
//!
//! OpenTelemetry names the first of them: `otel.sdk.span.started` by sampling result, `otel.sdk.processor.span.processed` and
//! `otel.sdk.exporter.span.exported` by `error.type`. Somebody reads them once a minute, so a loss is known to a minute.

use std::sync::Arc;

/// How often the counters are read, nanoseconds.
pub const EVERY_NS: u64 = 60_000_000_000;

/// Spans that were not passed on, in a row of minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Whose; `None`: whoever counts does not tell the services apart.
    pub service: Option<Arc<str>>,
    /// From when, nanoseconds since the Unix epoch.
    pub from_ns: u64,
    /// Until when.
    pub until_ns: u64,
    /// How many.
    pub spans: u64,
    /// Why.
    pub why: Why,
}

/// Why spans were not passed on, in the order of their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Their trace was not sampled: the SDK did not record them.
    NotSampled,
    /// The SDK's counters are missing: it made none, and nobody knows how many there would have been.
    Silent,
    /// The exporter's queue was full.
    QueueFull,
    /// The exporter handed them over, and the other side did not take them.
    ExportFailed,
    /// They came to a collector that had decided on their trace.
    Late,
    /// The backend keeps them for a time, and that was over when it was read.
    Expired,
}

impl Why {
    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotSampled => "not-sampled",
            Self::Silent => "silent",
            Self::QueueFull => "queue-full",
            Self::ExportFailed => "export-failed",
            Self::Late => "late",
            Self::Expired => "expired",
        }
    }

    /// In words: `12 spans WORDS`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotSampled => "that were not sampled",
            Self::Silent => "that were never made",
            Self::QueueFull => "that found an exporter's queue full",
            Self::ExportFailed => "that could not be exported",
            Self::Late => "that came after the decision on their trace",
            Self::Expired => "that the backend no longer kept",
        }
    }

    /// Whether the SDK counts them among the spans that ended.
    #[must_use]
    pub const fn ended(self) -> bool {
        !matches!(self, Self::NotSampled | Self::Silent)
    }

    /// Whether the exporter counts them among those that it handed over.
    #[must_use]
    pub const fn exported(self) -> bool {
        matches!(self, Self::Late | Self::Expired)
    }
}

/// Losses of one run, as the counters tell them.
#[derive(Clone, Debug, Default)]
pub struct Losses(Vec<Loss>);

impl Losses {
    /// Counts a span. What is counted in the same minute or the next is one loss.
    pub fn count(&mut self, service: Option<&Arc<str>>, why: Why, at_ns: u64) {
        let from_ns = at_ns / EVERY_NS * EVERY_NS;
        let until_ns = from_ns + EVERY_NS;
        let last = self.0.iter_mut().rfind(|loss| loss.service.as_ref() == service && loss.why == why);
        match last.filter(|loss| from_ns <= loss.until_ns) {
            Some(loss) => {
                loss.until_ns = loss.until_ns.max(until_ns);
                loss.spans += 1;
            }
            None => self.0.push(Loss { service: service.cloned(), from_ns, until_ns, spans: 1, why }),
        }
    }

    /// Adds what is known as a whole.
    pub fn add(&mut self, loss: Loss) {
        self.0.push(loss);
    }

    /// All of them, in the order in which they began.
    #[must_use]
    pub fn all(&self) -> &[Loss] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = EVERY_NS;

    #[test]
    fn a_loss_is_known_to_a_minute() {
        let (mes, crm): (Arc<str>, Arc<str>) = ("mes-api".into(), "crm-api".into());
        let mut losses = Losses::default();
        for at_ns in [10 * MINUTE + 1, 11 * MINUTE, 12 * MINUTE - 1] {
            losses.count(Some(&mes), Why::ExportFailed, at_ns);
        }
        losses.count(Some(&crm), Why::ExportFailed, 12 * MINUTE);
        losses.count(Some(&mes), Why::ExportFailed, 14 * MINUTE);
        let told: Vec<_> = losses.all().iter().map(|loss| (loss.from_ns / MINUTE, loss.until_ns / MINUTE, loss.spans)).collect();
        assert_eq!(told, [(10, 12, 3), (12, 13, 1), (14, 15, 1)]);
    }
}
