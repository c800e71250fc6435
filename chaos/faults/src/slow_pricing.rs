//! A share of the price calculations begun meanwhile takes a fixed, long time.
//!
//! What waits behind them waits too: a consumer that calculates in its message handler blocks its queue, and RabbitMQ's
//! consumer timeout (30 minutes by default) takes the message away from it and delivers it again.

use crate::{
    deed::{Calculation, Deed, PricingFault},
    definition::{BOTH, Definition},
};

/// The fault.
pub static SLOW_PRICING: Definition = Definition {
    name: "slow-pricing",
    does: "{share} of the calculations begun meanwhile take {takes}",
    worlds: BOTH,
    deed: |given| Deed::Pricing(PricingFault { share: given.share(), how: Calculation::Slow(given.span("takes")) }),
};
