//! How far the clocks of a run are apart, by its own word: a transition's time is written into its row, its span event and its log record.
//!
//! Where all of them say the same, the ledger and the detector reckon with the same numbers, and no deadline is too near to tell.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use contracts::{attributes, logs};
use scenarios::ledger::Ledger;
use signals::{Log, Span, span::text};

/// When a step that nobody tells was made is gathered from what came before and after it, and so long a busy machine may take from one
/// statement to the next.
const UNSAID: Duration = Duration::from_millis(50);

/// The transitions of a run, held against what is said of them.
pub(crate) struct Clocks {
    /// By the transition's event id.
    rows: BTreeMap<Arc<str>, Vec<Row>>,
    apart_ns: u64,
}

struct Row {
    service: Arc<str>,
    at_ns: u64,
    said: bool,
}

impl Clocks {
    /// Nothing is said yet.
    pub(crate) fn of(ledger: &Ledger) -> Self {
        let mut clocks = Self { rows: BTreeMap::new(), apart_ns: 0 };
        for step in ledger.initiated().flat_map(|account| account.shop.iter().chain(&account.mes)) {
            clocks.row(Arc::clone(&step.service), Arc::clone(&step.event_id), step.at_ns);
        }
        clocks
    }

    fn row(&mut self, service: Arc<str>, event_id: Arc<str>, at_ns: u64) {
        self.rows.entry(event_id).or_default().push(Row { service, at_ns, said: false });
    }

    /// By how much a time that the detector knows may differ from the ledger's, when these are all that came back.
    pub(crate) fn error(mut self, spans: &[Span], logs: &[Log]) -> Duration {
        spans.iter().for_each(|span| self.hear(span));
        logs.iter().for_each(|log| self.note(log));
        self.apart()
    }

    /// What a span says.
    fn hear(&mut self, span: &Span) {
        for event in span.events.iter().filter(|event| event.name == attributes::STATUS_CHANGED) {
            self.said(&span.resource.service, text(&event.attributes, attributes::EVENT_ID), event.time_ns);
        }
    }

    /// What a log record says, if it is a transition's.
    fn note(&mut self, log: &Log) {
        if text(&log.fields, logs::ORDER_STATUS).is_some() {
            self.said(&log.resource.service, text(&log.fields, logs::ORDER_EVENT_ID), log.time_ns);
        }
    }

    /// Work that was done twice has two rows, and a word is about the nearer one; what is far from both is about neither.
    fn said(&mut self, service: &str, event_id: Option<&str>, at_ns: u64) {
        let Some(rows) = event_id.and_then(|id| self.rows.get_mut(id)) else { return };
        let own = rows.iter_mut().filter(|row| &*row.service == service);
        let apart = own.map(|row| (row.at_ns.abs_diff(at_ns), row)).min_by_key(|(apart_ns, _)| *apart_ns);
        if let Some((apart_ns, row)) = apart.filter(|(apart_ns, _)| Duration::from_nanos(*apart_ns) <= UNSAID) {
            self.apart_ns = self.apart_ns.max(apart_ns);
            row.said = true;
        }
    }

    fn apart(&self) -> Duration {
        let all_said = self.rows.values().flatten().all(|row| row.said);
        if all_said { Duration::from_nanos(self.apart_ns) } else { UNSAID }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clocks(rows: &[(&str, &str, u64)]) -> Clocks {
        let mut clocks = Clocks { rows: BTreeMap::new(), apart_ns: 0 };
        rows.iter().for_each(|(service, id, at_ns)| clocks.row((*service).into(), (*id).into(), *at_ns));
        clocks
    }

    #[test]
    fn where_all_say_the_same_no_deadline_is_too_near() {
        let mut clocks = clocks(&[("mes-api", "o-1:PRICE_CALCULATED", 7), ("crm-api", "o-1:PRICE_CALCULATED", 9)]);
        clocks.said("crm-api", Some("o-1:PRICE_CALCULATED"), 9);
        clocks.said("mes-api", Some("o-1:PRICE_CALCULATED"), 7);
        clocks.said("mes-api", Some("o-2:PRICE_CALCULATED"), 1_000);
        clocks.said("mes-api", None, 1_000);
        assert_eq!(clocks.apart(), Duration::ZERO);
    }

    #[test]
    fn the_largest_distance_of_a_word_from_its_row_is_the_error() {
        let mut clocks =
            clocks(&[("mes-api", "o-1:SHIPPED", 1_000), ("mes-api", "o-1:SHIPPED", 5_000), ("mes-api", "o-2:SHIPPED", 0)]);
        for at_ns in [5_000, 1_300, 1_000] {
            clocks.said("mes-api", Some("o-1:SHIPPED"), at_ns);
        }
        clocks.said("mes-api", Some("o-2:SHIPPED"), 20);
        assert_eq!(clocks.apart(), Duration::from_nanos(300));
    }

    #[test]
    fn a_step_that_nobody_tells_may_be_anywhere_within_what_a_busy_machine_takes() {
        let mut clocks = clocks(&[("mes-api", "o-1:SHIPPED", 1_000), ("crm-api", "o-1:SHIPPED", 2_000)]);
        clocks.said("mes-api", Some("o-1:SHIPPED"), 1_000);
        clocks.said("crm-api", Some("o-1:SHIPPED"), 60_000_000);
        assert_eq!(clocks.apart(), UNSAID);
    }
}
