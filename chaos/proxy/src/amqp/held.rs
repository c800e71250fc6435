//! Messages that are held back, and when they go on.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{session::Session, sink::Sink};
use crate::{
    api::Names,
    machine::{self, Instant},
};

/// A message that is held back.
pub(super) struct Held {
    pub(super) due: Instant,
    /// It goes right after the next one of its channel.
    pub(super) behind_next: bool,
    pub(super) channel: u16,
    pub(super) frames: Vec<Bytes>,
    pub(super) number: Option<u64>,
    pub(super) names: Arc<Names>,
}

impl Held {
    fn size(&self) -> usize {
        self.frames.iter().map(Bytes::len).sum()
    }
}

impl Session {
    pub(super) fn holds(&self) -> usize {
        self.held.iter().map(Held::size).sum()
    }

    /// When something that is held back has to go on. Nothing goes between the frames of another message.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.held.iter().filter(|held| !self.is_amid(held.channel)).map(|held| held.due).min()
    }

    fn is_amid(&self, channel: u16) -> bool {
        self.channels.get(&channel).is_some_and(|channel| channel.arriving.is_some())
    }

    /// Lets go what has been held back long enough.
    pub(crate) fn let_go(&mut self, now: Instant, out: &mut Vec<Bytes>) {
        let free = |session: &Self, held: &Held| held.due <= now && !session.is_amid(held.channel);
        while let Some(at) = (0..self.held.len()).filter(|at| free(self, &self.held[*at])).min_by_key(|at| self.held[*at].due) {
            let held = self.held.remove(at);
            self.go(held, out);
        }
    }

    /// What is held back goes on now: a delay is no loss. Of one channel, or of all.
    pub(super) fn let_all_go(&mut self, of: Option<u16>, sink: &mut Sink<'_>) {
        let (go, stay) =
            std::mem::take(&mut self.held).into_iter().partition(|held: &Held| of.is_none_or(|of| of == held.channel));
        self.held = stay;
        let mut out = Vec::new();
        let go: Vec<Held> = go;
        go.into_iter().for_each(|held| self.go(held, &mut out));
        out.into_iter().for_each(|frame| sink.put(frame));
    }

    /// The client has left without a word.
    pub(crate) fn left(&mut self, out: &mut Vec<Bytes>) {
        self.channels.values_mut().for_each(|channel| channel.arriving = None);
        self.let_go(machine::now() + Duration::from_hours(24), out);
        self.records.log(&mut self.lines);
    }

    fn go(&mut self, held: Held, out: &mut Vec<Bytes>) {
        if let Some(confirms) = self.channels.get_mut(&held.channel).and_then(|channel| channel.confirms.as_mut()) {
            confirms.write(held.number, held.names);
        }
        out.extend(held.frames);
    }

    /// Those that were waiting for a message go behind it.
    pub(super) fn follow(&mut self, sink: &mut Sink<'_>, channel: u16) {
        let (go, stay): (Vec<Held>, Vec<Held>) =
            std::mem::take(&mut self.held).into_iter().partition(|held| held.channel == channel && held.behind_next);
        self.held = stay;
        for held in go {
            self.written(channel, held.number, &held.names);
            held.frames.into_iter().for_each(|frame| sink.put(frame));
        }
    }
}
