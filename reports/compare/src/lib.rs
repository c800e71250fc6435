//! Two runs side by side: what became of the orders, what the faults did, how long things took, and whether the two agree.
//!
//! It reads what runs left behind and knows no world. In reading order: [`run`] reads a run's folder, [`summary`] is what of it a
//! comparison looks at, [`terms`] says how alike two runs have to be, [`rows`] puts them side by side, [`terminal`] prints that.
//! [`baseline`] keeps summaries in one file, for a gate; [`worlds`] holds a real run against many simulated ones, and
//! [`aims`] its faults against those of the same seed.

pub mod aims;
pub mod baseline;
pub mod rows;
pub mod run;
pub mod summary;
pub mod terminal;
pub mod terms;
pub mod worlds;

mod classes;
mod faults;
mod figures;
mod hops;
mod orders;
mod times;

pub use aims::Aims;
pub use baseline::Baseline;
pub use rows::{Comparison, Row, Section};
pub use run::{ReadError, Run};
pub use summary::Summary;
pub use terms::{Likeness, Terms};
