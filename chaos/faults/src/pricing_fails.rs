//! A share of the price calculations begun meanwhile ends without a price.
//!
//! What tries again gets a price in the end. What has acknowledged its message before the work does not try again.

use crate::{
    deed::{Calculation, Deed, PricingFault},
    definition::{Definition, SIMULATED},
};

/// The fault.
pub static PRICING_FAILS: Definition = Definition {
    name: "pricing-fails",
    does: "{share} of the calculations begun meanwhile fail",
    worlds: SIMULATED,
    deed: |given| Deed::Pricing(PricingFault { share: given.share(), how: Calculation::Fails }),
};
