//! Takes in what the broker lets see of itself.

use signals::{Passage, Scrape, Silence};

use super::Detector;
use crate::{
    gap::Known,
    record::What,
    way::{Steps, bit},
};

impl Detector {
    /// Takes in what one look at the broker's counters showed.
    pub fn observe_counters(&mut self, scrape: Scrape) {
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

    /// What a silent service sent or was handed, the firehose shows in its place.
    pub(super) fn relay(&mut self) {
        let relayable = self.relayable();
        if relayable == 0 {
            return;
        }
        let way = &self.way;
        for order in &mut self.orders.all {
            for (message, [sent, received, _]) in way.message.iter().copied().enumerate() {
                let passed = |what: What| order.of(what.number(way)).next().is_some();
                let [published, handed] = [What::Published(message), What::Handed(message)].map(passed);
                let shown = |shown: bool, step: usize| if shown { bit(step) & relayable } else { 0 };
                order.relayed |= shown(published, sent) | shown(handed, received);
            }
        }
    }

    /// The sendings and receipts of silent services, where somebody listens to the firehose.
    pub(super) fn relayable(&self) -> Steps {
        let silent = |step: &usize| !self.heard[self.way.steps[*step].service];
        let messages = self.way.message.iter().flat_map(|[sent, received, _]| [*sent, *received]);
        if self.broker.firehose.listened() { messages.filter(silent).fold(0, |set, step| set | bit(step)) } else { 0 }
    }

    /// What nobody heard of those, because nobody listened.
    pub(super) fn unheard_by_the_broker(&self, end_ns: u64) -> Vec<Known> {
        let steps = self.relayable();
        let silences = self.broker.firehose.silences().iter().filter(|silence| steps != 0 && silence.from_ns <= end_ns);
        let known =
            |silence: &Silence| Known { from_ns: silence.from_ns, until_ns: silence.until_ns, steps, orders: None, done: true };
        silences.map(known).collect()
    }
}
