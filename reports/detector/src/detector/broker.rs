//! Takes in what the broker lets see of itself.

use signals::{Passage, Scrape, Silence};

use super::Detector;

impl Detector {
    /// Takes in what one look at the broker's counters showed.
    pub fn observe_counters(&mut self, scrape: &Scrape) {
        self.broker.looks.add(scrape);
    }

    /// Takes in a message that passed the broker's firehose. The same again changes nothing.
    pub fn observe_passage(&mut self, passage: &Passage) {
        let Some(record) = self.broker.firehose.record(passage, &self.way) else { return };
        if !passage.correlation_id.is_empty() {
            let number = self.orders.number(&passage.correlation_id);
            self.take(number, record, None);
        }
    }

    /// Says when nobody listened to the firehose: what was not heard then may have passed.
    pub fn observe_silence(&mut self, silence: Silence) {
        self.broker.firehose.silent(silence);
    }
}
