//! Two runs side by side, row by row.

use crate::{Run, Summary, Terms, classes, faults, figures, hops, orders, summary::Which, times};

/// Two runs side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Which runs.
    pub runs: [Which; 2],
    /// What was asked of them.
    pub terms: Terms,
    /// What there is to see, by subject.
    pub sections: Vec<Section>,
}

/// The rows of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The subject.
    pub title: &'static str,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// One thing in both runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What.
    pub what: String,
    /// In the first run.
    pub a: String,
    /// In the second one.
    pub b: String,
    /// Why the two differ by more than they may; `None`: they agree.
    pub differs: Option<String>,
    /// What else there is to say.
    pub note: String,
}

impl Row {
    pub(crate) fn new(what: impl Into<String>, a: impl Into<String>, b: impl Into<String>) -> Self {
        Self { what: what.into(), a: a.into(), b: b.into(), differs: None, note: String::new() }
    }

    pub(crate) fn noting(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    pub(crate) fn differs_if(self, differs: bool, why: impl FnOnce() -> String) -> Self {
        Self { differs: differs.then(why), ..self }
    }
}

impl Comparison {
    /// Of two runs in short, `a` being what is expected.
    #[must_use]
    pub fn of_summaries(a: &Summary, b: &Summary, tolerance: f64) -> Self {
        let terms = Terms::of(&a.which, &b.which, tolerance);
        let section = |title, rows| Section { title, rows };
        let sections = vec![
            section("outcome", figures::rows(a, b)),
            section("bad orders", classes::rows(&a.classes, &b.classes, terms.likeness)),
            section("faults", faults::rows(&a.faults, &b.faults, terms.likeness)),
            section("hops", hops::rows(&a.hops, &b.hops, terms.likeness)),
            section("times", times::rows(&a.times, &b.times, terms)),
        ];
        Self { runs: [a.which.clone(), b.which.clone()], terms, sections }
    }

    /// Of two runs with all their bad orders.
    #[must_use]
    pub fn of_runs(a: &Run, b: &Run, tolerance: f64) -> Self {
        let mut comparison = Self::of_summaries(&a.summary(), &b.summary(), tolerance);
        let rows = orders::rows(&a.bad, &b.bad, comparison.terms.likeness);
        comparison.sections.push(Section { title: "single orders", rows });
        comparison
    }

    /// Whatever differs by more than it may.
    pub fn differences(&self) -> impl Iterator<Item = &Row> {
        self.sections.iter().flat_map(|section| &section.rows).filter(|row| row.differs.is_some())
    }

    /// Nothing differs by more than it may.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.differences().next().is_none()
    }
}
