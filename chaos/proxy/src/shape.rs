//! How a connection is slowed, and the line that bytes stand in for it.

use std::{collections::VecDeque, time::Duration};

use bytes::{Buf as _, Bytes};

use crate::machine::Instant;

/// So many bytes stand in a line before nothing more is read: whoever sends is held back then.
pub(crate) const LINE: usize = 1 << 20;

/// Pieces of no more than so many bytes in all are written as one.
const TOGETHER: usize = 1 << 18;

/// What is done to one way of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Nothing comes through.
    pub(crate) stalled: bool,
    /// Everything takes so much longer.
    pub(crate) latency: Duration,
    /// So many bytes come through in a second.
    pub(crate) rate: Option<u64>,
}

/// What was read and is not written yet.
#[derive(Default)]
pub(crate) struct Line {
    waiting: VecDeque<(Option<Instant>, Bytes)>,
    bytes: usize,
    /// Under a limit of bytes a second: when the next ones may go.
    free: Option<Instant>,
}

impl Line {
    /// Adds what goes on, with its latency.
    pub(crate) fn put(&mut self, out: &mut Vec<Bytes>, due: Option<Instant>) {
        if out.len() > 1 && out.iter().map(Bytes::len).sum::<usize>() <= TOGETHER {
            // One write for all of them: it costs more than the copy.
            let together = out.concat().into();
            out.clear();
            out.push(together);
        }
        for bytes in out.drain(..).filter(|bytes| !bytes.is_empty()) {
            self.bytes += bytes.len();
            self.waiting.push_back((due, bytes));
        }
    }

    /// Whether no more may be read.
    pub(crate) const fn is_full(&self) -> bool {
        self.bytes >= LINE
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the first may go; none: at once, or never where nothing waits.
    pub(crate) fn due(&self, rate: Option<u64>) -> Option<Instant> {
        let (due, _) = self.waiting.front()?;
        (*due).max(self.free.filter(|_| rate.is_some()))
    }

    /// Takes what goes now.
    pub(crate) fn next(&mut self, now: Instant, rate: Option<u64>) -> Option<Bytes> {
        if self.due(rate).is_some_and(|due| due > now) {
            return None;
        }
        let (due, mut bytes) = self.waiting.pop_front()?;
        if let Some(rate) = rate {
            // Twenty pieces a second, so that slow is not in jerks.
            let piece = usize::try_from(rate / 20).unwrap_or(usize::MAX).max(1);
            if bytes.len() > piece {
                let rest = bytes.split_off(piece);
                self.waiting.push_front((due, rest));
            }
            let takes = Duration::from_secs_f64(bytes.remaining() as f64 / rate as f64);
            self.free = Some(self.free.map_or(now, |free| free.max(now)) + takes);
        }
        self.bytes -= bytes.len();
        Some(bytes)
    }

    /// Takes whatever is left, in its order.
    pub(crate) fn rest(&mut self) -> Vec<Bytes> {
        self.bytes = 0;
        self.waiting.drain(..).map(|(_, bytes)| bytes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine;

    #[test]
    fn without_a_shape_all_goes_at_once() {
        let (mut line, now) = (Line::default(), machine::now());
        line.put(&mut vec![Bytes::from_static(b"one"), Bytes::new(), Bytes::from_static(b"two")], None);
        line.put(&mut vec![Bytes::from(vec![7; TOGETHER]), Bytes::from_static(b"more")], None);
        assert_eq!(line.next(now, None).as_deref(), Some(&b"onetwo"[..]));
        assert_eq!(line.next(now, None).map(|bytes| bytes.len()), Some(TOGETHER));
        assert_eq!(line.next(now, None).as_deref(), Some(&b"more"[..]));
        assert!(line.next(now, None).is_none() && line.is_empty() && line.bytes == 0);
    }

    #[test]
    fn latency_keeps_the_order_and_adds_up_to_nothing_more() {
        let (mut line, now, late) = (Line::default(), machine::now(), Duration::from_millis(100));
        line.put(&mut vec![Bytes::from_static(b"a")], Some(now + late));
        line.put(&mut vec![Bytes::from_static(b"b")], Some(now + late + Duration::from_millis(1)));
        assert!(line.next(now, None).is_none());
        assert!(line.next(now + late, None).is_some() && line.next(now + late, None).is_none());
        assert!(line.next(now + late + Duration::from_millis(1), None).is_some());
    }

    #[test]
    fn so_many_bytes_go_in_a_second() {
        let (mut line, mut now) = (Line::default(), machine::now());
        let began = now;
        line.put(&mut vec![Bytes::from(vec![7; 10_000])], None);
        let mut gone = 0;
        while gone < 10_000 {
            match line.next(now, Some(20_000)) {
                Some(bytes) => gone += bytes.len(),
                None => now = line.due(Some(20_000)).unwrap(),
            }
        }
        let took = now - began;
        assert!(took > Duration::from_millis(400) && took < Duration::from_millis(501), "{took:?}");
    }
}
