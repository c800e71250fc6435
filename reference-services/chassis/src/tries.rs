//! How often it is tried to change a row that others write too.

use crate::Refusal;

/// Whoever was always too late gives up after so many tries.
const MOST: u32 = 3;

/// The tries at one change so far.
#[derive(Debug, Default)]
pub struct Tries(u32);

impl Tries {
    /// Whether there was none.
    #[must_use]
    pub const fn none(&self) -> bool {
        self.0 == 0
    }

    /// Counts a try, and says whether its outcome stands: else somebody was quicker, and it is tried once more.
    pub fn over<T>(&mut self, outcome: &Result<T, Refusal>) -> bool {
        self.0 += 1;
        !(self.0 < MOST && outcome.as_ref().is_err_and(Refusal::overtaken))
    }
}

#[cfg(test)]
mod tests {
    use world::store::StoreError;

    use super::*;

    #[test]
    fn who_is_overtaken_tries_three_times_and_whoever_is_refused_once() {
        let overtaken: Result<(), _> = Err(Refusal::Store(StoreError::Conflict));
        let mut tries = Tries::default();
        assert!(tries.none());
        assert_eq!([tries.over(&overtaken), tries.over(&overtaken), tries.over(&overtaken)], [false, false, true]);
        assert!(!tries.none());
        assert!(Tries::default().over(&Ok(())));
        assert!(Tries::default().over::<()>(&Err(Refusal::UnknownOrder("o-1".into()))));
    }
}
