//! The 3D models that people have: ASCII STL of any size, of whose content nothing but its size matters here.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::language::recording::LARGEST_MODEL;

/// The model of everybody whose model's size nobody has recorded.
pub(crate) const MODEL: &str = "solid ring\nendsolid ring\n";

/// The largest model, made when the first one is needed: all others are the beginning of it.
static LARGEST: OnceLock<Bytes> = OnceLock::new();

/// A model of a size.
pub(crate) fn of(bytes: Option<u32>) -> Bytes {
    let Some(bytes) = bytes else { return Bytes::from_static(MODEL.as_bytes()) };
    let largest = LARGEST.get_or_init(|| {
        let mut largest = b"solid ring\n".to_vec();
        largest.resize(LARGEST_MODEL as usize, b' ');
        largest.into()
    });
    largest.slice(..bytes as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_has_the_size_that_was_recorded_and_is_text() {
        for bytes in [1, 10, 11, 1_000_000, LARGEST_MODEL] {
            let model = of(Some(bytes));
            assert_eq!(model.len(), bytes as usize);
            assert!(std::str::from_utf8(&model).unwrap().starts_with(&"solid ring"[..model.len().min(10)]));
        }
        assert_eq!(of(None), MODEL);
    }
}
