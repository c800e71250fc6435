//! What the parts of a real stack used of the machine: nothing where there was no stack.

use judge::{
    report::{PartRow, Report},
    words,
};
use maud::{Markup, html};

/// Size of a part's course, pixels.
const WIDE: f64 = 220.0;
const HIGH: f64 = 26.0;
const MEBIBYTE: f64 = 1_048_576.0;

pub(super) fn section(report: &Report) -> Markup {
    let busiest = report.parts.iter().filter_map(|row| row.cpu_peak).fold(0.0, f64::max);
    html! {
        @if !report.parts.is_empty() {
            section id="parts" {
                h2 { "What the parts used" }
                p class="lead" {
                    "Processor and memory of each container, and of the harness, by the clock on the wall. All courses have one scale; "
                    "the highest is " (words::decimals(busiest)) " cores."
                }
                div class="scroll" tabindex="0" role="region" aria-label="What the parts used" {
                    table {
                        thead {
                            tr {
                                th scope="col" { "Part" } th scope="col" { "Processor over the run" }
                                th scope="col" class="num" { "Cores" br; small { "mean" } } th scope="col" class="num" { "Cores" br; small { "peak" } }
                                th scope="col" class="num" { "Memory" br; small { "peak, MiB" } }
                            }
                        }
                        tbody { @for row in &report.parts { (part(row, busiest)) } }
                    }
                }
            }
        }
    }
}

fn part(row: &PartRow, busiest: f64) -> Markup {
    let cores = |cores: Option<f64>| cores.map_or_else(|| "–".to_owned(), |cores| format!("{cores:.2}"));
    html! {
        tr {
            th scope="row" { (row.part) @if row.shared { " " small { "shared with other runs" } } }
            td { (course(row, busiest)) }
            td class="num" { (cores(row.cpu_mean)) }
            td class="num" { (cores(row.cpu_peak)) }
            td class="num" { (mebibytes(row.memory_peak_bytes)) }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number to look at")]
fn mebibytes(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / MEBIBYTE)
}

/// How busy it was over the run.
fn course(row: &PartRow, busiest: f64) -> Markup {
    let (Some(first), Some(last)) = (row.course.first(), row.course.last()) else { return html! { "–" } };
    let (from, span) = (first.at_s, (last.at_s - first.at_s).max(f64::EPSILON));
    let high = |cpu: f64| HIGH - cpu / busiest.max(f64::EPSILON) * (HIGH - 1.0);
    let line = row.course.iter().map(|at| format!("{:.1},{:.1}", (at.at_s - from) / span * WIDE, high(at.cpu)));
    let line: Vec<String> = line.collect();
    html! {
        svg class="course" width=(WIDE) height=(HIGH) viewBox={ "0 0 " (WIDE) " " (HIGH) } role="img" aria-label={ "processor of " (row.part) " over the run" } {
            line class="floor" x1="0" x2=(WIDE) y1=(HIGH) y2=(HIGH) {}
            polyline points=(line.join(" ")) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use judge::report::PartPoint;

    use super::*;

    #[test]
    fn a_course_fills_its_width_and_the_busiest_part_its_height() {
        let shown = |cpu: f64| {
            let points = [0.0, 10.0].map(|at_s| PartPoint { at_s, cpu, memory_bytes: 1 }).to_vec();
            course(&PartRow { part: "mes-api".into(), course: points, ..PartRow::default() }, 2.0).into_string()
        };
        assert!(shown(2.0).contains("points=\"0.0,1.0 220.0,1.0\""), "{}", shown(2.0));
        assert!(shown(0.0).contains("points=\"0.0,26.0 220.0,26.0\""), "{}", shown(0.0));
    }

    #[test]
    fn the_way_to_the_section_is_there_where_the_section_is() {
        let mut report = judge::judge(judge::sample::calm_week()).report;
        let both = |report: &Report| {
            let page = crate::html(report, &[]);
            (page.contains("href=\"#parts\""), page.contains("id=\"parts\""))
        };
        assert_eq!(both(&report), (false, false));
        report.parts.push(PartRow { part: "mes".into(), ..PartRow::default() });
        assert_eq!(both(&report), (true, true));
    }

    #[test]
    fn a_part_that_was_looked_at_once_has_no_course() {
        let row = PartRow { part: "mes".into(), memory_peak_bytes: 3 << 20, ..PartRow::default() };
        let shown = part(&row, 0.0).into_string();
        assert!(shown.contains('–') && shown.contains(">3<"), "{shown}");
    }
}
