//! A time in which the broker was away, and what it took of a message that is nowhere.

use faults::{End, MessageFate, Outcome};

/// The broker was away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// From when on it took nothing more, nanoseconds since the Unix epoch: when it was dead, or began to stop.
    pub from_ns: u64,
    /// When it was started again, nanoseconds since the Unix epoch; `None`: it was not.
    pub until_ns: Option<u64>,
}

impl Outage {
    /// How and when a message ended that no queue holds, by what was last heard of it: an outage of the broker (oldest first)
    /// took it, the one of that moment or the next.
    #[must_use]
    pub(super) fn end(outages: &[Self], fate: &MessageFate) -> (End, u64) {
        let last_sign = fate.end_ns;
        let took = outages.iter().find(|outage| outage.until_ns.is_none_or(|until_ns| last_sign < until_ns));
        let Some(outage) = took else { return (End::Lost, last_sign) };
        // A publisher without confirms writes as long as its socket takes it: what it wrote to a broker that was gone came nowhere.
        let unheard = last_sign >= outage.from_ns && fate.sent == Outcome::Written && fate.deliveries.is_empty();
        (if unheard { End::NotSent } else { End::Lost }, last_sign.max(outage.from_ns))
    }
}

#[cfg(test)]
mod tests {
    use faults::Handover;

    use super::*;

    const OUTAGES: [Outage; 2] = [Outage { from_ns: 25, until_ns: Some(40) }, Outage { from_ns: 60, until_ns: None }];

    fn last_heard_of(at_ns: u64, sent: Outcome) -> MessageFate {
        MessageFate {
            message_id: "m-1".into(),
            event_id: "e-1".into(),
            order_id: "o-1".into(),
            routing_key: "order.submitted".into(),
            from: "crm-api".into(),
            published_ns: at_ns,
            sent,
            deliveries: Vec::new(),
            end: End::Ready,
            end_ns: at_ns,
        }
    }

    #[test]
    fn what_waited_went_with_the_next_outage() {
        let ends = [10, 50].map(|at_ns| Outage::end(&OUTAGES, &last_heard_of(at_ns, Outcome::Written)));
        assert_eq!(ends, [(End::Lost, 25), (End::Lost, 60)]);
        assert_eq!(Outage::end(&OUTAGES[..1], &last_heard_of(50, Outcome::Written)), (End::Lost, 50));
    }

    #[test]
    fn what_was_written_while_the_broker_was_away_came_nowhere_and_no_later_outage_is_charged_with_it() {
        let ends = [25, 39, 70].map(|at_ns| Outage::end(&OUTAGES, &last_heard_of(at_ns, Outcome::Written)));
        assert_eq!(ends, [(End::NotSent, 25), (End::NotSent, 39), (End::NotSent, 70)]);
    }

    #[test]
    fn what_the_broker_had_confirmed_or_handed_out_it_had() {
        assert_eq!(Outage::end(&OUTAGES, &last_heard_of(30, Outcome::Confirmed)), (End::Lost, 30));
        let handed = Handover { at_ns: 24, node: "mes-api-1.1".into(), redelivered: false };
        let handed = MessageFate { deliveries: vec![handed], ..last_heard_of(30, Outcome::Written) };
        assert_eq!(Outage::end(&OUTAGES, &handed), (End::Lost, 30));
    }
}
