//! `ledger.jsonl` and `faults.jsonl`: one JSON object for each order, one for each fault.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use faults::Effect;
use serde::Serialize;

use super::{FaultRun, Ledger};

#[derive(Serialize)]
struct RunLine<'a> {
    started_ns: u64,
    end_ns: u64,
    orders: usize,
    unsettled: Option<&'a str>,
}

#[derive(Serialize)]
struct FaultLine<'a> {
    name: &'a str,
    kind: &'a str,
    inflicted_ns: u64,
    lifted_ns: u64,
    orders: usize,
    summary: BTreeMap<&'static str, usize>,
    effects: Vec<&'a Effect>,
}

impl Ledger {
    /// Writes the ledger: first a line about the run, then one for each order, by reference.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn write_jsonl(&self, out: &mut impl Write) -> io::Result<()> {
        let unsettled = self.unsettled.as_deref();
        let run = RunLine { started_ns: self.started_ns, end_ns: self.end_ns, orders: self.orders.len(), unsettled };
        line(out, &run)?;
        self.orders.iter().try_for_each(|account| line(out, account))
    }

    /// Writes the faults, one line each, with what they did.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn write_faults_jsonl(&self, out: &mut impl Write) -> io::Result<()> {
        self.faults.iter().try_for_each(|run| line(out, &self.fault_line(run)))
    }

    fn fault_line<'a>(&'a self, run: &'a FaultRun) -> FaultLine<'a> {
        let effects: Vec<&Effect> = self.effects_of(&run.fault.name).collect();
        let mut summary = BTreeMap::new();
        let mut orders: Vec<&str> = effects.iter().filter_map(|effect| effect.order_id.as_deref()).collect();
        orders.sort_unstable();
        orders.dedup();
        for effect in &effects {
            *summary.entry(effect.what.name()).or_default() += 1;
        }
        FaultLine {
            name: &run.fault.name,
            kind: run.fault.kind.name(),
            inflicted_ns: run.inflicted_ns,
            lifted_ns: run.lifted_ns,
            orders: orders.len(),
            summary,
            effects,
        }
    }

    /// What one fault did.
    pub fn effects_of<'a>(&'a self, fault: &'a str) -> impl Iterator<Item = &'a Effect> {
        self.effects.iter().filter(move |effect| effect.fault == fault)
    }
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
