//! The bare SimPy model, where Python has SimPy.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

/// A model that can be run.
pub(super) struct Simpy {
    script: PathBuf,
}

impl Simpy {
    /// Our own model, or another one of the same habits; why there is none otherwise.
    pub(super) fn find(root: &Path, other: Option<&str>) -> Result<Self, String> {
        let script = other.map_or_else(|| root.join("xtask/bench/simpy_order_model.py"), PathBuf::from);
        let said = Command::new("python3").args(["-c", "import simpy"]).output();
        match said {
            Ok(said) if said.status.success() => Ok(Self { script }),
            Ok(_) => Err("python3 has no module simpy".to_owned()),
            Err(_) => Err("no python3".to_owned()),
        }
    }

    /// Runs the model: `script ORDERS` prints a line with `orders/s=RATE`.
    pub(super) fn orders_per_second(&self, orders: u64) -> Result<f64> {
        let script = self.script.display();
        let said = Command::new("python3").arg(&self.script).arg(orders.to_string()).output().context("cannot run python3")?;
        ensure!(said.status.success(), "{script}: {}", String::from_utf8_lossy(&said.stderr));
        rate(&String::from_utf8_lossy(&said.stdout)).with_context(|| format!("{script} printed no orders/s"))
    }
}

fn rate(said: &str) -> Option<f64> {
    let (_, rate) = said.split_once("orders/s=")?;
    rate.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_found_among_other_words() {
        assert_eq!(rate("simpy  n=20000 wall= 2.1s orders/s=      9612 events/s=1"), Some(9612.0));
        assert_eq!(rate("orders/s=9612\n"), Some(9612.0));
        assert_eq!(rate("nothing"), None);
    }
}
