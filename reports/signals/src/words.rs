//! A dictionary: texts by number, numbers by text. A hash table whose order never shows.

use std::sync::Arc;

/// Texts, numbered in the order of appearance.
#[derive(Debug, Default)]
pub struct Words {
    texts: Vec<Arc<str>>,
    /// Open addressing: upper half the hash, lower half the number + 1; 0 is empty. A power of two long.
    slots: Vec<u64>,
}

impl Words {
    /// The number of a text that may be new.
    pub fn number(&mut self, text: &str) -> u32 {
        if self.texts.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = hash(text);
        match self.find(hash, text) {
            Ok(number) => number,
            Err(slot) => {
                self.texts.push(text.into());
                self.slots[slot] = entry(hash, self.texts.len());
                u32::try_from(self.texts.len() - 1).unwrap_or(u32::MAX)
            }
        }
    }

    /// The number of a text that is known.
    #[must_use]
    pub fn known(&self, text: &str) -> Option<u32> {
        if self.slots.is_empty() { None } else { self.find(hash(text), text).ok() }
    }

    /// The text with a number.
    #[must_use]
    pub fn text(&self, number: u32) -> Option<&Arc<str>> {
        self.texts.get(number as usize)
    }

    /// Whether a number stands for a text.
    #[must_use]
    pub fn is(&self, number: u32, text: &str) -> bool {
        self.text(number).is_some_and(|known| **known == *text)
    }

    /// All texts, in the order of their numbers.
    #[must_use]
    pub fn texts(&self) -> &[Arc<str>] {
        &self.texts
    }

    /// The text's number, or the free slot where it belongs.
    fn find(&self, hash: u64, text: &str) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = home(hash, mask);
        loop {
            let found = self.slots[slot];
            if found == 0 {
                return Err(slot);
            }
            let number = (found & 0xffff_ffff) as u32 - 1;
            if found >> 32 == hash >> 32 && *self.texts[number as usize] == *text {
                return Ok(number);
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        self.slots = vec![0; (self.slots.len() * 2).max(256)];
        let mask = self.slots.len() - 1;
        for (at, text) in self.texts.iter().enumerate() {
            let hash = hash(text);
            let mut slot = home(hash, mask);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = entry(hash, at + 1);
        }
    }
}

/// Eight bytes a step: keys and names are longer than a hash by bytes likes.
fn hash(text: &str) -> u64 {
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let start = text.len() as u64;
    let step = |hash: u64, word: u64| (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let hash = words.iter().fold(start, |hash, word| step(hash, u64::from_le_bytes(*word)));
    let hash = step(hash, u64::from_le_bytes(last));
    hash ^ (hash >> 29)
}

fn home(hash: u64, mask: usize) -> usize {
    (hash >> 20) as usize & mask
}

fn entry(hash: u64, number: usize) -> u64 {
    (hash & 0xffff_ffff_0000_0000) | number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_keeps_its_number() {
        let mut words = Words::default();
        assert_eq!(words.known("w0"), None);
        for round in 0..2 {
            for n in 0..5_000 {
                assert_eq!(words.number(&format!("w{n}")), n, "{round}");
            }
        }
        assert_eq!(words.known("w77"), Some(77));
        assert_eq!(words.text(77).map(|text| &**text), Some("w77"));
        assert_eq!((words.known("w5000"), words.text(5_000)), (None, None));
    }
}
