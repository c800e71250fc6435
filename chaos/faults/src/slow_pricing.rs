//! A share of the price calculations begun meanwhile takes a fixed, long time.
//!
//! What waits behind them waits too: a consumer that calculates in its message handler blocks its queue, and RabbitMQ's
//! consumer timeout (30 minutes by default) takes the message away from it and delivers it again. Worlds: simulated, containers.

/// The fault's name.
pub const NAME: &str = "slow-pricing";
