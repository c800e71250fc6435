//! What becomes of a message that its publisher sends: the twin of `chaos/simulated/src/broker/meddle.rs`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    frame::{self, Kind},
    header::Header,
    session::{HELD, Session, Stop},
    sink::Sink,
    upward::{Fate, Then},
};
use crate::{
    api::{Entry, How, Names},
    rules::Point,
};

/// What a corrupted message carries: the same as in the simulated world.
const TORN: &[u8] = b"{\"torn";

impl Session {
    /// What becomes of a message. Its first two frames are put in place.
    pub(super) fn meddle(
        &mut self,
        sink: &mut Sink<'_>,
        channel: u16,
        (method, frame): (Bytes, Bytes),
        (number, names): (Option<u64>, &Arc<Names>),
    ) -> Fate {
        let frame = self.mend(channel, frame, names);
        let Some(header) = Header::of(&frame) else {
            return self.pass(sink, channel, [method, frame], (number, names));
        };
        let met = self.rules.meets(Point::Publish, self.whose(), names, Some(&header));
        let size = usize::try_from(header.body).unwrap_or(usize::MAX);
        let whole = |then| {
            let frames = vec![method.clone(), frame.clone()];
            Fate::Whole { frames, number, names: Arc::clone(names), then }
        };
        let Some((fault, how)) = met else {
            let waited_for = self.held.iter().any(|held| held.channel == channel && held.behind_next);
            if waited_for && size <= HELD {
                return whole(Then::Go);
            }
            return self.pass(sink, channel, [method, frame], (number, names));
        };
        let then = match how {
            How::Duplicate => Some(Then::Twice),
            How::Delay { ms } => Some(Then::Later(Duration::from_millis(ms))),
            How::Reorder { within_ms } => Some(Then::BehindNext(Duration::from_millis(within_ms))),
            _ => None,
        };
        let spared = if then.is_some() && size.saturating_add(self.holds()) > HELD {
            Some("too much is held back")
        } else if how == How::LoseConfirm && number.is_none() {
            Some("its channel has no confirms")
        } else {
            None
        };
        if let Some(why) = spared {
            self.log(channel, Entry::Spared { fault, why: why.into() }, Some(names));
            return self.pass(sink, channel, [method, frame], (number, names));
        }
        if how == How::LoseConfirm {
            // It is lost when it comes.
            let open = self.channels.entry(channel).or_default();
            open.doomed.extend(number.map(|number| (number, fault)));
            return self.pass(sink, channel, [method, frame], (number, names));
        }
        self.effect(&fault, &how, names);
        match (then, how) {
            (Some(then), _) => whole(then),
            (None, How::Corrupt) => {
                let torn = frame::around(Kind::Body, channel, TORN);
                let announced = header.with_body(channel, TORN.len());
                drop(self.pass(sink, channel, [method, announced], (number, names)));
                sink.put(torn);
                Fate::Drop
            }
            (None, how) => {
                self.stop = match how {
                    How::LoseOnTheWire => Some(Stop::Cut),
                    How::FreezePublish => Some(Stop::Freeze),
                    _ => None,
                };
                Fate::Drop
            }
        }
    }

    fn pass(
        &mut self,
        sink: &mut Sink<'_>,
        channel: u16,
        frames: [Bytes; 2],
        (number, names): (Option<u64>, &Arc<Names>),
    ) -> Fate {
        frames.into_iter().for_each(|frame| sink.put(frame));
        self.written(channel, number, names);
        Fate::Pass
    }

    /// The header as it goes on.
    fn mend(&mut self, channel: u16, frame: Bytes, names: &Arc<Names>) -> Bytes {
        let Some(header) = Header::of(&frame) else { return frame };
        let Some((fault, how)) = self.rules.meets(Point::Headers, self.whose(), names, Some(&header)) else { return frame };
        let changed = match &how {
            How::StripHeader { header: name } => header.changed(channel, name, None),
            How::CorruptHeader { header: name, value } => header.changed(channel, name, Some(value)),
            _ => None,
        };
        match changed {
            Some(changed) => {
                self.effect(&fault, &how, names);
                changed
            }
            None => {
                self.log(channel, Entry::Spared { fault, why: "it has no such header".into() }, Some(names));
                frame
            }
        }
    }
}
