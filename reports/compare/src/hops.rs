//! Which hops orders passed.

use judge::{ordered::Ordered, words};

use crate::{Likeness, Row};

/// Only the hops that differ, behind one row that counts them all: most runs pass the same two dozen.
pub(crate) fn rows(a: &Ordered<u64>, b: &Ordered<u64>, likeness: Likeness) -> Vec<Row> {
    let passed = |hops: &Ordered<u64>| hops.0.iter().filter(|(_, orders)| *orders > 0).count() as u64;
    let only_b = b.0.iter().filter(|(hop, _)| a.get(hop).is_none());
    let names = a.0.iter().chain(only_b).map(|(hop, _)| hop);
    let differing = names.filter_map(|hop| {
        let [a, b] = [a, b].map(|hops| hops.get(hop).copied().unwrap_or_default());
        let why = match likeness {
            Likeness::Same if a != b => "another number of orders came to it",
            Likeness::Alike if (a == 0) != (b == 0) => "orders came to it in one of them alone",
            _ => return None,
        };
        Some(Row::new(hop, words::count(a), words::count(b)).differs_if(true, || why.to_owned()))
    });
    let all = Row::new("hops that orders came to", words::count(passed(a)), words::count(passed(b)));
    std::iter::once(all).chain(differing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hop_that_one_run_alone_passes_is_a_difference() {
        let hops = |orders: [u64; 2]| -> Ordered<u64> {
            ["order.submitted transit", "pricing work"].map(str::to_owned).into_iter().zip(orders).collect()
        };
        let found = |likeness| rows(&hops([5, 0]), &hops([4, 4]), likeness).len() - 1;
        assert_eq!((found(Likeness::Alike), found(Likeness::Same)), (1, 2));
        assert_eq!(rows(&hops([5, 5]), &hops([5, 5]), Likeness::Same).len(), 1);
    }
}
