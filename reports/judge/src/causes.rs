//! Whether the cause that a finding names is what happened, as far as the ledger can say.

use faults::End;
use scenarios::truth::Proof;

/// Whether a cause is the true one. `None`: the ledger holds nothing that would prove or refute it.
#[must_use]
pub(crate) fn is_true(cause: &str, proof: &Proof) -> Option<bool> {
    let ends = |holds: fn(&[End]) -> bool| proof.ends.as_deref().map(holds);
    match cause {
        "not_published" => ends(<[End]>::is_empty),
        // Without a connection there is not even a message.
        "broker_away" => ends(|ends| ends.iter().all(|end| *end == End::NotSent)),
        // A full queue has told its publisher so.
        "publish_failed" => ends(|ends| ends.iter().all(|end| matches!(end, End::NotSent | End::Refused))),
        "never_queued" | "never_reached_broker" => ends(|ends| ends.contains(&End::NotSent)),
        // In its queue or on its way there.
        "gone_with_broker" => ends(|ends| ends.iter().any(|end| matches!(end, End::Lost | End::NotSent))),
        "lost_from_queue" | "lost_unacked" => ends(|ends| ends.contains(&End::Lost)),
        "unroutable" => ends(|ends| ends.contains(&End::Unroutable)),
        "acked_unprocessed" => ends(|ends| ends.contains(&End::Acked)),
        "dead_lettered" => ends(|ends| ends.contains(&End::Parked)),
        "redelivered" => Some(proof.redelivered),
        "published_twice" => Some(proof.published_again),
        "phantom" => Some(proof.phantom),
        "lost_update" => Some(proof.update_lost),
        "network" => proof.call_hit,
        "never_started" => Some(!proof.calculation_begun),
        "work_never_ended" => Some(proof.calculation_begun),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(ends: &[End]) -> Proof {
        Proof { ends: Some(ends.to_vec()), ..Proof::default() }
    }

    #[test]
    fn a_cause_is_held_against_what_became_of_the_messages_at_its_hop() {
        assert_eq!(is_true("not_published", &proof(&[])), Some(true));
        assert_eq!(is_true("not_published", &proof(&[End::Lost])), Some(false));
        assert_eq!(is_true("lost_from_queue", &proof(&[End::Lost])), Some(true));
        assert_eq!(is_true("lost_from_queue", &proof(&[End::Acked])), Some(false));
        assert_eq!(is_true("publish_failed", &proof(&[End::NotSent, End::Acked])), Some(false));
        assert_eq!(is_true("publish_failed", &proof(&[End::Refused])), Some(true));
    }

    #[test]
    fn what_the_ledger_does_not_hold_is_neither_right_nor_wrong() {
        assert_eq!(is_true("waiting_for_person", &proof(&[])), None);
        assert_eq!(is_true("unroutable", &Proof::default()), None);
    }

    #[test]
    fn where_nobody_knows_whom_calls_were_about_the_network_is_neither_right_nor_wrong() {
        let hit = |call_hit| is_true("network", &Proof { call_hit, ..Proof::default() });
        assert_eq!([hit(None), hit(Some(false)), hit(Some(true))], [None, Some(false), Some(true)]);
    }

    #[test]
    fn every_word_for_a_cause_is_one_of_the_detectors() {
        let known = |word: &str| detector::CAUSES.iter().any(|cause| cause.name == word);
        for word in ["not_published", "publish_failed", "broker_away", "never_queued", "never_reached_broker", "gone_with_broker"]
        {
            assert!(known(word), "{word}");
        }
        for word in ["lost_from_queue", "lost_unacked", "unroutable", "acked_unprocessed", "dead_lettered", "redelivered"] {
            assert!(known(word), "{word}");
        }
        for word in ["published_twice", "lost_update", "phantom", "network", "never_started", "work_never_ended"] {
            assert!(known(word), "{word}");
        }
    }
}
