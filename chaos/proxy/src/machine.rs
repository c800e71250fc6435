//! The machine's clocks and tasks: the only file here that asks for them.

use std::{pin::pin, time::SystemTime};

use futures_util::future::{Either, select};
pub(crate) use tokio::time::{Instant, sleep_until};

/// Nanoseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "the proxy is of the containers world, and has no runtime of it")]
pub(crate) fn wall_ns() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |at| u64::try_from(at.as_nanos()).unwrap_or(u64::MAX))
}

/// Now, by the clock that never goes back.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits for whichever ends first; the first of the two where both have.
pub(crate) async fn first<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> Either<A, B> {
    match select(pin!(one), pin!(other)).await {
        Either::Left((ended, _)) => Either::Left(ended),
        Either::Right((ended, _)) => Either::Right(ended),
    }
}
