//! What became of the bad orders, and what the telemetry says of them.

use std::collections::BTreeMap;

use judge::words;

use crate::{
    Likeness, Row,
    summary::{Class, at},
};

/// A class of orders in both runs.
type Both<'a> = [Option<&'a Class>; 2];

pub(crate) fn rows(a: &[Class], b: &[Class], likeness: Likeness) -> Vec<Row> {
    let mut by_name: BTreeMap<(&str, Option<&str>, &str), Both<'_>> = BTreeMap::new();
    for (run, classes) in [a, b].into_iter().enumerate() {
        for class in classes {
            by_name.entry((&class.fate, class.hop.as_deref(), &class.client)).or_default()[run] = Some(class);
        }
    }
    // With other draws a kind of client can be spared by chance: what has to happen in both is the fate at the hop.
    let in_both = |fate: &str, hop: Option<&str>| {
        [a, b].iter().all(|classes| classes.iter().any(|class| class.fate == fate && class.hop.as_deref() == hop))
    };
    let of = |((fate, hop, client), both): ((&str, Option<&str>, &str), Both<'_>)| {
        let [a, b] = both.map(|class| class.map_or(0, |class| class.orders));
        let row = Row::new(format!("{client}  {}", at(fate, hop)), words::count(a), words::count(b));
        let (note, same_words) = said(both);
        let why = match likeness {
            Likeness::Same if a != b => Some("another number of orders".to_owned()),
            Likeness::Same if !same_words => Some("the traces say something else of them".to_owned()),
            Likeness::Alike if !in_both(fate, hop) => Some("in one of them alone".to_owned()),
            _ => None,
        };
        Row { differs: why, ..row.noting(note) }
    };
    by_name.into_iter().map(of).collect()
}

/// What the telemetry says of a class where that is not the truth alone, and whether it says the same in both runs.
fn said(both: Both<'_>) -> (String, bool) {
    let words = both.map(|class| class.map_or_else(String::new, other_words));
    let same = match both {
        [Some(a), Some(b)] => a.said == b.said,
        _ => true,
    };
    let note = match &words {
        [a, b] if a == b => a.clone(),
        [a, b] => format!("{} | {}", or_dash(a), or_dash(b)),
    };
    (note, same)
}

fn other_words(class: &Class) -> String {
    let truth = at(&class.fate, class.hop.as_deref());
    let other = class.said.iter().filter(|(words, _)| **words != truth);
    let said: Vec<String> = other.map(|(words, orders)| format!("{orders} said to be {words}")).collect();
    said.join(", ")
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(client: &str, hop: &str, orders: u64, said: &str) -> Class {
        let (hop, said) = (Some(hop.to_owned()), [(said.to_owned(), orders)].into());
        Class { client: client.into(), fate: "lost".into(), hop, orders, said }
    }

    fn differing(a: &[Class], b: &[Class], likeness: Likeness) -> Vec<String> {
        rows(a, b, likeness).into_iter().filter_map(|row| row.differs).collect()
    }

    #[test]
    fn the_same_run_again_has_the_same_number_of_orders_with_each_fate() {
        let [one, other] = [40, 41].map(|orders| [class("retail", "transit", orders, "lost at transit")]);
        assert_eq!(differing(&one, &other, Likeness::Same), ["another number of orders"]);
        assert!(differing(&one, &other, Likeness::Alike).is_empty());
    }

    #[test]
    fn the_same_run_again_is_told_of_in_the_same_words() {
        let [one, other] = ["lost at transit", "ok"].map(|said| [class("retail", "transit", 2, said)]);
        assert_eq!(differing(&one, &other, Likeness::Same), ["the traces say something else of them"]);
        assert_eq!(rows(&one, &other, Likeness::Alike)[0].note, "- | 2 said to be ok");
    }

    #[test]
    fn a_fate_that_only_one_run_knows_is_a_difference_however_few_have_it() {
        let one = [class("retail", "transit", 40, "lost at transit"), class("retail", "process", 1, "lost at process")];
        let other = [class("api_partner", "transit", 3, "lost at transit")];
        assert_eq!(differing(&one, &other, Likeness::Alike), ["in one of them alone"]);
    }
}
