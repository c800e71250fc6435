//! A consumer's answers: they pass, or are lost with their connection.

use std::sync::Arc;

use faults::Answer;

use super::{
    method,
    session::{Session, Stop},
    sink::Sink,
};
use crate::{
    api::{Entry, How, Names},
    rules::Point,
};

impl Session {
    pub(super) fn answer(
        &mut self,
        sink: &mut Sink<'_>,
        channel: u16,
        len: usize,
        (tag, multiple, how): (u64, bool, method::Answer),
    ) {
        let Some(open) = self.channels.get_mut(&channel) else { return sink.pass(len) };
        let settled: Vec<Arc<Names>> = match multiple {
            false => open.unsettled.remove(&tag).into_iter().collect(),
            true if tag == 0 => std::mem::take(&mut open.unsettled).into_values().collect(),
            true => {
                let later = open.unsettled.split_off(&tag.saturating_add(1));
                std::mem::replace(&mut open.unsettled, later).into_values().collect()
            }
        };
        let met = |names: &Arc<Names>| {
            let (fault, how) = self.rules.meets(Point::Answer, self.whose(), names, None)?;
            Some((fault, how, Arc::clone(names)))
        };
        if let Some((fault, how, names)) = settled.iter().find_map(met) {
            self.effect(&fault, &how, &names);
            self.stop = Some(if how == How::FreezeAck { Stop::Freeze } else { Stop::Cut });
            drop(sink.take(len));
            return;
        }
        let how = match how {
            method::Answer::Ack => Answer::Ack,
            method::Answer::Nack { requeue: true } | method::Answer::Reject { requeue: true } => Answer::Requeue,
            method::Answer::Nack { requeue: false } | method::Answer::Reject { requeue: false } => Answer::Reject,
        };
        settled.iter().for_each(|names| self.log(channel, Entry::Settled { how }, Some(names)));
        sink.pass(len);
    }
}
