//! The detector from the outside: spans and log records in, findings out.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod behind;
mod blurred;
mod broker;
mod deadlines;
mod duplicates;
mod logs;
mod losses;
mod oracle;
mod overwritten;
mod parked;
mod phantom;
mod spent;
mod starved;
mod stream;
mod testimony;
mod trace;
mod unaware;
