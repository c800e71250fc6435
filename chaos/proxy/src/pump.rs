//! One way of a connection: reads, lets a flow decide what goes on, and writes.
//!
//! While something cannot be written nothing is read, so a slow reader holds its sender back, and no more is kept than what one
//! read brings, one frame, and a line.

use std::{future::poll_fn, io, pin::pin, task::Poll, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::tcp::{OwnedReadHalf, OwnedWriteHalf},
};

use crate::{
    amqp::session::{Stop, To},
    handle::Handle,
    machine::{self, Instant, sleep_until},
    shape::Line,
};

/// One read.
const READ: usize = 64 << 10;
/// How long the last bytes may take.
const LAST: Duration = Duration::from_secs(1);

/// Decides what goes on of what was read.
pub(crate) trait Flow {
    /// Takes what was read; leaves in `read` what has to wait for more.
    fn feed(&mut self, read: &mut BytesMut, out: &mut Vec<Bytes>) -> Option<Stop>;
    /// Gives what it wants to send by itself, or held back until now.
    fn woken(&mut self, out: &mut Vec<Bytes>);
    /// When it wants to be woken.
    fn due(&self) -> Option<Instant>;
    /// The sender has nothing more to say.
    fn ended(&mut self, out: &mut Vec<Bytes>);
}

enum Event {
    Read(usize),
    Woken,
}

/// Moves bytes until the sender ends, or the connection is to be cut.
pub(crate) async fn pump(
    (from, onto): (&mut OwnedReadHalf, &mut OwnedWriteHalf),
    to: To,
    handle: &Handle,
    flow: &mut impl Flow,
) -> io::Result<()> {
    let (mut read, mut out, mut line, mut ended) = (BytesMut::new(), Vec::new(), Line::default(), false);
    loop {
        let shape = handle.shape_to(to);
        if !shape.stalled {
            while let Some(bytes) = line.next(machine::now(), shape.rate) {
                onto.write_all(&bytes).await?;
            }
            if ended && line.is_empty() {
                return onto.shutdown().await;
            }
        }
        let reads = !ended && !shape.stalled && !line.is_full();
        let due = line.due(shape.rate).into_iter().chain(flow.due()).min().filter(|_| !shape.stalled);
        let stop = match next(from, reads.then_some(&mut read), handle.woken(to), due).await? {
            Event::Read(0) => {
                flow.ended(&mut out);
                // Half a frame is not ours to judge.
                out.push(read.split().freeze());
                ended = true;
                None
            }
            Event::Read(_) => flow.feed(&mut read, &mut out),
            Event::Woken => {
                flow.woken(&mut out);
                None
            }
        };
        let latency = handle.shape_to(to).latency;
        line.put(&mut out, (!latency.is_zero()).then(|| machine::now() + latency));
        match stop {
            Some(Stop::Cut) => return last(onto, &mut line).await,
            Some(Stop::Freeze) => handle.freeze(),
            None => {}
        }
    }
}

/// Waits for bytes, for being woken, or for a time.
async fn next(
    from: &mut OwnedReadHalf,
    read: Option<&mut BytesMut>,
    woken: impl Future<Output = ()>,
    due: Option<Instant>,
) -> io::Result<Event> {
    let reading = async {
        match read {
            Some(read) => {
                read.reserve(READ);
                from.read_buf(read).await
            }
            None => std::future::pending().await,
        }
    };
    let sleeping = async {
        match due {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    };
    let (mut reading, mut woken, mut sleeping) = (pin!(reading), pin!(woken), pin!(sleeping));
    poll_fn(|cx| {
        if let Poll::Ready(read) = reading.as_mut().poll(cx) {
            return Poll::Ready(read.map(Event::Read));
        }
        if woken.as_mut().poll(cx).is_ready() || sleeping.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(Event::Woken));
        }
        Poll::Pending
    })
    .await
}

/// What came before a cut still arrives.
async fn last(onto: &mut OwnedWriteHalf, line: &mut Line) -> io::Result<()> {
    let writing = async {
        for bytes in line.rest() {
            onto.write_all(&bytes).await?;
        }
        Ok::<(), io::Error>(())
    };
    drop(machine::first(writing, sleep_until(machine::now() + LAST)).await);
    Err(io::ErrorKind::ConnectionAborted.into())
}
