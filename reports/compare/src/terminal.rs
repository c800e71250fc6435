//! A comparison on the terminal: what agrees in one line, what does not with its reason, the answer last.

use crate::{Comparison, Likeness, Row, Section};

/// The first column is as wide as its longest text, and no narrower than this.
const NARROWEST: usize = 34;
const SIDE: usize = 26;

/// The block of one comparison, without a line end behind its last line.
#[must_use]
pub fn block(comparison: &Comparison, colour: bool) -> String {
    let [a, b] = &comparison.runs;
    let scenarios = if a.scenario == b.scenario { a.scenario.clone() } else { format!("{} | {}", a.scenario, b.scenario) };
    let mut lines = vec![scenarios, format!("  A  {}", a.says()), format!("  B  {}", b.says())];
    let rows = comparison.sections.iter().flat_map(|section| &section.rows);
    let wide = rows.map(|row| row.what.chars().count()).max().unwrap_or_default().max(NARROWEST);
    for section in comparison.sections.iter().filter(|section| !section.rows.is_empty()) {
        lines.push(String::new());
        lines.extend(section_lines(section, wide, colour));
    }
    lines.push(String::new());
    lines.push(answer(comparison, colour));
    lines.join("\n")
}

fn section_lines(section: &Section, wide: usize, colour: bool) -> Vec<String> {
    let head = format!("  {:<width$} {:<SIDE$} B", section.title, "A", width = wide + 2);
    std::iter::once(head).chain(section.rows.iter().map(|row| line(row, wide, colour))).collect()
}

fn line(row: &Row, wide: usize, colour: bool) -> String {
    let mark = if row.differs.is_some() { "!" } else { " " };
    let why = [row.differs.as_deref().unwrap_or_default(), row.note.as_str()];
    let why = why.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
    let line = format!("{mark}   {:<wide$} {:<SIDE$} {:<SIDE$} {why}", row.what, row.a, row.b);
    paint(line.trim_end(), row.differs.is_some(), colour)
}

/// Whether the two agree, in a line.
#[must_use]
pub fn answer(comparison: &Comparison, colour: bool) -> String {
    let asked = match comparison.terms.likeness {
        Likeness::Same => "the same run again",
        Likeness::Alike => "other draws, another world or another build: the same kinds of things, times in bands that overlap",
    };
    match comparison.differences().count() {
        0 => format!("AGREE  {asked}"),
        1 => paint(&format!("DIFFER  in 1 thing ({asked})"), true, colour),
        several => paint(&format!("DIFFER  in {several} things ({asked})"), true, colour),
    }
}

/// A difference by itself, below the line of its run.
#[must_use]
pub fn difference(row: &Row, colour: bool) -> String {
    let why = row.differs.as_deref().unwrap_or_default();
    let sides = if row.a.is_empty() { String::new() } else { format!(": {} became {}", row.a, row.b) };
    paint(&format!("  {}{sides}  ({why})", row.what), true, colour)
}

fn paint(text: &str, differs: bool, colour: bool) -> String {
    if differs && colour { format!("\u{1b}[31m{text}\u{1b}[0m") } else { text.to_owned() }
}
