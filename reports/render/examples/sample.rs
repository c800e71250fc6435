//! Writes a sample report of each kind into a folder: `cargo run -p render --example sample -- <folder>`.

use std::{fs, path::Path};

use judge::{judge, sample};
use render::{Screen, html, terminal};

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    for (name, case) in
        [("broker-kill", sample::broker_kill()), ("blind-hop", sample::blind_hop()), ("calm-week", sample::calm_week())]
    {
        let judged = judge(case);
        fs::write(Path::new(&folder).join(format!("{name}.html")), html(&judged.report, &judged.bad_orders))?;
        fs::write(Path::new(&folder).join(format!("{name}.txt")), terminal(&judged.report, &Screen::default()))?;
    }
    Ok(())
}
