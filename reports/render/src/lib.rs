//! Shows a judged run to people: on a terminal, and as one HTML file.
//!
//! Nothing is computed here that the report does not say: `report.json` and `bad-orders.jsonl` are enough to draw everything
//! again. No clock, machine or path gets in unless the caller hands it over for the terminal.

pub mod files;
pub mod html;
pub mod junit;
pub mod summary;
pub mod terminal;

pub use files::{bad_orders_jsonl, report_json};
pub use html::html;
pub use summary::summary;
pub use terminal::{Screen, terminal};
