//! What lapin's errors mean to a service.

use std::sync::{Arc, OnceLock};

use lapin::{ErrorKind, protocol::AMQPErrorKind};
use world::broker::BrokerError;

/// Why a channel ended: the first cause that was seen. Later calls meet only "not open", which says nothing.
#[derive(Clone, Default)]
pub(super) struct Failure(Arc<OnceLock<BrokerError>>);

impl Failure {
    /// The meaning of an error on this channel.
    pub(super) fn of(&self, error: &lapin::Error) -> BrokerError {
        match meaning(error.kind()) {
            Some(cause) => self.0.get_or_init(|| cause).clone(),
            None => self.known(),
        }
    }

    /// The cause seen so far; a connection that was lost when there is none.
    pub(super) fn known(&self) -> BrokerError {
        self.0.get().cloned().unwrap_or(BrokerError::ConnectionLost)
    }
}

/// The cause in an error; `None` when it only repeats that the channel is not open.
fn meaning(kind: &ErrorKind) -> Option<BrokerError> {
    match kind {
        ErrorKind::ProtocolError(error) => Some(match error.kind() {
            AMQPErrorKind::Soft(_) => BrokerError::ChannelClosed { code: error.get_id(), text: error.get_message().to_string() },
            AMQPErrorKind::Hard(_) => BrokerError::ConnectionLost,
        }),
        ErrorKind::InvalidChannelState(..) | ErrorKind::InvalidConnectionState(_) | ErrorKind::InvalidChannel(_) => None,
        _ => Some(BrokerError::ConnectionLost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapin::protocol::{AMQPError, AMQPHardError, AMQPSoftError};

    fn error(kind: AMQPErrorKind, text: &str) -> lapin::Error {
        ErrorKind::ProtocolError(AMQPError::new(kind, text.into())).into()
    }

    #[test]
    fn a_soft_error_closes_the_channel_and_a_hard_one_the_connection() {
        let soft = error(AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED), "timed out");
        let closed = BrokerError::ChannelClosed { code: 406, text: "timed out".into() };
        assert_eq!(Failure::default().of(&soft), closed);
        let hard = error(AMQPErrorKind::Hard(AMQPHardError::CONNECTIONFORCED), "shutdown");
        assert_eq!(Failure::default().of(&hard), BrokerError::ConnectionLost);
    }

    #[test]
    fn the_first_cause_stays() {
        let failure = Failure::default();
        let closed = failure.of(&error(AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED), "timed out"));
        assert_eq!(failure.of(&ErrorKind::InvalidChannel(1).into()), closed);
        assert_eq!(failure.known(), closed);
    }
}
