//! The detector from the outside: spans in, findings out.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod broker;
mod deadlines;
mod duplicates;
mod losses;
mod oracle;
mod stream;
mod testimony;
mod trace;
