//! What the faults did, and how much of that shows.

use judge::words;

use crate::{Likeness, Row, summary::Fault};

pub(crate) fn rows(a: &[Fault], b: &[Fault], likeness: Likeness) -> Vec<Row> {
    let find = |faults: &'_ [Fault], name: &str| faults.iter().find(|fault| fault.name == name).cloned();
    let only_b = b.iter().filter(|fault| find(a, &fault.name).is_none());
    a.iter().chain(only_b).map(|fault| row(&fault.name, find(a, &fault.name), find(b, &fault.name), likeness)).collect()
}

fn row(name: &str, a: Option<Fault>, b: Option<Fault>, likeness: Likeness) -> Row {
    let differs = match (&a, &b) {
        (Some(a), Some(b)) if likeness == Likeness::Same && a != b => Some("it did something else"),
        (Some(a), Some(b)) if (a.effects == 0) != (b.effects == 0) => Some("it has an effect in one of them alone"),
        (Some(a), Some(b)) if (a.orders == 0) != (b.orders == 0) => Some("it made orders bad in one of them alone"),
        (Some(a), Some(b)) if (a.exposed == a.orders) != (b.exposed == b.orders) => Some("one of them does not expose all of it"),
        (Some(_), Some(_)) => None,
        _ => Some("in one of them alone"),
    };
    Row { differs: differs.map(str::to_owned), ..Row::new(name, says(a.as_ref()), says(b.as_ref())) }
}

fn says(fault: Option<&Fault>) -> String {
    let Some(Fault { effects, orders, exposed, .. }) = fault else { return "-".to_owned() };
    let (effects, exposed) = (words::several(*effects, "effect"), words::count(*exposed));
    format!("{effects}, {exposed} of {} exposed", words::count(*orders))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(effects: u64, orders: u64, exposed: u64) -> Fault {
        Fault { name: "broker-kill@1".into(), effects, orders, exposed }
    }

    fn differs(a: Fault, b: Fault) -> Option<String> {
        rows(&[a], &[b], Likeness::Alike).remove(0).differs
    }

    #[test]
    fn numbers_may_differ_and_what_is_there_may_not() {
        assert_eq!(differs(fault(76, 68, 68), fault(50, 40, 40)), None);
        assert_eq!(differs(fault(76, 68, 68), fault(0, 0, 0)).as_deref(), Some("it has an effect in one of them alone"));
        assert_eq!(differs(fault(76, 68, 68), fault(4, 0, 0)).as_deref(), Some("it made orders bad in one of them alone"));
        assert_eq!(differs(fault(76, 68, 68), fault(76, 68, 67)).as_deref(), Some("one of them does not expose all of it"));
    }

    #[test]
    fn a_fault_of_one_run_alone_is_a_difference() {
        let found = rows(&[], &[fault(1, 1, 1)], Likeness::Alike);
        assert_eq!((found[0].a.as_str(), found[0].differs.as_deref()), ("-", Some("in one of them alone")));
    }
}
