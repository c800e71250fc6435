//! The online constructor: from a few choices to a 3D model, as ASCII STL.
//!
//! Eight straight pieces make a band. The same choices are the same model, so each is made once.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    ops::RangeInclusive,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use chassis::Refusal;
use contracts::request::{Design, Shape};

/// The corners of an octagon on a circle of radius 1, in thousandths.
const CORNERS: [(i64, i64); 8] =
    [(1000, 0), (707, 707), (0, 1000), (-707, 707), (-1000, 0), (-707, -707), (0, -1000), (707, -707)];

/// Which inner diameters a piece can have, and how thick and how high its band is: millimetres.
const fn measures(shape: Shape) -> (RangeInclusive<u16>, u16, u16) {
    match shape {
        Shape::Ring => (12..=24, 2, 4),
        Shape::Bracelet => (50..=80, 3, 8),
        Shape::Pendant => (8..=40, 1, 1),
    }
}

/// The model of a design.
///
/// # Errors
/// [`Refusal::Invalid`] when nobody can make it.
pub(crate) fn model(design: Design) -> Result<Bytes, Refusal> {
    static MADE: Mutex<BTreeMap<Design, Bytes>> = Mutex::new(BTreeMap::new());
    let (diameters, thick, high) = measures(design.shape);
    if !diameters.contains(&design.diameter_mm) {
        let (least, most) = diameters.into_inner();
        return Err(Refusal::Invalid(format!("diameter_mm is {}, expected {least} to {most}", design.diameter_mm)));
    }
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(made.entry(design).or_insert_with(|| band(design.diameter_mm, thick, high).into()).clone())
}

/// A band: inner wall, outer wall, bottom and top, each of eight quads.
fn band(inner_diameter: u16, thick: u16, high: u16) -> String {
    // Micrometres, so that everything is a whole number.
    let (inner, outer) = (i64::from(inner_diameter) * 500, i64::from(inner_diameter) * 500 + i64::from(thick) * 1000);
    let (bottom, top) = (0, i64::from(high) * 1000);
    let at = |corner: usize, radius: i64, z: i64| {
        let (x, y) = CORNERS[corner % CORNERS.len()];
        (x * radius / 1000, y * radius / 1000, z)
    };
    let mut stl = String::from("solid constructed\n");
    for from in 0..CORNERS.len() {
        let to = from + 1;
        let quads = [
            [at(from, outer, bottom), at(to, outer, bottom), at(to, outer, top), at(from, outer, top)],
            [at(to, inner, bottom), at(from, inner, bottom), at(from, inner, top), at(to, inner, top)],
            [at(from, inner, top), at(from, outer, top), at(to, outer, top), at(to, inner, top)],
            [at(to, inner, bottom), at(to, outer, bottom), at(from, outer, bottom), at(from, inner, bottom)],
        ];
        for [a, b, c, d] in quads {
            facet(&mut stl, [a, b, c]);
            facet(&mut stl, [a, c, d]);
        }
    }
    stl.push_str("endsolid constructed\n");
    stl
}

/// One triangle; whoever reads it works its normal out from the order of the corners.
fn facet(stl: &mut String, corners: [(i64, i64, i64); 3]) {
    stl.push_str("facet normal 0 0 0\nouter loop\n");
    for (x, y, z) in corners {
        let _ = writeln!(stl, "vertex {} {} {}", millimetres(x), millimetres(y), millimetres(z));
    }
    stl.push_str("endloop\nendfacet\n");
}

fn millimetres(micrometres: i64) -> String {
    let sign = if micrometres < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", micrometres.abs() / 1000, micrometres.abs() % 1000)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_model_is_a_closed_surface() {
        for shape in Shape::ALL {
            let design = Design { shape, diameter_mm: *measures(shape).0.start() };
            let model = model(design).unwrap();
            let text = std::str::from_utf8(&model).unwrap();
            assert!(text.starts_with("solid ") && text.ends_with("endsolid constructed\n"));
            let vertices: Vec<&str> = text.lines().filter(|line| line.starts_with("vertex ")).collect();
            assert_eq!(vertices.len(), 8 * 4 * 2 * 3);
            // Each edge is passed once in each direction.
            let mut edges: BTreeMap<(&str, &str), i32> = BTreeMap::new();
            for corners in vertices.chunks(3) {
                for (from, to) in [(0, 1), (1, 2), (2, 0)] {
                    *edges.entry((corners[from], corners[to])).or_default() += 1;
                }
            }
            assert!(edges.iter().all(|((from, to), times)| *times == 1 && edges.get(&(to, from)) == Some(&1)), "{shape:?}");
        }
    }

    #[test]
    fn a_piece_has_a_size_that_somebody_can_wear() {
        let model = |diameter_mm| model(Design { shape: Shape::Ring, diameter_mm });
        assert!(model(12).is_ok() && model(24).is_ok());
        for wrong in [11, 25] {
            assert_eq!(model(wrong), Err(Refusal::Invalid(format!("diameter_mm is {wrong}, expected 12 to 24"))));
        }
        assert_eq!(millimetres(-4_242), "-4.242");
    }
}
