//! What people do by default, and how long they take. No calendar: 24 hours a day.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A person's time for one thing: log-normal with the coefficient of variation [`People::VARIATION`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Mean before the cap.
    pub mean: Duration,
    /// Nobody takes longer.
    pub cap: Duration,
}

/// How long people think and work, how many there are, and what they like to do. Scenario time, unless the scenario is scaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct People {
    /// A customer, from creating an order to its model, uploaded or built. A partner's program sends the model at once.
    pub upload: Wait,
    /// A customer, from uploading to sending the order off. A partner's program takes a hundredth.
    pub submit: Wait,
    /// A seller approves an order: the whole time one seller is busy with it.
    pub seller: Wait,
    /// An operator at the bench: the only part of making a piece that keeps an operator busy.
    pub bench: Wait,
    /// From taking an order to its completion, bench time included.
    pub manufacturing: Wait,
    /// From completion to packaging.
    pub packaging: Wait,
    /// From packaging to shipping.
    pub shipping: Wait,
    /// A carrier, from shipping to the call-back that closes the order.
    pub carrier: Wait,
    /// A seller, from a delivery that no carrier called about to closing the order by hand.
    pub closing: Wait,
    /// A customer who wants to know how the order is, from one question to the next.
    pub asking: Wait,
    /// Sellers in the pool.
    pub sellers: u32,
    /// Operators in the pool.
    pub operators: u32,
    /// Share of customers who build their model in the constructor.
    pub constructor: f64,
    /// Share of customers who ask how their order is.
    pub askers: f64,
    /// Share of deliveries that the carrier does not call about.
    pub uncalled: f64,
    /// After a 5xx or a broken connection: how long until the same step is tried again.
    pub retry: Duration,
    /// Whoever closes an order, after a 409: how long until the next attempt.
    pub close_retry: Duration,
}

impl People {
    /// Coefficient of variation of every [`Wait`].
    pub const VARIATION: f64 = 0.5;
    /// How often a step is tried again after a 5xx or a broken connection.
    pub const RETRIES: u32 = 10;
    /// How often closing is tried again after a 409: for half an hour, by when the news of the shipping is due.
    pub const CLOSE_RETRIES: u32 = 6;
    /// How often a customer who wants to know asks.
    pub const QUESTIONS: u32 = 3;
    /// Share of customers who build their model, where a scenario says nothing.
    pub const CONSTRUCTOR: f64 = 0.25;
    /// Share of customers who ask, where a scenario says nothing.
    pub const ASKERS: f64 = 0.05;
    /// Share of deliveries that no carrier calls about, where a scenario says nothing.
    pub const UNCALLED: f64 = 0.05;
    /// How busy a pool is in calm: the two-fold reserve that the company plans with.
    pub const UTILISATION: f64 = 0.5;

    /// The defaults, with pools sized for a calm arrival rate in orders per second: utilisation 0.5, at least one person.
    #[must_use]
    pub fn for_rate(per_second: f64) -> Self {
        let mut people = Self {
            upload: wait(3 * MINUTE, 30 * MINUTE),
            submit: wait(10 * MINUTE, 100 * MINUTE),
            seller: wait(10 * MINUTE, HOUR),
            bench: wait(2 * HOUR, 8 * HOUR),
            manufacturing: wait(4 * DAY, 8 * DAY),
            packaging: wait(4 * HOUR, 12 * HOUR),
            shipping: wait(DAY, 2 * DAY),
            carrier: wait(3 * DAY, 6 * DAY),
            closing: wait(8 * HOUR, DAY),
            asking: wait(DAY, 3 * DAY),
            sellers: 1,
            operators: 1,
            constructor: Self::CONSTRUCTOR,
            askers: Self::ASKERS,
            uncalled: Self::UNCALLED,
            retry: Duration::from_secs(MINUTE),
            close_retry: Duration::from_secs(5 * MINUTE),
        };
        people.sellers = pool(per_second, people.seller.mean);
        people.operators = pool(per_second, people.bench.mean);
        people
    }

    /// The longest that all people together can take for one order that never waits for its turn.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let ordering = [self.upload, self.submit, self.seller];
        let making = [self.bench, self.manufacturing, self.packaging, self.shipping];
        let delivery = [self.carrier, self.closing];
        let thinking: Duration = ordering.into_iter().chain(making).chain(delivery).map(|step| step.cap).sum();
        thinking + self.retry * Self::RETRIES + self.close_retry * Self::CLOSE_RETRIES
    }
}

const fn wait(mean: u64, cap: u64) -> Wait {
    Wait { mean: Duration::from_secs(mean), cap: Duration::from_secs(cap) }
}

/// People in a pool that is busy half of the time.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates, and a rate is not negative")]
pub(crate) fn pool(per_second: f64, handling: Duration) -> u32 {
    ((per_second * handling.as_secs_f64() / People::UTILISATION).ceil() as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_half_busy_in_calm() {
        let people = People::for_rate(30.0 / 3600.0);
        assert_eq!((people.sellers, people.operators), (10, 120));
    }

    #[test]
    fn somebody_is_always_there() {
        let people = People::for_rate(0.0);
        assert_eq!((people.sellers, people.operators), (1, 1));
    }

    #[test]
    fn nobody_is_cut_off_before_their_mean() {
        let people = People::for_rate(1.0);
        let waits = [people.upload, people.submit, people.seller, people.bench, people.manufacturing, people.packaging];
        assert!(waits.iter().all(|wait| wait.mean < wait.cap));
    }
}
