//! JSON as it comes in.

use serde::de::{DeserializeOwned, Error as _};

/// Reads JSON. It is looked at once, as a whole, whether it is UTF-8, and not string by string.
///
/// # Errors
/// When it is no JSON, or JSON of another shape.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_str(str::from_utf8(body).map_err(serde_json::Error::custom)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_no_json() {
        assert_eq!(read::<Vec<u8>>(b"[1, 2]").unwrap(), [1, 2]);
        assert!(read::<String>(b"\"\xff\"").unwrap_err().to_string().contains("invalid utf-8"));
        assert!(read::<Vec<u8>>(b"[1").is_err());
    }
}
