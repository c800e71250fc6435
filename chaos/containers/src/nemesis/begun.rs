//! Which faults lasted when: what happens to a part meanwhile may be what the fault is there for.

use std::sync::{Mutex, MutexGuard, PoisonError};

use adapters::runtime::wall_clock_ns;
use faults::{Deed, Fault};

use super::effects::AFTERMATH_NS;

/// The faults that were begun.
#[derive(Default)]
pub(super) struct Begun(Mutex<Vec<Span>>);

/// From when to when a fault lasted, nanoseconds since the Unix epoch.
struct Span {
    fault: String,
    deed: Deed,
    from_ns: u64,
    until_ns: Option<u64>,
}

impl Begun {
    /// A fault begins now.
    pub(super) fn begin(&self, fault: &Fault) {
        let (name, deed) = (fault.name.clone(), fault.kind.deed());
        self.lock().push(Span { fault: name, deed, from_ns: wall_clock_ns(), until_ns: None });
    }

    /// It has ended.
    pub(super) fn end(&self, fault: &Fault) {
        if let Some(span) = self.lock().iter_mut().rfind(|span| span.fault == fault.name) {
            span.until_ns = Some(wall_clock_ns());
        }
    }

    /// The deeds of those that lasted at some time from `from_ns` to `until_ns`, or whose aftermath did.
    pub(super) fn lasting(&self, from_ns: u64, until_ns: u64) -> Vec<Deed> {
        let lasted =
            |span: &&Span| span.from_ns <= until_ns && span.until_ns.is_none_or(|end_ns| from_ns <= end_ns + AFTERMATH_NS);
        self.lock().iter().filter(lasted).map(|span| span.deed.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Span>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use faults::Outage;

    use super::*;

    #[test]
    fn a_fault_lasts_until_its_aftermath_is_over() {
        const SECOND: u64 = 1_000_000_000;
        let span = |fault: &str, from_s: u64, until_s: Option<u64>| Span {
            fault: fault.into(),
            deed: Deed::Outage(Outage::Killed),
            from_ns: from_s * SECOND,
            until_ns: until_s.map(|s| s * SECOND),
        };
        let begun = Begun(Mutex::new(vec![span("a", 10, Some(12)), span("b", 30, None)]));
        let lasting = |from_s: u64, until_s: u64| begun.lasting(from_s * SECOND, until_s * SECOND).len();
        assert_eq!([lasting(8, 9), lasting(9, 10), lasting(17, 18), lasting(18, 29), lasting(90, 91)], [0, 1, 1, 0, 1]);
    }
}
