//! Finds numbers by the hash of what they stand for. It keeps no keys: the caller knows what a number stands for, and
//! nothing here is ever walked through, so no order depends on the hash.

use world::{random::mix, store::Value};

/// An open-addressing table of 32-bit hashes and numbers.
#[derive(Default)]
pub(super) struct Hashed {
    buckets: Vec<(u32, u32)>,
    taken: usize,
}

/// Nothing was ever here.
const EMPTY: u32 = u32::MAX;
/// Something was here.
const GONE: u32 = u32::MAX - 1;

/// A hash of values, the same on every machine.
pub(super) fn hash<'a>(values: impl Iterator<Item = &'a Value>) -> u32 {
    let mut hash = 0u64;
    for value in values {
        hash = mix(match value {
            Value::Null => hash,
            Value::Int(number) => hash ^ number.cast_unsigned().wrapping_add(1),
            Value::Text(text) => bytes(hash, text.as_bytes()),
        });
    }
    u32::try_from(hash >> 32).unwrap_or(0)
}

/// Eight bytes at a time; what is left over is filled up with zeros.
fn bytes(hash: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let hash = words.iter().fold(hash ^ bytes.len() as u64, |hash, word| mix(hash ^ u64::from_le_bytes(*word)));
    hash ^ u64::from_le_bytes(last)
}

impl Hashed {
    /// The number with this hash that the caller says is the one.
    pub(super) fn find(&self, hash: u32, is: impl Fn(u32) -> bool) -> Option<u32> {
        self.position(hash, is).map(|at| self.buckets[at].1)
    }

    fn position(&self, hash: u32, is: impl Fn(u32) -> bool) -> Option<usize> {
        let mask = self.buckets.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            match self.buckets[at] {
                (_, EMPTY) => return None,
                (other, number) if other == hash && number != GONE && is(number) => return Some(at),
                _ => at = (at + 1) & mask,
            }
        }
    }

    /// Adds a number that is not there yet.
    pub(super) fn insert(&mut self, hash: u32, number: u32) {
        if (self.taken + 1) * 4 > self.buckets.len() * 3 {
            self.grow();
        }
        self.taken += 1;
        self.put(hash, number);
    }

    fn put(&mut self, hash: u32, number: u32) {
        let mask = self.buckets.len() - 1;
        let mut at = hash as usize & mask;
        while self.buckets[at].1 != EMPTY {
            at = (at + 1) & mask;
        }
        self.buckets[at] = (hash, number);
    }

    fn grow(&mut self) {
        let there = std::mem::take(&mut self.buckets).into_iter().filter(|(_, number)| *number < GONE);
        let there: Vec<_> = there.collect();
        self.taken = there.len();
        self.buckets = vec![(0, EMPTY); (there.len() * 2).next_power_of_two().max(16)];
        for (hash, number) in there {
            self.put(hash, number);
        }
    }

    /// Takes a number out.
    pub(super) fn remove(&mut self, hash: u32, number: u32) {
        if let Some(at) = self.position(hash, |other| other == number) {
            self.buckets[at].1 = GONE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_until_it_is_taken_out() {
        let mut table = Hashed::default();
        // Few hashes, so that many collide.
        let hash = |number: u32| number % 7;
        for round in 0..3 {
            for number in 0..200 {
                table.insert(hash(number), number);
            }
            for number in 0..200 {
                assert_eq!(table.find(hash(number), |other| other == number), Some(number), "round {round}");
                assert_eq!(table.find(hash(number), |other| other == number + 200), None);
            }
            for number in 0..200 {
                table.remove(hash(number), number);
                assert_eq!(table.find(hash(number), |other| other == number), None);
            }
        }
        assert!(table.buckets.len() <= 1024, "places are used again");
    }

    #[test]
    fn values_that_differ_hardly_share_a_hash() {
        let text = |n: i64| Value::text(&format!("o-shop-api-1.1-{n}"));
        let mut hashes: Vec<u32> =
            (0..20_000).flat_map(|n| [hash([&text(n)].into_iter()), hash([&Value::Int(n)].into_iter())]).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert!(hashes.len() > 39_990, "{}", hashes.len());
    }
}
