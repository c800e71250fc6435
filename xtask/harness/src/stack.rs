//! The words of `cargo xtask stack`: the same for the command line that shows them and for the binary that obeys.

use clap::Subcommand;

/// What to do with the open stack. `LOUPE_STACK` names another than `stack`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum Stack {
    /// Start RabbitMQ, Postgres, Jaeger and Elasticsearch, unless they are up, and say where they are; runs in containers then use them
    Up,
    /// Remove it
    Down,
    /// Say what runs, since when, in which version, and whether it fits; exit 1 when a run could not use it
    Status,
}
