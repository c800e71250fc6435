//! Keyed randomness: `H(seed, purpose, entity, n)`, never one shared sequence.
//!
//! Adding a fault or a span must not shift the load, so no two draws depend on each other's order. The hash is SplitMix64's
//! finaliser (Steele, Lea, Flood 2014) over FNV-1a of the names; the transcendental functions come from `libm`, whose
//! software results are the same on every platform.

use std::time::Duration;

/// A stream of draws that belongs to one purpose and one entity.
#[derive(Clone, Debug)]
pub struct Random {
    key: u64,
    n: u64,
}

/// Mixes 64 bits so that each input bit reaches each output bit.
#[must_use]
pub const fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A stable hash of a name (FNV-1a, 64 bits).
#[must_use]
pub const fn name(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0100_0000_01b3);
        i += 1;
    }
    hash
}

impl Random {
    /// The stream for one purpose and entity under a seed.
    #[must_use]
    pub fn new(seed: u64, purpose: &str, entity: &str) -> Self {
        Self { key: mix(mix(seed ^ name(purpose)) ^ name(entity)), n: 0 }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.n += 1;
        mix(self.key ^ mix(self.n))
    }

    /// Uniform in `[0, 1)`, with 53 bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `0..n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        u64::try_from((u128::from(self.bits()) * u128::from(n)) >> 64).unwrap_or(0)
    }

    /// Exponential with a mean: the gap between arrivals that do not know of each other. Whole milliseconds.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        let unit = 1.0 - self.unit();
        whole_millis(mean.as_secs_f64() * -libm::log(unit))
    }

    /// Log-normal with a mean (before the cap) and a coefficient of variation, cut off at `cap`. Whole milliseconds.
    ///
    /// Service times of people and of calculations are skewed like this: many short, a few very long.
    pub fn log_normal(&mut self, mean: Duration, variation: f64, cap: Duration) -> Duration {
        // sigma^2 = ln(1 + cv^2), mu = ln(mean) - sigma^2 / 2.
        let sigma = libm::sqrt(libm::log(1.0 + variation * variation));
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        let normal = radius * libm::cos(2.0 * core::f64::consts::PI * self.unit());
        let value = mean.as_secs_f64() * libm::exp(sigma * normal - sigma * sigma / 2.0);
        whole_millis(value.min(cap.as_secs_f64()))
    }
}

/// Model durations are whole milliseconds, at least one, so that tokio's timer wheel can run them too.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "non-negative and far below 2^63 ms")]
fn whole_millis(seconds: f64) -> Duration {
    Duration::from_millis(((seconds * 1000.0) as u64).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_its_key_alone() {
        let draw = |seed, purpose, entity| Random::new(seed, purpose, entity).bits();
        assert_eq!(draw(1, "load", "a"), draw(1, "load", "a"));
        assert_ne!(draw(1, "load", "a"), draw(2, "load", "a"));
        assert_ne!(draw(1, "load", "a"), draw(1, "fault", "a"));
        assert_ne!(draw(1, "load", "a"), draw(1, "load", "b"));
    }

    #[test]
    fn log_normal_keeps_its_mean_and_its_cap() {
        let mut random = Random::new(7, "pricing", "");
        let cap = Duration::from_secs(1800);
        let draws: Vec<_> = (0..20_000).map(|_| random.log_normal(Duration::from_secs(150), 1.0, cap)).collect();
        let mean = draws.iter().map(Duration::as_secs_f64).sum::<f64>() / 20_000.0;
        assert!((140.0..160.0).contains(&mean), "mean {mean}");
        assert!(draws.iter().all(|draw| *draw <= cap));
    }

    #[test]
    fn exponential_keeps_its_mean() {
        let mut random = Random::new(7, "load", "");
        let mean = (0..20_000).map(|_| random.exponential(Duration::from_secs(10)).as_secs_f64()).sum::<f64>() / 20_000.0;
        assert!((9.7..10.3).contains(&mean), "mean {mean}");
    }
}
